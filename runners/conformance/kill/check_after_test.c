/* The checks of what a victim left go red for a wrong end of the suite program, for silence, and for what
 * stays.
 */
#include <poll.h>
#include <signal.h>

#include "kill/check_after.h"
#include "kill/tagged_processes.h"
#include "kill/testing.h"
#include "muster/clock.h"
#include "muster/registry.h"
#include "testing/unit_test.h"

static struct settings settings;
static struct attempt attempt;
static char output_path[MUSTER__PATH_BYTES];

static void say(const char *text)
{
    ck_assert_int_eq(muster__file_write(output_path, text, strlen(text), NULL), MUSTER_OK);
}

/* A test that was killed in its window, with all that must be left of it. The attempt's own directory is
 * beside its run root, here below another one. */
static void make_sound(void)
{
    testing_begin();
    testing_make_ledger(true, false);
    trace_read_ledger(&trace);
    testing_put("run.json", "{\"verdict\": \"fail\", \"cause\": \"the test's process ended\"}");
    for (unsigned node = 0; node < 3; node++) {
        char path[MUSTER__PATH_BYTES];
        snprintf(path, sizeof path, "%s/nodes/node-%u", trace.directory, node);
        ck_assert_int_eq(muster__directory_make(path, 0700, NULL), MUSTER_OK);
        snprintf(path, sizeof path, "nodes/node-%u/stdout.log", node);
        testing_put(path, "ready\n");
    }
    settings = (struct settings){ .runner = muster_runner_find("local"), .nodes = 3, .clear_ms = 300 };
    attempt = (struct attempt){ .settings = &settings,
                                .method = methods_find("test"),
                                .trace = trace,
                                .injected = true,
                                .injected_ms = muster_clock_ms(),
                                .phase = MUSTER_EXECUTE };
    attempt.victim.ended = true;
    attempt.victim.status = 1 << 8;
    snprintf(attempt.directory, sizeof attempt.directory, "/tmp/muster-check-after-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(attempt.directory));
    snprintf(output_path, sizeof output_path, "%s/output.log", attempt.directory);
    say(trace.directory);
}

static void tear_down(void)
{
    ck_assert_int_eq(muster__directory_remove(attempt.directory, NULL), MUSTER_OK);
    testing_end();
}

static void assert_complains(const char *text)
{
    struct complaint complaint = { "" };
    check_after_injection(&attempt, &complaint);
    if (text == NULL) {
        ck_assert_str_eq(complaint.text, "");
    } else {
        ck_assert_msg(strstr(complaint.text, text) != NULL, "'%s' is not in '%s'", text, complaint.text);
    }
}

#define EXITED(code) ((code) << 8) /* As waitpid() has it; a signal's number stands for itself. */

static const struct {
    const char *method;
    bool no_fork;
    int status;
    const char *complaint; /* NULL: the end is right. */
} endings[] = {
    { "test", false, EXITED(1), NULL },
    { "test", false, EXITED(0), "exited with code 0" },
    { "test", false, EXITED(99), "exited with code 99" },
    { "test", false, EXITED(2), "exited with code 2" },
    { "check_limit", false, EXITED(1), NULL },
    { "check_limit", false, EXITED(0), "exited with code 0" },
    { "sigterm", false, SIGTERM, NULL },
    { "sigterm", false, SIGKILL, "was ended by SIGKILL" },
    { "sigterm", false, EXITED(1), "exited with code 1" },
    { "sigint", false, SIGINT, NULL },
    { "sigint", true, SIGKILL, NULL },
    { "sigkill", false, SIGKILL, NULL },
    { "sigkill", false, EXITED(0), "exited with code 0" },
    { "guardian_and_suite", false, SIGKILL, NULL },
    { "guardian_and_suite", true, EXITED(99), NULL },
    { "guardian_and_suite", false, SIGTERM, "was ended by SIGTERM" },
    { "guardian_and_suite", false, EXITED(0), "exited with code 0" },
    { "guardian_and_suite", false, EXITED(1), "exited with code 1" },
    { "ctest_limit", false, EXITED(8), NULL },
    { "ctest_limit", false, EXITED(0), "exited with code 0" },
    { "itself", false, EXITED(1), NULL },
    { "itself", false, EXITED(3), "exited with code 3" },
    { "itself", false, SIGSEGV, "was ended by SIGSEGV" },
    { "itself", true, SIGSEGV, NULL },
    { "itself", true, EXITED(0), "exited with code 0" },
};

START_TEST(the_suite_program_ends_as_it_should)
{
    attempt.method = methods_find(endings[_i].method);
    attempt.fate.no_fork = endings[_i].no_fork;
    attempt.victim.status = endings[_i].status;
    assert_complains(endings[_i].complaint);
}
END_TEST

START_TEST(a_killed_guardian_is_an_infrastructure_failure)
{
    attempt.method = methods_find("guardian");
    attempt.victim.status = EXITED(99);
    assert_complains("the verdict 'fail' instead of 'infra'");
    testing_put("run.json", "{\"verdict\": \"infra\", \"cause\": \"x\"}");
    assert_complains(NULL);
    attempt.victim.status = EXITED(1);
    assert_complains("exited with code 1");
}
END_TEST

START_TEST(somebody_says_where_the_evidence_is)
{
    say("nothing of interest\n");
    assert_complains("nobody says that the evidence is in ");
}
END_TEST

START_TEST(check_may_give_up_on_a_killed_test)
{
    char text[MUSTER__PATH_BYTES];
    snprintf(text, sizeof text, "../../src/check_msg.c:133: Error in call to punpack\n%s\n", trace.directory);
    say(text);
    attempt.victim.status = EXITED(2);
    assert_complains(NULL);
    attempt.method = methods_find("itself");
    assert_complains("exited with code 2");
}
END_TEST

START_TEST(what_had_passed_may_be_gone)
{
    ck_assert_int_eq(muster__directory_remove(trace.directory, NULL), MUSTER_OK);
    assert_complains("the run directory is gone");
    struct trace before = attempt.trace;
    attempt.trace.has_ledger = false; /* The run never began. */
    assert_complains(NULL);
    attempt.trace = before;
    attempt.phase = MUSTER_CLEAN_UP;
    attempt.victim.status = EXITED(0);
    assert_complains(NULL);
}
END_TEST

START_TEST(a_stillborn_guardian_leaves_nothing)
{
    ck_assert_int_eq(muster__directory_remove(trace.directory, NULL), MUSTER_OK);
    attempt.method = methods_find("guardian");
    attempt.phase = MUSTER_BUILD;
    attempt.victim.status = EXITED(99);
    assert_complains("the run directory is gone");
    say("the guardian did not start");
    assert_complains(NULL);
    attempt.phase = MUSTER_DEPLOY;
    assert_complains("the run directory is gone");
}
END_TEST

START_TEST(a_missed_victim_may_fail_but_leaves_what_it_should)
{
    struct complaint complaint = { "" };
    check_after_miss(&attempt, &complaint);
    ck_assert_str_eq(complaint.text, "");
    attempt.victim.status = EXITED(99);
    check_after_miss(&attempt, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, "exited with code 99"));
    complaint.text[0] = '\0';
    attempt.victim.status = EXITED(0);
    check_after_miss(&attempt, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, " is left"));
}
END_TEST

START_TEST(undisturbed_victims_pass_and_leave_nothing)
{
    struct complaint complaint = { "" };
    check_after_pass(&attempt, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, "exited with code 1"));
    ck_assert_ptr_nonnull(strstr(complaint.text, " is left"));
}
END_TEST

START_TEST(waiting_ends_when_nothing_is_left)
{
    struct complaint complaint = { "" };
    check_after_await(&attempt, &complaint);
    ck_assert_str_eq(complaint.text, "");
}
END_TEST

START_TEST(what_stays_beyond_the_deadline_is_told_and_killed)
{
    const char *const argv[] = { "/bin/sleep", "60", NULL };
    const char *const env[] = { attempt.trace.tag, NULL };
    struct tagged_process found[TAGGED_MAX];
    struct victim sleeper;
    struct complaint complaint = { "" };
    ck_assert_int_eq(victim_start(&sleeper, argv, env, NULL, "/dev/null", NULL), MUSTER_OK);
    while (tagged_find(attempt.trace.tag, found) == 0) {
        poll(NULL, 0, 5); /* The process is still being executed. The test's time limit bounds this. */
    }
    attempt.injected_ms = muster_clock_ms();
    ck_assert_uint_ge(check_after_await(&attempt, &complaint), 300);
    ck_assert_ptr_nonnull(strstr(complaint.text, "there is left: process "));
    ck_assert(victim_wait(&sleeper, muster_clock_ms() + 10000));
}
END_TEST

START_TEST(late_is_not_in_time)
{
    struct complaint complaint = { "" };
    attempt.injected_ms = muster_clock_ms() - 400;
    check_after_await(&attempt, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, " s until nothing was left"));
}
END_TEST

START_TEST(an_open_ledger_is_something_left)
{
    struct complaint complaint = { "" };
    char path[MUSTER__PATH_BYTES];
    snprintf(path, sizeof path, "%s/ledger.jsonl", trace.directory);
    ck_assert_int_eq(unlink(path), 0);
    testing_make_ledger(false, false);
    attempt.injected_ms = muster_clock_ms();
    check_after_await(&attempt, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, "the ledger is not closed"));
}
END_TEST

static Suite *check_after_suite(void)
{
    Suite *suite = suite_create("check_after");
    TCase *tcase = tcase_create("check_after");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_sound, tear_down);
    tcase_add_loop_test(tcase, the_suite_program_ends_as_it_should, 0,
                        (int)(sizeof endings / sizeof endings[0]));
    tcase_add_test(tcase, a_killed_guardian_is_an_infrastructure_failure);
    tcase_add_test(tcase, somebody_says_where_the_evidence_is);
    tcase_add_test(tcase, check_may_give_up_on_a_killed_test);
    tcase_add_test(tcase, what_had_passed_may_be_gone);
    tcase_add_test(tcase, a_stillborn_guardian_leaves_nothing);
    tcase_add_test(tcase, a_missed_victim_may_fail_but_leaves_what_it_should);
    tcase_add_test(tcase, undisturbed_victims_pass_and_leave_nothing);
    tcase_add_test(tcase, waiting_ends_when_nothing_is_left);
    tcase_add_test(tcase, what_stays_beyond_the_deadline_is_told_and_killed);
    tcase_add_test(tcase, late_is_not_in_time);
    tcase_add_test(tcase, an_open_ledger_is_something_left);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(check_after_suite);
