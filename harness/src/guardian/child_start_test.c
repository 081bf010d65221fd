/* How processes start: what they inherit, the error of one that cannot start, and many at once. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/guardian_fixture.h"
#include "testing/unit_test.h"

START_TEST(exits_are_reported_with_code_and_signal)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    struct muster_exit exit = guardian_wait_exit(client, guardian_spawn_node(session, client, 0, "exit 3"));
    ck_assert_int_eq(exit.code, 3);
    ck_assert_int_eq(exit.signal, 0);
    exit = guardian_wait_exit(client, guardian_spawn_node(session, client, 1, "kill -SEGV $$"));
    ck_assert_int_eq(exit.code, -1);
    ck_assert_int_eq(exit.signal, SIGSEGV);
    char *text = guardian_read_run_file(session->directory, "nodes/node-1/exit.json");
    ck_assert_ptr_nonnull(strstr(text, "\"signal\": 11"));
    free(text);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_clean_up(client, false, &err), MUSTER_OK);
    guardian_finish(client, MUSTER_PASS, false);
    char directory[4096];
    snprintf(directory, sizeof directory, "%s", session->directory);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_PASS);
    ck_assert_str_eq(outcome.kept_directory, "");
    ck_assert_int_ne(access(directory, F_OK), 0);
}
END_TEST

START_TEST(exec_failure_names_program_and_reason)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    const char *const argv[] = { "/nonexistent/node", NULL };
    const struct muster_spawn what = { .argv = argv, .directory = guardian_root, .node = 0 };
    uint32_t process = 0;
    struct muster_error err = { 0 };
    ck_assert_int_eq(guardian_spawn(client, &what, &process, &err), MUSTER_ENODE);
    ck_assert_str_eq(err.text, "cannot execute '/nonexistent/node': No such file or directory");
    guardian_finish(client, MUSTER_FAIL, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
}
END_TEST

START_TEST(nodes_do_not_get_the_runners_variables)
{
    setenv("RUST_LOG", "trace", 1);
    setenv("PLAIN_VARIABLE", "stays", 1);
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_wait_exit(client, guardian_spawn_node(session, client, 0, "env"));
    char *text = guardian_read_run_file(session->directory, "nodes/node-0/stdout.log");
    ck_assert_ptr_null(strstr(text, "RUST_LOG"));
    ck_assert_ptr_null(strstr(text, "MUSTER_RUN_ROOT"));
    ck_assert_ptr_nonnull(strstr(text, "PLAIN_VARIABLE=stays"));
    ck_assert_ptr_nonnull(strstr(text, "MUSTER_RUN_ID="));
    free(text);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    unsetenv("RUST_LOG");
}
END_TEST

/* ---- Many at once ---- */

#define MANY 100u

static uint64_t begin(struct muster_guardian_client *client, const char *const *argv, uint32_t node)
{
    const struct muster_spawn what = { .argv = argv, .directory = guardian_root, .node = node };
    uint64_t ticket = 0;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_spawn_begin(client, &what, &ticket, &err) == MUSTER_OK, "%s", err.text);
    return ticket;
}

static uint32_t end(struct muster_guardian_client *client, uint64_t ticket)
{
    uint32_t process = 0;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_spawn_end(client, ticket, &process, &err) == MUSTER_OK, "%s", err.text);
    return process;
}

static size_t processes_in_ledger(const char *directory)
{
    struct muster_ledger_view *view = NULL;
    size_t count = 0;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    for (size_t i = 0; i < view->entry_count; i++) {
        count += strcmp(view->entries[i].kind, "process") == 0;
    }
    muster_ledger_view_destroy(view);
    return count;
}

/* Answers may be awaited in any order. */
START_TEST(many_start_side_by_side)
{
    static const char *const argv[] = { "/bin/sleep", "1000", NULL };
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    uint64_t tickets[MANY];
    bool seen_process[MANY] = { false };
    for (uint32_t i = 0; i < MANY; i++) {
        tickets[i] = begin(client, argv, MUSTER_NO_NODE);
    }
    for (uint32_t i = MANY; i > 0; i--) {
        uint32_t process = end(client, tickets[i - 1]);
        ck_assert_uint_lt(process, MANY);
        ck_assert(!seen_process[process]);
        seen_process[process] = true;
    }
    ck_assert_uint_eq(processes_in_ledger(session->directory), MANY);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(guardian_processes_of(session->run_id), 0);
    ck_assert_uint_eq(processes_in_ledger(session->directory), 0);
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_PASS);
}
END_TEST

START_TEST(one_of_many_that_cannot_start_is_named_and_the_rest_run)
{
    static const char *const good[] = { "/bin/sleep", "1000", NULL };
    static const char *const bad[] = { "/etc/passwd", NULL };
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    uint64_t tickets[5];
    for (uint32_t i = 0; i < 5; i++) {
        tickets[i] = begin(client, i == 2 ? bad : good, i);
    }
    for (uint32_t i = 0; i < 5; i++) {
        if (i != 2) {
            end(client, tickets[i]);
        }
    }
    uint32_t process = 0;
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_spawn_end(client, tickets[2], &process, &err), MUSTER_ENODE);
    ck_assert_str_eq(err.text, "cannot execute '/etc/passwd': Permission denied");
    ck_assert_uint_eq(processes_in_ledger(session->directory), 4);
    muster_error_clear(&err);
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(guardian_processes_of(session->run_id), 0);
    guardian_finish(client, MUSTER_FAIL, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

/* A test that gives up after a failure does not await all answers. */
START_TEST(answers_nobody_waits_for_are_let_go)
{
    static const char *const argv[] = { "/bin/true", NULL };
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    for (uint32_t i = 0; i < 3; i++) {
        begin(client, argv, MUSTER_NO_NODE);
    }
    guardian_finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_PASS);
}
END_TEST

/* The guardian is killed at different points between fork and exec. Processes that run die with it; later
 * requests are refused. */
START_TEST(a_guardian_killed_in_mid_batch_leaves_nothing)
{
    static const char *const argv[] = { "/bin/sleep", "1000", NULL };
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    uint64_t tickets[MANY];
    uint32_t begun = 0;
    struct muster_error err = { 0 };
    const struct muster_spawn what = { .argv = argv, .directory = guardian_root, .node = MUSTER_NO_NODE };
    for (; begun < MANY; begun++) {
        if (begun == 5 + 5 * (uint32_t)_i) {
            kill(session->guardian_pid, SIGKILL);
        }
        if (muster__guardian_spawn_begin(client, &what, &tickets[begun], &err) != MUSTER_OK) {
            break;
        }
    }
    uint32_t refused = 0;
    for (uint32_t i = 0; i < begun; i++) {
        uint32_t process;
        enum muster_rc rc = muster__guardian_spawn_end(client, tickets[i], &process, NULL);
        ck_assert(rc == MUSTER_OK || rc == MUSTER_EINFRA);
        refused += rc == MUSTER_EINFRA;
    }
    ck_assert(begun < MANY || refused > 0);
    ck_assert(guardian_wait_seen(&guardian_seen.gone, NULL));
    ck_assert(guardian_await_no_process(session->run_id));
    muster__guardian_detach(client);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_INFRA);
}
END_TEST

static Suite *guardian_start_suite(void)
{
    Suite *suite = suite_create("guardian_start");
    TCase *tcase = tcase_create("processes");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, guardian_make_root, guardian_remove_root);
    tcase_add_test(tcase, exits_are_reported_with_code_and_signal);
    tcase_add_test(tcase, exec_failure_names_program_and_reason);
    tcase_add_test(tcase, nodes_do_not_get_the_runners_variables);
    tcase_add_test(tcase, many_start_side_by_side);
    tcase_add_test(tcase, one_of_many_that_cannot_start_is_named_and_the_rest_run);
    tcase_add_test(tcase, answers_nobody_waits_for_are_let_go);
    tcase_add_loop_test(tcase, a_guardian_killed_in_mid_batch_leaves_nothing, 0, 12);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_start_suite);
