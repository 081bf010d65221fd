/* What is left, and what is known, when the test, the suite program or the guardian was killed. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "evidence/amend.h"
#include "guardian/suite.h"
#include "sweep/sweep_run.h"
#include "testing/guardian_fixture.h"
#include "testing/unit_test.h"

#define LINGER_MS 300

static bool is_another_user; /* The test pretends to have changed its user: the kernel does not kill it. */

/* The test's process: starts nodes, writes the run id to the pipe, then hangs. */
static _Noreturn void be_a_test(struct muster_session *session, int ready_fd)
{
    if (!is_another_user) {
        muster__session_end_with_suite(session);
    }
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 0, "exec sleep 1000");
    guardian_spawn_node(session, client, 1, "setsid sleep 1000 & exec sleep 1000");
    muster__guardian_note(client, MUSTER_EXECUTE, 0, "");
    if (write(ready_fd, session->run_id, sizeof session->run_id) < 0) {
        _exit(1);
    }
    alarm(GUARDIAN_PATIENCE_MS / 1000); /* If nothing kills it, the unit test fails instead of hanging. */
    for (;;) {
        pause();
    }
}

static pid_t fork_test(struct muster_session *session)
{
    int ready[2];
    char run_id[16];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t test = fork();
    if (test == 0) {
        setpgid(0, 0);
        be_a_test(session, ready[1]);
    }
    ck_assert_int_eq(read(ready[0], run_id, sizeof run_id), sizeof run_id);
    close(ready[0]);
    close(ready[1]);
    return test;
}

static void await_end_of_first_thread(void)
{
    uint64_t start = muster__process_start(getpid());
    while (muster__process_runs(getpid(), start)) {
        poll(NULL, 0, 1);
    }
}

static pid_t watched_test;

/* The other thread of a suite program whose first thread has ended. By then the kernel has killed the test,
 * unless the test has become another user. */
static _Noreturn void *outlive_first_thread(void *unused)
{
    (void)unused;
    await_end_of_first_thread();
    if (is_another_user) {
        kill(watched_test, SIGKILL);
    }
    poll(NULL, 0, is_another_user ? GUARDIAN_PATIENCE_MS : LINGER_MS);
    _exit(0);
}

/* Waits for SIGUSR1, which is blocked. Then the first thread ends and another one goes on for a while. */
static void watch_test(pid_t test, const sigset_t *wake_up)
{
    const struct timespec patience = { .tv_sec = GUARDIAN_PATIENCE_MS / 1000 };
    pthread_t other;
    watched_test = test;
    if (sigtimedwait(wake_up, NULL, &patience) == SIGUSR1) {
        pthread_create(&other, NULL, outlive_first_thread, NULL);
        pthread_exit(NULL);
    }
}

/* Starts a suite program that opens a session and forks the test. Returns once the test runs. */
static pid_t fork_suite(char run_id[16])
{
    int ready[2];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t suite = fork();
    if (suite == 0) {
        struct muster_session *session = guardian_open_session();
        sigset_t wake_up;
        sigemptyset(&wake_up);
        sigaddset(&wake_up, SIGUSR1);
        sigprocmask(SIG_BLOCK, &wake_up, NULL);
        pid_t test = fork();
        if (test == 0) {
            setpgid(0, 0);
            be_a_test(session, ready[1]);
        }
        watch_test(test, &wake_up);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], run_id, 16), 16);
    close(ready[0]);
    close(ready[1]);
    return suite;
}

/* Waits until no process has the run's ledger open. */
static void await_unlocked(const char *directory)
{
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    while (muster__ledger_is_locked(directory) && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    ck_assert(!muster__ledger_is_locked(directory));
}

/* Waits for the guardian, not for the lock: a suite program that still runs holds the lock too. */
static void await_guardian(const char *directory)
{
    struct muster_ledger_view *view = NULL;
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    while (muster__process_runs(view->guardian_pid, view->guardian_start) &&
           muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    ck_assert(!muster__process_runs(view->guardian_pid, view->guardian_start));
    muster_ledger_view_destroy(view);
}

START_TEST(a_killed_test_leaves_nothing_but_evidence)
{
    struct muster_session *session = guardian_open_session();
    char run_id[16];
    snprintf(run_id, sizeof run_id, "%s", session->run_id);
    pid_t test = fork_test(session);
    guardian_await_processes(run_id, 2);
    kill(test, SIGKILL);
    waitpid(test, NULL, 0);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
    ck_assert_ptr_nonnull(strstr(outcome.text, "phase execute"));
    ck_assert_uint_eq(guardian_processes_of(run_id), 0);
    char *text = guardian_read_run_file(outcome.kept_directory, "run.json");
    ck_assert_ptr_nonnull(strstr(text, "\"verdict\": \"fail\""));
    free(text);
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(outcome.kept_directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    ck_assert_uint_eq(view->entry_count, 0);
    muster_ledger_view_destroy(view);
}
END_TEST

static const enum muster_rc down_codes[] = { MUSTER_EINFRA, MUSTER_EIO, MUSTER_ENOMEM, MUSTER_EREPLY };
static enum muster_rc down_code;

static enum muster_rc down_fails(const struct muster_ledger_view *view, uint32_t grace_ms,
                                 struct muster_error *err)
{
    (void)view;
    (void)grace_ms;
    return muster_error_set(err, down_code, "no more of that");
}

START_TEST(a_clean_up_that_fails_after_a_killed_test_is_told)
{
    const struct muster_runner runner = { .name = "plain",
                                          .capabilities = guardian_no_capabilities,
                                          .down = down_fails };
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    down_code = down_codes[_i];
    ck_assert_msg(muster_session_open(guardian_plan, &runner, guardian_variables, &session, &err) ==
                      MUSTER_OK,
                  "%s", err.text);
    pid_t test = fork_test(session);
    kill(test, SIGKILL);
    waitpid(test, NULL, 0);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_INFRA);
    ck_assert(outcome.untold);
    ck_assert_ptr_nonnull(strstr(outcome.text, "(phase execute); no more of that; `muster sweep` removes"));
}
END_TEST

START_TEST(a_killed_suite_program_takes_its_test_along)
{
    char run_id[16];
    is_another_user = _i == 1;
    pid_t suite = fork_suite(run_id);
    kill(suite, SIGKILL);
    waitpid(suite, NULL, 0);
    ck_assert(guardian_await_no_process(run_id));
    char directory[256];
    snprintf(directory, sizeof directory, "%s/muster-%s", guardian_root, run_id);
    await_unlocked(directory);
    await_guardian(directory); /* A process that ends closes its files before it is gone. */
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    muster_ledger_view_destroy(view);
    char *text = guardian_read_run_file(directory, "run.json");
    ck_assert_ptr_nonnull(strstr(text, "the suite program was ended in mid-run (phase execute)"));
    free(text);
    is_another_user = false;
}
END_TEST

/* The threads of a killed suite program end one after another. The thread that forked the test may be the
 * first. */
START_TEST(a_suite_program_that_is_ending_is_told_from_a_test_that_ended)
{
    char run_id[16];
    is_another_user = _i == 1;
    pid_t suite = fork_suite(run_id);
    kill(suite, SIGUSR1);
    ck_assert(guardian_await_no_process(run_id));
    char directory[256];
    snprintf(directory, sizeof directory, "%s/muster-%s", guardian_root, run_id);
    await_guardian(directory);
    kill(suite, SIGKILL);
    waitpid(suite, NULL, 0);
    char *text = guardian_read_run_file(directory, "run.json");
    ck_assert_ptr_nonnull(
        strstr(text, is_another_user ? "the test's process ended" : "the suite program was ended"));
    free(text);
    is_another_user = false;
}
END_TEST

/* ---- A test that Check has forked, and that has not yet begun to deploy ---- */

static struct muster_session *late_session;
static int late_fd;

static _Noreturn void begin_late(void)
{
    muster__session_end_with_suite(late_session);
    dprintf(late_fd, " it began");
    _exit(0);
}

static _Noreturn void die_before_test_begins(void)
{
    if (fork() == 0) {
        while (getppid() == late_session->suite_pid) {
            poll(NULL, 0, 1);
        }
        begin_late();
    }
    raise(SIGKILL);
    abort();
}

static _Noreturn void *run_test_in_other_thread(void *unused)
{
    (void)unused;
    await_end_of_first_thread();
    pid_t test = fork();
    if (test == 0) {
        begin_late();
    }
    waitpid(test, NULL, 0);
    _exit(0);
}

static _Noreturn void leave_to_other_thread(void)
{
    pthread_t other;
    pthread_create(&other, NULL, run_test_in_other_thread, NULL);
    pthread_exit(NULL);
}

/* Reads what suite program and test write until both have ended: the session's directory, then " it began" if
 * the test began. */
static void hear(void (*be_a_suite)(void), char *said, size_t said_bytes)
{
    int pipe_fds[2];
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t suite = fork();
    if (suite == 0) {
        late_session = guardian_open_session();
        late_fd = pipe_fds[1];
        dprintf(late_fd, "%s", late_session->directory);
        be_a_suite();
    }
    close(pipe_fds[1]);
    waitpid(suite, NULL, 0);
    size_t used = 0;
    ssize_t got;
    while ((got = read(pipe_fds[0], said + used, said_bytes - 1 - used)) > 0) {
        used += (size_t)got;
    }
    said[used] = '\0';
    close(pipe_fds[0]);
}

START_TEST(a_test_whose_suite_program_is_gone_does_not_begin)
{
    char said[300];
    hear(die_before_test_begins, said, sizeof said);
    ck_assert_ptr_null(strstr(said, " it began"));
    await_unlocked(said);
}
END_TEST

START_TEST(a_test_of_a_suite_program_whose_first_thread_has_ended_begins)
{
    char said[300];
    hear(leave_to_other_thread, said, sizeof said);
    char *began = strstr(said, " it began");
    ck_assert_ptr_nonnull(began);
    *began = '\0';
    await_unlocked(said);
}
END_TEST

START_TEST(a_killed_guardian_takes_its_nodes_along_and_is_noticed)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    guardian_spawn_node(session, client, 0, "exec sleep 1000");
    guardian_spawn_node(session, client, 1, "setsid sleep 1000 & exec sleep 1000");
    kill(session->guardian_pid, SIGKILL);
    ck_assert(guardian_wait_seen(&guardian_seen.gone, NULL));
    struct muster_error err = { 0 };
    uint32_t process;
    const char *const argv[] = { "/bin/true", NULL };
    const struct muster_spawn what = { .argv = argv, .directory = guardian_root, .node = MUSTER_NO_NODE };
    ck_assert_int_eq(guardian_spawn(client, &what, &process, &err), MUSTER_EINFRA);
    muster__guardian_detach(client);
    char run_id[16];
    snprintf(run_id, sizeof run_id, "%s", session->run_id);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_INFRA);
    ck_assert_ptr_nonnull(strstr(outcome.text, "muster sweep"));
    ck_assert_uint_eq(guardian_processes_of(run_id), 0);
}
END_TEST

START_TEST(sweep_finishes_for_a_killed_guardian_and_suite)
{
    char run_id[16];
    pid_t suite = fork_suite(run_id);
    char directory[256];
    snprintf(directory, sizeof directory, "%s/muster-%s", guardian_root, run_id);
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    const struct muster_runner *const runners[] = { &guardian_plain_runner, NULL };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__sweep_run(directory, runners, false, 1000, &err),
                     MUSTER_ESTATE); /* The run goes on. */
    kill(view->guardian_pid, SIGKILL);
    muster_ledger_view_destroy(view);
    kill(suite, SIGKILL);
    waitpid(suite, NULL, 0);
    /* The kernel kills the hanging test. Until then the run goes on. */
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    muster_error_clear(&err);
    enum muster_rc rc;
    while ((rc = muster__sweep_run(directory, runners, false, 1000, &err)) == MUSTER_ESTATE &&
           muster_clock_left_ms(deadline_ms) > 0) {
        muster_error_clear(&err);
        poll(NULL, 0, 20);
    }
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(guardian_processes_of(run_id), 0);
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    muster_ledger_view_destroy(view);
    ck_assert(!muster__amend_is_due(directory)); /* run.json has the verdict. */
}
END_TEST

static Suite *guardian_gone_suite(void)
{
    Suite *suite = suite_create("guardian_gone");
    TCase *tcase = tcase_create("processes");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, guardian_make_root, guardian_remove_root);
    tcase_add_test(tcase, a_killed_test_leaves_nothing_but_evidence);
    tcase_add_loop_test(tcase, a_clean_up_that_fails_after_a_killed_test_is_told, 0, 4);
    tcase_add_loop_test(tcase, a_killed_suite_program_takes_its_test_along, 0, 2);
    tcase_add_loop_test(tcase, a_suite_program_that_is_ending_is_told_from_a_test_that_ended, 0, 2);
    tcase_add_test(tcase, a_test_whose_suite_program_is_gone_does_not_begin);
    tcase_add_test(tcase, a_test_of_a_suite_program_whose_first_thread_has_ended_begins);
    tcase_add_test(tcase, a_killed_guardian_takes_its_nodes_along_and_is_noticed);
    tcase_add_test(tcase, sweep_finishes_for_a_killed_guardian_and_suite);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_gone_suite);
