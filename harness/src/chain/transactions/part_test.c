/* The built-in workload and expectations, through the real engine and feed, on pretended nodes: green
 * when all is well, red for the right reason when a node misbehaves. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "testing/cluster.h"
#include "testing/unit_test.h"

#define WINDOW_SLOTS 30u

/* What so many slots take. On a machine that is said to be slow they are longer, to a bound, as a test must
 * end. */
static uint32_t slots_ms(uint32_t slots)
{
    struct muster_variables *variables = NULL;
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
    double slowdown = fmin(muster_variables_slowdown(variables), 4.0);
    muster_variables_destroy(variables);
    return (uint32_t)(slots * CLUSTER_SLOT_MS * slowdown);
}

static struct muster_scenario *bare_scenario(uint32_t slots)
{
    struct muster_scenario *s = cluster_scenario(3, slots_ms(slots));
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = slots_ms(1), .active_slot_coeff = 0.9 });
    return s;
}

static struct muster_scenario *full_scenario(uint32_t slots)
{
    struct muster_scenario *s = bare_scenario(slots);
    muster_wallets(s, 10);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 4, .within_blocks = 5 });
    muster_expect_consensus_liveness(s, NULL);
    return s;
}

START_TEST(a_healthy_cluster_is_green)
{
    struct muster_error err = { 0 };
    cluster_start(full_scenario(WINDOW_SLOTS), 3.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_double_ge(cluster_number("inclusion", "sent"), 4);
    ck_assert_double_eq(cluster_number("inclusion", "ratio"), 1.0);
    ck_assert_double_eq(cluster_number("inclusion", "refused"), 0);
    ck_assert_double_ge(cluster_number("consensus_liveness", "slots"), 20);
    ck_assert_double_eq(cluster_number("consensus_liveness", "nodes_judged"), 3);
    ck_assert_uint_ge(cluster_window_ms(), slots_ms(WINDOW_SLOTS));
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_healthy_cluster_with_streams_is_green)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = full_scenario(WINDOW_SLOTS);
    muster_system(s, &fake_streamed);
    cluster_start(s, 3.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_double_eq(cluster_number("inclusion", "ratio"), 1.0);
    ck_assert(cluster_told("\"settled\"", "\"early\":true"));
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_node_that_drops_transactions_is_red)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.nodes[1].drops, true);
    cluster_start(full_scenario(WINDOW_SLOTS), 0.3);
    cluster.plan->settle_ms = slots_ms(20);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "expectation 'inclusion': of ");
    ck_assert_says(err, "accepted by node-1");
    ck_assert_double_gt(cluster_number("inclusion", "lost"), 0);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_node_that_refuses_transactions_is_red)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.nodes[2].refuses, true);
    cluster_start(full_scenario(WINDOW_SLOTS), 0.3);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "valid transactions were refused; the first by node-2");
    ck_assert_says(err, "HTTP 422: bad proof");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_busy_node_costs_retries_and_nothing_else)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.nodes[0].busy, true);
    cluster_start(full_scenario(WINDOW_SLOTS), 3.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_double_gt(cluster_number("inclusion", "retried"), 0);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_double_spend_is_red)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.twice, true);
    cluster_start(full_scenario(WINDOW_SLOTS), 0.3);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "were spent more than once");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_node_that_is_stuck_is_red_and_named)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.nodes[1].stuck_at, 8);
    cluster_start(full_scenario(WINDOW_SLOTS), 0.3);
    cluster.plan->settle_ms = slots_ms(6);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "node-1 has been at height 8 since ");
    ck_assert_says(err, " while the cluster is at ");
    ck_assert_says(err, "which node-1 does not have");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

/* It relays blocks that it does not take, as its own answers show. */
START_TEST(a_stream_does_not_vouch_for_a_nodes_chain)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = bare_scenario(WINDOW_SLOTS);
    muster_system(s, &fake_streamed);
    muster_wallets(s, 10);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 4, .within_blocks = 5 });
    atomic_store(&cluster.nodes[1].stuck_at, 8);
    cluster_start(s, 0.3);
    cluster.plan->settle_ms = slots_ms(6);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "which node-1 does not have");
    ck_assert(cluster_told("\"settled\"", "\"early\":false"));
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

static enum muster_rc make_hole(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    if (muster_run_sleep(run, slots_ms(6)) == MUSTER_OK) {
        cluster_make_hole(60);
    }
    return MUSTER_OK;
}

/* Of a feed that is at work already. */
static void limit_history(struct muster_feed *feed, size_t blocks_max)
{
    (void)pthread_mutex_lock(&feed->mutex);
    feed->blocks_max = blocks_max;
    (void)pthread_mutex_unlock(&feed->mutex);
}

/* It is the nodes' doing, so the environment is not to blame. */
START_TEST(a_chain_that_is_lost_is_red)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = bare_scenario(WINDOW_SLOTS);
    muster_wallets(s, 10);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 4, .within_blocks = 5 });
    muster_workload(s, &(struct muster_workload){ .name = "hole", .run = make_hole });
    cluster_start(s, 1.0);
    limit_history(cluster.run->observation, 50);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "what became of the transactions is not known: the best chain was lost ");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_node_that_talks_nonsense_is_red_and_named)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = bare_scenario(WINDOW_SLOTS);
    muster_expect_consensus_liveness(s, NULL);
    cluster_start(s, 0.3);
    cluster.plan->settle_ms = slots_ms(6);
    atomic_store(&cluster.nodes[2].garbage, true);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "node-2 answers nothing usable since ");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_cluster_that_stalls_is_red)
{
    struct muster_error err = { 0 };
    cluster_start(full_scenario(50), 0.3);
    cluster.plan->settle_ms = slots_ms(6);
    cluster_stall_after(7);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "consensus_liveness: blocks were made in ");
    ck_assert_says(err, "of the window; with a leader in 0.9 of the slots at least ");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_chain_that_never_moves_is_red_in_both)
{
    struct muster_error err = { 0 };
    atomic_store(&cluster.stalled_at, 3);
    cluster_start(full_scenario(10), 0.1);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "no transaction was submitted in the window: each new block releases some");
    ck_assert_says(err, "also failed: consensus_liveness: no block was made in the window of ");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

static enum muster_rc restart_one(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    enum muster_rc rc = muster_node_stop(run, 1, err);
    if (rc == MUSTER_OK && muster_run_sleep(run, slots_ms(6)) == MUSTER_OK) {
        rc = muster_node_start(run, 1, err);
    }
    if (rc == MUSTER_OK && muster_run_sleep(run, slots_ms(4)) == MUSTER_OK) {
        rc = muster_node_pause(run, 2, err);
    }
    return rc == MUSTER_OK ? muster_node_resume(run, 2, err) : rc;
}

START_TEST(nodes_under_control_do_not_make_it_red)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = full_scenario(WINDOW_SLOTS);
    muster_workload(s, &(struct muster_workload){ .name = "chaos", .run = restart_one });
    cluster_start(s, 3.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(atomic_load(&cluster.nodes[1].controls), 2);
    ck_assert_uint_eq(muster__nodes_restarts(cluster.run->nodes, 1), 1);
    ck_assert_uint_eq(cluster.run->outage_count, 2);
    ck_assert_double_lt(cluster_number("consensus_liveness", "slots"), WINDOW_SLOTS - 6);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

static Suite *run_builtin_suite(void)
{
    Suite *suite = suite_create("run_builtin");
    TCase *tcase = tcase_create("run_builtin");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_healthy_cluster_is_green);
    tcase_add_test(tcase, a_node_that_drops_transactions_is_red);
    tcase_add_test(tcase, a_node_that_refuses_transactions_is_red);
    tcase_add_test(tcase, a_busy_node_costs_retries_and_nothing_else);
    tcase_add_test(tcase, a_double_spend_is_red);
    tcase_add_test(tcase, a_node_that_is_stuck_is_red_and_named);
    tcase_add_test(tcase, a_stream_does_not_vouch_for_a_nodes_chain);
    tcase_add_test(tcase, a_healthy_cluster_with_streams_is_green);
    tcase_add_test(tcase, a_chain_that_is_lost_is_red);
    tcase_add_test(tcase, a_node_that_talks_nonsense_is_red_and_named);
    tcase_add_test(tcase, a_cluster_that_stalls_is_red);
    tcase_add_test(tcase, a_chain_that_never_moves_is_red_in_both);
    tcase_add_test(tcase, nodes_under_control_do_not_make_it_red);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(run_builtin_suite);
