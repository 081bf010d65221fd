/* A victim gets the machine's environment without the variables that would change what it does. */
#include "kill/victim.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/clock.h"
#include "muster/variables.h"
#include "testing/unit_test.h"

static char directory[] = "/tmp/muster-victim-XXXXXX";
static char *output;

static void run_env(void)
{
    const char *const argv[] = { "/usr/bin/env", NULL };
    const char *const env[] = { "MUSTER_RUNNER=mine", "OWN=1", NULL };
    const char *const dropped[] = { "NODE_PROGRAM_", NULL };
    char path[MUSTER__PATH_BYTES];
    struct victim victim;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/output.log", directory);
    ck_assert_int_eq(victim_start(&victim, argv, env, dropped, path, NULL), MUSTER_OK);
    ck_assert(victim_wait(&victim, muster_clock_ms() + 30000));
    ck_assert_int_eq(muster__file_read(path, 1u << 20, &output, NULL, NULL), MUSTER_OK);
}

static void tear_down(void)
{
    free(output);
    ck_assert_int_eq(muster__directory_remove(directory, NULL), MUSTER_OK);
}

static bool has(const char *name, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "%s=%s\n", name, value);
    return strstr(output, line) != NULL;
}

static const char *name_of(enum muster_variable id)
{
    return muster_variable_info(id)->name;
}

START_TEST(what_steers_a_suite_is_taken_out)
{
    static const char *const steering[] = { "CK_VERBOSITY", "MUSTER_SEED", "KILL_MATRIX_PHASE",
                                            "NODE_PROGRAM_X" };
    setenv("MUSTER_RUNNER", "theirs", 1);
    setenv(name_of(MUSTER_VAR_NODE_BIN), "theirs", 1);
    for (size_t i = 0; i < sizeof steering / sizeof steering[0]; i++) {
        setenv(steering[i], "theirs", 1);
    }
    run_env();
    ck_assert_ptr_null(strstr(output, "theirs"));
    ck_assert(has("MUSTER_RUNNER", "mine"));
    ck_assert(has("OWN", "1"));
}
END_TEST

START_TEST(what_the_machine_has_stays)
{
    setenv(name_of(MUSTER_VAR_IMAGE), "here", 1);
    setenv(name_of(MUSTER_VAR_SLOW_TEST_ENV), "1", 1);
    setenv("NODE_PROGRAM", "here", 1);
    run_env();
    ck_assert(has(name_of(MUSTER_VAR_IMAGE), "here"));
    ck_assert(has(name_of(MUSTER_VAR_SLOW_TEST_ENV), "1"));
    ck_assert(has("NODE_PROGRAM", "here"));
}
END_TEST

START_TEST(signals_are_not_ignored)
{
    const char *const argv[] = { "/bin/sleep", "60", NULL };
    const char *const env[] = { NULL };
    struct victim victim;
    signal(SIGINT, SIG_IGN);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(victim_start(&victim, argv, env, NULL, "/dev/null", NULL), MUSTER_OK);
    ck_assert_int_eq(kill(victim.pid, SIGINT), 0);
    ck_assert(victim_wait(&victim, muster_clock_ms() + 30000));
    ck_assert(WIFSIGNALED(victim.status) && WTERMSIG(victim.status) == SIGINT);
}
END_TEST

static Suite *victim_suite(void)
{
    Suite *suite = suite_create("victim");
    TCase *tcase = tcase_create("victim");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, what_steers_a_suite_is_taken_out);
    tcase_add_test(tcase, what_the_machine_has_stays);
    tcase_add_test(tcase, signals_are_not_ignored);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(victim_suite);
