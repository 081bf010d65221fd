/* To read and to copy: the smallest scenario, one that the environment configures, a workload and an
 * expectation of one's own. */
#include <stdio.h>

#include "fast_consensus.h"
#include "muster/check.h"

/* Three nodes, 20 wallets, one transaction per block from 5 of them, for a minute of wall clock. */
static void run_once(struct muster_scenario *s)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = 3 });
    muster_wallets(s, 20);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 1, .users = 5 });
    muster_expect_consensus_liveness(s, NULL);
    muster_run_duration(s, MUSTER_SECONDS(60));
}

/* The same, as long and as large as the environment says: what scripts/run/run-examples.sh runs. */
static void demo(struct muster_scenario *s)
{
    const struct muster_variables *environment = muster_environment();
    uint64_t nodes = muster_variable_uint(environment, MUSTER_VAR_DEMO_NODES);
    uint64_t seconds = muster_variable_uint(environment, MUSTER_VAR_DEMO_RUN_SECS);
    run_once(s);
    fast_consensus(s);
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = (uint32_t)nodes });
    muster_run_duration(s, (int64_t)seconds * 1000);
}

START_TEST(stays_live_under_transactions)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

/* ---- A workload of one's own: keeps asking every node how far it is, and counts ---- */

struct questions {
    uint64_t asked;
};

static enum muster_rc ask_all(struct muster_run *run, void *context, struct muster_error *err)
{
    struct questions *questions = context;
    uint32_t node_count = muster_run_plan(run)->node_count;
    struct muster_random random = muster_run_random(run, "ask_all");
    enum muster_rc rc = MUSTER_OK;
    while (rc == MUSTER_OK) {
        struct muster_progress progress;
        uint32_t node = (uint32_t)muster_random_below(&random, node_count);
        rc = muster_node_progress(run, node, &progress, err);
        if (rc == MUSTER_OK) {
            questions->asked++;
            rc = muster_run_sleep(run, muster_random_between(&random, 20, 60));
        }
    }
    return rc;
}

static enum muster_rc was_asked(struct muster_run *run, void *context, struct muster_report *report,
                                struct muster_error *err)
{
    const struct questions *questions = context;
    (void)run;
    muster_report_number(report, "asked", (double)questions->asked);
    if (questions->asked == 0) {
        return muster_error_set(err, MUSTER_EEXPECT, "no node was asked anything");
    }
    return MUSTER_OK;
}

static void custom_workload(struct muster_scenario *s)
{
    static struct questions questions; /* One scenario, one run: nothing here needs freeing. */
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_FULL, .nodes = 3 });
    fast_consensus(s);
    muster_workload(s, &(struct muster_workload){ .name = "ask_all", .run = ask_all, .context = &questions });
    muster_expectation(
        s, &(struct muster_expectation){ .name = "was_asked", .evaluate = was_asked, .context = &questions });
    muster_run_duration(s, MUSTER_SECONDS(6));
}

/* ---- An expectation of one's own: every node led at least one block of the window ---- */

struct leaders {
    uint64_t from_height;
    uint64_t blocks[MUSTER_NODES_MAX];
};

static enum muster_rc remember_height(struct muster_run *run, void *context, struct muster_error *err)
{
    struct leaders *leaders = context;
    struct muster_feed_stats stats;
    (void)err;
    muster_feed_stats(run, &stats);
    leaders->from_height = stats.best_height + 1;
    return MUSTER_OK;
}

static enum muster_rc count_leaders(struct muster_run *run, struct leaders *leaders, struct muster_error *err)
{
    MUSTER_CLEANUP(muster_feed_unsubscribe) struct muster_feed_subscription *feed = NULL;
    const struct muster_plan *plan = muster_run_plan(run);
    enum muster_rc rc = muster_feed_subscribe(run, leaders->from_height, &feed, err);
    while (rc == MUSTER_OK) {
        struct muster_feed_event event;
        rc = muster_feed_next(feed, 0, &event);
        if (rc == MUSTER_OK && event.kind == MUSTER_FEED_BLOCK) {
            uint32_t node = plan->system->chain->leader_node(plan->system_state, &event.block->leader);
            if (node < plan->node_count) {
                leaders->blocks[node]++;
            }
        }
    }
    /* There is no more, now or for good. */
    return rc == MUSTER_ETIMEDOUT || rc == MUSTER_ESTOPPED ? MUSTER_OK : rc;
}

static enum muster_rc every_node_led(struct muster_run *run, void *context, struct muster_report *report,
                                     struct muster_error *err)
{
    struct leaders *leaders = context;
    enum muster_rc rc = count_leaders(run, leaders, err);
    for (uint32_t node = 0; rc == MUSTER_OK && node < muster_run_plan(run)->node_count; node++) {
        char name[32];
        snprintf(name, sizeof(name), "node_%u", node);
        muster_report_number(report, name, (double)leaders->blocks[node]);
        if (leaders->blocks[node] == 0) {
            rc = muster_error_set(err, MUSTER_EEXPECT, "node %u led no block since height %llu", node,
                                  (unsigned long long)leaders->from_height);
        }
    }
    return rc;
}

static void custom_expectation(struct muster_scenario *s)
{
    static struct leaders leaders;
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_FULL, .nodes = 2 });
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 100, .active_slot_coeff = 0.5, .security_depth = 30 });
    muster_expectation(s, &(struct muster_expectation){ .name = "every_node_led",
                                                        .capture = remember_height,
                                                        .evaluate = every_node_led,
                                                        .context = &leaders });
    muster_run_duration(s, MUSTER_SECONDS(8));
}

START_TEST(holds)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

static Suite *examples_suite(void)
{
    const struct muster_scenario_options smoke = { .tags = "smoke" };
    Suite *suite = suite_create("examples");
    muster_add_scenario(suite, "run_once", run_once, stays_live_under_transactions,
                        &(struct muster_scenario_options){ .tags = "long" });
    muster_add_scenario(suite, "demo", demo, stays_live_under_transactions, &smoke);
    muster_add_scenario(suite, "custom_workload", custom_workload, holds, NULL);
    muster_add_scenario(suite, "custom_expectation", custom_expectation, holds, NULL);
    return suite;
}
MUSTER_MAIN(examples_suite)
