/* Bad input: one clear sentence, the exit code of the documentation, and nothing created. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/program.h"

static struct program_result result;

static void run_with(const char *program, const char *argument, const char *first, const char *second)
{
    char root[128];
    snprintf(root, sizeof(root), "MUSTER_RUN_ROOT=%s", program_run_root());
    const char *environment[] = { root, first, first == NULL ? NULL : second, NULL };
    program_run(MUSTER_TEST_BIN_DIR, program, argument, environment, &result);
}

static void assert_said(const char *text)
{
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

static void assert_refused(int code, const char *text)
{
    ck_assert_msg(result.code == code, "exit code %d instead of %d:\n%s", result.code, code, result.output);
    assert_said(text);
    ck_assert_msg(program_left_nothing(), "something was created");
}

static const struct bad_plan {
    const char *scenario;
    const char *said; /* Names the field. */
} bad_plans[] = {
    { "CK_RUN_CASE=no_nodes", "nodes" },
    { "CK_RUN_CASE=too_many_nodes", "251" },
    { "CK_RUN_CASE=unknown_layout", "layout" },
    { "CK_RUN_CASE=no_wallets", "wallets" },
    { "CK_RUN_CASE=too_many_users", "users" },
    { "CK_RUN_CASE=no_duration", "duration" },
    { "CK_RUN_CASE=negative_duration", "duration" },
    { "CK_RUN_CASE=endless", "duration" },
};

START_TEST(bad_plan_fails)
{
    run_with("bad_input_program", NULL, bad_plans[_i].scenario, NULL);
    assert_refused(1, bad_plans[_i].said);
    assert_said("error: ");
    assert_said("Checks: 1, Failures: 1, Errors: 0");
}
END_TEST

START_TEST(bad_plan_fails_without_fork)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=no_nodes", "CK_FORK=no");
    assert_refused(1, "nodes");
    assert_said("Checks: 1, Failures: 1, Errors: 0");
}
END_TEST

START_TEST(unknown_runner_names_the_known)
{
    run_with("bad_input_program", "--runner=lokal", NULL, NULL);
    assert_refused(99, "unknown runner 'lokal'; known runners: local");
    run_with("bad_input_program", NULL, "MUSTER_RUNNER=lokal", NULL);
    assert_refused(99, "unknown runner 'lokal'");
}
END_TEST

START_TEST(unknown_option_is_refused)
{
    run_with("bad_input_program", "--lits", NULL, NULL);
    assert_refused(99, "unknown option '--lits'");
    run_with("bad_input_program", "healthy", NULL, NULL);
    assert_refused(99, "unknown argument 'healthy'");
}
END_TEST

START_TEST(two_of_one_name_are_refused)
{
    run_with("same_name_program", NULL, NULL, NULL);
    assert_refused(99, "scenario name 'twin' is used twice, in suites 'first' and 'second'");
    run_with("same_name_program", "--list", NULL, NULL);
    assert_refused(99, "'twin'");
}
END_TEST

START_TEST(bad_variable_is_named)
{
    run_with("bad_input_program", NULL, "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS=maybe", NULL);
    assert_refused(99, "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS");
    assert_said("maybe");
    run_with("bad_input_program", NULL, "MUSTER_LOG=feed=loud", NULL);
    assert_refused(99, "loud");
}
END_TEST

START_TEST(nothing_selected_is_no_pass)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=helthy", NULL);
    assert_refused(99, "CK_RUN_CASE='helthy' matches no scenario");
    run_with("bad_input_program", NULL, "CK_INCLUDE_TAGS=godo", NULL);
    assert_refused(99, "CK_INCLUDE_TAGS='godo'");
    run_with("bad_input_program", NULL, "CK_RUN_SUITE=bad", NULL);
    assert_refused(99, "CK_RUN_SUITE='bad'");
}
END_TEST

START_TEST(tags_that_leave_a_named_scenario_out_skip)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=healthy", "CK_EXCLUDE_TAGS=good");
    assert_refused(77, "skip: ");
}
END_TEST

START_TEST(missing_node_control_skips)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=needs_control", "LOCAL_RUNNER_NODE_CONTROL");
    assert_refused(77, "skip: bad_input.needs_control on local: ");
    assert_said("LOCAL_RUNNER_NODE_CONTROL");
    run_with("bad_input_program", NULL, "CK_RUN_CASE=needs_control", "MUSTER_REQUIRE_RUNNERS=local");
    assert_refused(77, "skip: ");
}
END_TEST

START_TEST(missing_node_program_fails)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=healthy", "LOGOS_BLOCKCHAIN_NODE_BIN=/no/such/node");
    assert_refused(1, "/no/such/node");
}
END_TEST

START_TEST(run_root_that_is_a_file_is_the_environments_fault)
{
    run_with("bad_input_program", NULL, "CK_RUN_CASE=healthy", "MUSTER_RUN_ROOT=/dev/null");
    assert_refused(99, "/dev/null");
}
END_TEST

START_TEST(list_works_in_any_environment)
{
    run_with("bad_input_program", "--list", "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS=maybe", "CK_RUN_CASE=none");
    assert_refused(0, "bad_input.healthy\ttags=good\ttime_limit_s=");
    assert_said("bad_input.needs_control\ttags=control,slow\t");
    assert_said("\tprocessors=2\tnodes=1\tneeds=node_control\trunners=local");
    assert_said("bad_input.no_nodes\t");
}
END_TEST

START_TEST(help_tells_what_there_is)
{
    run_with("bad_input_program", "--help", NULL, NULL);
    assert_refused(0, "--runner NAME");
    assert_said("77  everything selected was skipped");
    assert_said("LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS");
}
END_TEST

static Suite *bad_input_suite(void)
{
    Suite *suite = suite_create("bad_input");
    TCase *tcase = tcase_create("bad_input");
    tcase_set_timeout(tcase, 150);
    tcase_add_loop_test(tcase, bad_plan_fails, 0, sizeof(bad_plans) / sizeof(bad_plans[0]));
    tcase_add_test(tcase, bad_plan_fails_without_fork);
    tcase_add_test(tcase, unknown_runner_names_the_known);
    tcase_add_test(tcase, unknown_option_is_refused);
    tcase_add_test(tcase, two_of_one_name_are_refused);
    tcase_add_test(tcase, bad_variable_is_named);
    tcase_add_test(tcase, nothing_selected_is_no_pass);
    tcase_add_test(tcase, tags_that_leave_a_named_scenario_out_skip);
    tcase_add_test(tcase, missing_node_control_skips);
    tcase_add_test(tcase, missing_node_program_fails);
    tcase_add_test(tcase, run_root_that_is_a_file_is_the_environments_fault);
    tcase_add_test(tcase, list_works_in_any_environment);
    tcase_add_test(tcase, help_tells_what_there_is);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *srunner = srunner_create(bad_input_suite());
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
