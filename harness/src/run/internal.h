/* A run in the making: what the files that carry it through its phases share. */
#ifndef MUSTER_SRC_RUN_INTERNAL_H
#define MUSTER_SRC_RUN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"
#include "evidence/events.h"
#include "evidence/findings.h"
#include "guardian/charge.h"
#include "guardian/client.h"
#include "http/http.h"
#include "muster/run.h"
#include "muster/session.h"
#include "nodes/nodes.h"

#define MUSTER__OUTAGES_MAX 1024u

struct muster__phase_times {
    uint64_t began_ms; /* Monotonic; 0: never entered. */
    uint64_t ended_ms;
    uint64_t began_wall_ms;
};

/* One workload's thread. The run's mutex guards all but `thread`. */
struct muster__worker {
    struct muster_run *run;
    const struct muster_workload *workload;
    pthread_t thread;
    bool started;
    bool ended; /* Its function returned. */
    bool gone; /* Joined, or given up. */
    uint64_t ended_ms;
    struct muster_error err; /* Of its function alone, until it ended. */
};

/* A stretch of time in which at least one node was down because someone asked for it. */
struct muster__outage {
    uint64_t began_ms;
    uint64_t ended_ms; /* 0: lasts. */
    uint32_t down_most; /* Nodes that were down at once. */
};

/* Lock order: never call nodes, feed or http with `mutex` held; their callbacks take it. */
struct muster_run {
    struct muster_session *session;
    const struct muster_plan *plan;
    pthread_t test_thread;

    struct muster_events *events;
    struct muster_nodes *nodes;
    struct muster_http *http;
    void *observation; /* Of the plan's observer; see run/observe.h. */
    struct muster_guardian_client *guardian;
    struct muster_deployment *deployment;
    void *runner_state;
    bool runner_was_up;

    _Atomic enum muster_phase phase;
    _Atomic uint64_t opened_ms; /* The window; monotonic, 0 while not known. */
    _Atomic uint64_t closes_ms;
    _Atomic uint64_t closed_ms;
    _Atomic bool stopping; /* Workloads are to end. */

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* On the monotonic clock. */
    uint64_t changes; /* Counts what `changed` was signalled for. */
    struct muster__phase_times phases[MUSTER_PHASE_COUNT];
    struct muster_error failure; /* The first cause; rc MUSTER_OK while there is none. */
    size_t worker_count;
    struct muster__worker workers[MUSTER_PARTS_MAX];
    bool worker_given_up; /* A thread still uses the run: it is never freed. */

    pthread_mutex_t control; /* One node is controlled at a time. */
    uint32_t controls_under_way;
    uint32_t controls_done;
    bool down[MUSTER_NODES_MAX]; /* Asked to be down. */
    uint64_t down_ms[MUSTER_NODES_MAX]; /* When it last was; 0: never. */
    uint32_t down_count;
    size_t outage_count;
    struct muster__outage outages[MUSTER__OUTAGES_MAX];

    pthread_mutex_t system; /* Around the slots of muster_system that change its state. */

    /* The rest belongs to the test's thread. */
    bool executed;
    bool evaluated;
    bool summarised;
    bool kept; /* The run directory stays. */
    enum muster_verdict verdict; /* 0 while it runs. */
    struct muster_report reports[MUSTER_PARTS_MAX]; /* By expectation. */
};

/* ---- run.c ---- */

/** A run of `session` with nothing in it yet. NULL when memory is out. */
struct muster_run *muster__run_create(struct muster_session *session);
/** Frees the run itself; what it points at must be gone. */
void muster__run_destroy(struct muster_run *run);

/** Ends the phase that was and begins another: times, an event, a note to the guardian. */
void muster__run_enter(struct muster_run *run, enum muster_phase phase);
/** Ends the last phase. */
void muster__run_leave(struct muster_run *run);
/** Tells the guardian the phase and how it stands. */
void muster__run_note(struct muster_run *run);
/** Wakes all who wait on the run; a callback for muster__nodes_on_change(). */
void muster__run_wake(void *run);
/** Waits until `until_ms` (monotonic) or until something changed since `*changes`, which it updates. */
void muster__run_wait(struct muster_run *run, uint64_t until_ms, uint64_t *changes);
/** Records the first cause of the run's failure, with its event; later ones are dropped. Any thread. */
void muster__run_fail(struct muster_run *run, const struct muster_error *cause);
/** As muster__run_fail(), but a cause that is not the first is added to the text of the first. */
void muster__run_also(struct muster_run *run, const struct muster_error *cause);
/** The first cause so far, also of the nodes. MUSTER_OK or its code; err may be NULL. */
enum muster_rc muster__run_failure(struct muster_run *run, struct muster_error *err);
/** Seconds since the run began, for messages. */
double muster__run_seconds(const struct muster_run *run, uint64_t monotonic_ms);

/* ---- capture.c ---- */

/** Starts the feed, waits until it has seen every node, and has all expectations take their baseline. */
MUSTER_MUST_USE enum muster_rc muster__run_capture(struct muster_run *run, struct muster_error *err);

/* ---- workers.c ---- */

/** Starts a thread for each workload of the plan. */
enum muster_rc muster__workers_start(struct muster_run *run, struct muster_error *err);
/** Tells all workloads to end and waits for them, bounded. One that does not end becomes a failure. */
void muster__workers_stop(struct muster_run *run);

/* ---- settle.c ---- */

/** Cooldown and settle: returns when nothing more is to come, or when its time is up. */
void muster__run_settle(struct muster_run *run);

/* ---- node_control.c, node_progress.c ---- */

/** The time a node, or all, may take until ready. */
uint64_t muster__run_ready_ms(const struct muster_run *run);
/** Resumes a node that is paused, starts one that is stopped; MUSTER_OK where it runs. As
 * muster_node_start(), but also for a workload's thread after the window has closed: who took a node away may
 * bring it back. */
MUSTER_MUST_USE enum muster_rc muster__node_bring_back(struct muster_run *run, uint32_t node,
                                                       struct muster_error *err);

#define MUSTER__ANSWER_MS 2000u /* Times slow-down: what a node gets to say how far it is. */

/* What a node said of itself when it was asked. */
struct muster__answer {
    enum muster_rc rc;
    struct muster_progress progress; /* On MUSTER_OK. */
    char text[256]; /* Why not, else. */
};
/** Asks all nodes that run how far they are, at once. answers: one per node; ESKIP for those not asked. */
void muster__ask_progress(struct muster_run *run, uint32_t timeout_ms, struct muster__answer *answers);

#endif
