/* A run: one execution of a plan on a runner, as workloads, expectations and tests see it. */
#ifndef MUSTER_RUN_H
#define MUSTER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/scenario.h"
#include "muster/system.h"

#ifdef __cplusplus
extern "C" {
#endif

enum muster_phase {
    MUSTER_BUILD,
    MUSTER_PROBE,
    MUSTER_DEPLOY,
    MUSTER_CAPTURE,
    MUSTER_EXECUTE,
    MUSTER_SETTLE, /* Cooldown and settle. */
    MUSTER_EVALUATE,
    MUSTER_CLEAN_UP,
    MUSTER_PHASE_COUNT
};
const char *muster_phase_name(enum muster_phase phase);

/** The plan; valid as long as the run. */
const struct muster_plan *muster_run_plan(const struct muster_run *run);
/** The run's id, such as "7c41f09a2b"; valid as long as the run. */
const char *muster_run_id(const struct muster_run *run);
/** The run directory, absolute; valid as long as the run. */
const char *muster_run_directory(const struct muster_run *run);
enum muster_phase muster_run_phase(const struct muster_run *run);
/** Milliseconds since the run began (monotonic); the time in messages and events. */
uint64_t muster_run_elapsed_ms(const struct muster_run *run);
/** Monotonic times between which the window is, was or will be open; 0 while not known. */
void muster_run_window(const struct muster_run *run, uint64_t *opened_ms, uint64_t *closes_ms);
/** A stream of the run's seed; see muster_random_stream(). */
struct muster_random muster_run_random(const struct muster_run *run, const char *label);

/** Whether workloads should go on. */
bool muster_run_active(const struct muster_run *run);
/** Waits, but no longer than the window: MUSTER_OK after duration_ms, else MUSTER_ESTOPPED. In an
 * expectation's evaluate it waits after the window too, for its next look: MUSTER_ESTOPPED once the run has
 * failed. */
MUSTER_MUST_USE enum muster_rc muster_run_sleep(struct muster_run *run, uint64_t duration_ms);

/** Writes one line into events.jsonl: {"event": kind, ...}. `format` as json_pack() knows it ("{s:i}"). */
void muster_run_event(struct muster_run *run, const char *kind, const char *format, ...);

/* ---- Nodes ---- */

/**
 * One request to a node's API; blocks until it is answered or its timeout passes.
 *
 * @param reply  Filled on MUSTER_OK, whatever its status; the caller calls muster_reply_fini().
 * @return MUSTER_OK; MUSTER_EHTTP (no connection, broken off, reply too large); MUSTER_ETIMEDOUT;
 *         MUSTER_ENODE, the node is stopped; MUSTER_EINVAL, there is no such node; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster_node_request(struct muster_run *run, uint32_t node,
                                                   const struct muster_request *request,
                                                   struct muster_reply *reply, struct muster_error *err);

/** Asks a node how far it is, now. As muster_node_request(), and MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc muster_node_progress(struct muster_run *run, uint32_t node,
                                                    struct muster_progress *ret, struct muster_error *err);

/** Waits until a node's tip is at `height` or above. MUSTER_ETIMEDOUT names where it was; MUSTER_ESTOPPED,
 * for a workload, once the window has closed; MUSTER_ENODE, MUSTER_EINVAL and MUSTER_ENOMEM as
 * muster_node_request(). Once the run has failed it waits no longer: the code and the cause are that
 * failure's, whichever it is. */
MUSTER_MUST_USE enum muster_rc muster_node_wait_height(struct muster_run *run, uint32_t node, uint64_t height,
                                                       uint32_t timeout_ms, struct muster_error *err);

/* Node control. All block until it is done: start and restart until the node is ready again (its
 * address may be another then), stop and kill until it is gone, with its data kept.
 * MUSTER_OK; MUSTER_EINVAL, there is no such node; MUSTER_ESKIP, the runner has no node control;
 * MUSTER_ESTATE, such as starting what runs; MUSTER_ESTOPPED, for a workload, once the window has closed:
 * nothing was done; MUSTER_ENODE, such as a node that, told to stop, crashes, exits with a wrong code or has
 * to be killed: it is stopped then, and a restart ends there; MUSTER_ETIMEDOUT; MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster_node_start(struct muster_run *run, uint32_t node,
                                                 struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_node_stop(struct muster_run *run, uint32_t node,
                                                struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_node_kill(struct muster_run *run, uint32_t node,
                                                struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_node_restart(struct muster_run *run, uint32_t node,
                                                   struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_node_pause(struct muster_run *run, uint32_t node,
                                                 struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_node_resume(struct muster_run *run, uint32_t node,
                                                  struct muster_error *err);

enum muster_node_state {
    MUSTER_NODE_ABSENT, /* Not started yet. */
    MUSTER_NODE_RUNNING,
    MUSTER_NODE_PAUSED,
    MUSTER_NODE_STOPPED, /* As asked. */
    MUSTER_NODE_EXITED, /* Unasked: the run has failed. */
};

/* What the feed last saw of a node. */
struct muster_node_view {
    enum muster_node_state state;
    uint32_t restarts;
    uint64_t down_ms; /* Monotonic: when it was last told to stop, die or pause; 0: never. */
    struct muster_progress progress;
    uint64_t changed_ms; /* Monotonic: when its tip last changed; 0: never. */
    uint64_t answered_ms; /* Monotonic: its last good answer; 0: never. */
    uint64_t failing_since_ms; /* Monotonic: first of the bad answers in a row; 0: the last was good. */
    char failing_text[256]; /* What the last bad answer was. */
};
void muster_node_view(struct muster_run *run, uint32_t node, struct muster_node_view *ret);

/* ---- Reports of expectations ---- */

/** Keeps a number with the expectation's result; at most 32 each, names are copied. */
void muster_report_number(struct muster_report *report, const char *name, double value);
/** Keeps a text (such as a list of what was lost) with the expectation's result. */
void muster_report_text(struct muster_report *report, const char *name, const char *format, ...)
    MUSTER_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
