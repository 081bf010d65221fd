#include "compose/ends.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 3

static struct compose_record record;
static char output[4096];

static void set_up(void)
{
    record = (struct compose_record){ .project = "muster-7c41f09a2b", .node_count = NODES, .end_code = 7 };
    output[0] = '\0';
}

/* A container's state after it was stopped, as the engine gives it. */
static void ended(const char *name, bool running, bool out_of_memory, int code)
{
    size_t used = strlen(output);
    snprintf(output + used, sizeof output - used,
             "{\"name\":\"/%s\",\"state\":{\"Status\":\"%s\",\"Running\":%s,\"OOMKilled\":%s,\"ExitCode\":%d,"
             "\"Error\":\"\"},\"ports\":{}}\n",
             name, running ? "running" : "exited", running ? "true" : "false",
             out_of_memory ? "true" : "false", code);
}

static void assert_right(uint32_t killed_after_ms)
{
    uint32_t node = 0;
    struct muster_error err = { 0 };
    const struct muster_tool answer = { .output = output };
    ck_assert_msg(compose__judge_ends(&record, &answer, 1, killed_after_ms, &node, &err) == MUSTER_OK, "%s",
                  err.text);
    ck_assert_uint_eq(node, MUSTER_NO_NODE);
}

static void assert_wrong(uint32_t killed_after_ms, uint32_t wrong_node, const char *text)
{
    uint32_t node = 0;
    struct muster_error err = { 0 };
    const struct muster_tool answer = { .output = output };
    ck_assert_int_eq(compose__judge_ends(&record, &answer, 1, killed_after_ms, &node, &err), MUSTER_ENODE);
    ck_assert_str_eq(err.text, text);
    ck_assert_uint_eq(node, wrong_node);
}

START_TEST(ends_as_told_are_right)
{
    assert_right(0);
    ended("muster-7c41f09a2b-node-0", false, false, 0);
    ended("muster-7c41f09a2b-node-1", false, false, 143);
    ended("muster-7c41f09a2b-node-2", false, false, 7);
    assert_right(0);
    assert_right(700);
    ended("muster-7c41f09a2b-node-1", false, false, 137);
    assert_right(0);
}
END_TEST

START_TEST(the_first_node_that_is_wrong_is_told)
{
    ended("muster-7c41f09a2b-node-2", false, false, 139);
    assert_wrong(0, 2, "node-2 exited with code 139 (as after SIGSEGV) while it was taken down");
    ended("muster-7c41f09a2b-node-1", false, false, 5);
    ended("muster-7c41f09a2b-node-0", false, false, 0);
    assert_wrong(0, 1, "node-1 exited with code 5 while it was taken down");
}
END_TEST

START_TEST(what_had_to_be_killed_is_told)
{
    ended("muster-7c41f09a2b-node-0", false, false, 137);
    assert_wrong(700, 0, "node-0 ignored SIGTERM for 0.7 s and was killed");
}
END_TEST

START_TEST(a_kill_for_memory_is_not_ours)
{
    ended("muster-7c41f09a2b-node-0", false, true, 137);
    assert_wrong(0, 0, "node-0 was ended by SIGKILL (out of memory) while it was taken down");
    assert_wrong(700, 0, "node-0 was ended by SIGKILL (out of memory) while it was taken down");
}
END_TEST

START_TEST(what_is_not_known_is_not_judged)
{
    ended("muster-7c41f09a2b-node-0", true, false, 5);
    ended("muster-7c41f09a2b-node-3", false, false, 5);
    ended("muster-0000000000-node-0", false, false, 5);
    snprintf(output + strlen(output), sizeof output - strlen(output), "nonsense\n");
    assert_right(700);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ends");
    TCase *tests = tcase_create("ends");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, ends_as_told_are_right);
    tcase_add_test(tests, the_first_node_that_is_wrong_is_told);
    tcase_add_test(tests, what_had_to_be_killed_is_told);
    tcase_add_test(tests, a_kill_for_memory_is_not_ours);
    tcase_add_test(tests, what_is_not_known_is_not_judged);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
