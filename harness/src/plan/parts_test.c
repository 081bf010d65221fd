/* Mistakes in workloads and expectations, and who destroys their contexts. */
#include "muster/chain.h"
#include "testing/scenario.h"
#include "testing/unit_test.h"

#include <math.h>
#include <stdio.h>

START_TEST(transactions)
{
    const struct {
        struct muster_transactions transactions;
        const char *mistake;
    } cases[] = {
        { { 0, 0, 0, 0 }, NULL },
        { { MUSTER_RATE_MAX, MUSTER_WALLETS_MAX, 1, MUSTER_DEPTH_MAX }, NULL },
        { { .min_ratio = 1e-9 }, NULL },
        { { .rate_per_block = 10001 }, "transactions.rate_per_block is 10001; use 1 to 10000" },
        { { .users = 100001 }, "transactions.users is 100001; use at most the number of wallets" },
        { { .min_ratio = -0.5 }, "transactions.min_ratio is -0.5; use a share above 0, to 1" },
        { { .min_ratio = 1.5 }, "transactions.min_ratio is 1.5; use a share above 0, to 1" },
        { { .min_ratio = INFINITY }, "transactions.min_ratio is inf; use a share above 0, to 1" },
        { { .min_ratio = (double)NAN }, "transactions.min_ratio is nan; use a share above 0, to 1" },
        { { .within_blocks = 10001 }, "transactions.within_blocks is 10001; use 1 to 10000 blocks" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_transactions(s, &cases[i].transactions);
        scenario_check_mistake(s, cases[i].mistake);
    }
    struct muster_scenario *s = scenario_create();
    muster_transactions(s, NULL);
    muster_transactions(s, NULL);
    scenario_check_mistake(s, "transactions is given twice; give it once, with the sum of both rates");
}
END_TEST

START_TEST(liveness)
{
    const struct {
        struct muster_liveness liveness;
        const char *mistake;
    } cases[] = {
        { { 0, 0 }, NULL },
        { { 0.5, MUSTER_DEPTH_MAX }, NULL },
        { { 1, 0 }, "liveness.false_alarm is 1; use a chance above 0 and below 1" },
        { { -1e-6, 0 }, "liveness.false_alarm is -1e-06; use a chance above 0 and below 1" },
        { { (double)NAN, 0 }, "liveness.false_alarm is nan; use a chance above 0 and below 1" },
        { { 0, 10001 }, "liveness.lag_blocks_max is 10001; use 1 to 10000 blocks" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_scenario *s = scenario_create();
        muster_expect_consensus_liveness(s, &cases[i].liveness);
        scenario_check_mistake(s, cases[i].mistake);
    }
    struct muster_scenario *s = scenario_create();
    muster_expect_consensus_liveness(s, NULL);
    muster_expect_consensus_liveness(s, NULL);
    scenario_check_mistake(s, "consensus_liveness is expected twice; expect it once");
}
END_TEST

START_TEST(parts_need_their_functions)
{
    struct muster_scenario *s = scenario_create();
    muster_workload(s, &(struct muster_workload){ .name = "load" });
    scenario_check_mistake(s, "workload 'load' has no run; give it the function to call");
    s = scenario_create();
    muster_expectation(s, &(struct muster_expectation){ .name = "good" });
    scenario_check_mistake(s, "expectation 'good' has no evaluate; give it the function to call");
    s = scenario_create();
    muster_workload(s, NULL);
    scenario_check_mistake(s, "workload is NULL; give a struct with name and run");
    s = scenario_create();
    muster_expectation(s, NULL);
    scenario_check_mistake(s, "expectation is NULL; give a struct with name and evaluate");
}
END_TEST

START_TEST(parts_need_names_of_their_own)
{
    struct muster_workload workload = scenario_workload_named("transactions");
    struct muster_expectation expectation = scenario_expectation_named("inclusion");

    struct muster_scenario *s = scenario_create();
    muster_workload(s, &workload);
    muster_workload(s, &workload);
    scenario_check_mistake(s, "workload 'transactions' is given twice; each needs a name of its own");
    s = scenario_create();
    muster_workload(s, &workload);
    muster_transactions(s, NULL);
    scenario_check_mistake(s, "workload 'transactions' is given twice; each needs a name of its own");
    s = scenario_create();
    muster_transactions(s, NULL);
    muster_expectation(s, &expectation);
    scenario_check_mistake(s, "expectation 'inclusion' is given twice; each needs a name of its own");
    s = scenario_create();
    expectation.name = "consensus_liveness";
    muster_expectation(s, &expectation);
    muster_expect_consensus_liveness(s, NULL);
    scenario_check_mistake(s,
                           "expectation 'consensus_liveness' is given twice; each needs a name of its own");
    /* A workload and an expectation may share one. */
    s = scenario_create();
    expectation.name = "transactions";
    muster_workload(s, &workload);
    muster_expectation(s, &expectation);
    scenario_check_mistake(s, NULL);
}
END_TEST

START_TEST(parts_are_bounded)
{
    struct muster_scenario *s = scenario_create();
    char name[16];
    for (unsigned i = 0; i < MUSTER_PARTS_MAX; i++) {
        snprintf(name, sizeof name, "w%u", i);
        struct muster_workload workload = scenario_workload_named(name);
        muster_workload(s, &workload);
    }
    ck_assert_ptr_null(muster_scenario_mistake(s));
    struct muster_workload workload = scenario_workload_named("last");
    muster_workload(s, &workload);
    ck_assert_int_eq(scenario_destroyed, 1);
    scenario_check_mistake(s, "workload 'last' is one too many; a scenario has at most 32");
    ck_assert_int_eq(scenario_destroyed, MUSTER_PARTS_MAX + 1);

    s = scenario_create();
    for (unsigned i = 0; i < MUSTER_PARTS_MAX; i++) {
        snprintf(name, sizeof name, "e%u", i);
        struct muster_expectation expectation = scenario_expectation_named(name);
        muster_expectation(s, &expectation);
    }
    muster_transactions(s, NULL);
    scenario_check_mistake(s, "expectation 'inclusion' is one too many; a scenario has at most 32");
    ck_assert_int_eq(scenario_destroyed, MUSTER_PARTS_MAX);
}
END_TEST

START_TEST(contexts_are_destroyed_once)
{
    struct muster_scenario *s = scenario_create();
    struct muster_workload workload = scenario_workload_named("a");
    struct muster_expectation expectation = scenario_expectation_named("a");
    muster_wallets(s, 0); /* Also after a mistake. */
    muster_workload(s, &workload);
    muster_expectation(s, &expectation);
    ck_assert_int_eq(scenario_destroyed, 0);
    muster_workload(s, &workload); /* A double one, refused. */
    ck_assert_int_eq(scenario_destroyed, 1);
    muster_scenario_destroy(s);
    ck_assert_int_eq(scenario_destroyed, 3);
}
END_TEST

static Suite *scenario_parts_suite(void)
{
    Suite *suite = suite_create("scenario_parts");
    TCase *tcase = tcase_create("scenario_parts");
    tcase_add_test(tcase, transactions);
    tcase_add_test(tcase, liveness);
    tcase_add_test(tcase, parts_need_their_functions);
    tcase_add_test(tcase, parts_need_names_of_their_own);
    tcase_add_test(tcase, parts_are_bounded);
    tcase_add_test(tcase, contexts_are_destroyed_once);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(scenario_parts_suite);
