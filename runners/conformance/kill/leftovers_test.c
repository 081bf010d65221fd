/* The check for what is left goes red for each kind of thing that can be left. */
#include "kill/leftovers.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host/process.h"
#include "kill/tagged_processes.h"
#include "kill/testing.h"
#include "kill/victim.h"
#include "muster/clock.h"
#include "muster/registry.h"
#include "testing/unit_test.h"

static struct victim sleeper;

static void make_sound(void)
{
    testing_begin();
    ck_assert_str_eq(trace.run_id, testing_run_id); /* Known without reading the ledger. */
    testing_make_ledger(false, true);
    trace_read_ledger(&trace);
    ck_assert_str_eq(trace.run_id, testing_run_id);
    ck_assert_str_eq(trace.lease, testing_lease);
}

static struct complaint find_on(const char *runner)
{
    struct complaint complaint = { "" };
    leftovers_find(&trace, muster_runner_find(runner), &complaint);
    return complaint;
}

static struct complaint find(void)
{
    return find_on("local");
}

/* A process that is still being executed has no environment to be found by yet. */
static void assert_finds(const char *text)
{
    uint64_t deadline_ms = muster_clock_ms() + 10000;
    struct complaint complaint = find();
    while (strstr(complaint.text, text) == NULL && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
        complaint = find();
    }
    ck_assert_msg(strstr(complaint.text, text) != NULL, "'%s' is not in '%s'", text, complaint.text);
}

static void start_sleeper(const char *variable)
{
    const char *const argv[] = { "/bin/sleep", "60", NULL };
    const char *const env[] = { variable, NULL };
    ck_assert_int_eq(victim_start(&sleeper, argv, env, NULL, "/dev/null", NULL), MUSTER_OK);
}

static void end_sleeper(void)
{
    kill(sleeper.pid, SIGKILL);
    ck_assert(victim_wait(&sleeper, muster_clock_ms() + 10000));
}

START_TEST(nothing_is_found_where_nothing_is)
{
    ck_assert_str_eq(find().text, "");
}
END_TEST

START_TEST(a_process_with_the_victims_mark_is_found)
{
    char text[64];
    struct tagged_process child;
    start_sleeper(trace.tag);
    snprintf(text, sizeof text, "process %d (sleep) runs", (int)sleeper.pid);
    assert_finds(text);
    ck_assert(tagged_child(trace.tag, getpid(), "sleep", &child));
    ck_assert_int_eq(child.pid, sleeper.pid);
    ck_assert(!tagged_child(trace.tag, getpid(), "slee", &child));
    ck_assert(!tagged_child(trace.tag, 1, "sleep", &child));
    tagged_kill(trace.tag);
    ck_assert(victim_wait(&sleeper, muster_clock_ms() + 10000));
    ck_assert_str_eq(find().text, "");
}
END_TEST

START_TEST(a_process_of_the_run_is_found)
{
    char text[64];
    char variable[64];
    snprintf(variable, sizeof variable, MUSTER__RUN_VARIABLE "=%s", testing_run_id);
    start_sleeper(variable);
    snprintf(text, sizeof text, "process %d of the run runs", (int)sleeper.pid);
    assert_finds(text);
    end_sleeper();
    ck_assert_str_eq(find().text, "");
}
END_TEST

START_TEST(a_guardian_is_found)
{
    start_sleeper("SOMETHING=else");
    trace.guardian = sleeper.pid;
    trace.guardian_start = muster__process_start(sleeper.pid);
    assert_finds("the guardian, process ");
    end_sleeper();
    ck_assert_str_eq(find().text, "");
}
END_TEST

START_TEST(a_held_lease_is_found)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "muster-lease-%s", testing_lease);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_finds("0/24 is held");
    ck_assert(leftovers_lease_is_held(testing_lease));
    ck_assert(!leftovers_lease_is_held("127.2"));
    close(fd);
    ck_assert(!leftovers_lease_is_held(testing_lease));
    ck_assert_str_eq(find().text, "");
}
END_TEST

START_TEST(a_listener_is_found)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char host[24];
    snprintf(host, sizeof host, "%s3", testing_lease);
    ck_assert_int_eq(inet_pton(AF_INET, host, &address.sin_addr), 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    assert_finds("somebody listens at 127.");
    close(fd);
    ck_assert_str_eq(find().text, "");
}
END_TEST

/* ---- Backends: a program stands for each, and every line that it answers is a thing ---- */

static const struct {
    const char *runner;
    const char *program; /* That asks the backend. */
    const char *stands_for_it;
    const char *text; /* "": nothing is found. */
} backends[] = {
    { "compose", "docker", "/bin/true", "" },
    { "compose", "docker", "/bin/echo", "the backend of compose has 3 things with the label muster.run=" },
    { "compose", "docker", "/bin/false", "the backend of compose does not say what it has of the run" },
    { "k8s", "kubectl", "/bin/true", "" },
    { "k8s", "kubectl", "/bin/echo", "the backend of k8s has 1 things with the label muster.run=" },
    { "k8s", "kubectl", "/bin/false", "the backend of k8s does not say what it has of the run" },
    { "local", "docker", "/bin/echo", "" },
};

START_TEST(what_a_backend_has_of_a_run_without_a_directory_is_found)
{
    char path[128];
    snprintf(path, sizeof path, "%s/bin", testing_root);
    ck_assert_int_eq(muster__directory_make(path, 0700, NULL), MUSTER_OK);
    setenv("PATH", path, 1);
    snprintf(path, sizeof path, "%s/bin/%s", testing_root, backends[_i].program);
    ck_assert_int_eq(symlink(backends[_i].stands_for_it, path), 0);
    ck_assert_int_eq(muster__directory_remove(trace.directory, NULL), MUSTER_OK);
    struct complaint found = find_on(backends[_i].runner);
    ck_assert_msg(strncmp(found.text, backends[_i].text, strlen(backends[_i].text)) == 0 &&
                      (found.text[0] == '\0') == (backends[_i].text[0] == '\0'),
                  "'%s' instead of '%s'", found.text, backends[_i].text);
}
END_TEST

static Suite *leftovers_suite(void)
{
    Suite *suite = suite_create("leftovers");
    TCase *tcase = tcase_create("leftovers");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_sound, testing_end);
    tcase_add_test(tcase, nothing_is_found_where_nothing_is);
    tcase_add_test(tcase, a_process_with_the_victims_mark_is_found);
    tcase_add_test(tcase, a_process_of_the_run_is_found);
    tcase_add_test(tcase, a_guardian_is_found);
    tcase_add_test(tcase, a_held_lease_is_found);
    tcase_add_test(tcase, a_listener_is_found);
    tcase_add_loop_test(tcase, what_a_backend_has_of_a_run_without_a_directory_is_found, 0,
                        sizeof backends / sizeof backends[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(leftovers_suite);
