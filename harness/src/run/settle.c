/* Cooldown and settle: late effects arrive, nodes that were controlled catch up. */
#include <stdlib.h>

#include "muster/clock.h"
#include "run/internal.h"
#include "run/observe.h"
#include "run/parts.h"
#include "run/progress_line.h"

#define POLL_MS_MIN 20u
#define POLL_MS_MAX 500u
#define LAG_MAX 2u

/* Whether a node that is so far has the best up to `needed`, and is not far behind it. */
static bool has_caught_up(struct muster_run *run, const struct muster_progress *progress,
                          const struct muster_progress *best, uint64_t needed)
{
    uint64_t common = 0;
    return muster__run_common_height(run, progress, best, &common) == MUSTER_OK && common >= needed &&
           common + LAG_MAX >= best->height;
}

/* As far as was observed. */
static bool nodes_agree(struct muster_run *run, uint64_t needed)
{
    struct muster_progress best;
    muster__run_best(run, &best);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        muster_node_view(run, i, &view);
        if (view.state == MUSTER_NODE_RUNNING &&
            (view.failing_since_ms != 0 || !has_caught_up(run, &view.progress, &best, needed))) {
            return false;
        }
    }
    return true;
}

/* As they say themselves: what was observed may have come from elsewhere, such as a stream. */
static bool nodes_say_so(struct muster_run *run, uint64_t needed, uint64_t left_ms)
{
    struct muster_progress best;
    uint64_t timeout_ms = (uint64_t)(MUSTER__ANSWER_MS * run->plan->slowdown);
    struct muster__answer *answers = calloc(run->plan->node_count, sizeof *answers);
    muster__run_best(run, &best);
    bool all = answers != NULL && left_ms > 0;
    if (all) {
        muster__ask_progress(run, (uint32_t)(timeout_ms < left_ms ? timeout_ms : left_ms), answers);
    }
    for (uint32_t i = 0; i < run->plan->node_count && all; i++) {
        all = answers[i].rc == MUSTER_ESKIP ||
              (answers[i].rc == MUSTER_OK && has_caught_up(run, &answers[i].progress, &best, needed));
    }
    free(answers);
    return all;
}

static bool is_settled(struct muster_run *run, uint64_t deadline_ms)
{
    uint64_t needed = 0;
    return muster__parts_settled(run, &needed) && nodes_agree(run, needed) &&
           nodes_say_so(run, needed, muster_clock_left_ms(deadline_ms));
}

static uint64_t poll_ms(const struct muster_plan *plan)
{
    uint64_t quarter_ms = plan->pace_ms / 4;
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
        settled = is_settled(run, deadline_ms);
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
