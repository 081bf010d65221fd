/* The expectation "consensus_liveness": where its facts come from. */
#include "chain/liveness/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/feed/feed_run.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "muster/part.h"
#include "run/internal.h"

#define ROUND_MS_MIN 3000u
#define ROUND_POLL_MS_MIN 50u
#define ROUND_POLL_MS_MAX 1000u
#define ROUNDS_BLOCKS 5u /* Block intervals for which a judgement that fails is repeated. */

struct liveness {
    struct muster_liveness options; /* Resolved. */
    struct muster_feed_subscription *chain;
    uint64_t best_height; /* Highest seen; at first the baseline. */
    uint64_t blocks; /* By which it grew in the window. */
    uint64_t grew_ms; /* When the best chain last grew, or the baseline was taken. */
    bool has_slots;
    bool has_origin;
    int64_t origin_ms; /* See muster__slots_that_count(). */
};

/* What one round looks at. */
struct scene {
    struct muster__answer answers[MUSTER_NODES_MAX];
    struct muster_node_view views[MUSTER_NODES_MAX];
    struct muster__liveness_node nodes[MUSTER_NODES_MAX];
    struct muster__stretch outages[MUSTER__OUTAGES_MAX];
    struct muster__slots slots[MUSTER__OUTAGES_MAX + 1];
};

/* ---- Reading the chain ---- */

static void grow(struct liveness *liveness, struct muster_run *run, uint64_t height, uint64_t at_ms)
{
    uint64_t opened_ms = 0;
    uint64_t closes_ms = 0;
    muster_run_window(run, &opened_ms, &closes_ms);
    if (opened_ms != 0 && at_ms >= opened_ms && at_ms <= closes_ms + run->plan->slot_ms) {
        liveness->blocks += height - liveness->best_height;
    }
    liveness->best_height = height;
    liveness->grew_ms = at_ms > liveness->grew_ms ? at_ms : liveness->grew_ms;
}

static void see_block(struct liveness *liveness, struct muster_run *run,
                      const struct muster_feed_event *event)
{
    if (event->height <= liveness->best_height) {
        return;
    }
    grow(liveness, run, event->height, event->seen_ms);
    if (event->block->slot > 0) {
        int64_t origin_ms = (int64_t)event->seen_ms - (int64_t)(event->block->slot * run->plan->slot_ms);
        liveness->origin_ms =
            liveness->has_origin && liveness->origin_ms < origin_ms ? liveness->origin_ms : origin_ms;
        liveness->has_origin = true;
        liveness->has_slots = true;
    }
}

static void catch_up(struct liveness *liveness, struct muster_run *run)
{
    struct muster_feed_event event;
    enum muster_rc rc = MUSTER_OK;
    while (liveness->chain != NULL && (rc = muster_feed_next(liveness->chain, 0, &event)) == MUSTER_OK) {
        if (event.kind == MUSTER_FEED_BLOCK) {
            see_block(liveness, run, &event);
        }
    }
    if (rc == MUSTER_ENOTFOUND) {
        /* Fell behind: what was missed only matters by its height. */
        muster_feed_unsubscribe(liveness->chain);
        liveness->chain = NULL;
        if (muster_feed_subscribe(run, UINT64_MAX, &liveness->chain, NULL) != MUSTER_OK) {
            liveness->chain = NULL;
        }
    }
}

static enum muster_rc capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct liveness *liveness = context;
    struct muster_feed_stats stats;
    *liveness = (struct liveness){ .options = liveness->options };
    muster__feed_get_stats(muster__run_feed(run), &stats);
    liveness->best_height = stats.best_height;
    liveness->grew_ms = muster_clock_ms();
    muster_run_event(run, "baseline", "{s:s, s:I}", "expectation", "consensus_liveness", "height",
                     (json_int_t)stats.best_height);
    return muster_feed_subscribe(run, UINT64_MAX, &liveness->chain, err);
}

static enum muster_rc check(struct muster_run *run, void *context, struct muster_error *err)
{
    catch_up(context, run);
    return muster__feed_equivocation(muster__run_feed(run), err);
}

/* ---- Facts ---- */

static uint64_t recovery_ms_of(const struct muster_plan *plan)
{
    return plan->block_interval_ms + plan->slot_ms;
}

/* Times in which nodes were down on purpose, with an interval and a slot for them to come back. */
static size_t copy_outages(struct muster_run *run, struct muster__stretch *ret, uint32_t *down_most)
{
    uint64_t recovery_ms = recovery_ms_of(run->plan);
    *down_most = 0;
    pthread_mutex_lock(&run->mutex);
    size_t count = run->outage_count;
    for (size_t i = 0; i < count; i++) {
        const struct muster__outage *it = &run->outages[i];
        ret[i].began_ms = it->began_ms;
        ret[i].ended_ms = it->ended_ms == 0 ? UINT64_MAX : it->ended_ms + recovery_ms;
        *down_most = it->down_most > *down_most ? it->down_most : *down_most;
    }
    pthread_mutex_unlock(&run->mutex);
    return count;
}

static void count_slots(struct liveness *liveness, struct muster_run *run, struct scene *scene,
                        struct muster__liveness_facts *facts)
{
    struct muster__stretch window;
    uint32_t down_most = 0;
    size_t outage_count = copy_outages(run, scene->outages, &down_most);
    muster_run_window(run, &window.began_ms, &window.ended_ms);
    facts->window_s = (double)(window.ended_ms - window.began_ms) / 1000.0;
    if (!liveness->has_origin) {
        return;
    }
    size_t count = muster__slots_that_count(liveness->origin_ms, run->plan->slot_ms, window, scene->outages,
                                            outage_count, scene->slots);
    for (size_t i = 0; i < count; i++) {
        facts->slots += scene->slots[i].to - scene->slots[i].from + 1;
        facts->won += muster__feed_slots_won(muster__run_feed(run), scene->slots[i].from, scene->slots[i].to);
    }
    facts->outage_share_up = 1.0 - (double)down_most / run->plan->node_count;
    count = muster__slots_of_outages(liveness->origin_ms, run->plan->slot_ms, window, scene->outages,
                                     outage_count, recovery_ms_of(run->plan), scene->slots);
    for (size_t i = 0; i < count; i++) {
        facts->outage_slots += scene->slots[i].to - scene->slots[i].from + 1;
        facts->outage_won +=
            muster__feed_slots_won(muster__run_feed(run), scene->slots[i].from, scene->slots[i].to);
    }
}

static void look_at_branch(struct muster_run *run, const struct muster_id *best,
                           const struct muster_progress *progress, struct muster__liveness_node *node)
{
    uint64_t own_height = 0;
    node->on_tree = muster__feed_common_height(muster__run_feed(run), &progress->tip, best,
                                               &node->common_height) == MUSTER_OK;
    node->final_known = progress->final.text[0] != '\0' &&
                        muster__feed_common_height(muster__run_feed(run), &progress->final, &progress->final,
                                                   &own_height) == MUSTER_OK &&
                        muster__feed_common_height(muster__run_feed(run), &progress->final, best,
                                                   &node->final_common_height) == MUSTER_OK;
    node->final_height = own_height;
}

static void look_at_node(struct muster_run *run, uint32_t i, const struct muster_id *best,
                         struct scene *scene)
{
    const struct muster__answer *answer = &scene->answers[i];
    struct muster_node_view *view = &scene->views[i];
    struct muster__liveness_node *node = &scene->nodes[i];
    *node = (struct muster__liveness_node){ .state = view->state, .changed_ms = view->changed_ms };
    if (view->state != MUSTER_NODE_RUNNING) {
        return;
    }
    node->answers = answer->rc == MUSTER_OK && view->failing_since_ms == 0;
    node->failing_since_ms = view->failing_since_ms;
    node->heard_ms = view->answered_ms;
    node->failing_text = view->failing_since_ms != 0 ? view->failing_text : answer->text;
    node->height = answer->progress.height;
    look_at_branch(run, best, &answer->progress, node);
}

/* The newest tips may not have been fetched yet: that is no disagreement, so it gets an interval's time. */
static void await_tips(struct muster_run *run, const struct muster_id *best, struct scene *scene)
{
    uint64_t deadline_ms = muster__fetch_deadline_ms(run);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster__liveness_node *node = &scene->nodes[i];
        const struct muster_progress *progress = &scene->answers[i].progress;
        uint64_t height = 0;
        if (node->answers && !node->on_tree &&
            muster__await_common_height(run, &progress->tip, best, deadline_ms, &height) == MUSTER_OK) {
            look_at_branch(run, best, progress, node);
        }
    }
}

static void look_at_nodes(struct muster_run *run, struct scene *scene, struct muster__liveness_facts *facts)
{
    struct muster_feed_stats best;
    uint32_t timeout_ms = (uint32_t)(MUSTER__ANSWER_MS * run->plan->slowdown);
    /* Best first: what nodes answer then is as new or newer, so that growth is not taken for lag. */
    muster__feed_get_stats(muster__run_feed(run), &best);
    muster__ask_progress(run, timeout_ms, scene->answers);
    facts->best_height = best.best_height;
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        muster_node_view(run, i, &scene->views[i]);
        look_at_node(run, i, &best.best_tip, scene);
    }
    await_tips(run, &best.best_tip, scene);
}

static double share_up(const struct muster__liveness_facts *facts)
{
    uint32_t up = 0;
    for (uint32_t i = 0; i < facts->node_count; i++) {
        up += facts->nodes[i].state == MUSTER_NODE_RUNNING;
    }
    return up == 0 ? 1.0 : (double)up / facts->node_count;
}

/* Silence is bounded from below: no machine is so busy that the shortest slots are all that counts. */
static uint64_t silence_max_ms(const struct muster_plan *plan, const struct liveness *liveness, double up)
{
    uint64_t floor_ms = (uint64_t)(ROUND_MS_MIN * plan->slowdown);
    uint64_t own_ms = muster__liveness_silence_ms(plan->active_slot_coeff, plan->slot_ms, up,
                                                  liveness->options.false_alarm);
    return own_ms > floor_ms ? own_ms : floor_ms;
}

static enum muster_rc judge_round(struct liveness *liveness, struct muster_run *run, struct scene *scene,
                                  struct muster_report *report, struct muster_error *err)
{
    const struct muster_plan *plan = run->plan;
    struct muster__liveness_facts facts = {
        .began_ms = run->session->began_ms,
        .slot_ms = plan->slot_ms,
        .active_slot_coeff = plan->active_slot_coeff,
        .false_alarm = liveness->options.false_alarm,
        .lag_blocks_max = liveness->options.lag_blocks_max,
        .node_count = plan->node_count,
        .nodes = scene->nodes,
    };
    uint64_t propagation_ms = muster__feed_propagation_p99_ms(muster__run_feed(run));
    facts.lag_blocks_plausible = (propagation_ms + plan->block_interval_ms - 1) / plan->block_interval_ms;
    look_at_nodes(run, scene, &facts);
    catch_up(liveness, run);
    count_slots(liveness, run, scene, &facts);
    facts.has_slots = liveness->has_slots;
    facts.blocks = liveness->blocks;
    facts.silent_ms = muster_clock_ms() - liveness->grew_ms;
    facts.silent_ms_max = silence_max_ms(plan, liveness, share_up(&facts));
    enum muster_rc blocks = muster__liveness_judge_blocks(&facts, report, err);
    enum muster_rc nodes = muster__liveness_judge_nodes(&facts, report, err);
    muster_report_number(report, "propagation_ms_p99", (double)propagation_ms);
    return blocks != MUSTER_OK ? blocks : nodes;
}

static uint64_t poll_ms(const struct muster_plan *plan)
{
    uint64_t half_ms = plan->block_interval_ms / 2;
    return half_ms < ROUND_POLL_MS_MIN   ? ROUND_POLL_MS_MIN
           : half_ms > ROUND_POLL_MS_MAX ? ROUND_POLL_MS_MAX
                                         : half_ms;
}

static enum muster_rc judge_rounds(struct liveness *liveness, struct muster_run *run, struct scene *scene,
                                   struct muster_report *report, struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t blocks_ms = ROUNDS_BLOCKS * run->plan->block_interval_ms;
    uint64_t limit_ms = blocks_ms > ROUND_MS_MIN ? blocks_ms : ROUND_MS_MIN;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)((double)limit_ms * run->plan->slowdown);
    for (unsigned round = 1;; round++) {
        struct muster_error cause = { 0 };
        muster__report_clear(report);
        enum muster_rc rc = judge_round(liveness, run, scene, report, &cause);
        /* Once the run has failed, nothing gets better by waiting. */
        if (rc == MUSTER_OK || muster_clock_left_ms(deadline_ms) == 0 ||
            muster__run_failure(run, NULL) != MUSTER_OK) {
            muster_report_number(report, "rounds", round);
            return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", cause.text);
        }
        muster__run_wait(run, muster_clock_ms() + poll_ms(run->plan), &changes);
    }
}

static enum muster_rc evaluate(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err)
{
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to judge liveness");
    }
    enum muster_rc rc = judge_rounds(context, run, scene, report, err);
    free(scene);
    return rc != MUSTER_OK ? rc : muster__feed_equivocation(muster__run_feed(run), err);
}

/* ---- The part ---- */

static void end(struct muster_run *run, void *state)
{
    struct liveness *liveness = state;
    (void)run;
    muster_feed_unsubscribe(liveness->chain);
    liveness->chain = NULL;
}

static enum muster_rc make(const struct muster_plan *plan, const void *options, void **state,
                           struct muster_error *err)
{
    if (plan->system->chain == NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "consensus_liveness is expected, but the system '%s' has no blocks; leave it "
                                "out, or expect what this system has",
                                plan->system->name);
    }
    struct liveness *liveness = calloc(1, sizeof *liveness);
    if (liveness == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for an expectation");
    }
    liveness->options = *(const struct muster_liveness *)options;
    muster__liveness_resolve(&liveness->options);
    *state = liveness;
    return MUSTER_OK;
}

static const struct muster_part liveness_part = {
    .name = "consensus_liveness",
    .expectation = "consensus_liveness",
    .options_bytes = sizeof(struct muster_liveness),
    .make = make,
    .capture = capture,
    .check = check,
    .evaluate = evaluate,
    .end = end,
    .release = free,
};

void muster_expect_consensus_liveness(struct muster_scenario *s, const struct muster_liveness *liveness)
{
    struct muster_liveness given = liveness != NULL ? *liveness : (struct muster_liveness){ 0 };
    if (muster_has_part(s, &liveness_part)) {
        muster_scenario_refuse(s, "consensus_liveness is expected twice; expect it once");
        return;
    }
    /* Written so that NaN fails too; 0 stands for the default. */
    if (!(given.false_alarm >= 0 && given.false_alarm < 1)) {
        muster_scenario_refuse(s, "liveness.false_alarm is %g; use a chance above 0 and below 1",
                               given.false_alarm);
    }
    if (given.lag_blocks_max > MUSTER_DEPTH_MAX) {
        muster_scenario_refuse(s, "liveness.lag_blocks_max is %u; use 1 to %u blocks", given.lag_blocks_max,
                               MUSTER_DEPTH_MAX);
    }
    muster_part(s, &liveness_part, &given);
}
