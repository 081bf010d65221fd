/* For tests of the engine: a server that behaves on some paths and misbehaves on others. */
#ifndef MUSTER_SRC_HTTP_TEST_FIXTURE_H
#define MUSTER_SRC_HTTP_TEST_FIXTURE_H

#include <semaphore.h>
#include <time.h>

#include "http/http.h"
#include "muster/clock.h"
#include "testing/http_server.h"

static struct muster_http *http;
static struct test_server *server;

static inline bool drip(int fd)
{
    if (!test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")) {
        return false;
    }
    struct pollfd closed = { .fd = fd, .events = POLLRDHUP };
    while (poll(&closed, 1, 20) == 0 && test_say(fd, "x")) {
    }
    return false;
}

static inline bool flood(int fd)
{
    static const char block[8192];
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (sent) {
        sent = test_send(fd, block, sizeof(block));
    }
    return false;
}

static inline bool flood_headers(int fd)
{
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\n");
    while (sent) {
        sent = test_say(fd, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890\r\n");
    }
    return false;
}

/* The lines one, two and three, cut where it hurts. */
static inline bool stream_split(int fd)
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

static inline bool stream_long(int fd)
{
    if (!test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nshort\n")) {
        return false;
    }
    while (test_say(fd, "0123456789")) {
    }
    return false;
}

static inline bool stream_ending(int fd)
{
    (void)test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\none\ntwo\n");
    return false;
}

/* Answers the first request and all after the second, which it lets die with its connection. */
static inline bool lose_second(int fd)
{
    static atomic_uint requests;
    return atomic_fetch_add(&requests, 1) != 1 && test_reply(fd, 200, "kept");
}

static inline bool handle(void *context, int fd, const struct test_request *request)
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

static inline void set_up(void)
{
    struct muster_error err = { 0 };
    server = test_server_start(handle, NULL);
    ck_assert_int_eq(muster__http_create(&http, &err), MUSTER_OK);
}

static inline void tear_down(void)
{
    muster__http_destroy(http);
    http = NULL;
    test_server_stop(server);
}

static inline struct muster_request make_request(const char *method, const char *path, const char *body,
                                                 uint32_t timeout_ms)
{
    struct muster_request request = { 0 };
    ck_assert_int_eq(muster_request_init(&request, method, path, body, NULL), MUSTER_OK);
    request.timeout_ms = timeout_ms;
    return request;
}

static inline enum muster_rc perform(const char *method, const char *path, const char *body,
                                     uint32_t timeout_ms, struct muster_reply *reply,
                                     struct muster_error *err)
{
    struct muster_endpoint endpoint = test_endpoint(server, "");
    struct muster_request request = make_request(method, path, body, timeout_ms);
    request.reply_bytes_max = 100000;
    enum muster_rc rc = muster__http_perform(http, &endpoint, &request, reply, err);
    muster_request_fini(&request);
    return rc;
}

static inline void check_reply_within(const char *method, const char *path, const char *body,
                                      uint32_t timeout_ms, long status, const char *text)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    enum muster_rc rc = perform(method, path, body, timeout_ms, &reply, &err);
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(reply.status, status);
    ck_assert_str_eq(reply.body, text);
    ck_assert_uint_eq(reply.body_bytes, strlen(text));
    ck_assert_uint_gt(reply.elapsed_us, 0);
    muster_reply_fini(&reply);
}

static inline void check_reply(const char *method, const char *path, const char *body, long status,
                               const char *text)
{
    check_reply_within(method, path, body, 0, status, text);
}

struct tally {
    sem_t ended;
    atomic_uint ok;
    atomic_uint stopped;
    atomic_uint other;
};

static inline void count_end(void *context, enum muster_rc rc, struct muster_reply *reply,
                             const struct muster_error *err)
{
    struct tally *tally = context;
    bool good = rc == MUSTER_OK && reply->status == 200 && err == NULL;
    bool stopped = rc == MUSTER_ESTOPPED && reply == NULL && err->rc == MUSTER_ESTOPPED;
    atomic_fetch_add(good ? &tally->ok : stopped ? &tally->stopped : &tally->other, 1);
    (void)sem_post(&tally->ended);
}

static inline void wait_ends(struct tally *tally, unsigned count)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(sem_timedwait(&tally->ended, &deadline), 0);
    }
}

#endif
