/* The guardian: a small process outside the test's process group. It owns what must not outlive the test. */
#ifndef MUSTER_SRC_GUARDIAN_GUARDIAN_H
#define MUSTER_SRC_GUARDIAN_GUARDIAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guardian/charge.h"
#include "guardian/state.h"
#include "guardian/wire.h"
#include "ledger/audit.h"
#include "muster/session.h"

#define MUSTER__PROCESS_NAME_BYTES 48
#define MUSTER__KILL_TIMEOUT_MS 5000u /* Time for the kernel to end a process after SIGKILL. */
#define MUSTER__LOG_BYTES_MAX (64u * 1024u * 1024u) /* A node that writes more is flooding. */

/* A process that the guardian started. Messages name it by its index in the table. */
struct muster__child {
    pid_t pid;
    uint32_t node; /* MUSTER_NO_NODE for a tool. */
    bool running;
    bool flooded;
    bool told_to_end; /* It got SIGTERM or SIGKILL from us while it ran. */
    bool had_to_be_killed;
    char *log_paths[2]; /* Of stdout and stderr; may be NULL. */
    struct muster_exit exit;
};

struct muster__guardian {
    const struct muster_session *session;
    int socket_fd;
    int outcome_fd;
    int signal_fd;
    int parent_pidfd;
    int test_pidfd; /* -1 in MUSTER__TEST_AWAITED. */
    int stderr_fd; /* The suite's; the outcome is printed there if the suite program cannot print it. */
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

/** Use for evidence and messages, whose failure must not stop a clean-up. */
static inline void muster__best_effort(enum muster_rc rc)
{
    (void)rc;
}

/** Forks the guardian of a session and waits for its greeting. Sets the session's test_fd, outcome_fd and
 * guardian_pid.
 *
 * @return MUSTER_OK
 *         MUSTER_EINFRA: there is no guardian and nothing was left.
 */
MUSTER_MUST_USE enum muster_rc muster__guardian_start(struct muster_session *session,
                                                      struct muster_error *err);

/* loop.c */
/** Serves the test until muster__test_is_over(). */
void muster__guardian_run(struct muster__guardian *guardian);

/* parent.c: the side of the process that forked the guardian. */
/** Reaps the process between suite program and guardian, then reads the guardian's greeting. */
MUSTER_MUST_USE enum muster_rc muster__guardian_greet(struct muster_session *session, pid_t between,
                                                      struct muster_error *err);
/** Waits for the outcome of the run.
 *
 * @return MUSTER_OK
 *         MUSTER_EINFRA: the guardian died, or deadline_ms passed.
 */
MUSTER_MUST_USE enum muster_rc muster__guardian_await(struct muster_session *session, uint64_t deadline_ms,
                                                      struct muster_outcome *ret, struct muster_error *err);

/* child_start.c */
MUSTER_MUST_USE enum muster_rc muster__child_spawn(struct muster__guardian *guardian, const json_t *request,
                                                   uint32_t *ret, struct muster_error *err);
/** Writes the id that the ledger has for a process. The process must not be reaped yet. */
void muster__process_name(pid_t pid, char name[MUSTER__PROCESS_NAME_BYTES]);

/* children.c */
/** Reaps every child that has ended: kills the rest of its group, writes the ledger, tells the test. */
void muster__children_reap(struct muster__guardian *guardian);
/** Signals the process group of a child. Does nothing if the child has ended. */
void muster__child_signal(struct muster__guardian *guardian, size_t process, int signal);
/** True while at least one child runs. */
bool muster__children_run(const struct muster__guardian *guardian);
/** Checks the log size of every running node. Stops a flooding node and reports it once. */
void muster__children_check_logs(struct muster__guardian *guardian);
void muster__children_free(struct muster__guardian *guardian);

/* strays.c */
/** Kills every descendant, waits up to MUSTER__KILL_TIMEOUT_MS, and notes in guardian->strays what is still
 * there. Call it while no tool runs: it kills every child that the guardian has. */
void muster__strays_end(struct muster__guardian *guardian);

/* take_down.c */
/** Has the runner save the evidence. Does nothing the second time. */
void muster__guardian_collect(struct muster__guardian *guardian);
/** Saves the evidence, ends all children, has the runner take down the rest, audits. Does nothing the second
 * time. Returns what muster__guardian_clean_up() does. */
enum muster_rc muster__guardian_take_down(struct muster__guardian *guardian, bool preserve, uint32_t grace_ms,
                                          struct muster_error *err);

/* last_words.c */
/** Call it after muster__guardian_run(): cleans up if the test did not ask for it, settles the verdict,
 * closes or removes the run directory, and tells the suite program the outcome. */
void muster__guardian_last_words(struct muster__guardian *guardian);

#endif
