/* Capture: the feed runs, and every expectation takes its baseline. */
#include "muster/clock.h"
#include "run/attach.h"
#include "run/internal.h"

#define FIRST_SIGHT_MS 5000u
#define FIRST_SIGHT_POLL_MS 5u

/* Names the first node that the feed has not seen yet; false when it has seen all. */
static bool is_unseen(struct muster_run *run, uint32_t *node)
{
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        muster__feed_view(run->feed, i, &view);
        if (view.answered_ms == 0) {
            *node = i;
            return true;
        }
    }
    return false;
}

/* A baseline taken before the feed knows the chain would count old blocks as new. */
static enum muster_rc await_first_sight(struct muster_run *run, struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t limit_ms = (uint64_t)(FIRST_SIGHT_MS * run->plan->slowdown);
    uint64_t deadline_ms = muster_clock_ms() + limit_ms;
    for (;;) {
        uint32_t node = 0;
        struct muster_feed_stats stats;
        muster__feed_get_stats(run->feed, &stats);
        bool chain_unseen = run->plan->system->request_block != NULL && stats.best_tip.text[0] == '\0';
        bool node_unseen = is_unseen(run, &node);
        if (!node_unseen && !chain_unseen) {
            muster__feed_begin_history(run->feed);
            return MUSTER_OK;
        }
        enum muster_rc rc = muster__nodes_failure(run->nodes, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            struct muster_node_view view;
            muster__feed_view(run->feed, node, &view);
            return muster_error_set(
                err, MUSTER_ETIMEDOUT, "the chain of node-%u was not seen within %.1f s: %s", node,
                (double)limit_ms / 1000.0,
                view.failing_since_ms != 0 ? view.failing_text : "no block of its tip yet");
        }
        muster__run_wait(run, muster_clock_ms() + FIRST_SIGHT_POLL_MS, &changes);
    }
}

enum muster_rc muster__run_capture(struct muster_run *run, struct muster_error *err)
{
    muster__run_enter(run, MUSTER_CAPTURE);
    enum muster_rc rc = muster__feed_start(run->feed, err);
    if (rc == MUSTER_OK) {
        rc = await_first_sight(run, err);
    }
    if (rc == MUSTER_OK && run->session->runner->attaches) {
        rc = muster__network_resume_wallets(run, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        const struct muster_expectation *it = &run->plan->expectations[i];
        rc = it->capture == NULL ? MUSTER_OK : it->capture(run, it->context, err);
        if (rc != MUSTER_OK) {
            return muster_error_context(err, rc, "taking the baseline of expectation '%s'", it->name);
        }
    }
    /* A node that died after its probe is not worth a window. */
    return muster__nodes_failure(run->nodes, err);
}
