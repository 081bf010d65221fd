/* Streams of lines: whole lines, bounds, and how a stream ends. */
#include <check.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "testing/http_fixture.h"

struct lines {
    struct http_tally tally;
    sem_t came;
    char text[256];
    size_t count;
    enum muster_rc rc;
    char why[MUSTER_ERROR_TEXT_BYTES];
};

static void take_line(void *context, const char *line, size_t bytes)
{
    struct lines *lines = context;
    size_t used = strlen(lines->text);
    (void)snprintf(lines->text + used, sizeof(lines->text) - used, "%.*s;", (int)bytes, line);
    lines->count++;
    (void)sem_post(&lines->came);
}

static void end_lines(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct lines *lines = context;
    ck_assert_ptr_null(reply);
    lines->rc = rc;
    (void)snprintf(lines->why, sizeof(lines->why), "%s", err->text);
    (void)sem_post(&lines->tally.ended);
}

static uint64_t open_lines(struct lines *lines, const char *path, uint32_t silence_ms)
{
    struct muster_endpoint endpoint = test_endpoint(http_server, "");
    struct muster_request request = http_make_request("GET", path, NULL, silence_ms);
    request.reply_bytes_max = 1000;
    (void)sem_init(&lines->tally.ended, 0, 0);
    (void)sem_init(&lines->came, 0, 0);
    uint64_t stream =
        muster__http_stream_open(tested_http, &endpoint, &request, take_line, end_lines, lines, NULL);
    ck_assert_uint_ne(stream, 0);
    muster_request_fini(&request);
    return stream;
}

static void wait_lines(struct lines *lines, unsigned count)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(sem_timedwait(&lines->came, &deadline), 0);
    }
}

START_TEST(lines_are_whole_however_they_come)
{
    struct lines lines = { .rc = MUSTER_OK };
    uint64_t stream = open_lines(&lines, "/stream-split", 20000);
    wait_lines(&lines, 3);
    muster__http_stream_close(tested_http, stream);
    http_wait_ends(&lines.tally, 1);
    ck_assert_str_eq(lines.text, "one;two;three;");
    ck_assert_int_eq(lines.rc, MUSTER_ESTOPPED);
    muster__http_stream_close(tested_http, stream); /* Gone already: nothing happens. */
}
END_TEST

static const struct {
    const char *path;
    uint32_t silence_ms;
    enum muster_rc rc;
    const char *why;
    const char *text;
} stream_ends[] = {
    { "/stream-long", 20000, MUSTER_EHTTP, "line larger than 1000 bytes", "short;" },
    { "/stream-ending", 20000, MUSTER_EHTTP, "the stream ended after 2 lines", "one;two;" },
    { "/stream-split", 2000, MUSTER_ETIMEDOUT, "nothing came for 2.0 s", "one;two;three;" },
    { "/hang", 2000, MUSTER_ETIMEDOUT, "nothing came for 2.0 s", "" },
    { "/refused", 20000, MUSTER_EREPLY, "answered 503 \"starting\"", "" },
    { "/close", 20000, MUSTER_EHTTP, "connection closed without an answer", "" },
};

START_TEST(a_stream_ends_with_its_cause)
{
    struct lines lines = { .rc = MUSTER_OK };
    (void)open_lines(&lines, stream_ends[_i].path, stream_ends[_i].silence_ms);
    http_wait_ends(&lines.tally, 1);
    ck_assert_int_eq(lines.rc, stream_ends[_i].rc);
    ck_assert_msg(strstr(lines.why, stream_ends[_i].why) != NULL, "%s", lines.why);
    ck_assert_str_eq(lines.text, stream_ends[_i].text);
}
END_TEST

START_TEST(a_stream_that_is_open_ends_with_the_engine)
{
    struct lines lines = { .rc = MUSTER_OK };
    (void)open_lines(&lines, "/hang", 60000);
    muster__http_destroy(tested_http);
    tested_http = NULL;
    http_wait_ends(&lines.tally, 1);
    ck_assert_int_eq(lines.rc, MUSTER_ESTOPPED);
}
END_TEST

START_TEST(open_streams_leave_room_for_requests)
{
    enum { STREAMS = 100 };
    static struct lines lines[STREAMS];
    memset(lines, 0, sizeof(lines));
    for (size_t i = 0; i < STREAMS; i++) {
        (void)open_lines(&lines[i], "/hang", 60000);
    }
    http_check_reply_within("GET", "/echo", NULL, 20000, 200, "GET ");
    uint64_t deadline_ms = muster_clock_ms() + 20000;
    while (atomic_load(&http_server->accepted) < STREAMS + 1) { /* All streams are open beside it. */
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_stream");
    TCase *cases = tcase_create("http_stream");
    tcase_add_checked_fixture(cases, http_set_up, http_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, lines_are_whole_however_they_come);
    tcase_add_loop_test(cases, a_stream_ends_with_its_cause, 0, sizeof(stream_ends) / sizeof(stream_ends[0]));
    tcase_add_test(cases, a_stream_that_is_open_ends_with_the_engine);
    tcase_add_test(cases, open_streams_leave_room_for_requests);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
