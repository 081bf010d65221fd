/* What an audit finds, and what it ignores. */
#include "host/lease.h"
#include "ledger/audit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/process.h"
#include "muster/clock.h"
#include "testing/unit_test.h"

#define RUN_ID "a0d17a0d17"
#define PATIENCE_MS 20000u

static struct muster_ledger_view empty = { .directory = "/nonexistent",
                                           .run_id = RUN_ID,
                                           .runner = "double" };

static void assert_audit(const struct muster_runner *runner, const struct muster_ledger_view *view,
                         enum muster_rc expected, const char *text)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__audit(runner, view, &err), expected);
    ck_assert_str_eq(err.text, text);
}

/* ---- Processes ---- */

static void count_process(void *context, pid_t pid, uint64_t start)
{
    (void)pid;
    (void)start;
    (*(unsigned *)context)++;
}

/* Makes a run id that only this process has. The same test may run twice at once on a machine. */
static char *own_run_id(void)
{
    static char run_id[16];
    snprintf(run_id, sizeof run_id, "%010x", (unsigned)getpid());
    return run_id;
}

/* Starts a process of that run and waits until its environment names the run. */
static pid_t start_process(const char *run_id)
{
    char variable[64];
    snprintf(variable, sizeof variable, MUSTER__RUN_VARIABLE "=%s", run_id);
    char *const environment[] = { variable, NULL };
    char *const arguments[] = { "sleep", "1000", NULL };
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    unsigned shown = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execve("/bin/sleep", arguments, environment);
        _exit(127);
    }
    while (shown == 0 && muster_clock_left_ms(deadline_ms) > 0) {
        muster__process_each_of_run(run_id, count_process, &shown);
        poll(NULL, 0, 5);
    }
    ck_assert_uint_eq(shown, 1);
    return pid;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_process_of_the_run_is_left_behind)
{
    struct muster_ledger_view view = empty;
    view.run_id = own_run_id();
    pid_t pid = start_process(view.run_id);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "left behind: process %d", (int)pid);
    assert_audit(NULL, &view, MUSTER_ELEAK, wanted);
    end_process(pid);
    assert_audit(NULL, &view, MUSTER_OK, "");
}
END_TEST

START_TEST(a_process_of_another_run_is_not)
{
    pid_t pid = start_process(own_run_id());
    assert_audit(NULL, &empty, MUSTER_OK, "");
    end_process(pid);
}
END_TEST

/* ---- Listeners ---- */

static int listen_at(const char *host)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(4711) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(inet_pton(AF_INET, host, &address.sin_addr), 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

START_TEST(a_listener_at_a_leased_address_is_left_behind)
{
    int lease_fd;
    char prefix[16];
    char host[32];
    char wanted[96];
    struct muster_error err = { 0 };
    ck_assert_msg(muster__lease_take(&lease_fd, prefix, &err) == MUSTER_OK, "%s", err.text);
    struct muster_ledger_entry lease = { .kind = "lease", .id = prefix, .detail = "{}" };
    struct muster_ledger_view view = empty;
    view.entries = &lease;
    view.entry_count = 1;
    snprintf(host, sizeof host, "%s9", prefix);
    snprintf(wanted, sizeof wanted, "left behind: listening ports %s:4711", host);
    int fd = listen_at(host);
    assert_audit(NULL, &view, MUSTER_ELEAK, wanted);
    assert_audit(NULL, &empty, MUSTER_OK, ""); /* A run without a lease has no listeners. */
    close(fd);
    assert_audit(NULL, &view, MUSTER_OK, "");
    close(lease_fd);
}
END_TEST

/* ---- What the runner knows ---- */

static enum muster_rc find_two(const struct muster_ledger_view *view, struct muster_audit *audit,
                               struct muster_error *err)
{
    (void)err;
    muster_audit_found(audit, "container %s-node-0 (running)", view->run_id);
    muster_audit_found(audit, "network %s", view->run_id);
    return MUSTER_OK;
}

static enum muster_rc find_out_nothing(const struct muster_ledger_view *view, struct muster_audit *audit,
                                       struct muster_error *err)
{
    muster_audit_found(audit, "container %s-node-0 (running)", view->run_id);
    return muster_error_set(err, MUSTER_EINFRA, "the engine is gone");
}

START_TEST(what_the_runner_finds_is_left_behind)
{
    static const struct muster_runner runner = { .name = "double", .audit = find_two };
    assert_audit(&runner, &empty, MUSTER_ELEAK,
                 "left behind: container " RUN_ID "-node-0 (running); network " RUN_ID);
}
END_TEST

START_TEST(a_runner_that_cannot_look_is_no_leak)
{
    static const struct muster_runner runner = { .name = "double", .audit = find_out_nothing };
    assert_audit(&runner, &empty, MUSTER_EINFRA,
                 "looking for what is left of run " RUN_ID ": the engine is gone");
}
END_TEST

START_TEST(more_than_there_is_room_for_is_counted)
{
    struct muster_audit audit = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        muster_audit_found(&audit, "container %u", i);
    }
    ck_assert_uint_eq(audit.count, 1000);
    ck_assert_ptr_eq(strstr(audit.text, "container 0; container 1; "), audit.text);
    ck_assert_uint_eq(strlen(audit.text), sizeof audit.text - 1);
}
END_TEST

static Suite *audit_suite(void)
{
    Suite *suite = suite_create("audit");
    TCase *tcase = tcase_create("left behind");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_process_of_the_run_is_left_behind);
    tcase_add_test(tcase, a_process_of_another_run_is_not);
    tcase_add_test(tcase, a_listener_at_a_leased_address_is_left_behind);
    tcase_add_test(tcase, what_the_runner_finds_is_left_behind);
    tcase_add_test(tcase, a_runner_that_cannot_look_is_no_leak);
    tcase_add_test(tcase, more_than_there_is_room_for_is_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(audit_suite);
