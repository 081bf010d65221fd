/* Capture on pretended nodes: what the run knows of the chain when its window opens. */
#include <stdatomic.h>

#include "muster/chain.h"
#include "testing/cluster.h"
#include "testing/unit_test.h"

static struct muster_scenario *scenario(void)
{
    struct muster_scenario *s = cluster_scenario(3, 1000);
    muster_system(s, &fake_streamed);
    return s;
}

/* To read all of it block by block would take twenty seconds. */
START_TEST(a_long_chain_on_slow_nodes_is_known)
{
    struct muster_error err = { 0 };
    struct muster_feed_stats stats;
    struct muster_feed_subscription *blocks = NULL;
    struct muster_feed_event event;
    cluster.blocks_before = 400;
    cluster.block_ms = 50;
    struct muster_run *run = cluster_start(scenario(), 3.0);
    muster_feed_stats(run, &stats);
    ck_assert_uint_ge(stats.best_height, 400);
    ck_assert_uint_lt(stats.blocks_seen, 400);
    ck_assert_int_eq(muster_feed_subscribe(run, UINT64_MAX, &blocks, &err), MUSTER_OK);
    ck_assert_int_eq(muster_feed_next(blocks, 20000, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_BLOCK);
    ck_assert_uint_gt(event.height, stats.best_height);
    muster_feed_unsubscribe(blocks);
    cluster_execute(&err);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_node_of_which_nothing_is_seen_ends_it)
{
    struct muster_error err = { 0 };
    struct muster_run *run = cluster_deploy(scenario(), 1.0);
    atomic_store(&cluster.nodes[1].garbage, true);
    ck_assert_int_eq(muster__run_capture(run, &err), MUSTER_ETIMEDOUT);
    ck_assert_says(err, "the chain of node-1 was not seen within 5.0 s: no progress in \"}{\"");
    muster__run_fail(run, &err);
    cluster_assert_finish(MUSTER_ETIMEDOUT);
}
END_TEST

static Suite *run_capture_suite(void)
{
    Suite *suite = suite_create("run_capture");
    TCase *tcase = tcase_create("run_capture");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_long_chain_on_slow_nodes_is_known);
    tcase_add_test(tcase, a_node_of_which_nothing_is_seen_ends_it);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(run_capture_suite);
