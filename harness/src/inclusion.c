/* The expectation "inclusion": each accepted transaction is on every node's best chain. */
#include "inclusion.h"

#include <stdlib.h>

#include "builtin.h"
#include "muster/clock.h"
#include "run_internal.h"
#include "traffic.h"

#define JUDGE_MS_MIN 1000u
#define JUDGE_POLL_MS 50u

void muster__traffic_catch_up(void *context)
{
    struct muster__traffic *traffic = context;
    struct muster_feed_event event;
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&traffic->reading);
    while (traffic->chain != NULL && (rc = muster_feed_next(traffic->chain, 0, &event)) == MUSTER_OK) {
        if (event.kind == MUSTER_FEED_BLOCK) {
            traffic->blocks++;
            muster__tracker_block(traffic->tracker, event.block, event.height, event.seen_ms);
        } else {
            muster__tracker_reorg(traffic->tracker, event.height);
        }
    }
    traffic->fell_behind = traffic->fell_behind || rc == MUSTER_ENOTFOUND;
    pthread_mutex_unlock(&traffic->reading);
}

static void let_go(void *context)
{
    struct muster__traffic *traffic = context;
    pthread_mutex_lock(&traffic->reading);
    muster_feed_unsubscribe(traffic->chain);
    traffic->chain = NULL;
    pthread_mutex_unlock(&traffic->reading);
}

enum muster_rc muster__inclusion_capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__traffic *traffic = context;
    muster__tracker_destroy(traffic->tracker);
    traffic->run = run;
    traffic->blocks = 0;
    traffic->fell_behind = false;
    traffic->tracker = muster__tracker_create(MUSTER__TRACKER_RECORDS_MAX, traffic->options.within_blocks,
                                              run->plan->security_depth);
    if (traffic->tracker == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow transactions");
    }
    enum muster_rc rc = muster__run_at_end(run, let_go, traffic, err);
    if (rc == MUSTER_OK) {
        rc = muster_feed_subscribe(run, UINT64_MAX, &traffic->chain, err);
    }
    if (rc == MUSTER_OK) {
        muster__run_follow(run, &(struct muster__followed){ .tracker = traffic->tracker,
                                                            .catch_up = muster__traffic_catch_up,
                                                            .context = traffic });
    }
    return rc;
}

/* Not a judgement: it only keeps the tracker up with the chain. */
enum muster_rc muster__inclusion_check(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)err;
    muster__traffic_catch_up(context);
    return MUSTER_OK;
}

static void look_at_nodes(struct muster_run *run, const struct muster_id *best_tip,
                          struct muster__inclusion_node *nodes)
{
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        muster__feed_view(run->feed, i, &view);
        nodes[i].judged = view.state == MUSTER_NODE_RUNNING;
        nodes[i].known = muster__feed_common_height(run->feed, &view.progress.tip, best_tip,
                                                    &nodes[i].common_height) == MUSTER_OK;
    }
}

static enum muster_rc judge_now(struct muster_run *run, struct muster__traffic *traffic,
                                struct muster_report *report, struct muster_error *err)
{
    struct muster__inclusion_node nodes[MUSTER_NODES_MAX] = { 0 };
    struct muster_feed_stats best;
    muster__traffic_catch_up(traffic);
    muster__feed_get_stats(run->feed, &best);
    look_at_nodes(run, &best.best_tip, nodes);
    if (traffic->fell_behind) {
        return muster_error_set(err, MUSTER_EINFRA,
                                "blocks came faster than they were read: what became of the transactions is "
                                "not known");
    }
    struct muster__inclusion_facts facts = {
        .began_ms = run->session->began_ms,
        .best_height = best.best_height,
        .blocks = traffic->blocks,
        .within_blocks = traffic->options.within_blocks,
        .min_ratio = traffic->options.min_ratio,
        .attached = run->session->runner->attaches,
        .node_count = run->plan->node_count,
        .nodes = nodes,
    };
    return muster__inclusion_judge(traffic->tracker, &facts, report, err);
}

/* A block that comes, or a reorg, just before the judgement is on no other node for a moment. So a
 * judgement that fails is repeated for a few block intervals before it stands. */
enum muster_rc muster__inclusion_evaluate(struct muster_run *run, void *context, struct muster_report *report,
                                          struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t blocks_ms = MUSTER__INCLUSION_BLOCKS * run->plan->block_interval_ms;
    uint64_t limit_ms = blocks_ms > JUDGE_MS_MIN ? blocks_ms : JUDGE_MS_MIN;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)((double)limit_ms * run->plan->slowdown);
    for (;;) {
        struct muster_error cause = { 0 };
        enum muster_rc rc = judge_now(run, context, report, &cause);
        if (rc == MUSTER_OK || muster_clock_left_ms(deadline_ms) == 0 ||
            muster__run_failure(run, NULL) != MUSTER_OK) {
            return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", cause.text);
        }
        muster__report_clear(report);
        muster__run_wait(run, muster_clock_ms() + JUDGE_POLL_MS, &changes);
    }
}

void muster__traffic_destroy(void *context)
{
    struct muster__traffic *traffic = context;
    if (traffic != NULL) {
        muster__tracker_destroy(traffic->tracker);
        pthread_mutex_destroy(&traffic->reading);
        pthread_mutex_destroy(&traffic->sending);
        free(traffic);
    }
}

enum muster_rc muster__transactions_make(const struct muster_transactions *resolved,
                                         struct muster_workload *workload,
                                         struct muster_expectation *inclusion, struct muster_error *err)
{
    struct muster__traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the transactions");
    }
    traffic->options = *resolved;
    pthread_mutex_init(&traffic->reading, NULL);
    pthread_mutex_init(&traffic->sending, NULL);
    TAILQ_INIT(&traffic->again);
    *workload = (struct muster_workload){ .name = "transactions",
                                          .run = muster__transactions_run,
                                          .context = traffic };
    *inclusion = (struct muster_expectation){ .name = "inclusion",
                                              .capture = muster__inclusion_capture,
                                              .check = muster__inclusion_check,
                                              .evaluate = muster__inclusion_evaluate,
                                              .context = traffic,
                                              .destroy = muster__traffic_destroy };
    return MUSTER_OK;
}
