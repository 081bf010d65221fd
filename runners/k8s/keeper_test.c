/* The keeper, as it is put into pods, told what to do. Each test has a network of its own, as a pod has,
 * where the keeper listens; where that cannot be had, the tests are skipped. */
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"

#define KEEPER MUSTER_TEST_BIN_DIR "/../runners/k8s/muster-keeper"
#define DEADLINE_MS 20000u

static pid_t keeper;

/* With its loopback up: whoever made the network may do that. */
static void isolate(void)
{
    struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    ck_assert_msg(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0, "unshare: %s",
                  strerror(errno));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_msg(ioctl(fd, SIOCSIFFLAGS, &loopback) == 0, "loopback: %s", strerror(errno));
    close(fd);
}

/* One call of the keeper as `kubectl exec` makes it, with up to three addresses, up to NULL; `answers` has a
 * line for each. True when all was done. */
static bool ask_at(const char *action, const char *const *addresses, char answers[1024])
{
    const char *argv[6] = { KEEPER, action };
    for (size_t i = 0; addresses[i] != NULL && i < 3; i++) {
        argv[2 + i] = addresses[i];
    }
    struct muster_tool tool = { .argv = argv };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, DEADLINE_MS, NULL), MUSTER_OK);
    snprintf(answers, 1024, "%s", tool.output);
    bool done = tool.exit.code == 0;
    muster_tool_fini(&tool);
    return done;
}

static bool ask(const char *action, char answer[1024])
{
    static const char *const nowhere[] = { NULL };
    bool done = ask_at(action, nowhere, answer);
    answer[strcspn(answer, "\n")] = '\0';
    return done;
}

/* Starts the keeper and waits until it can be asked; nothing is started by that. */
static void keep(const char *const *node)
{
    char answer[1024];
    const char *argv[16] = { KEEPER, "run", "300" };
    uint64_t deadline_ms = muster_clock_ms() + DEADLINE_MS;
    for (size_t i = 0; node[i] != NULL && i < 12; i++) {
        argv[3 + i] = node[i];
    }
    keeper = fork();
    if (keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(KEEPER, (char *const *)(uintptr_t)argv);
        _exit(126);
    }
    ck_assert_int_gt(keeper, 0);
    while (!ask("stop", answer) && strstr(answer, "does not answer") != NULL) {
        ck_assert_msg(muster_clock_left_ms(deadline_ms) > 0, "the keeper never answered");
        poll(NULL, 0, 10);
    }
    ck_assert_str_eq(answer, "no: the node does not run");
}

static void ck_assert_answer(const char *action, const char *expected)
{
    char answer[1024];
    bool done = ask(action, answer);
    ck_assert_str_eq(answer, expected);
    ck_assert_int_eq(done, strncmp(expected, "no", 2) != 0);
}

static void ck_assert_keeper_ends(int code)
{
    int status;
    ck_assert_int_eq(waitpid(keeper, &status, 0), keeper);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), code);
}

static void end_keeper(int code)
{
    kill(keeper, SIGTERM);
    ck_assert_keeper_ends(code);
}

START_TEST(a_node_comes_and_goes_as_told)
{
    isolate();
    keep((const char *const[]){ "sleep", "1000", NULL });
    for (int i = 0; i < 2; i++) {
        ck_assert_answer("start", "ok");
        ck_assert_answer("start", "ok"); /* It runs already. */
        ck_assert_answer("stop", "ended -1 15 0 0");
        ck_assert_answer("stop", "ended -1 15 0 0"); /* Whose answer was lost may ask again. */
        ck_assert_answer("pause", "no: the node does not run");
        ck_assert_answer("start", "ok");
        ck_assert_answer("kill", "ended -1 9 0 0");
    }
    end_keeper(0);
}
END_TEST

START_TEST(what_is_no_action_is_refused)
{
    isolate();
    keep((const char *const[]){ "sleep", "1000", NULL });
    ck_assert_answer("start", "ok");
    ck_assert_answer("sto", "no: the keeper knows no such action");
    ck_assert_answer("stop", "ended -1 15 0 0");
    end_keeper(0);
}
END_TEST

static const char *third_address(void)
{
    const struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has_six = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return has_six ? "::1" : "127.0.0.3";
}

/* Each by its address, and each answers for itself. */
START_TEST(an_order_is_passed_on)
{
    char answers[1024];
    isolate();
    keep((const char *const[]){ "sleep", "1000", NULL });
    ck_assert(
        ask_at("start", (const char *const[]){ "127.0.0.1", "127.0.0.2", third_address(), NULL }, answers));
    ck_assert_str_eq(answers, "ok\nok\nok\n");
    ck_assert(!ask_at("stop", (const char *const[]){ "192.0.2.1", "127.0.0.1", "localhost", NULL }, answers));
    ck_assert_str_eq(answers, "no: the keeper does not answer: Network is unreachable\n"
                              "ended -1 15 0 0\n"
                              "no: the keeper does not answer: Cannot assign requested address\n");
    end_keeper(0);
    ck_assert(!ask("start", answers));
    ck_assert_str_eq(answers, "no: the keeper does not answer: Connection refused");
}
END_TEST

START_TEST(a_paused_node_can_be_stopped_and_resumed)
{
    isolate();
    keep((const char *const[]){ "sleep", "1000", NULL });
    ck_assert_answer("start", "ok");
    ck_assert_answer("pause", "ok");
    ck_assert_answer("resume", "ok");
    ck_assert_answer("pause", "ok");
    ck_assert_answer("stop", "ended -1 15 0 0");
    ck_assert_answer("pause", "no: the node does not run");
    end_keeper(0);
}
END_TEST

START_TEST(one_that_ignores_term_is_killed_and_told)
{
    isolate();
    keep((const char *const[]){ "env", "--ignore-signal=TERM", "sleep", "1000", NULL });
    ck_assert_answer("start", "ok");
    /* Not before it has become sleep: until then the signal ends it. */
    char answer[1024];
    char path[64];
    char name[16] = "";
    uint64_t deadline_ms = muster_clock_ms() + DEADLINE_MS;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
    while (strncmp(name, "sleep", 5) != 0 && muster_clock_left_ms(deadline_ms) > 0) {
        int pid = 0;
        FILE *children = fopen(path, "re");
        ck_assert_ptr_nonnull(children);
        ck_assert_int_eq(fscanf(children, "%d", &pid), 1);
        fclose(children);
        char comm[64];
        snprintf(comm, sizeof comm, "/proc/%d/comm", pid);
        FILE *file = fopen(comm, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_ptr_nonnull(fgets(name, sizeof name, file));
        fclose(file);
    }
    ck_assert(ask("stop", answer));
    ck_assert_str_eq(answer, "ended -1 9 0 1");
    end_keeper(0);
}
END_TEST

START_TEST(an_unasked_end_is_the_keepers)
{
    isolate();
    keep((const char *const[]){ "sh", "-c", "exit 3", NULL });
    char answer[1024];
    ask("start", answer);
    ck_assert_keeper_ends(3);
    keep((const char *const[]){ "sh", "-c", "kill -SEGV $$", NULL });
    ask("start", answer);
    ck_assert_keeper_ends(128 + SIGSEGV);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_named)
{
    isolate();
    keep((const char *const[]){ "no-such-program", NULL });
    ck_assert_answer("start", "no: the image's program 'no-such-program' cannot be executed: No such file or "
                              "directory");
    end_keeper(0);
}
END_TEST

START_TEST(the_end_of_the_pod_ends_the_node)
{
    isolate();
    keep((const char *const[]){ "sleep", "1000", NULL });
    ck_assert_answer("start", "ok");
    end_keeper(128 + SIGTERM);
}
END_TEST

static bool can_isolate(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
    if (!can_isolate()) {
        fprintf(stderr, "skip: this user may not make a network namespace\n");
        return 77;
    }
    Suite *suite = suite_create("keeper");
    TCase *tests = tcase_create("keeper");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_node_comes_and_goes_as_told);
    tcase_add_test(tests, what_is_no_action_is_refused);
    tcase_add_test(tests, an_order_is_passed_on);
    tcase_add_test(tests, a_paused_node_can_be_stopped_and_resumed);
    tcase_add_test(tests, one_that_ignores_term_is_killed_and_told);
    tcase_add_test(tests, an_unasked_end_is_the_keepers);
    tcase_add_test(tests, a_program_that_is_not_there_is_named);
    tcase_add_test(tests, the_end_of_the_pod_ends_the_node);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
