/* Nodes are restarted, killed and paused at moments of chance, under load, and the cluster stays what it is.
 */
#include "fast_consensus.h"
#include "muster/check.h"

static void cluster(struct muster_scenario *s, enum muster_layout layout, int64_t duration_ms)
{
    muster_topology(s, &(struct muster_topology){ .layout = layout, .nodes = 4 });
    fast_consensus(s);
    muster_expect_consensus_liveness(s, NULL);
    muster_run_duration(s, duration_ms);
}

/* What the one that took them is killed with waits until it is back, so that inclusion may take a while
 * longer. */
static void load(struct muster_scenario *s)
{
    muster_wallets(s, 20);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 2, .within_blocks = 20 });
}

static void random_restarts(struct muster_scenario *s)
{
    cluster(s, MUSTER_FULL, MUSTER_SECONDS(12));
    load(s);
    muster_chaos(s, &(struct muster_chaos){ .min_delay_ms = 500,
                                            .max_delay_ms = 1500,
                                            .cooldown_ms = 2000,
                                            .restart_weight = 3,
                                            .kill_weight = 2,
                                            .pause_weight = 1,
                                            .down_ms = 1000,
                                            .pause_ms = 1000 });
}

/* Without the hub no leaf hears of another. The blocks that each makes alone meanwhile are far from final. */
static void hub_restarts(struct muster_scenario *s)
{
    static const uint32_t leaves[] = { 1, 2, 3 };
    cluster(s, MUSTER_STAR, MUSTER_SECONDS(10));
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 200, .active_slot_coeff = 0.5, .security_depth = 20 });
    load(s);
    muster_chaos(s, &(struct muster_chaos){ .min_delay_ms = 1000,
                                            .max_delay_ms = 2500,
                                            .cooldown_ms = 1500,
                                            .restart_weight = 1,
                                            .spare_nodes = leaves,
                                            .spare_count = 3 });
}

/* The rest of the cluster makes some 12 blocks in the time; the node's own chain is final below 5. */
static void long_pause(struct muster_scenario *s)
{
    static const uint32_t others[] = { 0, 1, 2 };
    cluster(s, MUSTER_FULL, MUSTER_SECONDS(10));
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 200, .active_slot_coeff = 0.5, .security_depth = 5 });
    muster_chaos(s, &(struct muster_chaos){ .min_delay_ms = 500,
                                            .max_delay_ms = 1500,
                                            .cooldown_ms = 10000,
                                            .pause_weight = 1,
                                            .pause_ms = 6000,
                                            .spare_nodes = others,
                                            .spare_count = 3 });
}

/* Each node has its turn in a quarter of the window; a machine that restarts slowly takes all of it. */
static void every_node_once(struct muster_scenario *s)
{
    cluster(s, MUSTER_FULL, MUSTER_SECONDS(24));
    load(s);
    muster_chaos(s, &(struct muster_chaos){ .min_delay_ms = 100,
                                            .max_delay_ms = 400,
                                            .cooldown_ms = 24000,
                                            .restart_weight = 1,
                                            .kill_weight = 1,
                                            .down_ms = 500 });
}

START_TEST(all_recover)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

START_TEST(all_recover_and_each_was_down_once)
{
    struct muster_run *run = muster_run();
    muster_execute(run);
    muster_ck_assert_expectations(run);
    for (uint32_t node = 0; node < muster_run_plan(run)->node_count; node++) {
        struct muster_node_view view;
        muster_node_view(run, node, &view);
        ck_assert_uint_eq(view.restarts, 1);
    }
}
END_TEST

static Suite *chaos_suite(void)
{
    const struct muster_scenario_options chaos = { .tags = "chaos control" };
    Suite *suite = suite_create("chaos");
    muster_add_scenario(suite, "random_restarts", random_restarts, all_recover, &chaos);
    muster_add_scenario(suite, "hub_restarts", hub_restarts, all_recover, &chaos);
    muster_add_scenario(suite, "long_pause", long_pause, all_recover, &chaos);
    muster_add_scenario(suite, "every_node_once", every_node_once, all_recover_and_each_was_down_once,
                        &chaos);
    return suite;
}
MUSTER_MAIN(chaos_suite)
