#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"
#include "testing/unit_test.h"

#define LONG_MS 20000u

/* Tests may use a shell where the product may not. */
#define SHELL(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })

START_TEST(both_streams_and_the_exit_code_are_kept)
{
    struct muster_tool tool = { .argv = SHELL("echo out; echo err >&2; exit 3") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
    ck_assert_str_eq(tool.output, "out\n");
    ck_assert_str_eq(tool.complaint, "err\n");
    ck_assert_int_eq(tool.exit.code, 3);
    ck_assert(!muster_tool_succeeded(&tool));
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(silence_is_an_empty_text)
{
    struct muster_tool tool = { .argv = SHELL(":") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
    ck_assert_str_eq(tool.output, "");
    ck_assert(muster_tool_succeeded(&tool));
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(a_signal_is_no_success)
{
    struct muster_tool tool = { .argv = SHELL("kill -TERM $$") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
    ck_assert_int_eq(tool.exit.signal, SIGTERM);
    ck_assert_int_eq(tool.exit.code, -1);
    ck_assert(!muster_tool_succeeded(&tool));
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(a_flood_is_cut_and_does_not_block)
{
    struct muster_tool tool = { .argv = SHELL("head -c 9000000 /dev/zero; echo end >&2") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
    ck_assert_uint_eq(tool.output_bytes, MUSTER_TOOL_OUTPUT_MAX);
    ck_assert(tool.output_cut);
    ck_assert_str_eq(tool.complaint, "end\n");
    muster_tool_fini(&tool);
}
END_TEST

/* The C library's, but for one who writes faster than we read: until then there is always more. */
static uint64_t endless_until_ms;

ssize_t read(int fd, void *data, size_t bytes)
{
    if (bytes < 4096 || muster_clock_ms() >= endless_until_ms) { /* Few are no output of a tool's. */
        return syscall(SYS_read, fd, data, bytes);
    }
    memset(data, 'y', bytes);
    return (ssize_t)bytes;
}

START_TEST(one_that_writes_without_end_is_killed_in_time)
{
    struct muster_tool tool = { .argv = SHELL("exec yes") };
    endless_until_ms = muster_clock_ms() + LONG_MS;
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, 300, NULL), MUSTER_ETIMEDOUT);
    ck_assert_uint_lt(muster_clock_ms(), endless_until_ms);
    muster_tool_fini(&tool);
}
END_TEST

/* As on a kernel that has no pidfds; for good, so in a process of its own. */
static bool forbid_pidfds(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

START_TEST(one_whose_end_cannot_be_seen_does_not_run)
{
    struct muster_tool tool = { .argv = SHELL("exec sleep 1000") };
    struct muster_error err = { 0 };
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        bool failed = forbid_pidfds() && muster_tool_run(&tool, 1, 1, LONG_MS, &err) == MUSTER_EINFRA;
        _exit(failed && strstr(err.text, "the end of '/bin/sh' cannot be waited for") != NULL ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* The grandchild would hold the pipes for a minute, and would outlive the tool. */
START_TEST(the_deadline_kills_the_whole_group)
{
    struct muster_error err = { 0 };
    uint64_t began_ms = muster_clock_ms();
    struct muster_tool tool = { .argv = SHELL("sleep 60 & echo $!; wait") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, 500, &err), MUSTER_ETIMEDOUT);
    ck_assert_uint_lt(muster_clock_ms() - began_ms, LONG_MS);
    ck_assert_ptr_nonnull(strstr(err.text, "/bin/sh"));
    ck_assert_ptr_nonnull(strstr(err.text, "0.5 s"));
    long grandchild = strtol(tool.output, NULL, 10);
    ck_assert_int_gt(grandchild, 1);
    while (kill((pid_t)grandchild, 0) == 0 && muster_clock_ms() - began_ms < LONG_MS) {
    }
    ck_assert_int_ne(kill((pid_t)grandchild, 0), 0);
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(a_tool_that_ended_is_not_waited_for_longer)
{
    uint64_t began_ms = muster_clock_ms();
    struct muster_tool tool = { .argv = SHELL("sleep 60 & echo started") };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, 2 * LONG_MS, NULL), MUSTER_OK);
    ck_assert_uint_lt(muster_clock_ms() - began_ms, LONG_MS);
    ck_assert_str_eq(tool.output, "started\n");
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    struct muster_error err = { 0 };
    struct muster_tool tool = { .argv = (const char *const[]){ "/no/such/tool", NULL } };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, &err), MUSTER_ENODE);
    ck_assert_int_eq(tool.rc, MUSTER_ENODE);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/tool"));
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(many_run_a_few_at_a_time)
{
    static const char *const one[] = { "/bin/sh", "-c", "echo one", NULL };
    static const char *const missing[] = { "/no/such/tool", NULL };
    struct muster_tool tools[40];
    memset(tools, 0, sizeof tools);
    for (size_t i = 0; i < 40; i++) {
        tools[i].argv = i == 20 ? missing : one;
    }
    ck_assert_int_eq(muster_tool_run(tools, 40, 7, LONG_MS, NULL), MUSTER_ENODE);
    for (size_t i = 0; i < 40; i++) {
        ck_assert_int_eq(tools[i].rc, i == 20 ? MUSTER_ENODE : MUSTER_OK);
        ck_assert(i == 20 || strcmp(tools[i].output, "one\n") == 0);
        muster_tool_fini(&tools[i]);
    }
}
END_TEST

START_TEST(those_without_time_are_not_started)
{
    struct muster_tool tools[3] = { { .argv = SHELL("sleep 60") },
                                    { .argv = SHELL("echo late") },
                                    { .argv = SHELL("echo later") } };
    ck_assert_int_eq(muster_tool_run(tools, 3, 1, 300, NULL), MUSTER_ETIMEDOUT);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(tools[i].rc, MUSTER_ETIMEDOUT);
        ck_assert(!muster_tool_succeeded(&tools[i]));
        muster_tool_fini(&tools[i]);
    }
}
END_TEST

START_TEST(files_are_appended_to)
{
    char path[] = "/tmp/muster-tool-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 2; i++) {
        struct muster_tool tool = { .argv = SHELL("echo line"), .stdout_path = path };
        ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
        muster_tool_fini(&tool);
    }
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, 10);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(the_environment_is_ours_with_changes)
{
    const char *const env[] = { "MUSTER_TEST_SET=new", "MUSTER_TEST_GONE", NULL };
    setenv("MUSTER_TEST_SET", "old", 1);
    setenv("MUSTER_TEST_GONE", "here", 1);
    setenv("MUSTER_TEST_KEPT", "kept", 1);
    struct muster_tool tool = {
        .argv = SHELL("echo $MUSTER_TEST_SET-${MUSTER_TEST_GONE-unset}-$MUSTER_TEST_KEPT"), .env = env
    };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, LONG_MS, NULL), MUSTER_OK);
    ck_assert_str_eq(tool.output, "new-unset-kept\n");
    muster_tool_fini(&tool);
}
END_TEST

START_TEST(a_complaint_becomes_one_line)
{
    static const struct {
        const char *complaint;
        const char *line;
    } cases[] = {
        { "", "it said nothing" },
        { NULL, "it said nothing" },
        { "\n  \r\n", "it said nothing" },
        { "one\ntwo\n", "two" },
        { "ERROR: the cause\nEncountered errors while bringing up the project.\n\n", "ERROR: the cause" },
        { "Error response from daemon: no\nlast\n", "Error response from daemon: no" },
        { "a\x1b[31mb\r\n", "a?[31mb" },
    };
    char line[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_str_eq(muster_tool_complaint(cases[i].complaint, line), cases[i].line);
    }
    char endless[4096];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    ck_assert_uint_eq(strlen(muster_tool_complaint(endless, line)), 400);
}
END_TEST

START_TEST(programs_are_found_in_path)
{
    char path[4096];
    setenv("PATH", "relative:/no/such/folder:/bin:/usr/bin", 1);
    ck_assert(muster_tool_find("sh", path));
    ck_assert_int_eq(path[0], '/');
    ck_assert(!muster_tool_find("no-such-program-at-all", path));
    unsetenv("PATH");
    ck_assert(!muster_tool_find("sh", path));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tool");
    TCase *tests = tcase_create("tool");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, both_streams_and_the_exit_code_are_kept);
    tcase_add_test(tests, silence_is_an_empty_text);
    tcase_add_test(tests, a_signal_is_no_success);
    tcase_add_test(tests, a_flood_is_cut_and_does_not_block);
    tcase_add_test(tests, one_that_writes_without_end_is_killed_in_time);
    tcase_add_test(tests, one_whose_end_cannot_be_seen_does_not_run);
    tcase_add_test(tests, the_deadline_kills_the_whole_group);
    tcase_add_test(tests, a_tool_that_ended_is_not_waited_for_longer);
    tcase_add_test(tests, what_is_missing_is_named);
    tcase_add_test(tests, many_run_a_few_at_a_time);
    tcase_add_test(tests, those_without_time_are_not_started);
    tcase_add_test(tests, files_are_appended_to);
    tcase_add_test(tests, the_environment_is_ours_with_changes);
    tcase_add_test(tests, a_complaint_becomes_one_line);
    tcase_add_test(tests, programs_are_found_in_path);
    suite_add_tcase(suite, tests);
    return suite;
}

UNIT_TEST_MAIN(make_suite);
