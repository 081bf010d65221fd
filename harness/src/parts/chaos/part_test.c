/* Chaos and "recovers", through the real engine and feed, on pretended nodes: green when all is well, red for
 * the right reason when a node does not come back, or nothing happens. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "testing/cluster.h"
#include "testing/unit_test.h"

#define WINDOW_MS 2000

static const struct muster_chaos lively = { .min_delay_ms = 50,
                                            .max_delay_ms = 150,
                                            .cooldown_ms = 200,
                                            .down_ms = 200,
                                            .pause_ms = 200,
                                            .recover_ms = 2000 };

static struct muster_scenario *scenario_with(struct muster_chaos chaos)
{
    struct muster_scenario *s = cluster_scenario(4, WINDOW_MS);
    muster_chaos(s, &chaos);
    return s;
}

static double number(const char *name)
{
    return cluster_number("recovers", name);
}

static void assert_all_run(void)
{
    for (uint32_t i = 0; i < cluster.plan->node_count; i++) {
        ck_assert_int_eq(muster__nodes_state(cluster.run->nodes, i), MUSTER_NODE_RUNNING);
        ck_assert(!atomic_load(&cluster.nodes[i].away));
    }
}

START_TEST(a_cluster_that_recovers_is_green)
{
    struct muster_error err = { 0 };
    cluster_start(scenario_with(lively), 1.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_double_ge(number("actions"), 3);
    ck_assert_double_eq(number("actions"), number("recovered"));
    ck_assert_double_eq(number("actions"), number("restarts") + number("kills") + number("pauses"));
    ck_assert_double_eq(number("pending"), 0);
    ck_assert_double_eq(number("quorum"), 3);
    ck_assert_double_eq(number("up_fewest"), 3);
    ck_assert_double_ge(number("bound_ms"), 2000); /* Stretched on slow machines. */
    assert_all_run();
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

/* A quorum that is low lets several be away at once; all are back before the cluster is judged. */
START_TEST(all_come_back_when_the_window_closes)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.quorum = 1;
    chaos.restart_weight = 0;
    chaos.kill_weight = chaos.pause_weight = 1;
    chaos.down_ms = chaos.pause_ms = 1000;
    cluster_start(scenario_with(chaos), 1.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_double_lt(number("up_fewest"), 3);
    ck_assert_double_ge(number("up_fewest"), 1);
    assert_all_run();
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

static enum muster_rc give_up(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    return muster_run_sleep(run, 700) == MUSTER_OK ? muster_error_set(err, MUSTER_EINVAL, "enough")
                                                   : MUSTER_OK;
}

START_TEST(all_come_back_when_the_window_ends_early)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.pause_weight = 1;
    chaos.pause_ms = 1500;
    struct muster_scenario *s = scenario_with(chaos);
    muster_workload(s, &(struct muster_workload){ .name = "gives_up", .run = give_up });
    cluster_start(s, 1.0);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EWORKLOAD);
    ck_assert_says(err, "workload 'gives_up': enough");
    ck_assert_ptr_null(strstr(err.text, "recovers"));
    assert_all_run();
    cluster_assert_finish(MUSTER_EWORKLOAD);
}
END_TEST

START_TEST(spared_nodes_are_left_alone)
{
    static const uint32_t spare[] = { 0, 2, 3 };
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.spare_nodes = spare;
    chaos.spare_count = 3;
    cluster_start(scenario_with(chaos), 1.0);
    ck_assert_msg(cluster_execute(&err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_ge(atomic_load(&cluster.nodes[1].controls), 2);
    ck_assert_uint_eq(atomic_load(&cluster.nodes[0].controls), 0);
    ck_assert_uint_eq(atomic_load(&cluster.nodes[2].controls), 0);
    ck_assert_uint_eq(atomic_load(&cluster.nodes[3].controls), 0);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_node_that_is_stuck_is_red_and_named)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.recover_ms = 300;
    chaos.kill_weight = 1;
    for (uint32_t i = 0; i < 4; i++) {
        atomic_store(&cluster.nodes[i].stuck_at, i == 3 ? 0 : 6);
    }
    cluster_start(scenario_with(chaos), 1.0);
    cluster.plan->settle_ms = 100;
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "expectation 'recovers'");
    ck_assert_says(err, ", killed at ");
    ck_assert_says(err, "it has been at height 6 since ");
    ck_assert_says(err, " behind the cluster, which is at ");
    if (getenv("SLOW_TEST_ENV") ==
        NULL) { /* A bound that is stretched may outlast the window, which is not. */
        ck_assert_says(err, ", while the window was open: node-");
        ck_assert_uint_lt(cluster_window_ms(), WINDOW_MS);
    }
    assert_all_run();
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_node_that_is_never_ready_again_is_red_and_named)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.restart_weight = 1;
    for (uint32_t i = 0; i < 4; i++) {
        atomic_store(&cluster.nodes[i].lame, true);
    }
    cluster_start(scenario_with(chaos), 0.1);
    cluster.plan->ready_ms = 500;
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EWORKLOAD);
    ck_assert_says(err, "workload 'chaos': action 1, the restart of node-");
    ck_assert_says(err, "cannot start node-");
    ck_assert_says(err, "also failed: recovers: node-");
    ck_assert_says(err, " (action 1), did not come back: cannot start node-");
    cluster_assert_finish(MUSTER_EWORKLOAD);
}
END_TEST

START_TEST(an_action_without_effect_is_red_and_named)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.pause_weight = 1;
    for (uint32_t i = 0; i < 4; i++) {
        atomic_store(&cluster.nodes[i].deaf, true);
    }
    cluster_start(scenario_with(chaos), 0.2);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(err, "the pause of node-");
    ck_assert_says(err, " had no effect: the runner said that it was done at ");
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_backend_that_fails_fails_the_run)
{
    struct muster_error err = { 0 };
    for (uint32_t i = 0; i < 4; i++) {
        atomic_store(&cluster.nodes[i].broken, true);
    }
    cluster_start(scenario_with(lively), 1.0);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EINFRA);
    ck_assert_says(err, "workload 'chaos': action 1, the ");
    ck_assert_says(err, ": the backend is gone");
    ck_assert_says(err, "also failed: recovers: the ");
    ck_assert_double_eq(number("actions"), 0);
    cluster_assert_finish(MUSTER_EINFRA);
}
END_TEST

/* Another workload holds a node down, so that the quorum leaves none for chaos. */
static enum muster_rc hold_down(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    enum muster_rc rc = muster_node_pause(run, 0, err);
    if (rc == MUSTER_OK) {
        rc = muster_run_sleep(run, WINDOW_MS);
    }
    return rc == MUSTER_ESTOPPED ? muster__node_bring_back(run, 0, err) : rc;
}

START_TEST(a_window_in_which_nothing_happened_is_red)
{
    struct muster_error err = { 0 };
    struct muster_chaos chaos = lively;
    chaos.min_delay_ms = chaos.max_delay_ms = 500;
    struct muster_scenario *s = scenario_with(chaos);
    muster_workload(s, &(struct muster_workload){ .name = "hold_down", .run = hold_down });
    cluster_start(s, 1.0);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_EEXPECT);
    ck_assert_says(
        err, "expectation 'recovers': nothing happened to any node in the window of 2.0 s: the quorum left "
             "no node to spare (quorum 3 of 4 nodes, one action each 500 to 500 ms)");
    ck_assert_double_eq(number("actions"), 0);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

static Suite *run_chaos_suite(void)
{
    Suite *suite = suite_create("run_chaos");
    TCase *tcase = tcase_create("run_chaos");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_cluster_that_recovers_is_green);
    tcase_add_test(tcase, all_come_back_when_the_window_closes);
    tcase_add_test(tcase, all_come_back_when_the_window_ends_early);
    tcase_add_test(tcase, spared_nodes_are_left_alone);
    tcase_add_test(tcase, a_node_that_is_stuck_is_red_and_named);
    tcase_add_test(tcase, a_node_that_is_never_ready_again_is_red_and_named);
    tcase_add_test(tcase, an_action_without_effect_is_red_and_named);
    tcase_add_test(tcase, a_backend_that_fails_fails_the_run);
    tcase_add_test(tcase, a_window_in_which_nothing_happened_is_red);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(run_chaos_suite);
