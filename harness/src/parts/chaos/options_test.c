/* What chaos may be asked for: defaults, and each refusal with its sentence. */
#include "parts/chaos/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "muster/chain.h"
#include "muster/run.h"
#include "plan/internal.h"
#include "testing/bare_system.h"
#include "testing/scenario.h"
#include "testing/unit_test.h"

static const struct muster_system plain = { .name = "plain", BARE_SYSTEM_SLOTS };

static void clear_environment(void)
{
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        unsetenv(muster_variable_info((enum muster_variable)i)->name);
    }
}

static struct muster_scenario *create_with(uint32_t nodes, int64_t duration_ms,
                                           const struct muster_chaos *chaos)
{
    struct muster_scenario *s = scenario_create();
    muster_topology(s, &(struct muster_topology){ .nodes = nodes });
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = 200, .active_slot_coeff = 0.5 });
    muster_run_duration(s, duration_ms);
    muster_system(s, &plain);
    muster_chaos(s, chaos);
    return s;
}

static enum muster_rc build(struct muster_scenario *s, struct muster_plan **plan, struct muster_error *err)
{
    struct muster_variables *variables = NULL;
    ck_assert_int_eq(muster_variables_read(&variables, err), MUSTER_OK);
    enum muster_rc rc = muster_scenario_build(s, variables, plan, err);
    muster_variables_destroy(variables);
    return rc;
}

static void assert_refused(uint32_t nodes, int64_t duration_ms, const struct muster_chaos *chaos,
                           const char *said)
{
    struct muster_error err = { 0 };
    struct muster_plan *plan = NULL;
    enum muster_rc rc = build(create_with(nodes, duration_ms, chaos), &plan, &err);
    ck_assert_msg(rc == MUSTER_EINVAL, "not refused: %s", said);
    ck_assert_msg(strstr(err.text, said) != NULL, "\"%s\" lacks \"%s\"", err.text, said);
    ck_assert_msg(strchr(err.text, '\n') == NULL, "more than a sentence: %s", err.text);
}

START_TEST(chaos_adds_its_parts_and_its_need)
{
    struct muster_error err = { 0 };
    struct muster_plan *plan = NULL;
    ck_assert_msg(build(create_with(4, 60000, NULL), &plan, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(plan->workload_count, 1);
    ck_assert_str_eq(plan->workloads[0].name, "chaos");
    ck_assert_uint_eq(plan->expectation_count, 1);
    ck_assert_str_eq(plan->expectations[0].name, "recovers");
    ck_assert_uint_eq(plan->capabilities, MUSTER_NODE_CONTROL);
    ck_assert_uint_gt(plan->recover_ms, 0);
    struct muster_plan without = *plan;
    without.recover_ms = 0;
    ck_assert_uint_eq(muster_plan_time_limit_ms(plan),
                      muster_plan_time_limit_ms(&without) + plan->recover_ms);
    muster_plan_destroy(plan);
}
END_TEST

static struct muster_plan plan_of(uint32_t nodes, uint64_t duration_ms)
{
    return (struct muster_plan){
        .node_count = nodes, .duration_ms = duration_ms, .pace_ms = 400, .slowdown = 2.0
    };
}

START_TEST(defaults_follow_the_chain)
{
    struct muster_error err = { 0 };
    struct muster__chaos_options options = { .given = { .recover_ms = 0 } };
    struct muster_plan plan = plan_of(5, 60000);
    ck_assert_int_eq(muster__chaos_resolve(&plan, &options, &err), MUSTER_OK);
    const struct muster_chaos *chaos = &options.given;
    ck_assert_uint_eq(chaos->min_delay_ms, 800);
    ck_assert_uint_eq(chaos->max_delay_ms, 2400);
    ck_assert_uint_eq(chaos->cooldown_ms, 2400);
    ck_assert_uint_eq(chaos->restart_weight, 1);
    ck_assert_uint_eq(chaos->kill_weight, 1);
    ck_assert_uint_eq(chaos->pause_weight, 1);
    ck_assert_uint_eq(chaos->down_ms, 800);
    ck_assert_uint_eq(chaos->pause_ms, 800);
    ck_assert_uint_eq(chaos->quorum, 3);
    ck_assert_uint_eq(chaos->lag_max, 2);
    ck_assert_uint_eq(chaos->recover_ms, 0);
    ck_assert_uint_eq(options.tip_ms, 8000); /* Ten blocks, and twice as slow. */
}
END_TEST

START_TEST(defaults_fit_into_any_window)
{
    for (uint64_t duration_ms = 8; duration_ms < 20000; duration_ms = duration_ms * 3 / 2) {
        struct muster_error err = { 0 };
        struct muster__chaos_options options = { .given = { .recover_ms = 300 } };
        struct muster_plan plan = plan_of(3, duration_ms);
        ck_assert_msg(muster__chaos_resolve(&plan, &options, &err) == MUSTER_OK, "%s", err.text);
        ck_assert_uint_le(options.given.max_delay_ms, duration_ms / 4);
        ck_assert_uint_le(options.given.min_delay_ms, options.given.max_delay_ms);
        ck_assert_uint_eq(options.given.recover_ms, 600);
    }
}
END_TEST

START_TEST(one_delay_alone_moves_the_other)
{
    struct muster_error err = { 0 };
    struct muster_plan plan = plan_of(3, 60000);
    struct muster__chaos_options options = { .given = { .min_delay_ms = 5000 } };
    ck_assert_int_eq(muster__chaos_resolve(&plan, &options, &err), MUSTER_OK);
    ck_assert_uint_eq(options.given.max_delay_ms, 5000);
    options = (struct muster__chaos_options){ .given = { .max_delay_ms = 100 } };
    ck_assert_int_eq(muster__chaos_resolve(&plan, &options, &err), MUSTER_OK);
    ck_assert_uint_eq(options.given.min_delay_ms, 100);
    ck_assert_uint_eq(options.given.cooldown_ms, 100);
}
END_TEST

START_TEST(a_weight_given_leaves_the_others_out)
{
    struct muster_error err = { 0 };
    struct muster_plan plan = plan_of(3, 60000);
    struct muster__chaos_options options = { .given = { .kill_weight = 5 } };
    ck_assert_int_eq(muster__chaos_resolve(&plan, &options, &err), MUSTER_OK);
    ck_assert_uint_eq(options.given.restart_weight, 0);
    ck_assert_uint_eq(options.given.pause_weight, 0);
}
END_TEST

START_TEST(spare_nodes_are_copied)
{
    uint32_t nodes[] = { 0, 2 };
    struct muster_scenario *s =
        create_with(4, 60000, &(struct muster_chaos){ .spare_nodes = nodes, .spare_count = 2 });
    nodes[0] = nodes[1] = 3;
    const struct muster__chaos_options *taken = s->parts[0].options;
    ck_assert(taken->spare[0] && taken->spare[2]);
    ck_assert(!taken->spare[1] && !taken->spare[3]);
    ck_assert_ptr_null(taken->given.spare_nodes);
    muster_scenario_destroy(s);
}
END_TEST

START_TEST(what_no_plan_may_ask_for)
{
    static const uint32_t far[] = { MUSTER_NODES_MAX };
    const uint32_t long_ms = (uint32_t)MUSTER_DAY_MS + 1;
    static const char *const day = " ms; use at most one day";
    assert_refused(4, 9000, &(struct muster_chaos){ .min_delay_ms = 2000, .max_delay_ms = 1000 },
                   "chaos.min_delay_ms is 2000, above max_delay_ms, which is 1000; swap them");
    assert_refused(4, 9000, &(struct muster_chaos){ .min_delay_ms = long_ms }, day);
    assert_refused(4, 9000, &(struct muster_chaos){ .max_delay_ms = long_ms }, day);
    assert_refused(4, 9000, &(struct muster_chaos){ .cooldown_ms = long_ms }, day);
    assert_refused(4, 9000, &(struct muster_chaos){ .down_ms = long_ms }, day);
    assert_refused(4, 9000, &(struct muster_chaos){ .pause_ms = long_ms }, day);
    assert_refused(4, 9000, &(struct muster_chaos){ .recover_ms = long_ms },
                   "chaos.recover_ms is 86400001 ms");
    assert_refused(4, 9000, &(struct muster_chaos){ .pause_weight = 1000001 },
                   "chaos.pause_weight is 1000001");
    assert_refused(4, 9000, &(struct muster_chaos){ .lag_max = 10001 }, "chaos.lag_max is 10001");
    assert_refused(4, 9000, &(struct muster_chaos){ .spare_count = 1 },
                   "chaos.spare_count is 1, but spare_nodes is NULL");
    assert_refused(4, 9000, &(struct muster_chaos){ .spare_nodes = far, .spare_count = 1 },
                   "chaos.spare_nodes names node 250");
}
END_TEST

START_TEST(what_these_nodes_cannot_give)
{
    static const uint32_t all[] = { 0, 1, 2 };
    static const uint32_t absent[] = { 3 };
    assert_refused(1, 9000, NULL, "chaos is asked for with a single node");
    assert_refused(3, 9000, &(struct muster_chaos){ .quorum = 4 },
                   "chaos.quorum is 4, but there are 3 nodes; ask for at most 2");
    assert_refused(3, 9000, &(struct muster_chaos){ .quorum = 3 },
                   "nothing would ever happen; set it to at most 2");
    assert_refused(2, 9000, NULL,
                   "chaos.quorum is 2, more than half, by default, so no node of 2 could ever be down");
    assert_refused(3, 9000, &(struct muster_chaos){ .spare_nodes = all, .spare_count = 3 },
                   "chaos.spare_nodes names all 3 nodes, so nothing would ever happen");
    assert_refused(3, 9000, &(struct muster_chaos){ .spare_nodes = absent, .spare_count = 1 },
                   "chaos.spare_nodes names node 3, but the nodes are 0 to 2");
}
END_TEST

START_TEST(what_the_window_leaves_no_room_for)
{
    assert_refused(
        3, 9000, &(struct muster_chaos){ .min_delay_ms = 9000 },
        "chaos.min_delay_ms is 9000 ms, not shorter than the window of 9000 ms, so nothing would ever "
        "happen");
    assert_refused(3, 9000, &(struct muster_chaos){ .min_delay_ms = 100, .max_delay_ms = 9000 },
                   "the window might close before anything happened");
    assert_refused(3, 9000, &(struct muster_chaos){ .pause_weight = 1, .pause_ms = 9000 },
                   "so no node would ever be paused");
    assert_refused(3, 9000, &(struct muster_chaos){ .restart_weight = 1, .kill_weight = 1, .down_ms = 9000 },
                   "so no node would ever be killed");
    assert_refused(
        3, 9000,
        &(struct muster_chaos){
            .min_delay_ms = 100, .max_delay_ms = 5000, .pause_weight = 1, .pause_ms = 5000 },
        "chaos.max_delay_ms is 5000 ms and its shortest action takes 5000 ms, together not shorter than "
        "the window of 9000 ms");
}
END_TEST

START_TEST(chaos_is_given_once)
{
    struct muster_scenario *s = create_with(4, 9000, NULL);
    muster_chaos(s, NULL);
    scenario_check_mistake(s, "chaos is given twice; give it once, with the weights of all its actions");
    muster_chaos(NULL, NULL);
}
END_TEST

START_TEST(its_names_are_taken)
{
    struct muster_scenario *s = scenario_create();
    struct muster_workload own = scenario_workload_named("chaos");
    muster_workload(s, &own);
    muster_chaos(s, NULL);
    scenario_check_mistake(s, "workload 'chaos' is given twice; each needs a name of its own");
}
END_TEST

static Suite *chaos_options_suite(void)
{
    Suite *suite = suite_create("chaos_options");
    TCase *tcase = tcase_create("chaos_options");
    tcase_add_checked_fixture(tcase, clear_environment, NULL);
    tcase_add_test(tcase, chaos_adds_its_parts_and_its_need);
    tcase_add_test(tcase, defaults_follow_the_chain);
    tcase_add_test(tcase, defaults_fit_into_any_window);
    tcase_add_test(tcase, one_delay_alone_moves_the_other);
    tcase_add_test(tcase, a_weight_given_leaves_the_others_out);
    tcase_add_test(tcase, spare_nodes_are_copied);
    tcase_add_test(tcase, what_no_plan_may_ask_for);
    tcase_add_test(tcase, what_these_nodes_cannot_give);
    tcase_add_test(tcase, what_the_window_leaves_no_room_for);
    tcase_add_test(tcase, chaos_is_given_once);
    tcase_add_test(tcase, its_names_are_taken);
    suite_add_tcase(suite, tcase);
    return suite;
}
UNIT_TEST_MAIN(chaos_options_suite);
