#define MUSTER_LOG_MODULE "unit"
#include "muster/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "testing/unit_test.h"

#define THREADS 4
#define LINES_EACH 500

static FILE *captured;
static int real_stderr = -1;

/* stderr goes to a file while a test looks at it. */
static void capture(void)
{
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fileno(captured), STDERR_FILENO), STDERR_FILENO);
}

static void release(void)
{
    ck_assert_int_eq(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
    close(real_stderr);
    fclose(captured);
}

/* The next line that was written, "" at the end. */
static const char *next_line(char *line, size_t bytes)
{
    if (fgets(line, (int)bytes, captured) == NULL) {
        line[0] = '\0';
    }
    return line;
}

static void configure(const char *filter)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster_log_configure(filter, &err) == MUSTER_OK, "%s", err.text);
}

START_TEST(warnings_are_the_default)
{
    ck_assert(muster_log_enabled("feed", MUSTER_LOG_ERROR));
    ck_assert(muster_log_enabled("feed", MUSTER_LOG_WARN));
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_INFO));
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_OFF));
}
END_TEST

START_TEST(a_level_holds_for_all_modules)
{
    configure("info");
    ck_assert(muster_log_enabled("feed", MUSTER_LOG_INFO));
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_DEBUG));
    configure("TRACE");
    ck_assert(muster_log_enabled("feed", MUSTER_LOG_TRACE));
    configure("off");
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_ERROR));
}
END_TEST

START_TEST(a_module_has_its_own_level)
{
    configure(" warn , feed = debug,,guardian=off,");
    ck_assert(muster_log_enabled("feed", MUSTER_LOG_DEBUG));
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_TRACE));
    ck_assert(!muster_log_enabled("guardian", MUSTER_LOG_ERROR));
    ck_assert(muster_log_enabled("http", MUSTER_LOG_WARN));
    ck_assert(!muster_log_enabled("http", MUSTER_LOG_DEBUG));
    ck_assert(!muster_log_enabled("feeder", MUSTER_LOG_DEBUG));
    /* Modules alone leave the rest as it is without any filter. */
    configure("feed=debug");
    ck_assert(muster_log_enabled("http", MUSTER_LOG_WARN));
    ck_assert(!muster_log_enabled("http", MUSTER_LOG_INFO));
}
END_TEST

START_TEST(the_longest_module_name_wins)
{
    configure("my_crate::mod=trace,my_crate=error");
    ck_assert(muster_log_enabled("my_crate::mod", MUSTER_LOG_TRACE));
    ck_assert(muster_log_enabled("my_crate::mod::deep", MUSTER_LOG_TRACE));
    ck_assert(!muster_log_enabled("my_crate::other", MUSTER_LOG_WARN));
    ck_assert(!muster_log_enabled("my_crate", MUSTER_LOG_WARN));
    configure("feed=debug,feed=error"); /* Of the same, the last. */
    ck_assert(!muster_log_enabled("feed", MUSTER_LOG_WARN));
}
END_TEST

START_TEST(what_is_not_understood_is_named_and_changes_nothing)
{
    static const char *const bad[][2] = {
        { "loud", "loud" },
        { "info,feed=loud", "feed=loud" },
        { "info, feed= ", "feed=" },
        { "=debug", "=debug" },
        { "a=b=c", "a=b=c" },
        { "inf", "inf" },
        { "infos", "infos" },
        { "feed[span]=info", "feed[span]=info" },
        { "info/regex", "info/regex" },
        { "3", "3" },
    };
    configure("feed=debug");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct muster_error err = { 0 };
        char expected[256];
        snprintf(expected, sizeof expected,
                 "log filter part '%s' is not understood; use off, error, warn, info, debug or trace, or "
                 "module=level",
                 bad[i][1]);
        ck_assert_int_eq(muster_log_configure(bad[i][0], &err), MUSTER_EINVAL);
        ck_assert_str_eq(err.text, expected);
        ck_assert(muster_log_enabled("feed", MUSTER_LOG_DEBUG));
        ck_assert(!muster_log_enabled("http", MUSTER_LOG_INFO));
    }
}
END_TEST

START_TEST(oversized_filters_are_refused)
{
    char text[4096];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 6, "=info", 6);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_log_configure(text, &err), MUSTER_EINVAL);
    ck_assert_uint_lt(strlen(err.text), 250);

    size_t used = 0;
    for (int i = 0; i < 33; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "m%d=info,", i);
    }
    muster_error_clear(&err);
    ck_assert_int_eq(muster_log_configure(text, &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "log filter names 33 modules; it may name at most 32");
    *strstr(text, "m32") = '\0';
    configure(text);
    ck_assert(muster_log_enabled("m31", MUSTER_LOG_INFO));
}
END_TEST

START_TEST(lines_have_time_level_module_and_text)
{
    configure("info");
    capture();
    errno = EACCES;
    muster_log_info("height %d of %s", 7, "node-0");
    int error = errno;
    muster_log_debug("not written");
    muster_log_error("second");
    rewind(captured);
    char line[256];
    next_line(line, sizeof line);
    ck_assert_int_eq(line[10], 'T');
    ck_assert_str_eq(line + 23, "Z INFO  unit: height 7 of node-0\n");
    next_line(line, sizeof line);
    ck_assert_str_eq(line + 23, "Z ERROR unit: second\n");
    ck_assert_str_eq(next_line(line, sizeof line), "");
    release();
    ck_assert_int_eq(error, EACCES);
}
END_TEST

START_TEST(a_line_stays_one_line)
{
    capture();
    muster_log_error("one\ntwo\r\n\033[31mthree\tfour\x7f");
    rewind(captured);
    char line[256];
    next_line(line, sizeof line);
    ck_assert_str_eq(line + 23, "Z ERROR unit: one two   [31mthree four \n");
    ck_assert_str_eq(next_line(line, sizeof line), "");
    release();
}
END_TEST

START_TEST(long_lines_are_cut_visibly)
{
    static char text[20000];
    static char line[20000];
    memset(text, 'a', sizeof text - 1);
    capture();
    muster_log_error("%s", text);
    rewind(captured);
    next_line(line, sizeof line);
    ck_assert_uint_lt(strlen(line), 8193);
    ck_assert_str_eq(line + strlen(line) - 5, "a...\n");
    ck_assert_str_eq(next_line(line, sizeof line), "");
    release();
}
END_TEST

static void *write_lines(void *context)
{
    const int *number = context;
    for (int i = 0; i < LINES_EACH; i++) {
        muster_log_error("thread %d line %d end", *number, i);
    }
    return NULL;
}

/* Turns the log up and down while others write. */
static void *keep_configuring(void *context)
{
    atomic_bool *stop = context;
    while (!atomic_load(stop)) {
        configure("error,feed=trace");
        configure("info");
    }
    return NULL;
}

START_TEST(threads_write_whole_lines)
{
    capture();
    atomic_bool stop = false;
    pthread_t configurer;
    pthread_t writers[THREADS];
    int numbers[THREADS];
    ck_assert_int_eq(pthread_create(&configurer, NULL, keep_configuring, &stop), 0);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i], NULL);
    }
    atomic_store(&stop, true);
    pthread_join(configurer, NULL);

    rewind(captured);
    int seen[THREADS] = { 0 };
    char line[256];
    while (next_line(line, sizeof line)[0] != '\0') {
        int thread = -1;
        int number = -1;
        int end = 0;
        ck_assert_int_eq(sscanf(line + 23, "Z ERROR unit: thread %d line %d end%n", &thread, &number, &end),
                         2);
        ck_assert(thread >= 0 && thread < THREADS);
        ck_assert_int_eq(number, seen[thread]++);
        ck_assert_str_eq(line + 23 + end, "\n");
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(seen[i], LINES_EACH);
    }
    release();
}
END_TEST

static Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, warnings_are_the_default);
    tcase_add_test(tcase, a_level_holds_for_all_modules);
    tcase_add_test(tcase, a_module_has_its_own_level);
    tcase_add_test(tcase, the_longest_module_name_wins);
    tcase_add_test(tcase, what_is_not_understood_is_named_and_changes_nothing);
    tcase_add_test(tcase, oversized_filters_are_refused);
    tcase_add_test(tcase, lines_have_time_level_module_and_text);
    tcase_add_test(tcase, a_line_stays_one_line);
    tcase_add_test(tcase, long_lines_are_cut_visibly);
    tcase_add_test(tcase, threads_write_whole_lines);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(log_suite);
