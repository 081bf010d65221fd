/* Watching the nodes that chaos touched, until each is back or too late. */
#include "parts/chaos/watch.h"

#include <stdio.h>

#include "base/json.h"
#include "muster/clock.h"
#include "run/internal.h"
#include "run/observe.h"

static void look_at_node(struct muster__chaos *chaos, uint32_t node, const struct muster_progress *best)
{
    struct muster_run *run = chaos->run;
    struct muster__deed *deed = &chaos->deeds[node];
    struct muster_node_view view;
    muster_node_view(run, node, &view);
    struct muster__sight sight = { .height = view.progress.height,
                                   .changed_ms = view.changed_ms,
                                   .best_height = best->height };
    /* What it said before it went says nothing; the feed drops answers that were on their way then. */
    sight.answers = view.state == MUSTER_NODE_RUNNING && deed->return_ms != 0 &&
                    view.answered_ms >= deed->return_ms && view.failing_since_ms == 0;
    if (!sight.answers) {
        snprintf(sight.failing_text, sizeof sight.failing_text, "%.159s", view.failing_text);
    }
    sight.on_tree = muster__run_common_height(run, &view.progress, best, &sight.common_height) == MUSTER_OK;
    if (sight.answers && deed->height_back == 0) {
        deed->height_back = sight.height;
    }
    deed->sight = sight;
}

static bool others_are_away(const struct muster__chaos *chaos, uint32_t node)
{
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        if (i != node && chaos->open[i] && chaos->deeds[i].return_ms == 0) {
            return true;
        }
    }
    return false;
}

void muster__chaos_end_deed(struct muster__chaos *chaos, uint32_t node, enum muster__recovery recovery,
                            uint64_t now_ms)
{
    struct muster__deed *deed = &chaos->deeds[node];
    struct muster_error cause = { 0 };
    if (recovery == MUSTER__RECOVERY_RED) {
        (void)muster__recovers_describe(deed, &chaos->terms, now_ms, &cause);
        (void)muster_error_set(&chaos->red, cause.rc, "%s", cause.text);
    }
    muster_run_event(chaos->run, recovery == MUSTER__RECOVERY_RED ? "chaos_red" : "chaos_recovered",
                     "{s:I, s:I, s:s, s:I, s:I, s:I, s:o}", "number", (json_int_t)deed->number, "node",
                     (json_int_t)node, "action", muster__chaos_action_name(deed->action), "height",
                     (json_int_t)deed->sight.height, "best_height", (json_int_t)deed->sight.best_height,
                     "took_ms", (json_int_t)(deed->return_ms == 0 ? 0 : now_ms - deed->return_ms), "text",
                     muster__json_text(cause.text));
    muster__recovers_count(&chaos->tally, deed);
    chaos->open[node] = false;
}

void muster__chaos_observe(struct muster__chaos *chaos)
{
    struct muster_progress best;
    pthread_mutex_lock(&chaos->mutex);
    muster__run_best(chaos->run, &best);
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        if (!chaos->open[i]) {
            continue;
        }
        look_at_node(chaos, i, &best);
        uint64_t now_ms = muster_clock_ms();
        enum muster__recovery recovery =
            muster__recovers_judge(&chaos->deeds[i], &chaos->terms, others_are_away(chaos, i), now_ms);
        if (recovery != MUSTER__RECOVERY_PENDING) {
            muster__chaos_end_deed(chaos, i, recovery, now_ms);
        }
    }
    pthread_mutex_unlock(&chaos->mutex);
}
