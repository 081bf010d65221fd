#include "evidence/events.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "muster/clock.h"
#include "testing/unit_test.h"

#define THREADS 4
#define LINES_EACH 300

static char directory[64];
static char path[96];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/muster-events-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/events.jsonl", directory);
}

static void remove_directory(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static struct muster_events *open_events(uint64_t began_ms)
{
    struct muster_events *events = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__events_open(path, began_ms, &events, &err) == MUSTER_OK, "%s", err.text);
    return events;
}

/* Parses the next line. Returns NULL at the end of the file. */
static json_t *next_event(FILE *file)
{
    char line[4096];
    if (fgets(line, sizeof line, file) == NULL) {
        return NULL;
    }
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
    json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(event);
    return event;
}

START_TEST(a_line_says_when_and_what_first)
{
    struct muster_events *events = open_events(muster_clock_ms() - 5000);
    muster__events_write(events, "block", json_pack("{s:i, s:s}", "height", 3, "text", "a\nb \"c\""));
    muster__events_write(events, "bare", NULL);
    ck_assert_int_eq(muster__events_failure(events), 0);
    muster__events_close(events);

    FILE *file = fopen(path, "re");
    char line[512];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_int_eq(strncmp(line, "{\"at_ms\":", 9), 0);
    ck_assert_ptr_nonnull(strstr(line, ",\"event\":\"block\",\"height\":3,\"text\":\"a\\nb \\\"c\\\"\"}\n"));
    rewind(file);
    json_t *event = next_event(file);
    ck_assert_int_ge(json_integer_value(json_object_get(event, "at_ms")), 5000);
    ck_assert_int_lt(json_integer_value(json_object_get(event, "at_ms")), 65000);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(event, "wall"))), 24);
    json_decref(event);
    event = next_event(file);
    ck_assert_uint_eq(json_object_size(event), 3);
    ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "bare");
    json_decref(event);
    ck_assert_ptr_null(next_event(file));
    fclose(file);
}
END_TEST

START_TEST(fields_cannot_replace_when_and_what)
{
    struct muster_events *events = open_events(UINT64_MAX);
    muster__events_write(events, "true_kind",
                         json_pack("{s:s, s:i, s:i}", "event", "x", "at_ms", 7, "own", 1));
    muster__events_close(events);
    FILE *file = fopen(path, "re");
    json_t *event = next_event(file);
    ck_assert_str_eq(json_string_value(json_object_get(event, "event")), "true_kind");
    /* An event before the run's start has at_ms 0, not a negative time. */
    ck_assert_int_eq(json_integer_value(json_object_get(event, "at_ms")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(event, "own")), 1);
    json_decref(event);
    fclose(file);
}
END_TEST

START_TEST(opening_appends_and_keeps_others_out)
{
    for (int i = 0; i < 2; i++) {
        struct muster_events *events = open_events(0);
        muster__events_write(events, "again", NULL);
        muster__events_close(events);
    }
    FILE *file = fopen(path, "re");
    for (int i = 0; i < 2; i++) {
        json_t *event = next_event(file);
        ck_assert_ptr_nonnull(event);
        json_decref(event);
    }
    ck_assert_ptr_null(next_event(file));
    fclose(file);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

START_TEST(what_cannot_be_opened_is_named)
{
    struct muster_events *events = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__events_open("/nowhere/events.jsonl", 0, &events, &err), MUSTER_EIO);
    ck_assert_str_eq(err.text, "cannot open '/nowhere/events.jsonl': No such file or directory");
    ck_assert_ptr_null(events);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_eq(muster__events_open(path, 0, &events, NULL), MUSTER_EIO);
}
END_TEST

START_TEST(a_failed_write_is_remembered)
{
    struct muster_events *events = open_events(0);
    muster__events_write(events, "fits", NULL);
    ck_assert_int_eq(muster__events_failure(events), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    muster__events_write(events, "too_much", NULL);
    limit.rlim_cur = soft;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    muster__events_write(events, "fits_again", NULL);
    ck_assert_int_eq(muster__events_failure(events), EFBIG);
    muster__events_close(events);
}
END_TEST

START_TEST(a_full_disk_is_remembered)
{
    struct muster_events *events = NULL;
    ck_assert_int_eq(muster__events_open("/dev/full", 0, &events, NULL), MUSTER_OK);
    muster__events_write(events, "x", NULL);
    ck_assert_int_eq(muster__events_failure(events), ENOSPC);
    muster__events_close(events);
}
END_TEST

START_TEST(bad_kinds_and_null_are_fine)
{
    muster__events_write(NULL, "x", json_object());
    muster__events_close(NULL);
    struct muster_events *events = open_events(0);
    muster__events_write(events, "\xff not UTF-8", json_object());
    ck_assert_int_ne(muster__events_failure(events), 0);
    muster__events_close(events);
}
END_TEST

struct writer {
    struct muster_events *events;
    int number;
};

static void *write_lines(void *context)
{
    const struct writer *writer = context;
    for (int i = 0; i < LINES_EACH; i++) {
        muster__events_write(writer->events, "line",
                             json_pack("{s:i, s:i}", "thread", writer->number, "n", i));
    }
    return NULL;
}

START_TEST(threads_write_whole_lines)
{
    /* Open the file twice, as two processes would. */
    struct muster_events *events[] = { open_events(0), open_events(0) };
    struct writer writers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){ events[i % 2], i };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(muster__events_failure(events[i]), 0);
        muster__events_close(events[i]);
    }
    FILE *file = fopen(path, "re");
    json_int_t seen[THREADS] = { 0 };
    for (json_t *event; (event = next_event(file)) != NULL; json_decref(event)) {
        json_int_t thread = json_integer_value(json_object_get(event, "thread"));
        ck_assert(thread >= 0 && thread < THREADS);
        ck_assert_int_eq(json_integer_value(json_object_get(event, "n")), seen[thread]++);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(seen[i], LINES_EACH);
    }
    fclose(file);
}
END_TEST

static Suite *events_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *tcase = tcase_create("events");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, a_line_says_when_and_what_first);
    tcase_add_test(tcase, fields_cannot_replace_when_and_what);
    tcase_add_test(tcase, opening_appends_and_keeps_others_out);
    tcase_add_test(tcase, what_cannot_be_opened_is_named);
    tcase_add_test(tcase, a_failed_write_is_remembered);
    tcase_add_test(tcase, a_full_disk_is_remembered);
    tcase_add_test(tcase, bad_kinds_and_null_are_fine);
    tcase_add_test(tcase, threads_write_whole_lines);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(events_suite);
