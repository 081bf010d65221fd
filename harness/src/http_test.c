/* The engine against a real server that behaves, and one that does not. */
#include "http.h"

#include <semaphore.h>
#include <time.h>

#include "http_test_server.h"
#include "muster/clock.h"

static struct muster_http *http;
static struct test_server *server;

static bool drip(int fd)
{
    if (!test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")) {
        return false;
    }
    struct pollfd closed = { .fd = fd, .events = POLLRDHUP };
    while (poll(&closed, 1, 20) == 0 && test_say(fd, "x")) {
    }
    return false;
}

static bool flood(int fd)
{
    static const char block[8192];
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (sent) {
        sent = test_send(fd, block, sizeof(block));
    }
    return false;
}

static bool flood_headers(int fd)
{
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\n");
    while (sent) {
        sent = test_say(fd, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890\r\n");
    }
    return false;
}

/* The lines one, two and three, cut where it hurts. */
static bool stream_split(int fd)
{
    static const char *const parts[] = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                         "2\r\non\r\n", "5\r\ne\r\n\nt\r\n", "9\r\nwo\nthree\n\r\n" };
    for (size_t i = 0; i < 4; i++) {
        struct pollfd closed = { .fd = fd, .events = POLLRDHUP };
        if (!test_say(fd, parts[i]) || poll(&closed, 1, 10) != 0) {
            return false;
        }
    }
    return test_hang(fd);
}

static bool stream_long(int fd)
{
    if (!test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nshort\n")) {
        return false;
    }
    while (test_say(fd, "0123456789")) {
    }
    return false;
}

static bool stream_ending(int fd)
{
    (void)test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\none\ntwo\n");
    return false;
}

static bool handle(void *context, int fd, const struct test_request *request)
{
    (void)context;
    const char *path = request->path;
    if (strcmp(path, "/echo") == 0) {
        char text[512];
        (void)snprintf(text, sizeof(text), "%s %.*s%s", request->method, (int)request->body_bytes,
                       request->body,
                       strstr(request->head, "Content-Type: application/json\r\n") != NULL ? " as json" : "");
        return strstr(request->head, "Expect:") == NULL && test_reply(fd, 200, text);
    }
    if (strcmp(path, "/refused") == 0) {
        return test_reply(fd, 503, "starting");
    }
    if (strcmp(path, "/empty") == 0) {
        return test_reply(fd, 200, "");
    }
    if (strcmp(path, "/redirect") == 0) {
        return test_say(fd, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    }
    if (strcmp(path, "/garbage") == 0) {
        return test_say(fd, "\x01\x02 this is no HTTP\r\n\r\n") && false;
    }
    if (strcmp(path, "/cut") == 0) {
        return test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this") && false;
    }
    if (strcmp(path, "/close") == 0) {
        return false;
    }
    if (strcmp(path, "/drip") == 0) {
        return drip(fd);
    }
    if (strcmp(path, "/flood") == 0) {
        return flood(fd);
    }
    if (strcmp(path, "/flood-headers") == 0) {
        return flood_headers(fd);
    }
    if (strcmp(path, "/stream-split") == 0) {
        return stream_split(fd);
    }
    if (strcmp(path, "/stream-long") == 0) {
        return stream_long(fd);
    }
    return strcmp(path, "/stream-ending") == 0 ? stream_ending(fd) : test_hang(fd);
}

static void set_up(void)
{
    struct muster_error err = { 0 };
    server = test_server_start(handle, NULL);
    ck_assert_int_eq(muster__http_create(&http, &err), MUSTER_OK);
}

static void tear_down(void)
{
    muster__http_destroy(http);
    http = NULL;
    test_server_stop(server);
}

static struct muster_request make_request(const char *method, const char *path, const char *body,
                                          uint32_t timeout_ms)
{
    struct muster_request request = { 0 };
    ck_assert_int_eq(muster_request_init(&request, method, path, body, NULL), MUSTER_OK);
    request.timeout_ms = timeout_ms;
    return request;
}

static enum muster_rc perform(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                              struct muster_reply *reply, struct muster_error *err)
{
    struct muster_endpoint endpoint = test_endpoint(server, "");
    struct muster_request request = make_request(method, path, body, timeout_ms);
    request.reply_bytes_max = 100000;
    enum muster_rc rc = muster__http_perform(http, &endpoint, &request, reply, err);
    muster_request_fini(&request);
    return rc;
}

static void check_reply(const char *method, const char *path, const char *body, long status, const char *text)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    enum muster_rc rc = perform(method, path, body, 0, &reply, &err);
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(reply.status, status);
    ck_assert_str_eq(reply.body, text);
    ck_assert_uint_eq(reply.body_bytes, strlen(text));
    ck_assert_uint_gt(reply.elapsed_us, 0);
    muster_reply_fini(&reply);
}

START_TEST(requests_are_answered_over_one_connection)
{
    check_reply("GET", "/echo", NULL, 200, "GET ");
    check_reply("POST", "/echo", "{\"a\":1}", 200, "POST {\"a\":1} as json");
    check_reply("POST", "/echo", NULL, 200, "POST  as json");
    check_reply("GET", "/echo", NULL, 200, "GET ");
    check_reply("PUT", "/echo", "x", 200, "PUT x as json");
    check_reply("DELETE", "/echo", NULL, 200, "DELETE ");
    check_reply("GET", "/empty", NULL, 200, "");
    check_reply("GET", "/refused", NULL, 503, "starting");
    check_reply("GET", "/redirect", NULL, 302, "");
    ck_assert_uint_eq(atomic_load(&server->accepted), 1);
}
END_TEST

static const struct {
    const char *path;
    enum muster_rc rc;
    const char *text;
} bad_answers[] = {
    { "/hang", MUSTER_ETIMEDOUT, "/hang: no answer within 0.2 s" },
    { "/drip", MUSTER_ETIMEDOUT, "/drip: answer not complete within 0.2 s, " },
    { "/flood", MUSTER_EHTTP, "/flood: reply larger than 100000 bytes" },
    { "/flood-headers", MUSTER_EHTTP, "/flood-headers: headers larger than " },
    { "/garbage", MUSTER_EHTTP, "/garbage: the answer is not HTTP" },
    { "/cut", MUSTER_EHTTP, "/cut: connection broken off after 9 bytes" },
    { "/close", MUSTER_EHTTP, "/close: connection closed without an answer" },
};

START_TEST(a_bad_answer_is_a_sentence)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    /* What a flood or a drip costs is bounded by the size; only the hanging need a short limit. */
    uint32_t timeout_ms = bad_answers[_i].rc == MUSTER_ETIMEDOUT ? 200 : 5000;
    enum muster_rc rc = perform("GET", bad_answers[_i].path, NULL, timeout_ms, &reply, &err);
    ck_assert_int_eq(rc, bad_answers[_i].rc);
    ck_assert_int_eq(err.rc, rc);
    ck_assert_msg(strstr(err.text, bad_answers[_i].text) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text, "GET http://127.0.0.1:", 21) == 0, "%s", err.text);
    ck_assert_ptr_null(reply.body);
    check_reply("GET", "/echo", NULL, 200, "GET ");
}
END_TEST

START_TEST(a_refused_connection_says_so)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    struct muster_request request = make_request("GET", "/x", NULL, 1000);
    struct muster_endpoint endpoint = { .base_url = "http://127.0.0.1:1" };
    ck_assert_int_eq(muster__http_perform(http, &endpoint, &request, &reply, &err), MUSTER_EHTTP);
    ck_assert_str_eq(err.text, "GET http://127.0.0.1:1/x: connection refused");
    muster_request_fini(&request);
}
END_TEST

START_TEST(other_protocols_and_files_are_not_served)
{
    static const char *const urls[] = { "file:///etc", "ftp://127.0.0.1", "https://127.0.0.1" };
    for (size_t i = 0; i < 3; i++) {
        struct muster_reply reply = { 0 };
        struct muster_error err = { 0 };
        struct muster_request request = make_request("GET", "/hostname", NULL, 1000);
        struct muster_endpoint endpoint = { 0 };
        (void)snprintf(endpoint.base_url, sizeof(endpoint.base_url), "%s", urls[i]);
        ck_assert_int_eq(muster__http_perform(http, &endpoint, &request, &reply, &err), MUSTER_EHTTP);
        muster_request_fini(&request);
    }
}
END_TEST

struct tally {
    sem_t ended;
    atomic_uint ok;
    atomic_uint stopped;
    atomic_uint other;
};

static void count_end(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct tally *tally = context;
    bool good = rc == MUSTER_OK && reply->status == 200 && err == NULL;
    bool stopped = rc == MUSTER_ESTOPPED && reply == NULL && err->rc == MUSTER_ESTOPPED;
    atomic_fetch_add(good ? &tally->ok : stopped ? &tally->stopped : &tally->other, 1);
    (void)sem_post(&tally->ended);
}

static void wait_ends(struct tally *tally, unsigned count)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(sem_timedwait(&tally->ended, &deadline), 0);
    }
}

START_TEST(many_at_once_share_few_connections)
{
    struct tally tally = { 0 };
    struct muster_endpoint endpoint = test_endpoint(server, "");
    struct muster_request request = make_request("POST", "/echo", "[1,2,3]", 20000);
    (void)sem_init(&tally.ended, 0, 0);
    for (unsigned i = 0; i < 2000; i++) {
        ck_assert_int_eq(muster__http_start(http, &endpoint, &request, count_end, &tally, NULL), MUSTER_OK);
    }
    wait_ends(&tally, 2000);
    ck_assert_uint_eq(atomic_load(&tally.ok), 2000);
    ck_assert_uint_le(atomic_load(&server->accepted), 64);
    muster_request_fini(&request);
}
END_TEST

static void *perform_some(void *context)
{
    (void)context;
    for (int i = 0; i < 50; i++) {
        check_reply("POST", "/echo", "{}", 200, "POST {} as json");
    }
    return NULL;
}

START_TEST(any_thread_may_ask)
{
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, perform_some, NULL), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

START_TEST(a_hanging_node_holds_up_no_other)
{
    struct tally tally = { 0 };
    struct muster_endpoint endpoint = test_endpoint(server, "");
    struct muster_request hanging = make_request("GET", "/hang", NULL, 30000);
    (void)sem_init(&tally.ended, 0, 0);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(muster__http_start(http, &endpoint, &hanging, count_end, &tally, NULL), MUSTER_OK);
    }
    check_reply("GET", "/echo", NULL, 200, "GET ");
    uint64_t began_ms = muster_clock_ms();
    muster__http_destroy(http);
    http = NULL;
    ck_assert_uint_lt(muster_clock_ms() - began_ms, 5000);
    ck_assert_uint_eq(atomic_load(&tally.stopped), 20);
    muster_request_fini(&hanging);
}
END_TEST

struct lines {
    struct tally tally;
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
    struct muster_endpoint endpoint = test_endpoint(server, "");
    struct muster_request request = make_request("GET", path, NULL, silence_ms);
    request.reply_bytes_max = 1000;
    (void)sem_init(&lines->tally.ended, 0, 0);
    (void)sem_init(&lines->came, 0, 0);
    uint64_t stream = muster__http_stream_open(http, &endpoint, &request, take_line, end_lines, lines, NULL);
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
    muster__http_stream_close(http, stream);
    wait_ends(&lines.tally, 1);
    ck_assert_str_eq(lines.text, "one;two;three;");
    ck_assert_int_eq(lines.rc, MUSTER_ESTOPPED);
    muster__http_stream_close(http, stream); /* Gone already: nothing happens. */
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
    { "/stream-split", 300, MUSTER_ETIMEDOUT, "nothing came for 0.3 s", "one;two;three;" },
    { "/hang", 100, MUSTER_ETIMEDOUT, "nothing came for 0.1 s", "" },
    { "/refused", 20000, MUSTER_EREPLY, "answered 503 \"starting\"", "" },
    { "/close", 20000, MUSTER_EHTTP, "connection closed without an answer", "" },
};

START_TEST(a_stream_ends_with_its_cause)
{
    struct lines lines = { .rc = MUSTER_OK };
    (void)open_lines(&lines, stream_ends[_i].path, stream_ends[_i].silence_ms);
    wait_ends(&lines.tally, 1);
    ck_assert_int_eq(lines.rc, stream_ends[_i].rc);
    ck_assert_msg(strstr(lines.why, stream_ends[_i].why) != NULL, "%s", lines.why);
    ck_assert_str_eq(lines.text, stream_ends[_i].text);
}
END_TEST

START_TEST(a_stream_that_is_open_ends_with_the_engine)
{
    struct lines lines = { .rc = MUSTER_OK };
    (void)open_lines(&lines, "/hang", 60000);
    muster__http_destroy(http);
    http = NULL;
    wait_ends(&lines.tally, 1);
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
    check_reply("GET", "/echo", NULL, 200, "GET ");
    ck_assert_uint_eq(atomic_load(&server->accepted), STREAMS + 1);
}
END_TEST

struct ticks {
    struct tally tally;
    unsigned order[64];
    unsigned count;
    uint64_t at_ms;
};
struct tick {
    struct ticks *ticks;
    unsigned number;
};

static void fire(void *context)
{
    struct tick *tick = context;
    if (muster_clock_ms() >= tick->ticks->at_ms) {
        tick->ticks->order[tick->ticks->count++] = tick->number;
    }
    (void)sem_post(&tick->ticks->tally.ended);
}

START_TEST(timers_fire_in_order_and_not_early)
{
    struct ticks ticks = { .count = 0 };
    struct tick each[64];
    (void)sem_init(&ticks.tally.ended, 0, 0);
    uint64_t now_ms = muster_clock_ms();
    ticks.at_ms = now_ms + 50;
    for (unsigned i = 0; i < 64; i++) {
        unsigned place = (i * 37) % 64; /* Set in a scrambled order. */
        each[i] = (struct tick){ .ticks = &ticks, .number = place };
        ck_assert_int_eq(muster__http_timer(http, now_ms + 50 + place, fire, &each[i]), MUSTER_OK);
    }
    wait_ends(&ticks.tally, 64);
    ck_assert_uint_eq(ticks.count, 64);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_uint_eq(ticks.order[i], i);
    }
}
END_TEST

START_TEST(a_timer_still_to_come_is_dropped)
{
    struct ticks ticks = { .count = 0 };
    struct tick tick = { .ticks = &ticks };
    ck_assert_int_eq(muster__http_timer(http, muster_clock_ms() + 60000, fire, &tick), MUSTER_OK);
    muster__http_destroy(http);
    http = NULL;
    ck_assert_uint_eq(ticks.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *cases = tcase_create("http");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, requests_are_answered_over_one_connection);
    tcase_add_loop_test(cases, a_bad_answer_is_a_sentence, 0, sizeof(bad_answers) / sizeof(bad_answers[0]));
    tcase_add_test(cases, a_refused_connection_says_so);
    tcase_add_test(cases, other_protocols_and_files_are_not_served);
    tcase_add_test(cases, many_at_once_share_few_connections);
    tcase_add_test(cases, any_thread_may_ask);
    tcase_add_test(cases, a_hanging_node_holds_up_no_other);
    tcase_add_test(cases, lines_are_whole_however_they_come);
    tcase_add_loop_test(cases, a_stream_ends_with_its_cause, 0, sizeof(stream_ends) / sizeof(stream_ends[0]));
    tcase_add_test(cases, a_stream_that_is_open_ends_with_the_engine);
    tcase_add_test(cases, open_streams_leave_room_for_requests);
    tcase_add_test(cases, timers_fire_in_order_and_not_early);
    tcase_add_test(cases, a_timer_still_to_come_is_dropped);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
