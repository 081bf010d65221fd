#include "testing/http_fixture.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct muster_http *tested_http;

struct test_server *http_server;

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

/* Answers the first request and all after the second, which it lets die with its connection. */
static bool lose_second(int fd)
{
    static atomic_uint requests;
    return atomic_fetch_add(&requests, 1) != 1 && test_reply(fd, 200, "kept");
}

bool http_handle(void *context, int fd, const struct test_request *request)
{
    (void)context;
    const char *path = request->path;
    if (strcmp(path, "/echo") == 0) {
        char text[8192];
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
    if (strcmp(path, "/last") == 0) {
        return test_reply(fd, 200, "last") && false;
    }
    if (strcmp(path, "/lose-second") == 0) {
        return lose_second(fd);
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

void http_set_up(void)
{
    struct muster_error err = { 0 };
    http_server = test_server_start(http_handle, NULL);
    ck_assert_int_eq(muster__http_create(&tested_http, &err), MUSTER_OK);
}

void http_tear_down(void)
{
    muster__http_destroy(tested_http);
    tested_http = NULL;
    test_server_stop(http_server);
}

struct muster_request http_make_request(const char *method, const char *path, const char *body,
                                        uint32_t timeout_ms)
{
    struct muster_request request = { 0 };
    ck_assert_int_eq(muster_request_init(&request, method, path, body, NULL), MUSTER_OK);
    request.timeout_ms = timeout_ms;
    return request;
}

enum muster_rc http_perform(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                            struct muster_reply *reply, struct muster_error *err)
{
    struct muster_endpoint endpoint = test_endpoint(http_server, "");
    struct muster_request request = http_make_request(method, path, body, timeout_ms);
    request.reply_bytes_max = 100000;
    enum muster_rc rc = muster__http_perform(tested_http, &endpoint, &request, reply, err);
    muster_request_fini(&request);
    return rc;
}

void http_check_reply_within(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                             long status, const char *text)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    enum muster_rc rc = http_perform(method, path, body, timeout_ms, &reply, &err);
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(reply.status, status);
    ck_assert_str_eq(reply.body, text);
    ck_assert_uint_eq(reply.body_bytes, strlen(text));
    ck_assert_uint_gt(reply.elapsed_us, 0);
    muster_reply_fini(&reply);
}

void http_check_reply(const char *method, const char *path, const char *body, long status, const char *text)
{
    http_check_reply_within(method, path, body, 0, status, text);
}

void http_count_end(void *context, enum muster_rc rc, struct muster_reply *reply,
                    const struct muster_error *err)
{
    struct http_tally *tally = context;
    bool good = rc == MUSTER_OK && reply->status == 200 && err == NULL;
    bool stopped = rc == MUSTER_ESTOPPED && reply == NULL && err->rc == MUSTER_ESTOPPED;
    atomic_fetch_add(good ? &tally->ok : stopped ? &tally->stopped : &tally->other, 1);
    (void)sem_post(&tally->ended);
}

void http_wait_ends(struct http_tally *tally, unsigned count)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(sem_timedwait(&tally->ended, &deadline), 0);
    }
}
