/* The guardian: a small process outside the test's group that owns what must not outlive the test. */
#ifndef MUSTER_SRC_GUARDIAN_H
#define MUSTER_SRC_GUARDIAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guardian/charge.h"
#include "guardian/state.h"
#include "guardian/wire.h"
#include "ledger/audit.h"
#include "muster/session.h"

#define MUSTER__PROCESS_NAME_BYTES 48
#define MUSTER__KILL_TIMEOUT_MS 5000u /* From KILL until the kernel must have ended a process. */
#define MUSTER__LOG_BYTES_MAX (64u * 1024u * 1024u) /* Of a node's output; more is a flood. */

/* A process the guardian started. Its number in the table is its name in messages. */
struct muster__child {
    pid_t pid;
    uint32_t node; /* Or MUSTER_NO_NODE. */
    bool running;
    bool flooded;
    bool told_to_end; /* By TERM or KILL, while it ran. */
    bool had_to_be_killed;
    char *log_paths[2]; /* stdout's and stderr's; may be NULL. */
    struct muster_exit exit;
};

struct muster__guardian {
    const struct muster_session *session;
    int socket_fd;
    int outcome_fd;
    int signal_fd;
    int parent_pidfd;
    int test_pidfd; /* -1 until the test said hello. */
    int stderr_fd; /* For the last words when nobody else is left to say them. */
    int lease_fd;
    char lease_prefix[16];
    uint64_t oom_kills;
    size_t child_count;
    struct muster__child *children;
    enum muster__test_state test;
    enum muster__cluster_state cluster;
    enum muster_phase phase; /* As the test noted it last. */
    enum muster_verdict verdict; /* 0 until the test or the guardian gives one. */
    char text[MUSTER_ERROR_TEXT_BYTES]; /* The cause; "" after a pass. */
    bool untold; /* The test did not print all of `text`: it died before, or a failure came after it. */
    bool keep_directory; /* The run directory stays. */
    struct muster_audit strays; /* Processes that the clean-up could not end. */
    const char *why; /* The reason in MUSTER__TEST_ABANDONED, else NULL. */
    uint64_t gone_ms; /* Monotonic time at which an abandoned test's clean-up began, else 0. */
    char *packet; /* MUSTER__PACKET_BYTES */
};

/** For what is only worth trying: evidence, farewells. A clean-up does not stop for it. */
static inline void muster__best_effort(enum muster_rc rc)
{
    (void)rc;
}

/** Forks the guardian of a session, twice, and waits until it says who it is. Sets the session's
 * test_fd, outcome_fd and guardian_pid. MUSTER_EINFRA: no guardian, nothing is left. */
MUSTER_MUST_USE enum muster_rc muster__guardian_start(struct muster_session *session,
                                                      struct muster_error *err);

/* loop.c */
/** Serves the test until it is done or gone; guardian->why says which. */
void muster__guardian_run(struct muster__guardian *guardian);

/* parent.c: the forking process's side. */
/** Reaps the process in between and reads who the guardian is. */
MUSTER_MUST_USE enum muster_rc muster__guardian_greet(struct muster_session *session, pid_t between,
                                                      struct muster_error *err);
/** Waits until the guardian has said how it ended. MUSTER_OK; MUSTER_EINFRA, it died or took too long. */
MUSTER_MUST_USE enum muster_rc muster__guardian_await(struct muster_session *session, uint64_t deadline_ms,
                                                      struct muster_outcome *ret, struct muster_error *err);

/* child_start.c */
MUSTER_MUST_USE enum muster_rc muster__child_spawn(struct muster__guardian *guardian, const json_t *request,
                                                   uint32_t *ret, struct muster_error *err);
/** What the ledger calls a process, as long as it is not reaped. */
void muster__process_name(pid_t pid, char name[MUSTER__PROCESS_NAME_BYTES]);

/* children.c */
/** Reaps all that have ended: kills the rest of each group, writes the ledger, tells the test. */
void muster__children_reap(struct muster__guardian *guardian);
/** To the group of a child that was not reaped yet. */
void muster__child_signal(struct muster__guardian *guardian, size_t process, int signal);
bool muster__children_run(const struct muster__guardian *guardian);
/** Looks at the size of every running node's log; a flooding node is stopped and reported once. */
void muster__children_check_logs(struct muster__guardian *guardian);
void muster__children_free(struct muster__guardian *guardian);

/* strays.c */
/** Ends whoever descends from a child, bounded, and notes in guardian->strays who stays. Whatever is our
 * child by now is killed: no tool may be under way. */
void muster__strays_end(struct muster__guardian *guardian);

/* take_down.c */
/** Has the runner save the evidence, once. */
void muster__guardian_collect(struct muster__guardian *guardian);
/** Ends all children, has the runner take down the rest, audits. See muster__guardian_clean_up(). */
enum muster_rc muster__guardian_take_down(struct muster__guardian *guardian, bool preserve, uint32_t grace_ms,
                                          struct muster_error *err);

/* last_words.c */
/** After the loop: clean-up if the test did not ask for it, verdict, run directory, outcome. */
void muster__guardian_last_words(struct muster__guardian *guardian);

#endif
