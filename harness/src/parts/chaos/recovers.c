/* The expectation "recovers": where its facts come from. */
#include "parts/chaos/recovers_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/wire.h"
#include "muster/clock.h"
#include "parts/chaos/chaos.h"
#include "plan/part.h"
#include "run/internal.h"

#define POLL_MS 50u

/* ---- Looking ---- */

static void look_at_node(struct muster__chaos *chaos, uint32_t node, const struct muster_feed_stats *best)
{
    struct muster_run *run = chaos->run;
    struct muster__deed *deed = &chaos->deeds[node];
    struct muster_node_view view;
    muster__feed_view(run->feed, node, &view);
    struct muster__sight sight = { .height = view.progress.height,
                                   .changed_ms = view.changed_ms,
                                   .best_height = best->best_height };
    /* What it said before it went says nothing; the feed drops answers that were on their way then. */
    sight.answers = view.state == MUSTER_NODE_RUNNING && deed->return_ms != 0 &&
                    view.answered_ms >= deed->return_ms && view.failing_since_ms == 0;
    if (!sight.answers) {
        snprintf(sight.failing_text, sizeof sight.failing_text, "%.159s", view.failing_text);
    }
    sight.on_tree = muster__feed_common_height(run->feed, &view.progress.tip, &best->best_tip,
                                               &sight.common_height) == MUSTER_OK;
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
                     muster__wire_text(cause.text));
    muster__recovers_count(&chaos->tally, deed);
    chaos->open[node] = false;
}

void muster__chaos_observe(struct muster__chaos *chaos)
{
    struct muster_feed_stats best;
    pthread_mutex_lock(&chaos->mutex);
    muster__feed_get_stats(chaos->run->feed, &best);
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

/* ---- The slots ---- */

static enum muster_rc capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__chaos *chaos = context;
    const struct muster_chaos *given = &chaos->options.given;
    (void)err;
    chaos->run = run;
    chaos->fewest_up = run->plan->node_count;
    chaos->terms = (struct muster__recovers_terms){
        .began_ms = run->session->began_ms,
        .bound_ms =
            given->recover_ms != 0 ? given->recover_ms : muster__run_ready_ms(run) + chaos->options.tip_ms,
        .lag_blocks_max = given->lag_blocks_max,
        .has_blocks = run->plan->system->request_block != NULL,
    };
    return MUSTER_OK;
}

static enum muster_rc judge_now(struct muster__chaos *chaos, struct muster_error *err)
{
    muster__chaos_observe(chaos);
    pthread_mutex_lock(&chaos->mutex);
    enum muster_rc rc = chaos->red.rc;
    if (rc != MUSTER_OK) {
        (void)muster_error_set(err, rc, "%s", chaos->red.text);
    }
    pthread_mutex_unlock(&chaos->mutex);
    return rc;
}

static enum muster_rc check(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    return judge_now(context, err);
}

static uint32_t count_open(struct muster__chaos *chaos)
{
    uint32_t count = 0;
    pthread_mutex_lock(&chaos->mutex);
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        count += chaos->open[i];
    }
    chaos->tally.pending = count;
    pthread_mutex_unlock(&chaos->mutex);
    return count;
}

/* The workload is over: who was not told to come back by now never will be. */
static void end_forgotten(struct muster__chaos *chaos)
{
    pthread_mutex_lock(&chaos->mutex);
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        struct muster__deed *deed = &chaos->deeds[i];
        if (chaos->open[i] && deed->return_ms == 0) {
            snprintf(deed->failure, sizeof deed->failure, "it was never told to come back");
            muster__chaos_end_deed(chaos, i, MUSTER__RECOVERY_RED, muster_clock_ms());
        }
    }
    pthread_mutex_unlock(&chaos->mutex);
}

/* Bounded, as every node's bound runs now. Once the run has failed, nothing gets better by waiting. */
static enum muster_rc await_recovery(struct muster_run *run, struct muster__chaos *chaos,
                                     struct muster_error *err)
{
    uint64_t changes = 0;
    for (;;) {
        enum muster_rc rc = judge_now(chaos, err);
        if (rc != MUSTER_OK || count_open(chaos) == 0 || muster__run_failure(run, NULL) != MUSTER_OK) {
            return rc;
        }
        muster__run_wait(run, muster_clock_ms() + POLL_MS, &changes);
    }
}

static enum muster_rc describe_nothing(const struct muster_run *run, const struct muster__chaos *chaos,
                                       struct muster_error *err)
{
    static const char *const why[] = {
        [MUSTER__CHAOS_NONE] = "no action was due before it closed",
        [MUSTER__CHAOS_QUORUM] = "the quorum left no node to spare",
        [MUSTER__CHAOS_NO_NODE] = "no node that may be touched was up and had caught up",
        [MUSTER__CHAOS_NO_TIME] = "it closed too soon for any action",
    };
    uint64_t opened_ms = 0;
    uint64_t closed_ms = 0;
    muster_run_window(run, &opened_ms, &closed_ms);
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "nothing happened to any node in the window of %.1f s: %s (quorum %u of %u nodes, one "
        "action each %u to %u ms)",
        (double)(closed_ms - opened_ms) / 1000.0, why[chaos->obstacle], chaos->options.given.quorum,
        run->plan->node_count, chaos->options.given.min_delay_ms, chaos->options.given.max_delay_ms);
}

static enum muster_rc evaluate(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err)
{
    struct muster__chaos *chaos = context;
    end_forgotten(chaos);
    enum muster_rc rc = await_recovery(run, chaos, err);
    (void)count_open(chaos);
    pthread_mutex_lock(&chaos->mutex);
    muster__recovers_report(&chaos->tally, &chaos->terms, report);
    muster_report_number(report, "up_fewest", chaos->fewest_up);
    muster_report_number(report, "quorum", chaos->options.given.quorum);
    if (rc == MUSTER_OK && muster__recovers_actions(&chaos->tally) + chaos->tally.pending == 0) {
        rc = describe_nothing(run, chaos, err);
    }
    pthread_mutex_unlock(&chaos->mutex);
    return rc;
}

static void destroy(void *context)
{
    struct muster__chaos *chaos = context;
    pthread_mutex_destroy(&chaos->mutex);
    free(chaos);
}

enum muster_rc muster__chaos_make(const struct muster__chaos_options *resolved,
                                  struct muster_workload *workload, struct muster_expectation *recovers,
                                  struct muster_error *err)
{
    struct muster__chaos *chaos = calloc(1, sizeof *chaos);
    if (chaos == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for chaos");
    }
    chaos->options = *resolved;
    pthread_mutex_init(&chaos->mutex, NULL);
    *workload = (struct muster_workload){ .name = "chaos", .run = muster__chaos_run, .context = chaos };
    *recovers = (struct muster_expectation){ .name = "recovers",
                                             .capture = capture,
                                             .check = check,
                                             .evaluate = evaluate,
                                             .context = chaos,
                                             .destroy = destroy };
    return MUSTER_OK;
}
