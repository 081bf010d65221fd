/* A node that was killed or restarted comes back with what it knew, and one that was away catches up. */
#include "fast_consensus.h"
#include "muster/check.h"

#define NODES 4u
#define KNOWN_BLOCKS 6u /* More than one node alone makes while it gets ready. */
#define CATCH_UP_MS 20000u

static void star_of_four(struct muster_scenario *s)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = NODES });
    fast_consensus(s);
    muster_wallets(s, 10);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 1, .within_blocks = 5 });
    muster_expect_consensus_liveness(s, NULL);
    muster_require(s, MUSTER_NODE_CONTROL);
    muster_run_duration(s, MUSTER_SECONDS(8));
}

typedef enum muster_rc node_action(struct muster_run *run, uint32_t node, struct muster_error *err);

/* Takes a node away, lets the others go on without it, and brings it back. */
static void miss_some_blocks(struct muster_run *run, uint32_t node, node_action *take, node_action *bring)
{
    uint64_t missed_height = muster_ck_height(run, node) + 2;
    muster_ck_ok(take(run, node, err));
    muster_ck_wait_height(run, 0, missed_height, CATCH_UP_MS);
    muster_ck_ok(bring(run, node, err));
    muster_ck_wait_height(run, node, missed_height, CATCH_UP_MS);
}

/* With its peers stopped, so that what it knows when it is back cannot come from them. */
static void keep_what_it_knew(struct muster_run *run, uint32_t node, node_action *again)
{
    for (uint32_t peer = 0; peer < NODES; peer++) {
        if (peer != node) {
            muster_ck_stop(run, peer);
        }
    }
    uint64_t height_before = muster_ck_height(run, node);
    muster_ck_ok(again(run, node, err));
    ck_assert_uint_ge(muster_ck_height(run, node), height_before);
    for (uint32_t peer = 0; peer < NODES; peer++) {
        if (peer != node) {
            muster_ck_start(run, peer);
        }
    }
}

static enum muster_rc kill_and_start(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    enum muster_rc rc = muster_node_kill(run, node, err);
    return rc == MUSTER_OK ? muster_node_start(run, node, err) : rc;
}

/* The window opens on a cluster that has been through it: what counts is that it is whole again. */
static void judge(struct muster_run *run)
{
    muster_execute(run);
    muster_ck_assert_expectations(run);
}

START_TEST(restarted_node_keeps_what_it_knew)
{
    struct muster_run *run = muster_run();
    muster_ck_wait_height(run, 1, KNOWN_BLOCKS, CATCH_UP_MS);
    keep_what_it_knew(run, 1, muster_node_restart);
    judge(run);
}
END_TEST

START_TEST(killed_node_keeps_what_it_knew_and_catches_up)
{
    struct muster_run *run = muster_run();
    muster_ck_wait_height(run, 2, KNOWN_BLOCKS, CATCH_UP_MS);
    keep_what_it_knew(run, 2, kill_and_start);
    miss_some_blocks(run, 2, muster_node_kill, muster_node_start);
    judge(run);
}
END_TEST

START_TEST(paused_node_catches_up)
{
    struct muster_run *run = muster_run();
    muster_ck_wait_height(run, 3, 2, CATCH_UP_MS);
    miss_some_blocks(run, 3, muster_node_pause, muster_node_resume);
    judge(run);
}
END_TEST

/* Restarts one node after the other while the window is open. */
static enum muster_rc restart_in_turn(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t node = 1; rc == MUSTER_OK && node < NODES; node++) {
        rc = muster_run_sleep(run, 1500);
        if (rc == MUSTER_OK) {
            rc = muster_node_restart(run, node, err);
        }
    }
    return rc;
}

static void rolling(struct muster_scenario *s)
{
    star_of_four(s);
    muster_run_duration(s, MUSTER_SECONDS(20)); /* Most of it for machines that restart slowly. */
    muster_workload(s, &(struct muster_workload){ .name = "restart_in_turn", .run = restart_in_turn });
}

START_TEST(rolling_restart_stays_live)
{
    struct muster_run *run = muster_run();
    muster_execute(run);
    muster_ck_assert_expectations(run);
    for (uint32_t node = 1; node < NODES; node++) {
        struct muster_node_view view;
        muster_node_view(run, node, &view);
        ck_assert_uint_eq(view.restarts, 1);
    }
}
END_TEST

static Suite *recovery_suite(void)
{
    const struct muster_scenario_options control = { .tags = "control" };
    Suite *suite = suite_create("recovery");
    muster_add_scenario(suite, "restart", star_of_four, restarted_node_keeps_what_it_knew, &control);
    muster_add_scenario(suite, "kill", star_of_four, killed_node_keeps_what_it_knew_and_catches_up, &control);
    muster_add_scenario(suite, "pause", star_of_four, paused_node_catches_up, &control);
    muster_add_scenario(suite, "rolling_restart", rolling, rolling_restart_stays_live, &control);
    return suite;
}
MUSTER_MAIN(recovery_suite)
