/* The expectation "inclusion": each accepted transaction is on every node's best chain. */
#include "chain/transactions/inclusion_judge.h"

#include <stdlib.h>

#include "chain/feed/feed_run.h"
#include "chain/transactions/traffic.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "run/internal.h"

#define JUDGE_MS_MIN 1000u
#define JUDGE_POLL_MS 50u
#define JUDGE_BLOCKS 3u /* Block intervals for which a judgement that fails is repeated. */

/* What a judgement looks at. */
struct scene {
    struct muster_feed_stats best;
    struct muster__answer answers[MUSTER_NODES_MAX];
    struct muster_node_view views[MUSTER_NODES_MAX];
    struct muster__inclusion_node nodes[MUSTER_NODES_MAX];
};

static void look_at_node(struct muster_run *run, struct scene *scene, uint32_t i, uint64_t deadline_ms)
{
    struct muster__inclusion_node *node = &scene->nodes[i];
    const struct muster__answer *answer = &scene->answers[i];
    struct muster_node_view *view = &scene->views[i];
    muster_node_view(run, i, view);
    *node = (struct muster__inclusion_node){ .judged = view->state == MUSTER_NODE_RUNNING };
    if (!node->judged) {
        return;
    }
    if (answer->rc != MUSTER_OK || view->failing_since_ms != 0) {
        node->silent = answer->rc != MUSTER_OK ? answer->text : view->failing_text;
        return;
    }
    node->known = muster__await_common_height(run, &answer->progress.tip, &scene->best.best_tip, deadline_ms,
                                              &node->common_height) == MUSTER_OK;
}

/* The nodes are asked: blocks that one streams need not be on its chain. */
static void look_at_nodes(struct muster_run *run, struct scene *scene)
{
    muster__feed_get_stats(muster__run_feed(run), &scene->best);
    muster__ask_progress(run, (uint32_t)(MUSTER__ANSWER_MS * run->plan->slowdown), scene->answers);
    uint64_t deadline_ms = muster__fetch_deadline_ms(run);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        look_at_node(run, scene, i, deadline_ms);
    }
}

static enum muster_rc judge_now(struct muster_run *run, struct muster__traffic *traffic, struct scene *scene,
                                struct muster_report *report, struct muster_error *err)
{
    muster__traffic_catch_up(traffic);
    look_at_nodes(run, scene);
    enum muster_rc loss = traffic->fell_behind ? muster__feed_loss(muster__run_feed(run), err) : MUSTER_OK;
    if (loss != MUSTER_OK) {
        return muster_error_context(err, loss, "what became of the transactions is not known");
    }
    if (traffic->fell_behind) {
        return muster_error_set(err, MUSTER_EINFRA,
                                "blocks came faster than they were read: what became of the transactions is "
                                "not known");
    }
    struct muster__inclusion_facts facts = {
        .began_ms = run->session->began_ms,
        .best_height = scene->best.best_height,
        .blocks = traffic->blocks,
        .within_blocks = traffic->options.within_blocks,
        .min_ratio = traffic->options.min_ratio,
        .attached = run->session->runner->attaches,
        .node_count = run->plan->node_count,
        .nodes = scene->nodes,
    };
    return muster__inclusion_judge(traffic->tracker, &facts, report, err);
}

/* A block that comes, or a reorg, just before the judgement is on no other node for a moment. So a
 * judgement that fails is repeated for a few block intervals before it stands. */
static enum muster_rc judge_for_a_while(struct muster_run *run, struct muster__traffic *traffic,
                                        struct scene *scene, struct muster_report *report,
                                        struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t blocks_ms = JUDGE_BLOCKS * run->plan->block_interval_ms;
    uint64_t limit_ms = blocks_ms > JUDGE_MS_MIN ? blocks_ms : JUDGE_MS_MIN;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)((double)limit_ms * run->plan->slowdown);
    for (;;) {
        struct muster_error cause = { 0 };
        enum muster_rc rc = judge_now(run, traffic, scene, report, &cause);
        if (rc == MUSTER_OK || muster_clock_left_ms(deadline_ms) == 0 ||
            muster__run_failure(run, NULL) != MUSTER_OK) {
            return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", cause.text);
        }
        muster__report_clear(report);
        muster__run_wait(run, muster_clock_ms() + JUDGE_POLL_MS, &changes);
    }
}

enum muster_rc muster__inclusion_evaluate(struct muster_run *run, void *context, struct muster_report *report,
                                          struct muster_error *err)
{
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to judge inclusion");
    }
    enum muster_rc rc = judge_for_a_while(run, context, scene, report, err);
    free(scene);
    return rc;
}
