/* The builder's mistakes: each names its field, and the first one stays. */
#include "muster/chain.h"
#include "testing/scenario.h"
#include "testing/unit_test.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct muster_system the_system = { .name = "test" };

START_TEST(topology)
{
    static const struct {
        struct muster_topology topology;
        const char *mistake;
    } cases[] = {
        { { MUSTER_STAR, 1 }, NULL },
        { { 0, 3 }, NULL },
        { { MUSTER_FULL, MUSTER_NODES_MAX }, NULL },
        { { MUSTER_STAR, 0 }, "topology.nodes is 0; a cluster needs 1 to 250 nodes" },
        { { MUSTER_STAR, 251 }, "topology.nodes is 251; a cluster needs 1 to 250 nodes" },
        { { MUSTER_STAR, UINT32_MAX }, "topology.nodes is 4294967295; a cluster needs 1 to 250 nodes" },
        { { (enum muster_layout)9, 3 },
          "topology.layout is 9; use MUSTER_STAR, MUSTER_CHAIN or MUSTER_FULL" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_topology(s, &cases[i].topology);
        scenario_check_mistake(s, cases[i].mistake);
    }
    struct muster_scenario *s = scenario_create();
    muster_topology(s, NULL);
    scenario_check_mistake(s, "topology.nodes is 0; a cluster needs 1 to 250 nodes");
}
END_TEST

START_TEST(wallets)
{
    static const struct {
        uint32_t count;
        const char *mistake;
    } cases[] = {
        { 1, NULL },
        { MUSTER_WALLETS_MAX, NULL },
        { 0, "wallets is 0; use 1 to 100000" },
        { MUSTER_WALLETS_MAX + 1, "wallets is 100001; use 1 to 100000" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_wallets(s, cases[i].count);
        scenario_check_mistake(s, cases[i].mistake);
    }
}
END_TEST

START_TEST(run_duration)
{
    static const struct {
        int64_t duration_ms;
        const char *mistake;
    } cases[] = {
        { 1, NULL },
        { MUSTER_DAY_MS, NULL },
        { 0, "run_duration is 0 ms; use 1 ms to one day (86400000 ms)" },
        { MUSTER_SECONDS(-3), "run_duration is -3000 ms; use 1 ms to one day (86400000 ms)" },
        { MUSTER_DAY_MS + 1, "run_duration is 86400001 ms; use 1 ms to one day (86400000 ms)" },
        { INT64_MIN, "run_duration is -9223372036854775808 ms; use 1 ms to one day (86400000 ms)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_run_duration(s, cases[i].duration_ms);
        scenario_check_mistake(s, cases[i].mistake);
    }
}
END_TEST

START_TEST(consensus)
{
    const struct {
        struct muster_consensus consensus;
        const char *mistake;
    } cases[] = {
        { { 0, 0, 0 }, NULL },
        { { 20, 0.001, 1 }, NULL },
        { { 3600000, 1, 10000 }, NULL },
        { { 19, 0, 0 }, "consensus.slot_ms is 19; use 20 to 3600000 ms" },
        { { 3600001, 0, 0 }, "consensus.slot_ms is 3600001; use 20 to 3600000 ms" },
        { { 0, 1.1, 0 }, "consensus.active_slot_coeff is 1.1; use 0.001 to 1" },
        { { 0, -0.1, 0 }, "consensus.active_slot_coeff is -0.1; use 0.001 to 1" },
        { { 0, 0.0009, 0 }, "consensus.active_slot_coeff is 0.0009; use 0.001 to 1" },
        { { 0, (double)NAN, 0 }, "consensus.active_slot_coeff is nan; use 0.001 to 1" },
        { { 0, 0, 10001 }, "consensus.security_depth is 10001; use 1 to 10000 blocks" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_consensus(s, &cases[i].consensus);
        scenario_check_mistake(s, cases[i].mistake);
    }
}
END_TEST

START_TEST(deadlines)
{
    static const struct {
        struct muster_deadlines deadlines;
        const char *mistake;
    } cases[] = {
        { { 86400000, 86400000, 86400000 }, NULL },
        { { 86400001, 0, 0 }, "deadlines.ready_ms is 86400001 ms; use at most one day (86400000 ms)" },
        { { 0, 86400001, 0 }, "deadlines.settle_ms is 86400001 ms; use at most one day (86400000 ms)" },
        { { 0, 0, UINT32_MAX }, "deadlines.grace_ms is 4294967295 ms; use at most one day (86400000 ms)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_deadlines(s, &cases[i].deadlines);
        scenario_check_mistake(s, cases[i].mistake);
    }
}
END_TEST

START_TEST(capabilities)
{
    struct muster_scenario *s = scenario_create();
    muster_require(s, MUSTER_NODE_CONTROL);
    muster_require(s, 0);
    scenario_check_mistake(s, NULL);
    s = scenario_create();
    muster_require(s, MUSTER_NODE_CONTROL | 0x80000000);
    scenario_check_mistake(s,
                           "require is 0x80000001, which has bits of no capability; there is node control");
}
END_TEST

START_TEST(system_must_be_given)
{
    struct muster_scenario *s = scenario_create();
    muster_system(s, &the_system);
    scenario_check_mistake(s, NULL);
    s = scenario_create();
    muster_system(s, NULL);
    scenario_check_mistake(s, "system is NULL; give one, such as the system of an adapter");
}
END_TEST

START_TEST(names)
{
    static const char *const bad[] = {
        "", "Upper", "with-dash", "with space", "dot.dot", "sl/ash", "\xc3\xa9"
    };
    char expected[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(expected, sizeof expected, "scenario name is '%s'; a name needs 1 to 63 of a-z, 0-9 and _",
                 bad[i]);
        scenario_check_mistake(muster_scenario_create("suite", bad[i]), expected);
        snprintf(expected, sizeof expected, "suite name is '%s'; a name needs 1 to 63 of a-z, 0-9 and _",
                 bad[i]);
        scenario_check_mistake(muster_scenario_create(bad[i], "scenario"), expected);
        snprintf(expected, sizeof expected, "workload name is '%s'; a name needs 1 to 63 of a-z, 0-9 and _",
                 bad[i]);
        struct muster_scenario *s = scenario_create();
        struct muster_workload workload = scenario_workload_named(bad[i]);
        muster_workload(s, &workload);
        scenario_check_mistake(s, expected);
        snprintf(expected, sizeof expected,
                 "expectation name is '%s'; a name needs 1 to 63 of a-z, 0-9 and _", bad[i]);
        s = scenario_create();
        struct muster_expectation expectation = scenario_expectation_named(bad[i]);
        muster_expectation(s, &expectation);
        scenario_check_mistake(s, expected);
        ck_assert_int_eq(scenario_destroyed, 1);
    }
    scenario_check_mistake(muster_scenario_create(NULL, "x"),
                           "suite name is ''; a name needs 1 to 63 of a-z, 0-9 and _");
}
END_TEST

START_TEST(names_are_bounded)
{
    char name[MUSTER_NAME_BYTES + 1];
    memset(name, 'a', sizeof name);
    name[MUSTER_NAME_BYTES] = '\0';
    char expected[256];
    snprintf(expected, sizeof expected, "scenario name is '%.64s'; a name needs 1 to 63 of a-z, 0-9 and _",
             name);
    scenario_check_mistake(muster_scenario_create("suite", name), expected);
    name[MUSTER_NAME_BYTES - 1] = '\0';
    scenario_check_mistake(muster_scenario_create("suite_0", name), NULL);
}
END_TEST

START_TEST(the_first_mistake_sticks)
{
    struct muster_scenario *s = scenario_create();
    muster_wallets(s, 0);
    muster_topology(s, &(struct muster_topology){ .nodes = 0 });
    muster_wallets(s, 20);
    scenario_check_mistake(s, "wallets is 0; use 1 to 100000");
}
END_TEST

START_TEST(environment)
{
    static const struct {
        uint32_t node;
        const char *name;
        const char *value;
        const char *mistake;
    } cases[] = {
        { 0, "A", "", NULL },
        { MUSTER_EVERY_NODE, "A", "1=2", NULL },
        { 0, "", "1", "node_env name is ''; an environment variable needs a name without '='" },
        { 0, NULL, "1", "node_env name is ''; an environment variable needs a name without '='" },
        { 0, "A=B", "1", "node_env name is 'A=B'; an environment variable needs a name without '='" },
        { 0, "A", NULL, "node_env 'A' is NULL; give it a value, \"\" for an empty one" },
        { 250, "A", "1", "node_env 'A' is for node 250; use 0 to 249 or MUSTER_EVERY_NODE" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_node_env(s, cases[i].node, cases[i].name, cases[i].value);
        scenario_check_mistake(s, cases[i].mistake);
    }
}
END_TEST

START_TEST(environment_is_bounded)
{
    struct muster_scenario *s = scenario_create();
    char name[16];
    for (unsigned i = 0; i < MUSTER_ENV_MAX; i++) {
        snprintf(name, sizeof name, "N%u", i);
        muster_node_env(s, MUSTER_EVERY_NODE, name, "x");
    }
    muster_node_env(s, MUSTER_EVERY_NODE, "N0", "again");
    ck_assert_ptr_null(muster_scenario_mistake(s));
    muster_node_env(s, 0, "N0", "one node's own");
    scenario_check_mistake(s, "node_env 'N0' is one too many; a scenario sets at most 64");

    static char value[MUSTER_ENV_BYTES_MAX + 1];
    memset(value, 'v', sizeof value - 1);
    s = scenario_create();
    muster_node_env(s, 0, "BIG", value + 3);
    ck_assert_ptr_null(muster_scenario_mistake(s));
    muster_node_env(s, 0, "BIG", value);
    scenario_check_mistake(s, "node_env 'BIG' has 65539 bytes, name and value together; use at most 65536");
}
END_TEST

/* Creation can run out of memory; what follows must not crash, and own its contexts still. */
START_TEST(a_null_scenario_is_harmless)
{
    scenario_destroyed = 0;
    struct muster_workload workload = scenario_workload_named("a");
    struct muster_expectation expectation = scenario_expectation_named("a");
    muster_topology(NULL, NULL);
    muster_wallets(NULL, 1);
    muster_transactions(NULL, NULL);
    muster_expect_consensus_liveness(NULL, NULL);
    muster_run_duration(NULL, 1);
    muster_consensus(NULL, NULL);
    muster_require(NULL, 0);
    muster_deadlines(NULL, NULL);
    muster_node_env(NULL, 0, "A", "1");
    muster_system(NULL, &the_system);
    muster_workload(NULL, &workload);
    muster_expectation(NULL, &expectation);
    muster_workload(NULL, NULL);
    muster_expectation(NULL, NULL);
    ck_assert_int_eq(scenario_destroyed, 2);
    ck_assert_ptr_null(muster_scenario_mistake(NULL));
    muster_scenario_destroy(NULL);
    muster_plan_destroy(NULL);
}
END_TEST

START_TEST(parts_of_others_can_refuse)
{
    struct muster_scenario *s = scenario_create();
    muster_scenario_refuse(s, "puts.rate is %u; use 1 to %u", 7u, 5u);
    muster_scenario_refuse(s, "never heard");
    scenario_check_mistake(s, "puts.rate is 7; use 1 to 5");
    muster_scenario_refuse(NULL, "nothing");
}
END_TEST

static Suite *scenario_suite(void)
{
    Suite *suite = suite_create("scenario");
    TCase *tcase = tcase_create("scenario");
    tcase_add_test(tcase, topology);
    tcase_add_test(tcase, wallets);
    tcase_add_test(tcase, run_duration);
    tcase_add_test(tcase, consensus);
    tcase_add_test(tcase, deadlines);
    tcase_add_test(tcase, capabilities);
    tcase_add_test(tcase, system_must_be_given);
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, names_are_bounded);
    tcase_add_test(tcase, the_first_mistake_sticks);
    tcase_add_test(tcase, environment);
    tcase_add_test(tcase, environment_is_bounded);
    tcase_add_test(tcase, a_null_scenario_is_harmless);
    tcase_add_test(tcase, parts_of_others_can_refuse);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(scenario_suite);
