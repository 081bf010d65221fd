/* Taking a run down: save evidence, end children, let the runner remove the rest, audit. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "guardian/guardian.h"
#include "muster/clock.h"

/* ---- Children ---- */

/* Reaps until no child runs or the deadline passes. Returns true if none runs. */
static bool await_children(struct muster__guardian *guardian, uint64_t deadline_ms)
{
    for (;;) {
        muster__children_reap(guardian);
        if (!muster__children_run(guardian)) {
            return true;
        }
        int left_ms = muster_clock_left_ms(deadline_ms);
        if (left_ms == 0) {
            return false;
        }
        struct pollfd ready = { .fd = guardian->signal_fd, .events = POLLIN };
        poll(&ready, 1, left_ms);
        struct {
            char bytes[128];
        } signal_info; /* A struct signalfd_siginfo. Its content is not needed. */
        while (read(guardian->signal_fd, &signal_info, sizeof signal_info) > 0) {
        }
    }
}

static void signal_children(struct muster__guardian *guardian, int signal)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        muster__child_signal(guardian, i, signal);
    }
}

static void mark_killed(struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        struct muster__child *child = &guardian->children[i];
        child->had_to_be_killed = child->running && child->node != MUSTER_NO_NODE && !child->flooded;
    }
}

/* A node that the test stopped earlier was judged then. Do not judge it again. */
static void forget_gone(struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        struct muster__child *child = &guardian->children[i];
        child->told_to_end = child->told_to_end && child->running;
    }
}

/* Names the first node that did not end as it should. */
static enum muster_rc judge_ends(const struct muster__guardian *guardian, uint32_t grace_ms,
                                 struct muster_error *err)
{
    const struct muster_system *system = guardian->session->plan->system;
    enum muster_rc rc = MUSTER_OK;
    for (size_t i = 0; i < guardian->child_count && rc == MUSTER_OK; i++) {
        const struct muster__child *child = &guardian->children[i];
        if (child->had_to_be_killed) {
            rc = muster_error_set(err, MUSTER_ENODE, "node-%u ignored SIGTERM for %.1f s and was killed",
                                  child->node, (double)grace_ms / 1000.0);
        } else if (child->told_to_end && child->node != MUSTER_NO_NODE && !child->running) {
            rc = muster_exit_judge(&child->exit, system == NULL ? 0 : system->end_code, child->node, err);
        }
    }
    return rc;
}

static void end_children(struct muster__guardian *guardian, uint32_t grace_ms)
{
    muster__children_reap(guardian); /* A node that has ended by now was not told to end by the clean-up. */
    forget_gone(guardian);
    /* Continue paused nodes before SIGTERM, not after it. SIGCONT cancels the SIGSTOP by which a tracer
     * attaches, and a sanitizer's leak check attaches a tracer at exit. */
    signal_children(guardian, SIGCONT);
    signal_children(guardian, SIGTERM);
    if (!await_children(guardian, muster_clock_ms() + grace_ms)) {
        mark_killed(guardian);
        signal_children(guardian, SIGKILL);
        await_children(guardian, muster_clock_ms() + MUSTER__KILL_TIMEOUT_MS);
    }
}

/* ---- Down ---- */

/* Reports the strays that could not be ended first, then what the audit found. */
static enum muster_rc audit(const struct muster__guardian *guardian, const struct muster_ledger_view *view,
                            struct muster_error *err)
{
    const char *strays = guardian->strays.text;
    struct muster_error found = { 0 };
    enum muster_rc rc = muster__audit(guardian->session->runner, view, &found);
    if (guardian->strays.count > 0) {
        return muster_error_set(err, MUSTER_ELEAK, "left behind: %s%s%.2000s", strays,
                                rc == MUSTER_OK ? "" : "; ", found.text);
    }
    return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", found.text);
}

static enum muster_rc take_down_rest(struct muster__guardian *guardian, uint32_t grace_ms,
                                     struct muster_error *err)
{
    const struct muster_session *session = guardian->session;
    struct muster_ledger_view *view = NULL;
    enum muster_rc rc = muster_ledger_read(session->directory, &view, err);
    if (rc == MUSTER_OK && session->runner->down != NULL) {
        rc = session->runner->down(view, grace_ms, err);
    }
    if (rc == MUSTER_OK || rc == MUSTER_ENODE) { /* MUSTER_ENODE: all is gone, but a node had to be killed. */
        struct muster_error found = { 0 };
        enum muster_rc audit_rc = audit(guardian, view, &found);
        if (audit_rc != MUSTER_OK) {
            muster_error_clear(err);
            rc = muster_error_set(err, audit_rc, "%s", found.text);
        }
    }
    muster_ledger_view_destroy(view);
    return rc;
}

void muster__guardian_collect(struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    struct muster_ledger_view *view = NULL;
    if (guardian->cluster != MUSTER__CLUSTER_UP) {
        return;
    }
    if (session->runner->collect != NULL &&
        muster_ledger_read(session->directory, &view, NULL) == MUSTER_OK) {
        muster__best_effort(session->runner->collect(view, NULL));
    }
    muster__cluster_move(&guardian->cluster, MUSTER__CLUSTER_SAVED);
    muster_ledger_view_destroy(view);
}

enum muster_rc muster__guardian_take_down(struct muster__guardian *guardian, bool preserve, uint32_t grace_ms,
                                          struct muster_error *err)
{
    if (muster__cluster_is_settled(guardian->cluster)) {
        return MUSTER_OK;
    }
    muster__guardian_collect(guardian);
    muster__cluster_move(&guardian->cluster, MUSTER__CLUSTER_GOING_DOWN);
    end_children(guardian, grace_ms);
    /* No tool runs now: collect() has returned and down() has not begun. */
    muster__strays_end(guardian);
    if (preserve) {
        muster__cluster_move(&guardian->cluster, MUSTER__CLUSTER_PRESERVED);
        return muster__ledger_state(guardian->session->ledger, "preserved", err);
    }
    enum muster_rc rc = take_down_rest(guardian, grace_ms, err);
    bool down = rc == MUSTER_OK || rc == MUSTER_ENODE;
    muster__cluster_move(&guardian->cluster, down ? MUSTER__CLUSTER_DOWN : MUSTER__CLUSTER_LEFT);
    return rc != MUSTER_OK ? rc : judge_ends(guardian, grace_ms, err);
}
