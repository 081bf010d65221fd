/* Cooldown and settle: late blocks and answers arrive, nodes that were controlled catch up. */
#include "muster/clock.h"
#include "progress_line.h"
#include "run_internal.h"

#define POLL_MS_MIN 20u
#define POLL_MS_MAX 500u
#define LAG_BLOCKS_MAX 2u

/* Whether every running node's chain has the best chain up to `needed` and is not far behind it. */
static bool nodes_agree(struct muster_run *run, uint64_t needed)
{
    struct muster_feed_stats best;
    muster__feed_get_stats(run->feed, &best);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        uint64_t common = 0;
        muster__feed_view(run->feed, i, &view);
        if (view.state != MUSTER_NODE_RUNNING) {
            continue;
        }
        if (view.failing_since_ms != 0 || view.progress.height + LAG_BLOCKS_MAX < best.best_height) {
            return false;
        }
        if (run->plan->system->request_block == NULL) {
            continue;
        }
        if (muster__feed_common_height(run->feed, &view.progress.tip, &best.best_tip, &common) != MUSTER_OK ||
            common < needed || common + LAG_BLOCKS_MAX < best.best_height) {
            return false;
        }
    }
    return true;
}

static bool is_settled(struct muster_run *run)
{
    uint64_t needed = 0;
    for (size_t i = 0; i < run->followed_count; i++) {
        uint64_t height = 0;
        run->followed[i].catch_up(run->followed[i].context);
        if (!muster__tracker_settled(run->followed[i].tracker, &height)) {
            return false;
        }
        needed = height > needed ? height : needed;
    }
    return nodes_agree(run, needed);
}

static uint64_t poll_ms(const struct muster_plan *plan)
{
    uint64_t quarter_ms = plan->block_interval_ms / 4;
    return quarter_ms < POLL_MS_MIN ? POLL_MS_MIN : quarter_ms > POLL_MS_MAX ? POLL_MS_MAX : quarter_ms;
}

void muster__run_settle(struct muster_run *run)
{
    struct muster__progress_line line;
    uint64_t changes = 0;
    uint64_t limit_ms = run->plan->settle_ms * (run->controls_done > 0 ? 2ull : 1ull);
    uint64_t deadline_ms = muster_clock_ms() + limit_ms;
    bool settled = false;
    muster__progress_begin(&line, limit_ms);
    while (muster__run_failure(run, NULL) == MUSTER_OK) {
        settled = is_settled(run);
        if (settled || muster_clock_left_ms(deadline_ms) == 0) {
            break;
        }
        muster__progress_update(&line, run);
        uint64_t until_ms = muster_clock_ms() + poll_ms(run->plan);
        muster__run_wait(run, until_ms < deadline_ms ? until_ms : deadline_ms, &changes);
    }
    muster__progress_end(&line);
    muster_run_event(run, "settled", "{s:b}", "early", settled);
}
