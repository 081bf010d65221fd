/* From scenario to plan: defaults, overrides, refusals, and who frees what. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "testing/scenario.h"
#include "testing/unit_test.h"

#include "muster/chain.h"
#include "plan/internal.h"
#include "testing/bare_system.h"

static int prepared;
static int released;
static uint64_t prepared_seed;

/* Its state is the counter of releases. */
static enum muster_rc prepare_well(const struct muster_plan *plan, const struct muster_variables *variables,
                                   void **state, struct muster_error *err)
{
    (void)variables;
    (void)err;
    prepared++;
    prepared_seed = plan->seed;
    *state = &released;
    return MUSTER_OK;
}

static enum muster_rc prepare_badly(const struct muster_plan *plan, const struct muster_variables *variables,
                                    void **state, struct muster_error *err)
{
    (void)variables;
    (void)plan;
    (void)state;
    return muster_error_set(err, MUSTER_EINVAL, "the system has no %s", "such thing");
}

static enum muster_rc request_any_block(const void *state, const struct muster_id *id,
                                        struct muster_request *out, struct muster_error *err)
{
    (void)state;
    (void)id;
    return muster_request_init(out, "GET", "/", NULL, err);
}

static enum muster_rc build_any(void *state, uint32_t wallet, struct muster_submission *out,
                                struct muster_error *err)
{
    (void)state;
    out->wallet = wallet;
    return muster_request_init(&out->request, "POST", "/", NULL, err);
}

static uint32_t made_of;
static int parts_released;

static void release_mine(void *state)
{
    parts_released += state == &made_of;
}

static enum muster_rc make_mine(const struct muster_plan *plan, const void *options, void **state,
                                struct muster_error *err)
{
    (void)plan;
    made_of = *(const uint32_t *)options;
    *state = &made_of;
    return made_of != 0 ? MUSTER_OK
                        : muster_error_set(err, MUSTER_EINVAL, "mine.option is 0; give it another");
}

static uint64_t recover_mine(const struct muster_plan *plan, const void *state)
{
    (void)plan;
    (void)state;
    return 1234;
}

static enum muster_rc evaluate_mine(struct muster_run *run, void *state, struct muster_report *report,
                                    struct muster_error *err)
{
    (void)run;
    (void)state;
    (void)report;
    (void)err;
    return MUSTER_OK;
}

static const struct muster_chain chain_slots = {
    .request_block = request_any_block,
    .parse_block = bare_parse_block,
    .build_submission = build_any,
    .parse_submission = bare_parse_submission,
    .settle_submission = bare_settle_submission,
};
static const struct muster_system chain = {
    .name = "chain",
    BARE_SYSTEM_SLOTS,
    .prepare = prepare_well,
    .release = scenario_destroy_counted,
    .observer = &muster_chain_observer,
    .chain = &chain_slots,
};
static const struct muster_system broken = {
    .name = "broken",
    BARE_SYSTEM_SLOTS,
    .prepare = prepare_badly,
    .release = scenario_destroy_counted,
    .observer = &muster_chain_observer,
    .chain = &chain_slots,
};
static const struct muster_system plain = { .name = "plain", BARE_SYSTEM_SLOTS };

static void clear_environment(void)
{
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        unsetenv(muster_variable_info((enum muster_variable)i)->name);
    }
    prepared = 0;
    released = 0;
}

/* A scenario with all that has no default. */
static struct muster_scenario *create_whole(void)
{
    struct muster_scenario *s = scenario_create();
    muster_topology(s, &(struct muster_topology){ .nodes = 3 });
    muster_run_duration(s, MUSTER_SECONDS(60));
    muster_system(s, &chain);
    return s;
}

static enum muster_rc build(struct muster_scenario *s, struct muster_plan **ret, struct muster_error *err)
{
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *variables = NULL;
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
    return muster_scenario_build(s, variables, ret, err);
}

static struct muster_plan *build_well(struct muster_scenario *s)
{
    struct muster_plan *plan = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(build(s, &plan, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_ptr_nonnull(plan);
    return plan;
}

static void check_refused(struct muster_scenario *s, const char *expected)
{
    struct muster_plan *plan = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(build(s, &plan, &err), MUSTER_EINVAL);
    ck_assert_ptr_null(plan);
    ck_assert_str_eq(err.text, expected);
}

START_TEST(defaults)
{
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = build_well(create_whole());
    ck_assert_str_eq(plan->suite, "suite");
    ck_assert_str_eq(plan->name, "scenario");
    ck_assert_ptr_eq(plan->system, &chain);
    ck_assert_int_eq(plan->layout, MUSTER_STAR);
    ck_assert_uint_eq(plan->node_count, 3);
    ck_assert_uint_eq(plan->wallet_count, 0);
    ck_assert_uint_eq(plan->slot_ms, 2000);
    ck_assert_double_eq(plan->active_slot_coeff, 0.9);
    ck_assert_uint_eq(plan->security_depth, 10);
    ck_assert_uint_eq(plan->block_interval_ms, 2222);
    ck_assert_uint_eq(plan->duration_ms, 60000);
    ck_assert_uint_eq(plan->capabilities, 0);
    ck_assert_double_eq(plan->slowdown, 1);
    ck_assert_uint_eq(plan->ready_ms, 0);
    ck_assert_uint_eq(plan->settle_ms, 27220);
    ck_assert_uint_eq(plan->grace_ms, 3000);
    ck_assert_uint_eq(plan->env_count, 0);
    ck_assert_uint_eq(muster_plan_time_limit_ms(plan), 60000 + 60000 + 27220 + 3000 + 8 * 2222 + 60000);
}
END_TEST

START_TEST(what_is_given_holds)
{
    struct muster_scenario *s = create_whole();
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_CHAIN, .nodes = 7 });
    muster_wallets(s, 20);
    muster_consensus(s, &(struct muster_consensus){ 500, 0.25, 4 });
    muster_deadlines(s, &(struct muster_deadlines){ 10000, 20000, 500 });
    muster_require(s, MUSTER_NODE_CONTROL);
    muster_node_env(s, 6, "A", "1");
    muster_node_env(s, MUSTER_EVERY_NODE, "A", "2");
    muster_node_env(s, 6, "A", "3");
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = build_well(s);
    ck_assert_int_eq(plan->layout, MUSTER_CHAIN);
    ck_assert_uint_eq(plan->node_count, 7);
    ck_assert_uint_eq(plan->wallet_count, 20);
    ck_assert_uint_eq(plan->slot_ms, 500);
    ck_assert_double_eq(plan->active_slot_coeff, 0.25);
    ck_assert_uint_eq(plan->security_depth, 4);
    ck_assert_uint_eq(plan->block_interval_ms, 2000);
    ck_assert_uint_eq(plan->ready_ms, 10000);
    ck_assert_uint_eq(plan->settle_ms, 20000);
    ck_assert_uint_eq(plan->grace_ms, 500);
    ck_assert_uint_eq(plan->capabilities, MUSTER_NODE_CONTROL);
    ck_assert_uint_eq(plan->env_count, 2);
    ck_assert_uint_eq(plan->env[0].node, 6);
    ck_assert_str_eq(plan->env[0].name, "A");
    ck_assert_str_eq(plan->env[0].value, "3");
    ck_assert_uint_eq(plan->env[1].node, MUSTER_EVERY_NODE);
    ck_assert_uint_eq(muster_plan_time_limit_ms(plan), 10000 + 60000 + 2 * 20000 + 500 + 8 * 2000 + 60000);
}
END_TEST

START_TEST(variables_override_the_scenario)
{
    setenv("CONSENSUS_SLOT_TIME", "0.25", 1);
    setenv("CONSENSUS_ACTIVE_SLOT_COEFF", "0.5", 1);
    struct muster_scenario *s = create_whole();
    muster_consensus(s, &(struct muster_consensus){ 1000, 1, 3 });
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->slot_ms, 250);
    ck_assert_double_eq(plan->active_slot_coeff, 0.5);
    ck_assert_uint_eq(plan->security_depth, 3);
    ck_assert_uint_eq(plan->block_interval_ms, 500);
}
END_TEST

START_TEST(slow_machines_get_longer_deadlines)
{
    setenv("SLOW_TEST_ENV", "true", 1);
    setenv("CK_TIMEOUT_MULTIPLIER", "1.5", 1);
    struct muster_scenario *s = create_whole();
    muster_deadlines(s, &(struct muster_deadlines){ 1001, 20000, 0 });
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = build_well(s);
    ck_assert_double_eq(plan->slowdown, 3);
    ck_assert_uint_eq(plan->ready_ms, 3003);
    ck_assert_uint_eq(plan->settle_ms, 60000);
    ck_assert_uint_eq(plan->grace_ms, 9000);
    ck_assert_uint_eq(plan->duration_ms, 60000);
    ck_assert_uint_eq(muster_plan_time_limit_ms(plan), 3003 + 60000 + 60000 + 9000 + 3 * 8 * 2222 + 180000);
}
END_TEST

START_TEST(deadlines_do_not_overflow)
{
    setenv("SLOW_TEST_ENV", "true", 1);
    setenv("CK_TIMEOUT_MULTIPLIER", "1000", 1);
    struct muster_scenario *s = create_whole();
    muster_deadlines(s, &(struct muster_deadlines){ 86400000, 86400000, 86400000 });
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->ready_ms, UINT32_MAX);
    ck_assert_uint_eq(plan->grace_ms, UINT32_MAX);
    ck_assert_uint_eq(muster_plan_time_limit_ms(plan),
                      3ull * UINT32_MAX + 60000 + 2000ull * 8 * 2222 + 120000000);
}
END_TEST

START_TEST(grace_is_the_systems_unless_given)
{
    static const struct muster_system slow = { .name = "slow", BARE_SYSTEM_SLOTS, .grace_ms = 15000 };
    struct muster_scenario *s = create_whole();
    muster_system(s, &slow);
    struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->grace_ms, 15000);
    muster_plan_destroy(plan);
    s = create_whole();
    muster_system(s, &slow);
    muster_deadlines(s, &(struct muster_deadlines){ .grace_ms = 200 });
    plan = build_well(s);
    ck_assert_uint_eq(plan->grace_ms, 200);
    muster_plan_destroy(plan);
}
END_TEST

START_TEST(settling_is_bounded)
{
    struct muster_scenario *s = create_whole();
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = 20, .active_slot_coeff = 1 });
    struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->settle_ms, 5200);
    muster_plan_destroy(plan);
    s = create_whole();
    muster_run_duration(s, MUSTER_DAY_MS);
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = 3600000, .active_slot_coeff = 0.001 });
    plan = build_well(s);
    ck_assert_uint_eq(plan->block_interval_ms, 3600000000u);
    ck_assert_uint_eq(plan->settle_ms, 600000);
    muster_plan_destroy(plan);
}
END_TEST

START_TEST(seeds_come_from_the_environment)
{
    setenv("MUSTER_SEED", "18446744073709551615", 1);
    struct muster_plan *plan = build_well(create_whole());
    ck_assert_uint_eq(plan->seed, UINT64_MAX);
    ck_assert_uint_eq(prepared_seed, UINT64_MAX);
    muster_plan_destroy(plan);
    setenv("MUSTER_SEED", "0", 1);
    plan = build_well(create_whole());
    ck_assert_uint_eq(plan->seed, 0);
    muster_plan_destroy(plan);
}
END_TEST

START_TEST(else_seeds_are_new)
{
    struct muster_plan *one = build_well(create_whole());
    struct muster_plan *two = build_well(create_whole());
    ck_assert_uint_ne(one->seed, two->seed);
    muster_plan_destroy(one);
    muster_plan_destroy(two);
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    check_refused(scenario_create(), "topology is missing; call muster_topology()");
    struct muster_scenario *s = scenario_create();
    muster_topology(s, &(struct muster_topology){ .nodes = 1 });
    check_refused(s, "run_duration is missing; call muster_run_duration()");
    s = scenario_create();
    muster_topology(s, &(struct muster_topology){ .nodes = 1 });
    muster_run_duration(s, 5000);
    check_refused(s, "system is missing; call muster_system()");
}
END_TEST

START_TEST(mistakes_come_out_of_build)
{
    struct muster_scenario *s = create_whole();
    muster_wallets(s, 0);
    check_refused(s, "wallets is 0; use 1 to 100000");
    ck_assert_int_eq(prepared, 0);
}
END_TEST

START_TEST(transactions_need_wallets)
{
    struct muster_scenario *s = create_whole();
    muster_transactions(s, NULL);
    check_refused(s, "wallets is 0, but transactions need some; call muster_wallets() with 1 to 100000");
    /* In either order. */
    s = create_whole();
    muster_transactions(s, &(struct muster_transactions){ .users = 30 });
    muster_wallets(s, 20);
    check_refused(s,
                  "transactions.users is 30, but there are 20 wallets; ask for fewer users or more wallets");
    s = create_whole();
    muster_wallets(s, 20);
    muster_transactions(s, NULL);
    muster_system(s, &plain);
    check_refused(s, "transactions are asked for, but the system 'plain' has none; leave them out");
}
END_TEST

START_TEST(variables_are_for_nodes_that_exist)
{
    struct muster_scenario *s = create_whole();
    muster_node_env(s, 3, "A", "1");
    check_refused(s, "node_env 'A' is for node 3, but the nodes are 0 to 2; name one of them, or "
                     "MUSTER_EVERY_NODE");
    s = create_whole();
    muster_node_env(s, 3, "A", "1");
    muster_topology(s, &(struct muster_topology){ .nodes = 4 });
    muster_plan_destroy(build_well(s));
}
END_TEST

START_TEST(windows_hold_two_slots)
{
    struct muster_scenario *s = create_whole();
    muster_run_duration(s, 3999);
    check_refused(s,
                  "run_duration is 3999 ms, shorter than two slots of 2000 ms; make it longer, or the slots "
                  "shorter with muster_consensus() or CONSENSUS_SLOT_TIME");
    s = create_whole();
    muster_run_duration(s, 4000);
    muster_plan_destroy(build_well(s));
    s = create_whole();
    muster_run_duration(s, 40);
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = 20 });
    muster_plan_destroy(build_well(s));
    /* Slots mean nothing to a system without blocks. */
    s = create_whole();
    muster_run_duration(s, 1);
    muster_system(s, &plain);
    muster_plan_destroy(build_well(s));
}
END_TEST

START_TEST(parts_keep_their_order)
{
    struct muster_scenario *s = create_whole();
    char name[] = "first";
    struct muster_workload workload = scenario_workload_named(name);
    struct muster_expectation expectation = scenario_expectation_named(name);
    muster_workload(s, &workload);
    muster_expectation(s, &expectation);
    muster_transactions(s, NULL);
    muster_expect_consensus_liveness(s, NULL);
    muster_wallets(s, 5);
    workload.name = "last";
    expectation.name = "last";
    muster_workload(s, &workload);
    muster_expectation(s, &expectation);
    memset(name, 'x', sizeof name - 1); /* Names are copies. */

    struct muster_plan *plan = build_well(s);
    static const char *const workloads[] = { "first", "transactions", "last" };
    static const char *const expectations[] = { "first", "inclusion", "consensus_liveness", "last" };
    ck_assert_uint_eq(plan->workload_count, 3);
    ck_assert_uint_eq(plan->expectation_count, 4);
    for (size_t i = 0; i < plan->workload_count; i++) {
        ck_assert_str_eq(plan->workloads[i].name, workloads[i]);
        ck_assert(plan->workloads[i].run != NULL);
    }
    for (size_t i = 0; i < plan->expectation_count; i++) {
        ck_assert_str_eq(plan->expectations[i].name, expectations[i]);
        ck_assert(plan->expectations[i].evaluate != NULL);
    }
    ck_assert_int_eq(scenario_destroyed, 0);
    muster_plan_destroy(plan);
    ck_assert_int_eq(scenario_destroyed, 4);
}
END_TEST

START_TEST(a_system_that_is_no_chain_has_a_pace_alone)
{
    struct muster_scenario *s = create_whole();
    muster_system(s, &plain);
    struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->pace_ms, 1000);
    ck_assert_uint_eq(plan->slot_ms, 0);
    ck_assert_uint_eq(plan->block_interval_ms, 0);
    ck_assert_uint_eq(plan->settle_ms, 15000);
    muster_plan_destroy(plan);
    s = create_whole();
    muster_system(s, &plain);
    muster_pace(s, 250);
    plan = build_well(s);
    ck_assert_uint_eq(plan->pace_ms, 250);
    muster_plan_destroy(plan);
    s = create_whole();
    muster_pace(s, 9);
    check_refused(s, "pace is 9 ms; use 10 to 3600000 ms");
}
END_TEST

START_TEST(liveness_needs_a_chain)
{
    struct muster_scenario *s = create_whole();
    muster_system(s, &plain);
    muster_expect_consensus_liveness(s, NULL);
    check_refused(s, "consensus_liveness is expected, but the system 'plain' has no blocks; leave it out, or "
                     "expect what this system has");
}
END_TEST

static const struct muster_part part_of_mine = { .name = "mine",
                                                 .expectation = "mine_holds",
                                                 .options_bytes = sizeof(uint32_t),
                                                 .capabilities = MUSTER_NODE_CONTROL,
                                                 .make = make_mine,
                                                 .recover_ms = recover_mine,
                                                 .evaluate = evaluate_mine,
                                                 .release = release_mine };

START_TEST(a_systems_table_is_checked)
{
    static const struct muster_system half = { .name = "half", .ports = bare_ports, .port_count = 1 };
    struct muster_scenario *s = create_whole();
    muster_system(s, &half);
    check_refused(s, "the system 'half' has no render, which every system needs");
}
END_TEST

START_TEST(a_part_is_made_of_a_copy_of_its_options)
{
    uint32_t option = 7;
    struct muster_scenario *s = create_whole();
    muster_part(s, &part_of_mine, &option);
    option = 8;
    ck_assert(muster_has_part(s, &part_of_mine));
    struct muster_plan *plan = build_well(s);
    ck_assert_uint_eq(plan->part_count, 1);
    ck_assert_uint_eq(made_of, 7);
    ck_assert_uint_eq(plan->recover_ms, 1234);
    ck_assert_uint_eq(plan->capabilities, MUSTER_NODE_CONTROL);
    ck_assert_str_eq(plan->expectations[0].name, "mine_holds");
    ck_assert_ptr_eq(plan->expectations[0].context, plan->parts[0].state);
    ck_assert_int_eq(parts_released, 0);
    muster_plan_destroy(plan);
    ck_assert_int_eq(parts_released, 1);
}
END_TEST

START_TEST(a_part_is_given_once_and_may_refuse)
{
    uint32_t option = 0;
    struct muster_scenario *s = create_whole();
    muster_part(s, &part_of_mine, &option);
    muster_part(s, &part_of_mine, &option);
    check_refused(s, "mine is given twice; give it once");
    s = create_whole();
    muster_part(s, &part_of_mine, NULL);
    check_refused(s, "mine.option is 0; give it another");
}
END_TEST

START_TEST(a_failed_build_frees_everything)
{
    struct muster_workload workload = scenario_workload_named("a");
    struct muster_scenario *s = create_whole();
    muster_workload(s, &workload);
    muster_topology(s, NULL);
    check_refused(s, "topology.nodes is 0; a cluster needs 1 to 250 nodes");
    ck_assert_int_eq(scenario_destroyed, 1);

    s = create_whole();
    muster_workload(s, &workload);
    muster_expect_consensus_liveness(s, NULL);
    muster_node_env(s, 0, "A", "1");
    muster_system(s, &broken);
    check_refused(s, "the system has no such thing");
    ck_assert_int_eq(scenario_destroyed, 1);
    /* What was never prepared is not released. */
    ck_assert_int_eq(released, 0);
}
END_TEST

START_TEST(systems_are_released_once)
{
    struct muster_plan *plan = build_well(create_whole());
    ck_assert_int_eq(prepared, 1);
    ck_assert_ptr_eq(plan->system_state, &released);
    ck_assert_int_eq(released, 0);
    muster_plan_destroy(plan);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(a_scenario_that_had_no_memory_says_so)
{
    struct muster_plan *plan = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(build(NULL, &plan, &err), MUSTER_ENOMEM);
    ck_assert_str_eq(err.text, "out of memory");
}
END_TEST

static Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");
    tcase_add_checked_fixture(tcase, clear_environment, NULL);
    tcase_add_test(tcase, defaults);
    tcase_add_test(tcase, what_is_given_holds);
    tcase_add_test(tcase, variables_override_the_scenario);
    tcase_add_test(tcase, slow_machines_get_longer_deadlines);
    tcase_add_test(tcase, deadlines_do_not_overflow);
    tcase_add_test(tcase, grace_is_the_systems_unless_given);
    tcase_add_test(tcase, settling_is_bounded);
    tcase_add_test(tcase, seeds_come_from_the_environment);
    tcase_add_test(tcase, else_seeds_are_new);
    tcase_add_test(tcase, what_is_missing_is_named);
    tcase_add_test(tcase, mistakes_come_out_of_build);
    tcase_add_test(tcase, transactions_need_wallets);
    tcase_add_test(tcase, variables_are_for_nodes_that_exist);
    tcase_add_test(tcase, windows_hold_two_slots);
    tcase_add_test(tcase, parts_keep_their_order);
    tcase_add_test(tcase, a_system_that_is_no_chain_has_a_pace_alone);
    tcase_add_test(tcase, liveness_needs_a_chain);
    tcase_add_test(tcase, a_systems_table_is_checked);
    tcase_add_test(tcase, a_part_is_made_of_a_copy_of_its_options);
    tcase_add_test(tcase, a_part_is_given_once_and_may_refuse);
    tcase_add_test(tcase, a_failed_build_frees_everything);
    tcase_add_test(tcase, systems_are_released_once);
    tcase_add_test(tcase, a_scenario_that_had_no_memory_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(plan_suite);
