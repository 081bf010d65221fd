/* What suite programs say and return for runs that end each way, in both fork modes. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/clock.h"
#include "muster/ledger.h"
#include "support/program.h"

#define GUARDIAN_MS 60000u

static const char *const fork_modes[] = { "CK_FORK=yes", "CK_FORK=no" };
static struct program_result result;
static const char *run_root;

static void run_with(const char *program, const char *scenario, const char *fork_mode)
{
    char root[128];
    run_root = program_run_root();
    snprintf(root, sizeof(root), "MUSTER_RUN_ROOT=%s", run_root);
    const char *environment[] = { root, fork_mode, scenario, NULL };
    program_run(MUSTER_TEST_BIN_DIR, program, NULL, environment, &result);
}

static void assert_ended(int code, const char *text)
{
    ck_assert_msg(result.code == code, "exit code %d instead of %d:\n%s", result.code, code, result.output);
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

/* The run directory is kept after a failure, and the command that repeats it is the last thing said. */
static void assert_failure(const char *text)
{
    assert_ended(1, text);
    ck_assert_msg(strstr(result.output, "kept in ") != NULL, "no run directory in:\n%s", result.output);
    const char *repeat = strstr(result.output, "\nrepeat: ");
    ck_assert_msg(repeat != NULL, "no command to repeat it in:\n%s", result.output);
    ck_assert_ptr_eq(strchr(repeat + 1, '\n') + 1, strchr(result.output, '\0'));
    ck_assert_msg(!program_left_nothing(), "the run directory is not where it should be");
    program_discard();
}

START_TEST(healthy_run_passes_and_leaves_nothing)
{
    run_with("bad_input_program", "CK_RUN_CASE=healthy", fork_modes[_i]);
    assert_ended(0, "100%: Checks: 1, Failures: 0, Errors: 0");
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

START_TEST(failed_expectation_is_shown_at_the_tests_line)
{
    run_with("bad_input_program", "CK_RUN_CASE=disappointed", fork_modes[_i]);
    assert_failure("the moon is not made of cheese");
    ck_assert_msg(strstr(result.output, "bad_input_program.c:") != NULL, "no line in:\n%s", result.output);
}
END_TEST

START_TEST(run_that_is_never_judged_fails)
{
    run_with("bad_input_program", "CK_RUN_CASE=unjudged", fork_modes[_i]);
    assert_failure("Checks: 1, Failures: 1, Errors: 0");
}
END_TEST

START_TEST(crash_is_an_error_and_its_evidence_is_kept)
{
    run_with("bad_input_program", "CK_RUN_CASE=crashing", "CK_FORK=yes");
    ck_assert_msg(strstr(result.output, "bad_input.crashing: fail: the test's process ended") != NULL,
                  "why, in:\n%s", result.output);
    assert_failure("Checks: 1, Failures: 0, Errors: 1");
}
END_TEST

/* The guardian outlives a program that does not wait for it. */
static void await_clean_up(void)
{
    char run_id[64];
    char directory[256];
    bool closed = false;
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_MS;
    ck_assert(program_run_id(run_root, run_id));
    snprintf(directory, sizeof directory, "%s/muster-%s", run_root, run_id);
    while (!closed && muster_clock_left_ms(deadline_ms) > 0) {
        struct muster_ledger_view *view = NULL;
        closed = muster_ledger_read(directory, &view, NULL) == MUSTER_OK && view->closed;
        muster_ledger_view_destroy(view);
        poll(NULL, 0, 10);
    }
    ck_assert_msg(closed, "%s was not cleaned up", directory);
}

START_TEST(exit_in_mid_test_is_no_pass)
{
    run_with("bad_input_program", "CK_RUN_CASE=exiting", fork_modes[_i]);
    assert_ended(1, "bad_input.exiting: exit() was called before the test was over");
    await_clean_up();
    program_discard();
}
END_TEST

START_TEST(what_is_left_after_the_test_fails_a_main_of_ones_own)
{
    setenv("OWN_MAIN_LEAVES", "1", 1);
    run_with("own_main_program", NULL, fork_modes[_i]);
    unsetenv("OWN_MAIN_LEAVES");
    ck_assert_msg(strstr(result.output, "100%: Checks: 2") != NULL, "Check knows of it:\n%s", result.output);
    assert_ended(1, "own.one_node: leak: the run directory is left: ");
    program_discard();
}
END_TEST

START_TEST(second_test_in_a_scenario_fails)
{
    run_with("bad_input_program", "CK_RUN_CASE=two_tests", fork_modes[_i]);
    assert_ended(1, "has more than one test");
    ck_assert_msg(strstr(result.output, "Checks: 2, Failures: 1, Errors: 0") != NULL, "counts in:\n%s",
                  result.output);
    program_discard();
}
END_TEST

START_TEST(main_of_ones_own_runs_scenarios_among_tests)
{
    run_with("own_main_program", NULL, fork_modes[_i]);
    assert_ended(0, "100%: Checks: 2, Failures: 0, Errors: 0");
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

START_TEST(main_of_ones_own_fails_what_cannot_run)
{
    run_with("own_main_program", "MUSTER_RUNNER=nowhere", fork_modes[_i]);
    assert_ended(1, "unknown runner 'nowhere'");
    ck_assert_msg(strstr(result.output, "Checks: 2, Failures: 1, Errors: 0") != NULL, "counts in:\n%s",
                  result.output);
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
}
END_TEST

static Suite *outcome_suite(void)
{
    Suite *suite = suite_create("outcome");
    TCase *tcase = tcase_create("outcome");
    tcase_set_timeout(tcase, 150);
    tcase_add_loop_test(tcase, healthy_run_passes_and_leaves_nothing, 0, 2);
    tcase_add_loop_test(tcase, failed_expectation_is_shown_at_the_tests_line, 0, 2);
    tcase_add_loop_test(tcase, run_that_is_never_judged_fails, 0, 2);
    tcase_add_test(tcase, crash_is_an_error_and_its_evidence_is_kept);
    tcase_add_loop_test(tcase, exit_in_mid_test_is_no_pass, 0, 2);
    tcase_add_loop_test(tcase, what_is_left_after_the_test_fails_a_main_of_ones_own, 0, 2);
    tcase_add_loop_test(tcase, second_test_in_a_scenario_fails, 0, 2);
    tcase_add_loop_test(tcase, main_of_ones_own_runs_scenarios_among_tests, 0, 2);
    tcase_add_loop_test(tcase, main_of_ones_own_fails_what_cannot_run, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *srunner = srunner_create(outcome_suite());
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
