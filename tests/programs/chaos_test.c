/* "recovers" on real nodes: red when a node does not come back, with node, action and reason. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/program.h"

static struct program_result result;

static void run_with(const char *scenario, const char *control)
{
    char root[128];
    char selected[128];
    snprintf(root, sizeof(root), "MUSTER_RUN_ROOT=%s", program_run_root());
    snprintf(selected, sizeof(selected), "CK_RUN_CASE=%s", scenario);
    const char *environment[] = { root, selected, control, NULL };
    program_run(MUSTER_TEST_BIN_DIR, "chaos_program", NULL, environment, &result);
}

/* Of a node that stalls the first action may find it as high as the others still, when they won few slots by
 * then. */
static const struct red {
    const char *scenario;
    const char *said[4];
} reds[] = {
    { "stalls",
      { "expectation 'recovers', while the window was open: node-1, restarted at ", ") and started again at ",
        "it has been at height 3 since ", "behind the cluster, which is at " } },
    { "stays_behind_after_pause",
      { "expectation 'recovers', while the window was open: node-1, paused at ", ") and resumed at ",
        "it has been at height 3 since ", "behind the cluster, which is at " } },
    { "never_again",
      { "workload 'chaos': action 1, the kill of node-1 at ", "cannot start node-1: ", "503",
        "also failed: recovers: node-1, killed at " } },
    { "never_again_in_time",
      { "expectation 'recovers', while the window was open: node-1, killed at ",
        "(action 1) and started again at ", "is not back at the cluster's tip ", "it is not ready" } },
    { "ignores_term",
      { "workload 'chaos': action 1, the restart of node-1 at ", "it ignored SIGTERM for ",
        "also failed: recovers: the restart of node-1 at ", "failed: cannot stop node-1" } },
};

START_TEST(a_node_that_does_not_come_back_is_red_and_named)
{
    const struct red *red = &reds[_i];
    run_with(red->scenario, "LOCAL_RUNNER_NODE_CONTROL=1");
    ck_assert_msg(result.code == 1, "exit code %d:\n%s", result.code, result.output);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_msg(strstr(result.output, red->said[i]) != NULL, "'%s' is not in:\n%s", red->said[i],
                      result.output);
    }
    ck_assert_msg(strstr(result.output, "leak") == NULL, "something was left:\n%s", result.output);
    program_discard();
}
END_TEST

START_TEST(a_node_that_comes_back_is_green)
{
    run_with("recovers", "LOCAL_RUNNER_NODE_CONTROL=1");
    ck_assert_msg(result.code == 0, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

START_TEST(without_node_control_it_is_skipped_with_the_reason)
{
    run_with("recovers", "LOCAL_RUNNER_NODE_CONTROL");
    ck_assert_msg(result.code == 77, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(strstr(result.output, "skip: chaos_red.recovers on local: ") != NULL, "%s", result.output);
    ck_assert_msg(strstr(result.output, "set LOCAL_RUNNER_NODE_CONTROL=1") != NULL, "%s", result.output);
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
}
END_TEST

static Suite *chaos_suite(void)
{
    Suite *suite = suite_create("chaos");
    TCase *tcase = tcase_create("chaos");
    tcase_set_timeout(tcase, 150);
    tcase_add_loop_test(tcase, a_node_that_does_not_come_back_is_red_and_named, 0,
                        sizeof(reds) / sizeof(reds[0]));
    tcase_add_test(tcase, a_node_that_comes_back_is_green);
    tcase_add_test(tcase, without_node_control_it_is_skipped_with_the_reason);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *srunner = srunner_create(chaos_suite());
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
