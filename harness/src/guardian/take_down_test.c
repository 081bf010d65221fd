/* What the clean-up ends and what it reports. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "testing/guardian_fixture.h"
#include "testing/unit_test.h"

static void await_log(const struct muster_session *session, uint32_t node)
{
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    char path[5000];
    struct stat status = { 0 };
    snprintf(path, sizeof path, "%s/nodes/node-%u/stdout.log", session->directory, node);
    while ((stat(path, &status) != 0 || status.st_size == 0) && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
}

static const struct {
    const char *command; /* Writes a line when it is ready for SIGTERM. */
    const char *complaint; /* NULL if it ends as it should. */
} ends[] = {
    { "echo ready; exec sleep 1000", NULL },
    { "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", NULL },
    { "trap 'exit 143' TERM; echo ready; while :; do sleep 0.05; done", NULL },
    { "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
      "node-1 exited with code 5 while it was taken down" },
    { "trap 'kill -SEGV $$' TERM; echo ready; while :; do sleep 0.05; done", "node-1 was ended by SIGSEGV" },
};

START_TEST(a_node_that_does_not_end_as_told_is_named)
{
    guardian_plan->grace_ms = GUARDIAN_PATIENCE_MS;
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 0, "echo ready; exec sleep 1000");
    guardian_spawn_node(session, client, 1, ends[_i].command);
    await_log(session, 0);
    await_log(session, 1);
    struct muster_error err = { 0 };
    enum muster_rc rc = muster__guardian_clean_up(client, false, &err);
    ck_assert_msg(rc == (ends[_i].complaint == NULL ? MUSTER_OK : MUSTER_ENODE), "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, ends[_i].complaint == NULL ? "" : ends[_i].complaint));
    ck_assert_uint_eq(guardian_processes_of(session->run_id), 0);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

/* The run judges a node that ended before the clean-up. */
START_TEST(an_end_before_the_clean_up_is_not_judged_by_it)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_wait_exit(client, guardian_spawn_node(session, client, 0, "exit 3"));
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

static void assert_told(unsigned ended, unsigned told)
{
    pthread_mutex_lock(&guardian_seen.lock);
    ck_assert_uint_eq(guardian_seen.ended, ended);
    ck_assert_uint_eq(guardian_seen.told, told);
    pthread_mutex_unlock(&guardian_seen.lock);
}

START_TEST(an_end_says_whether_the_process_was_told_to)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    struct muster_error err = { 0 };
    guardian_wait_exit(client, guardian_spawn_node(session, client, 0, "kill -SEGV $$"));
    assert_told(1, 0);
    uint32_t process = guardian_spawn_node(session, client, 1, "exec sleep 1000");
    ck_assert_int_eq(muster__guardian_signal(client, process, SIGSTOP, &err), MUSTER_OK);
    ck_assert_int_eq(muster__guardian_signal(client, process, SIGKILL, &err), MUSTER_OK);
    guardian_wait_exit(client, process);
    assert_told(2, 1);
    guardian_spawn_node(session, client, 2, "exec sleep 1000");
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    assert_told(3, 2);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

START_TEST(a_node_that_ignores_term_is_killed_and_named)
{
    guardian_plan->grace_ms = 300;
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 2, "trap '' TERM; echo ready; while :; do sleep 1; done");
    await_log(session, 2);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_clean_up(client, false, &err), MUSTER_ENODE);
    ck_assert_ptr_nonnull(strstr(err.text, "node-2 ignored SIGTERM"));
    ck_assert_uint_eq(guardian_processes_of(session->run_id), 0);
    guardian_finish(client, MUSTER_FAIL, true);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_str_ne(outcome.kept_directory, "");
}
END_TEST

START_TEST(a_process_that_left_its_group_and_parent_is_found)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    /* The parent ends once its child has left the group. */
    uint32_t process = guardian_spawn_node(
        session, client, 0,
        "setsid sh -c 'echo out; exec sleep 1000' & while [ ! -s stdout.log ]; do :; done");
    guardian_wait_exit(client, process);
    guardian_await_processes(session->run_id, 1);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(guardian_processes_of(session->run_id), 0);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

/* ---- Descendants without the run's id in their environment ---- */

struct helper {
    pid_t pid;
    uint64_t start;
};

/* Reads the pid that the helper wrote to a file. */
static struct helper read_helper(const struct muster_session *session, const char *file)
{
    char *text = guardian_read_run_file(session->directory, file);
    struct helper helper = { .pid = (pid_t)strtol(text, NULL, 10) };
    free(text);
    ck_assert_int_gt(helper.pid, 0);
    helper.start = muster__process_start(helper.pid);
    ck_assert(muster__process_runs(helper.pid, helper.start));
    return helper;
}

/* A node that starts a helper, which starts another one. Both have a session of their own and no environment.
 * The node goes on once both have written their pids. */
#define HELPER_OF_HELPER "/usr/bin/setsid /bin/sh -c \"echo \\$\\$ >inner; exec /bin/sleep 1000\" & "
#define WRAPPER                                                                                              \
    "env -i setsid /bin/sh -c '" HELPER_OF_HELPER "echo $$ >outer; exec /bin/sleep 1000' & "                 \
    "until [ -s inner ] && [ -s outer ]; do sleep 0.01; done; echo ready; "

static const char *const wrappers[] = { WRAPPER, WRAPPER "exec sleep 1000" };

START_TEST(a_helper_without_environment_is_ended)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 0, wrappers[_i]);
    await_log(session, 0);
    struct helper outer = read_helper(session, "nodes/node-0/outer");
    struct helper inner = read_helper(session, "nodes/node-0/inner");
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    ck_assert(!muster__process_runs(outer.pid, outer.start));
    ck_assert(!muster__process_runs(inner.pid, inner.start));
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_PASS);
}
END_TEST

/* A killed process stays a zombie while its tracer does not wait for it. */
START_TEST(a_helper_that_stays_is_a_leak)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 0, WRAPPER);
    await_log(session, 0);
    struct helper outer = read_helper(session, "nodes/node-0/outer");
    bool traced = ptrace(PTRACE_SEIZE, outer.pid, NULL, NULL) == 0; /* Not every host permits it. */
    struct muster_error err = { 0 };
    enum muster_rc rc = muster__guardian_clean_up(client, false, &err);
    char wanted[96];
    snprintf(wanted, sizeof wanted, "left behind: process %d, which was killed but is not gone",
             (int)outer.pid);
    ck_assert_int_eq(rc, traced ? MUSTER_ELEAK : MUSTER_OK);
    ck_assert_str_eq(err.text, traced ? wanted : "");
    guardian_finish(client, traced ? MUSTER_LEAK : MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, traced ? MUSTER_LEAK : MUSTER_PASS);
}
END_TEST

START_TEST(a_flooding_node_is_reported_and_halted)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 1, "head -c 80000000 /dev/zero; exec sleep 1000");
    ck_assert(guardian_wait_seen(NULL, &guardian_seen.flooded));
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    guardian_finish(client, MUSTER_FAIL, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

static Suite *guardian_cleanup_suite(void)
{
    Suite *suite = suite_create("guardian_cleanup");
    TCase *tcase = tcase_create("processes");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, guardian_make_root, guardian_remove_root);
    tcase_add_loop_test(tcase, a_node_that_does_not_end_as_told_is_named, 0, sizeof ends / sizeof ends[0]);
    tcase_add_test(tcase, an_end_before_the_clean_up_is_not_judged_by_it);
    tcase_add_test(tcase, an_end_says_whether_the_process_was_told_to);
    tcase_add_test(tcase, a_node_that_ignores_term_is_killed_and_named);
    tcase_add_test(tcase, a_process_that_left_its_group_and_parent_is_found);
    tcase_add_loop_test(tcase, a_helper_without_environment_is_ended, 0,
                        sizeof wrappers / sizeof wrappers[0]);
    tcase_add_test(tcase, a_helper_that_stays_is_a_leak);
    tcase_add_test(tcase, a_flooding_node_is_reported_and_halted);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_cleanup_suite);
