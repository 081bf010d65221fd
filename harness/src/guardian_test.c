/* The guardian with real processes: what is left, and what is known, after every kind of end. */
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amend.h"
#include "files.h"
#include "guardian_client.h"
#include "muster/clock.h"
#include "muster/session.h"
#include "ports.h"
#include "process.h"
#include "session_internal.h"
#include "sweep.h"
#include "unit_test.h"

#define PATIENCE_MS 20000u

static char root[64];
static struct muster_variables *variables;
static struct muster_plan *plan;

static uint32_t no_capabilities(const struct muster_variables *unused)
{
    (void)unused;
    return 0;
}

static const struct muster_runner plain_runner = { .name = "plain", .capabilities = no_capabilities };

static void make_root(void)
{
    struct muster_error err = { 0 };
    snprintf(root, sizeof root, "/tmp/guardian_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    setenv("MUSTER_RUN_ROOT", root, 1);
    ck_assert_msg(muster_variables_read(&variables, &err) == MUSTER_OK, "%s", err.text);
    plan = calloc(1, sizeof *plan);
    snprintf(plan->suite, sizeof plan->suite, "guardian");
    snprintf(plan->name, sizeof plan->name, "test");
    plan->grace_ms = 2000;
    plan->slowdown = 1;
    plan->node_count = 4;
}

static void remove_root(void)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_remove(root, &err) == MUSTER_OK, "%s", err.text);
    muster_variables_destroy(variables);
    free(plan);
}

/* ---- A test's side ---- */

struct seen {
    pthread_mutex_t lock;
    unsigned ended;
    unsigned flooded;
    bool gone;
};

static void on_ended(void *context, uint32_t process, uint32_t node, const struct muster_exit *exit)
{
    struct seen *seen = context;
    (void)process;
    (void)node;
    (void)exit;
    pthread_mutex_lock(&seen->lock);
    seen->ended++;
    pthread_mutex_unlock(&seen->lock);
}

static void on_gone(void *context)
{
    struct seen *seen = context;
    pthread_mutex_lock(&seen->lock);
    seen->gone = true;
    pthread_mutex_unlock(&seen->lock);
}

static void on_flooded(void *context, uint32_t node, uint64_t log_bytes)
{
    struct seen *seen = context;
    ck_assert_uint_eq(node, 1);
    ck_assert_uint_gt(log_bytes, 0);
    pthread_mutex_lock(&seen->lock);
    seen->flooded++;
    pthread_mutex_unlock(&seen->lock);
}

static struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool wait_seen(const bool *flag, const unsigned *count)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    bool yes = false;
    while (!yes && muster_clock_left_ms(deadline_ms) > 0) {
        pthread_mutex_lock(&seen.lock);
        yes = (flag != NULL && *flag) || (count != NULL && *count > 0);
        pthread_mutex_unlock(&seen.lock);
        poll(NULL, 0, 5);
    }
    return yes;
}

static struct muster_session *open_session(void)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_session_open(plan, &plain_runner, variables, &session, &err) == MUSTER_OK, "%s",
                  err.text);
    return session;
}

static struct muster_guardian_client *attach(const struct muster_session *session)
{
    const struct muster__guardian_callbacks callbacks = {
        .ended = on_ended, .gone = on_gone, .flooded = on_flooded, .context = &seen
    };
    struct muster_guardian_client *client = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_attach(session->test_fd, &callbacks, &client, &err) == MUSTER_OK, "%s",
                  err.text);
    return client;
}

static enum muster_rc spawn(struct muster_guardian_client *client, const struct muster_spawn *what,
                            uint32_t *ret, struct muster_error *err)
{
    uint64_t ticket = 0;
    enum muster_rc rc = muster__guardian_spawn_begin(client, what, &ticket, err);
    return rc != MUSTER_OK ? rc : muster__guardian_spawn_end(client, ticket, ret, err);
}

/* A node that is a shell command. */
static uint32_t spawn_node(struct muster_session *session, struct muster_guardian_client *client,
                           uint32_t node, const char *command)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    char directory[5000];
    char log[5100];
    snprintf(directory, sizeof directory, "%s/nodes/node-%u", session->directory, node);
    snprintf(log, sizeof log, "%s/stdout.log", directory);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__directory_make(directory, 0700, &err), MUSTER_OK);
    const struct muster_spawn what = {
        .argv = argv, .directory = directory, .stdout_path = log, .stderr_path = log, .node = node
    };
    uint32_t process = 0;
    ck_assert_msg(spawn(client, &what, &process, &err) == MUSTER_OK, "%s", err.text);
    return process;
}

static struct muster_exit wait_exit(struct muster_guardian_client *client, uint32_t process)
{
    struct muster_exit exit = { 0 };
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_wait_exit(client, process, PATIENCE_MS, &exit, &err) == MUSTER_OK, "%s",
                  err.text);
    return exit;
}

static void count_process(void *context, pid_t pid, uint64_t start)
{
    (void)pid;
    (void)start;
    (*(unsigned *)context)++;
}

static unsigned processes_of(const char *run_id)
{
    unsigned count = 0;
    muster__process_each_of_run(run_id, count_process, &count);
    return count;
}

/* A process may be between its shell and its program, where it shows no environment. */
static void await_processes(const char *run_id, unsigned count)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    while (processes_of(run_id) < count && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
    ck_assert_uint_ge(processes_of(run_id), count);
}

static bool await_no_process(const char *run_id)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    while (processes_of(run_id) > 0 && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    return processes_of(run_id) == 0;
}

static void finish(struct muster_guardian_client *client, enum muster_verdict verdict, bool keep)
{
    muster__guardian_done(client, verdict, "", keep);
    muster__guardian_detach(client);
}

static char *read_run_file(const char *directory, const char *name)
{
    char path[5000];
    char *text = NULL;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__file_read(path, 1 << 20, &text, NULL, &err) == MUSTER_OK, "%s", err.text);
    return text;
}

/* ---- Tests ---- */

START_TEST(exits_are_reported_with_code_and_signal)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    struct muster_exit exit = wait_exit(client, spawn_node(session, client, 0, "exit 3"));
    ck_assert_int_eq(exit.code, 3);
    ck_assert_int_eq(exit.signal, 0);
    exit = wait_exit(client, spawn_node(session, client, 1, "kill -SEGV $$"));
    ck_assert_int_eq(exit.code, -1);
    ck_assert_int_eq(exit.signal, SIGSEGV);
    char *text = read_run_file(session->directory, "nodes/node-1/exit.json");
    ck_assert_ptr_nonnull(strstr(text, "\"signal\": 11"));
    free(text);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_clean_up(client, false, &err), MUSTER_OK);
    finish(client, MUSTER_PASS, false);
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
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    const char *const argv[] = { "/nonexistent/node", NULL };
    const struct muster_spawn what = { .argv = argv, .directory = root, .node = 0 };
    uint32_t process = 0;
    struct muster_error err = { 0 };
    ck_assert_int_eq(spawn(client, &what, &process, &err), MUSTER_ENODE);
    ck_assert_str_eq(err.text, "cannot execute '/nonexistent/node': No such file or directory");
    finish(client, MUSTER_FAIL, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
}
END_TEST

START_TEST(nodes_do_not_get_the_runners_variables)
{
    setenv("RUST_LOG", "trace", 1);
    setenv("PLAIN_VARIABLE", "stays", 1);
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    wait_exit(client, spawn_node(session, client, 0, "env"));
    char *text = read_run_file(session->directory, "nodes/node-0/stdout.log");
    ck_assert_ptr_null(strstr(text, "RUST_LOG"));
    ck_assert_ptr_null(strstr(text, "MUSTER_RUN_ROOT"));
    ck_assert_ptr_nonnull(strstr(text, "PLAIN_VARIABLE=stays"));
    ck_assert_ptr_nonnull(strstr(text, "MUSTER_RUN_ID="));
    free(text);
    finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    unsetenv("RUST_LOG");
}
END_TEST

START_TEST(a_node_that_ignores_term_is_killed_and_named)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    char pipe_wait[64];
    snprintf(pipe_wait, sizeof pipe_wait, "trap '' TERM; echo ready; while :; do sleep 1; done");
    plan->grace_ms = 300;
    spawn_node(session, client, 2, pipe_wait);
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    char path[5000];
    struct stat status = { 0 };
    snprintf(path, sizeof path, "%s/nodes/node-2/stdout.log", session->directory);
    while ((stat(path, &status) != 0 || status.st_size == 0) && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_clean_up(client, false, &err), MUSTER_ENODE);
    ck_assert_ptr_nonnull(strstr(err.text, "node-2 ignored SIGTERM"));
    ck_assert_uint_eq(processes_of(session->run_id), 0);
    finish(client, MUSTER_FAIL, true);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_str_ne(outcome.kept_directory, "");
}
END_TEST

START_TEST(a_process_that_left_its_group_and_parent_is_found)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    /* Its parent ends once it has left the group. */
    uint32_t process =
        spawn_node(session, client, 0,
                   "setsid sh -c 'echo out; exec sleep 1000' & while [ ! -s stdout.log ]; do :; done");
    wait_exit(client, process);
    await_processes(session->run_id, 1);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(processes_of(session->run_id), 0);
    finish(client, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

START_TEST(a_flooding_node_is_reported_and_halted)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    spawn_node(session, client, 1, "head -c 80000000 /dev/zero; exec sleep 1000");
    ck_assert(wait_seen(NULL, &seen.flooded));
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_clean_up(client, false, &err) == MUSTER_OK, "%s", err.text);
    finish(client, MUSTER_FAIL, false);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
}
END_TEST

START_TEST(leases_differ_between_runs)
{
    struct muster_session *first = open_session();
    struct muster_session *second = open_session();
    struct muster_guardian_client *one = attach(first);
    struct muster_guardian_client *two = attach(second);
    char prefixes[2][16];
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_lease(one, prefixes[0], &err), MUSTER_OK);
    ck_assert_int_eq(muster__guardian_lease(two, prefixes[1], &err), MUSTER_OK);
    ck_assert_str_ne(prefixes[0], prefixes[1]);
    ck_assert_uint_eq(strncmp(prefixes[0], "127.", 4), 0);
    finish(one, MUSTER_PASS, false);
    finish(two, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(first, &outcome);
    muster_session_close(second, &outcome);
}
END_TEST

START_TEST(one_session_serves_one_test)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    muster__guardian_detach(client);
    const struct muster__guardian_callbacks callbacks = {
        .ended = on_ended, .gone = on_gone, .flooded = on_flooded, .context = &seen
    };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_attach(session->test_fd, &callbacks, &client, &err), MUSTER_ESTATE);
    ck_assert_ptr_nonnull(strstr(err.text, "one scenario has one test"));
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
}
END_TEST

/* The test's process: starts nodes, says so through the pipe, then waits to be killed. */
static void be_a_test(struct muster_session *session, int ready_fd)
{
    struct muster_guardian_client *client = attach(session);
    spawn_node(session, client, 0, "exec sleep 1000");
    spawn_node(session, client, 1, "setsid sleep 1000 & exec sleep 1000");
    muster__guardian_note(client, MUSTER_EXECUTE, 0, "");
    if (write(ready_fd, session->run_id, sizeof session->run_id) < 0) {
        _exit(1);
    }
    wait_seen(&seen.gone, NULL); /* As a real test does, it ends when the guardian is gone. */
    muster__guardian_detach(client);
    _exit(1);
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

START_TEST(a_killed_test_leaves_nothing_but_evidence)
{
    struct muster_session *session = open_session();
    char run_id[16];
    snprintf(run_id, sizeof run_id, "%s", session->run_id);
    pid_t test = fork_test(session);
    await_processes(run_id, 2);
    kill(test, SIGKILL);
    waitpid(test, NULL, 0);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
    ck_assert_ptr_nonnull(strstr(outcome.text, "phase execute"));
    ck_assert_uint_eq(processes_of(run_id), 0);
    char *text = read_run_file(outcome.kept_directory, "run.json");
    ck_assert_ptr_nonnull(strstr(text, "\"verdict\": \"fail\""));
    free(text);
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(outcome.kept_directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    ck_assert_uint_eq(view->entry_count, 0);
    muster_ledger_view_destroy(view);
}
END_TEST

/* A whole suite program: opens a session, forks the test, says when it runs. */
static pid_t fork_suite(char run_id[16])
{
    int ready[2];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t suite = fork();
    if (suite == 0) {
        struct muster_session *session = open_session();
        pid_t test = fork();
        if (test == 0) {
            setpgid(0, 0);
            be_a_test(session, ready[1]);
        }
        waitpid(test, NULL, 0);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], run_id, 16), 16);
    close(ready[0]);
    close(ready[1]);
    return suite;
}

START_TEST(a_killed_suite_program_takes_its_test_along)
{
    char run_id[16];
    pid_t suite = fork_suite(run_id);
    kill(suite, SIGKILL);
    waitpid(suite, NULL, 0);
    ck_assert(await_no_process(run_id));
    char directory[256];
    snprintf(directory, sizeof directory, "%s/muster-%s", root, run_id);
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    while (muster__ledger_is_locked(directory) && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    ck_assert(!muster__process_runs(view->guardian_pid, view->guardian_start));
    muster_ledger_view_destroy(view);
}
END_TEST

START_TEST(a_killed_guardian_takes_its_nodes_along_and_is_noticed)
{
    struct muster_session *session = open_session();
    struct muster_guardian_client *client = attach(session);
    spawn_node(session, client, 0, "exec sleep 1000");
    spawn_node(session, client, 1, "setsid sleep 1000 & exec sleep 1000");
    kill(session->guardian_pid, SIGKILL);
    ck_assert(wait_seen(&seen.gone, NULL));
    struct muster_error err = { 0 };
    uint32_t process;
    const char *const argv[] = { "/bin/true", NULL };
    const struct muster_spawn what = { .argv = argv, .directory = root, .node = MUSTER_NO_NODE };
    ck_assert_int_eq(spawn(client, &what, &process, &err), MUSTER_EINFRA);
    muster__guardian_detach(client);
    char run_id[16];
    snprintf(run_id, sizeof run_id, "%s", session->run_id);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_INFRA);
    ck_assert_ptr_nonnull(strstr(outcome.text, "muster sweep"));
    ck_assert_uint_eq(processes_of(run_id), 0);
}
END_TEST

START_TEST(sweep_finishes_for_a_killed_guardian_and_suite)
{
    char run_id[16];
    pid_t suite = fork_suite(run_id);
    char directory[256];
    snprintf(directory, sizeof directory, "%s/muster-%s", root, run_id);
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    const struct muster_runner *const runners[] = { &plain_runner, NULL };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__sweep_run(directory, runners, 1000, &err), MUSTER_ESTATE); /* It goes on. */
    kill(view->guardian_pid, SIGKILL);
    muster_ledger_view_destroy(view);
    kill(suite, SIGKILL);
    waitpid(suite, NULL, 0);
    /* The test notices that its guardian is gone, and ends; until then the run goes on. */
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    muster_error_clear(&err);
    enum muster_rc rc;
    while ((rc = muster__sweep_run(directory, runners, 1000, &err)) == MUSTER_ESTATE &&
           muster_clock_left_ms(deadline_ms) > 0) {
        muster_error_clear(&err);
        poll(NULL, 0, 20);
    }
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(processes_of(run_id), 0);
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    ck_assert(view->closed);
    muster_ledger_view_destroy(view);
    ck_assert(!muster__amend_is_due(directory)); /* run.json says how it ended. */
}
END_TEST

START_TEST(no_directory_no_session)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    muster_variables_destroy(variables);
    setenv("MUSTER_RUN_ROOT", "/nonexistent/place", 1);
    ck_assert_int_eq(muster_variables_read(&variables, &err), MUSTER_OK);
    ck_assert_int_eq(muster_session_open(plan, &plain_runner, variables, &session, &err), MUSTER_EINFRA);
    ck_assert_ptr_nonnull(strstr(err.text, "'/nonexistent/place'"));
    ck_assert_ptr_nonnull(strstr(err.text, "set MUSTER_RUN_ROOT"));
    ck_assert_ptr_null(session);
}
END_TEST

static Suite *guardian_suite(void)
{
    Suite *suite = suite_create("guardian");
    TCase *tcase = tcase_create("processes");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, make_root, remove_root);
    tcase_add_test(tcase, exits_are_reported_with_code_and_signal);
    tcase_add_test(tcase, exec_failure_names_program_and_reason);
    tcase_add_test(tcase, nodes_do_not_get_the_runners_variables);
    tcase_add_test(tcase, a_node_that_ignores_term_is_killed_and_named);
    tcase_add_test(tcase, a_process_that_left_its_group_and_parent_is_found);
    tcase_add_test(tcase, a_flooding_node_is_reported_and_halted);
    tcase_add_test(tcase, leases_differ_between_runs);
    tcase_add_test(tcase, one_session_serves_one_test);
    tcase_add_test(tcase, a_killed_test_leaves_nothing_but_evidence);
    tcase_add_test(tcase, a_killed_suite_program_takes_its_test_along);
    tcase_add_test(tcase, a_killed_guardian_takes_its_nodes_along_and_is_noticed);
    tcase_add_test(tcase, sweep_finishes_for_a_killed_guardian_and_suite);
    tcase_add_test(tcase, no_directory_no_session);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_suite);
