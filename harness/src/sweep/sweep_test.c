/* Which directories below the run root a sweep touches. run/gone_test.c tests the sweep of a run. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "host/process.h"
#include "ledger/ledger.h"
#include "muster/clock.h"
#include "muster/sweep.h"
#include "sweep/sweep_run.h"
#include "testing/unit_test.h"

#define RUN "muster-0123456789"
#define RUN_LINE "{\"op\":\"run\",\"run\":\"0123456789\",\"runner\":\"none\",\"directory\":\"/\"}\n"

static char root[64];
static struct muster_variables *variables;

static void set_up(void)
{
    snprintf(root, sizeof root, "/tmp/muster-sweep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(setenv("MUSTER_RUN_ROOT", root, 1), 0);
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
}

static void tear_down(void)
{
    muster_variables_destroy(variables);
    ck_assert_int_eq(muster__directory_remove(root, NULL), MUSTER_OK);
}

static const char *below(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static bool exists(const char *name)
{
    struct stat status;
    return lstat(below(name), &status) == 0;
}

static void make(const char *name)
{
    ck_assert_int_eq(mkdir(below(name), 0700), 0);
}

static void put(const char *name, const char *text)
{
    ck_assert_int_eq(muster__file_write(below(name), text, strlen(text), NULL), MUSTER_OK);
}

/* Sets the time of change to a minute ago. */
static void age(const char *name)
{
    const struct timespec times[2] = { { .tv_sec = time(NULL) - 60 }, { .tv_sec = time(NULL) - 60 } };
    ck_assert_int_eq(utimensat(AT_FDCWD, below(name), times, 0), 0);
}

/* Sets the time of change to the future, so that the directory counts as new however slow the machine is. */
static void rejuvenate(const char *name)
{
    const struct timespec times[2] = { { .tv_sec = time(NULL) + 60 }, { .tv_sec = time(NULL) + 60 } };
    ck_assert_int_eq(utimensat(AT_FDCWD, below(name), times, 0), 0);
}

/* Replaces the C library's flock(). First does what another process might do just before the lock is taken.
 */
static void (*before_lock)(void);

int flock(int fd, int operation)
{
    void (*act)(void) = before_lock;
    before_lock = NULL;
    if (act != NULL) {
        act();
    }
    return (int)syscall(SYS_flock, fd, operation);
}

static enum muster_rc sweep(void)
{
    static const struct muster_runner *const none[] = { NULL };
    return muster_sweep(variables, &(struct muster_sweep_options){ .runners = none }, NULL);
}

START_TEST(an_empty_run_directory_is_removed)
{
    make(RUN);
    age(RUN);
    ck_assert_int_eq(sweep(), MUSTER_OK);
    ck_assert(!exists(RUN));
}
END_TEST

START_TEST(one_with_an_empty_ledger_is_removed)
{
    make(RUN);
    put(RUN "/ledger.jsonl", "");
    age(RUN);
    ck_assert_int_eq(sweep(), MUSTER_OK);
    ck_assert(!exists(RUN));
}
END_TEST

START_TEST(a_run_that_begins_just_now_is_left_alone)
{
    make(RUN);
    rejuvenate(RUN);
    ck_assert_int_eq(sweep(), MUSTER_OK);
    ck_assert(exists(RUN));
    age(RUN);
    struct muster_ledger *ledger = NULL;
    ck_assert_int_eq(muster__ledger_create(below(RUN), "0123456789", "none", &ledger, NULL), MUSTER_OK);
    ck_assert_int_eq(truncate(below(RUN "/ledger.jsonl"), 0), 0);
    age(RUN);
    ck_assert_int_eq(sweep(), MUSTER_ELEAK); /* The ledger is locked and cannot be read. */
    ck_assert(exists(RUN "/ledger.jsonl"));
    muster__ledger_close(ledger);
}
END_TEST

/* Anybody could have written its ledger, and a sweep does what a ledger says. */
START_TEST(what_others_may_write_is_not_trusted)
{
    static const char ledger[] = RUN_LINE "{\"op\":\"created\",\"kind\":\"process\",\"id\":\"%d:%llu\"}\n";
    char text[512];
    char named[256];
    const char *directories[] = { named };
    struct muster_error err = { 0 };
    pid_t victim = fork();
    if (victim == 0) {
        pause();
        _exit(0);
    }
    make(RUN);
    snprintf(text, sizeof text, ledger, (int)victim, (unsigned long long)muster__process_start(victim));
    put(RUN "/ledger.jsonl", text);
    ck_assert_int_eq(chmod(below(RUN), 0777), 0);
    ck_assert_int_eq(sweep(), MUSTER_OK); /* The directory is ignored. */
    ck_assert(exists(RUN "/ledger.jsonl"));
    snprintf(named, sizeof named, "%s", below(RUN));
    const struct muster_sweep_options options = { .directories = directories, .directory_count = 1 };
    ck_assert_int_ne(muster_sweep(variables, &options, &err), MUSTER_OK);
    ck_assert_ptr_nonnull(
        strstr(err.text, "its ledger is not trusted; sweep it as the user whose run it was"));
    ck_assert_int_eq(kill(victim, 0), 0);
    ck_assert_int_eq(waitpid(victim, NULL, WNOHANG), 0);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
}
END_TEST

/* Not even root does what another user's ledger says. */
START_TEST(what_another_user_owns_is_not_trusted)
{
    char named[256];
    const char *directories[] = { named };
    const struct muster_sweep_options options = { .directories = directories, .directory_count = 1 };
    struct muster_error err = { 0 };
    make(RUN);
    put(RUN "/ledger.jsonl", "not a ledger\n");
    snprintf(named, sizeof named, "%s", below(RUN));
    ck_assert_int_eq(chown(named, 12345, 12345), 0);
    ck_assert_int_eq(sweep(), MUSTER_OK); /* The same directory of our own would be a failure. */
    ck_assert_int_ne(muster_sweep(variables, &options, &err), MUSTER_OK);
    ck_assert_ptr_nonnull(strstr(err.text, "its ledger is not trusted"));
}
END_TEST

/* A directory made at the end of the previous second of the clock is not yet 1 s old. */
START_TEST(a_stillborn_run_is_left_for_a_whole_second)
{
    uint64_t deadline_ms = muster_clock_ms() + 30000;
    uint64_t last_ms;
    do { /* Again if the machine was too busy to ask in time. */
        ck_assert_int_gt(muster_clock_left_ms(deadline_ms), 0);
        if (!exists(RUN)) {
            make(RUN);
        }
        time_t before = (time_t)(muster_clock_wall_ms() / 1000) - 1;
        const struct timespec times[2] = { { .tv_sec = before, .tv_nsec = 999000000 },
                                           { .tv_sec = before, .tv_nsec = 999000000 } };
        ck_assert_int_eq(utimensat(AT_FDCWD, below(RUN), times, 0), 0);
        ck_assert_int_eq(sweep(), MUSTER_OK);
        last_ms = (uint64_t)before * 1000 + 999 + 1000;
    } while (muster_clock_wall_ms() >= last_ms);
    ck_assert(exists(RUN));
}
END_TEST

static void preserve(void)
{
    FILE *ledger = fopen(below(RUN "/ledger.jsonl"), "ae");
    ck_assert_ptr_nonnull(ledger);
    ck_assert_int_ge(fputs("{\"op\":\"state\",\"state\":\"preserved\"}\n", ledger), 0);
    fclose(ledger);
}

static void note_step(void *context, const char *directory, const char *what)
{
    (void)directory;
    snprintf(context, 128, "%s", what);
}

/* Its ledger must stay: only that says what is still up. */
START_TEST(a_run_preserved_while_we_look_keeps_its_ledger)
{
    static const struct muster_runner *const none[] = { NULL };
    char step[128] = "";
    const struct muster_sweep_options options = {
        .runners = none, .evidence = true, .step = note_step, .context = step
    };
    make(RUN);
    put(RUN "/ledger.jsonl", RUN_LINE);
    before_lock = preserve;
    ck_assert_int_eq(muster_sweep(variables, &options, NULL), MUSTER_OK);
    ck_assert(before_lock == NULL);
    ck_assert(exists(RUN "/ledger.jsonl"));
    ck_assert_ptr_nonnull(strstr(step, "is preserved, left alone"));
}
END_TEST

/* The holder of the lock may write how the run ended until it releases the lock. */
START_TEST(how_a_run_ended_is_read_under_the_lock)
{
    char directory[256];
    static const struct muster_runner *const none[] = { NULL };
    make(RUN);
    put(RUN "/ledger.jsonl", RUN_LINE);
    snprintf(directory, sizeof directory, "%s", below(RUN));
    before_lock = preserve;
    ck_assert_int_eq(muster__sweep_run(directory, none, false, 1000, NULL), MUSTER_OK);
    ck_assert(before_lock == NULL);
}
END_TEST

static void vanish(void)
{
    ck_assert_int_eq(muster__directory_remove(below(RUN), NULL), MUSTER_OK);
}

START_TEST(a_run_that_passes_while_we_look_is_no_failure)
{
    make(RUN);
    put(RUN "/ledger.jsonl", RUN_LINE);
    before_lock = vanish;
    ck_assert_int_eq(sweep(), MUSTER_OK);
    ck_assert(!exists(RUN));
}
END_TEST

START_TEST(what_is_not_empty_is_left_alone)
{
    make(RUN);
    put(RUN "/notes", "mine");
    age(RUN);
    make("muster-00000000ff");
    put("muster-00000000ff/ledger.jsonl", "not a ledger\n");
    age("muster-00000000ff");
    ck_assert_int_eq(sweep(), MUSTER_ELEAK);
    ck_assert(exists(RUN "/notes") && exists("muster-00000000ff/ledger.jsonl"));
}
END_TEST

START_TEST(other_names_are_left_alone)
{
    static const char *const names[] = { "muster-",           "muster-012345678", "muster-01234567890",
                                         "muster-012345678G", "muster-kill-abc",  "0123456789" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make(names[i]);
        age(names[i]);
    }
    make("elsewhere");
    ck_assert_int_eq(symlink("elsewhere", below(RUN)), 0);
    ck_assert_int_eq(sweep(), MUSTER_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(exists(names[i]), "%s", names[i]);
    }
    ck_assert(exists(RUN) && exists("elsewhere"));
}
END_TEST

static Suite *sweep_all_suite(void)
{
    Suite *suite = suite_create("sweep_all");
    TCase *tcase = tcase_create("sweep_all");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_empty_run_directory_is_removed);
    tcase_add_test(tcase, one_with_an_empty_ledger_is_removed);
    tcase_add_test(tcase, a_run_that_begins_just_now_is_left_alone);
    tcase_add_test(tcase, what_others_may_write_is_not_trusted);
    if (geteuid() == 0) { /* Only root can give a directory to another user. Others do not run the test. */
        tcase_add_test(tcase, what_another_user_owns_is_not_trusted);
    }
    tcase_add_test(tcase, a_stillborn_run_is_left_for_a_whole_second);
    tcase_add_test(tcase, a_run_preserved_while_we_look_keeps_its_ledger);
    tcase_add_test(tcase, how_a_run_ended_is_read_under_the_lock);
    tcase_add_test(tcase, a_run_that_passes_while_we_look_is_no_failure);
    tcase_add_test(tcase, what_is_not_empty_is_left_alone);
    tcase_add_test(tcase, other_names_are_left_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(sweep_all_suite);
