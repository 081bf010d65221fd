/* The feed as the observer of a run: how runs of chains follow their nodes. */
#include "muster/observer.h"
#include "muster/chain.h"

#include <jansson.h>

#include "chain/consensus.h"
#include "chain/feed/feed.h"
#include "chain/feed/kinship.h"
#include "chain/transactions/attach_wallets.h"
#include "muster/clock.h"
#include "run/internal.h"

#define FIRST_SIGHT_MS 5000u
#define FIRST_SIGHT_POLL_MS 5u

static enum muster_rc create(struct muster_run *run, void **ret, struct muster_error *err)
{
    struct muster_feed *feed = NULL;
    enum muster_rc rc = muster__feed_create(run->plan, run->http, run->nodes, run->events, &feed, err);
    *ret = feed;
    return rc;
}

/* ---- The first sight ---- */

/* Names the first node that the feed has not seen yet; false when it has seen all. */
static bool is_unseen(struct muster_run *run, struct muster_feed *feed, uint32_t *node)
{
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        muster__feed_view(feed, i, &view);
        if (view.answered_ms == 0) {
            *node = i;
            return true;
        }
    }
    return false;
}

static enum muster_rc describe_unseen(struct muster_feed *feed, uint32_t node, uint64_t limit_ms,
                                      struct muster_error *err)
{
    struct muster_node_view view;
    muster__feed_view(feed, node, &view);
    return muster_error_set(err, MUSTER_ETIMEDOUT, "the chain of node-%u was not seen within %.1f s: %s",
                            node, (double)limit_ms / 1000.0,
                            view.failing_since_ms != 0 ? view.failing_text : "no block of its tip yet");
}

/* A baseline taken before the feed knows the chain would count old blocks as new. */
static enum muster_rc await_first_sight(struct muster_run *run, struct muster_feed *feed,
                                        struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t limit_ms = (uint64_t)(FIRST_SIGHT_MS * run->plan->slowdown);
    uint64_t deadline_ms = muster_clock_ms() + limit_ms;
    for (;;) {
        uint32_t node = 0;
        struct muster_feed_stats stats;
        muster__feed_get_stats(feed, &stats);
        if (!is_unseen(run, feed, &node) && stats.best_tip.text[0] != '\0') {
            return MUSTER_OK;
        }
        enum muster_rc rc = muster__nodes_failure(run->nodes, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return describe_unseen(feed, node, limit_ms, err);
        }
        muster__run_wait(run, muster_clock_ms() + FIRST_SIGHT_POLL_MS, &changes);
    }
}

static enum muster_rc start(struct muster_run *run, void *self, struct muster_error *err)
{
    enum muster_rc rc = muster__feed_start(self, err);
    if (rc == MUSTER_OK) {
        rc = await_first_sight(run, self, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    muster__feed_begin_history(self);
    return run->session->runner->attaches ? muster__resume_wallets(run, err) : MUSTER_OK;
}

/* ---- The rest of the table ---- */

static void stop(void *self)
{
    muster__feed_stop(self);
}

static void destroy(void *self)
{
    muster__feed_destroy(self);
}

static void node_changed(void *self, uint32_t node)
{
    muster__feed_node_changed(self, node);
}

static void view(void *self, uint32_t node, struct muster_node_view *ret)
{
    muster__feed_view(self, node, ret);
}

static void best(void *self, struct muster_progress *ret)
{
    struct muster_feed_stats stats;
    muster__feed_get_stats(self, &stats);
    *ret = (struct muster_progress){ .tip = stats.best_tip, .height = stats.best_height };
}

static enum muster_rc common_height(void *self, const struct muster_progress *a,
                                    const struct muster_progress *b, uint64_t *ret)
{
    return muster__feed_common_height(self, &a->tip, &b->tip, ret);
}

static void add_to_run_json(void *self, json_t *run)
{
    struct muster_feed_stats stats;
    muster__feed_get_stats(self, &stats);
    json_object_set_new(run, "chain",
                        json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "best_height",
                                  (json_int_t)stats.best_height, "best_tip", stats.best_tip.text,
                                  "blocks_seen", (json_int_t)stats.blocks_seen, "slots_won",
                                  (json_int_t)stats.slots_won, "reorgs", (json_int_t)stats.reorgs,
                                  "deepest_reorg", (json_int_t)stats.deepest_reorg, "propagation_ms_p99",
                                  (json_int_t)muster__feed_propagation_p99_ms(self)));
}

static void add_to_plan_json(const struct muster_plan *plan, json_t *object)
{
    json_object_set_new(object, "wallets", json_integer(plan->wallet_count));
    json_object_set_new(object, "slot_ms", json_integer(plan->slot_ms));
    json_object_set_new(object, "active_slot_coeff", json_real(plan->active_slot_coeff));
    json_object_set_new(object, "security_depth", json_integer(plan->security_depth));
    json_object_set_new(object, "block_interval_ms", json_integer((json_int_t)plan->block_interval_ms));
}

const struct muster_observer muster_chain_observer = { .resolve = muster__consensus_resolve,
                                                       .create = create,
                                                       .start = start,
                                                       .stop = stop,
                                                       .destroy = destroy,
                                                       .node_changed = node_changed,
                                                       .view = view,
                                                       .best = best,
                                                       .common_height = common_height,
                                                       .compare = muster__look_for_block,
                                                       .apart = "no block in common",
                                                       .add_to_run_json = add_to_run_json,
                                                       .add_to_plan_json = add_to_plan_json };
