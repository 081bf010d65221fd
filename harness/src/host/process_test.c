#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/lease.h"
#include "host/ports.h"
#include "host/process.h"
#include "muster/runner.h"
#include "testing/unit_test.h"

static pid_t fork_sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        poll(NULL, 0, 60000);
        _exit(0);
    }
    return pid;
}

START_TEST(identity_is_pid_and_start)
{
    pid_t pid = fork_sleeper();
    uint64_t start = muster__process_start(pid);
    ck_assert_uint_gt(start, 0);
    ck_assert_uint_eq(start, muster__process_start(pid));
    ck_assert(muster__process_runs(pid, start));
    ck_assert(!muster__process_runs(pid, start + 1));
    ck_assert(!muster__process_signal(pid, start + 1, SIGKILL));
    ck_assert(muster__process_runs(pid, start));
    ck_assert(muster__process_signal(pid, start, SIGKILL));
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(muster__process_open(pid, start), -1);
    ck_assert_uint_eq(muster__process_start(pid), 0);
}
END_TEST

START_TEST(a_zombie_does_not_run)
{
    pid_t pid = fork_sleeper();
    uint64_t start = muster__process_start(pid);
    int fd = muster__process_open(pid, start);
    ck_assert_int_ge(fd, 0);
    kill(pid, SIGKILL);
    struct pollfd ended = { .fd = fd, .events = POLLIN };
    ck_assert_int_eq(poll(&ended, 1, 10000), 1);
    ck_assert(!muster__process_runs(pid, start));
    close(fd);
    waitpid(pid, NULL, 0);
}
END_TEST

static void count_found(void *context, pid_t pid, uint64_t start)
{
    (void)pid;
    (void)start;
    (*(unsigned *)context)++;
}

START_TEST(a_run_is_found_by_its_variable_and_not_by_a_longer_or_shorter_one)
{
    char *const environment[] = { "A=MUSTER_RUN_ID=abc", MUSTER__RUN_VARIABLE "=abcd", NULL };
    char *const arguments[] = { "sleep", "60", NULL };
    pid_t pid = fork();
    if (pid == 0) {
        execve("/bin/sleep", arguments, environment);
        _exit(127);
    }
    unsigned exact = 0;
    for (int tries = 0; tries < 2000 && exact == 0; tries++) {
        muster__process_each_of_run("abcd", count_found, &exact);
        poll(NULL, 0, 5);
    }
    unsigned others = 0;
    muster__process_each_of_run("abc", count_found, &others);
    muster__process_each_of_run("abcde", count_found, &others);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_uint_eq(exact, 1);
    ck_assert_uint_eq(others, 0);
}
END_TEST

static void count_pid(void *context, pid_t pid)
{
    pid_t *wanted = context;
    ck_assert(pid == wanted[0] || pid == wanted[1]);
    wanted[2]++;
}

START_TEST(children_are_found_until_they_are_reaped)
{
    pid_t pids[3] = { fork_sleeper(), fork_sleeper(), 0 };
    muster__process_each_child(count_pid, pids);
    ck_assert_int_eq(pids[2], 2);
    siginfo_t info;
    kill(pids[0], SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)pids[0], &info, WEXITED | WNOWAIT), 0); /* A zombie now. */
    pids[2] = 0;
    muster__process_each_child(count_pid, pids);
    ck_assert_int_eq(pids[2], 2);
    waitpid(pids[0], NULL, 0);
    kill(pids[1], SIGKILL);
    waitpid(pids[1], NULL, 0);
    pids[2] = 0;
    muster__process_each_child(count_pid, pids);
    ck_assert_int_eq(pids[2], 0);
}
END_TEST

START_TEST(listeners_are_found_by_their_network)
{
    int lease_fd;
    char prefix[16];
    struct muster_error err = { 0 };
    ck_assert_msg(muster__lease_take(&lease_fd, prefix, &err) == MUSTER_OK, "%s", err.text);
    char host[32];
    snprintf(host, sizeof host, "%s9", prefix);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(4711) };
    ck_assert_int_eq(inet_pton(AF_INET, host, &address.sin_addr), 1);
    ck_assert_uint_eq(muster__ports_listening(prefix, NULL, 0), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    char text[128];
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s:4711", host);
    ck_assert_uint_eq(muster__ports_listening(prefix, text, sizeof text), 1);
    ck_assert_str_eq(text, wanted);
    close(fd);
    close(lease_fd);
}
END_TEST

START_TEST(ends_are_described)
{
    char text[96];
    ck_assert_str_eq(muster_exit_describe(&(struct muster_exit){ .code = 3 }, text), "exited with code 3");
    ck_assert_str_eq(muster_exit_describe(
                         &(struct muster_exit){ .code = -1, .signal = SIGSEGV, .core_dumped = true }, text),
                     "was ended by SIGSEGV (core dumped)");
    ck_assert_str_eq(muster_exit_describe(
                         &(struct muster_exit){ .code = -1, .signal = SIGKILL, .out_of_memory = true }, text),
                     "was ended by SIGKILL (out of memory)");
    ck_assert_str_eq(
        muster_exit_describe(&(struct muster_exit){ .code = -1, .signal = SIGKILL, .signal_inferred = true },
                             text),
        "exited with code 137 (as after SIGKILL)");
}
END_TEST

static const struct {
    struct muster_exit exit;
    int end_code;
    const char *complaint; /* NULL: right. */
} ends[] = {
    { { .code = 0 }, 0, NULL },
    { { .code = -1, .signal = SIGTERM }, 0, NULL },
    { { .code = -1, .signal = SIGKILL }, 0, NULL },
    { { .code = 143 }, 0, NULL },
    { { .code = 137 }, 0, NULL },
    { { .code = 7 }, 7, NULL },
    { { .code = 0 }, 7, NULL },
    { { .code = 5 }, 0, "node-2 exited with code 5 while it was taken down" },
    { { .code = 8 }, 7, "node-2 exited with code 8 while it was taken down" },
    { { .code = 134 }, 0, "node-2 exited with code 134 while it was taken down" },
    { { .code = -1, .signal = SIGSEGV }, 0, "node-2 was ended by SIGSEGV while it was taken down" },
    { { .code = -1, .signal = SIGABRT, .core_dumped = true },
      0,
      "node-2 was ended by SIGABRT (core dumped) while it was taken down" },
    { { .code = -1, .signal = SIGKILL, .out_of_memory = true },
      0,
      "node-2 was ended by SIGKILL (out of memory) while it was taken down" },
};

START_TEST(ends_are_judged)
{
    struct muster_error err = { 0 };
    enum muster_rc rc = muster_exit_judge(&ends[_i].exit, ends[_i].end_code, 2, &err);
    ck_assert_int_eq(rc, ends[_i].complaint == NULL ? MUSTER_OK : MUSTER_ENODE);
    ck_assert_str_eq(err.text, ends[_i].complaint == NULL ? "" : ends[_i].complaint);
}
END_TEST

static Suite *process_suite(void)
{
    Suite *suite = suite_create("process");
    TCase *tcase = tcase_create("identity");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, identity_is_pid_and_start);
    tcase_add_test(tcase, a_zombie_does_not_run);
    tcase_add_test(tcase, a_run_is_found_by_its_variable_and_not_by_a_longer_or_shorter_one);
    tcase_add_test(tcase, children_are_found_until_they_are_reaped);
    tcase_add_test(tcase, listeners_are_found_by_their_network);
    tcase_add_test(tcase, ends_are_described);
    tcase_add_loop_test(tcase, ends_are_judged, 0, sizeof ends / sizeof ends[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(process_suite);
