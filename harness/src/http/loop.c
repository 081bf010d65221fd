/* The engine's thread: epoll for the descriptors, libcurl's socket interface for the transfers. Its cost
 * grows with the number of events, not with the number of open connections and streams. */
#include <assert.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "http/internal.h"
#include "muster/clock.h"

#define EVENTS_MAX 256
#define SLEEP_MAX_MS 60000u

void muster__http_wake(struct muster_http *http)
{
    if (http->asleep) {
        http->asleep = false;
        (void)eventfd_write(http->wake_fd, 1);
    }
}

static void retire(struct muster__transfer *transfer)
{
    struct muster_http *http = transfer->http;
    muster__lane_leave(transfer);
    (void)pthread_mutex_lock(&http->mutex);
    if (transfer->stream != 0) {
        LIST_REMOVE(transfer, open);
    }
    assert(http->busy_count > 0);
    http->busy_count--;
    transfer = muster__transfer_recycle(transfer);
    (void)pthread_mutex_unlock(&http->mutex);
    muster__transfer_destroy(transfer);
}

static void take_from_curl(struct muster__transfer *transfer)
{
    struct muster_http *http = transfer->http;
    (void)curl_multi_remove_handle(http->multi, transfer->easy);
    LIST_REMOVE(transfer, live);
}

static void end(struct muster__transfer *transfer, CURLcode code)
{
    take_from_curl(transfer);
    muster__transfer_report(transfer, code);
    retire(transfer);
}

static void expect_end(struct muster_http *http, uint64_t due_ms)
{
    http->overdue_ms = due_ms < http->overdue_ms ? due_ms : http->overdue_ms;
}

static void begin(struct muster_http *http, struct muster__transfer *transfer)
{
    CURLcode code = muster__transfer_apply(transfer);
    if (code == CURLE_OK && curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        code = CURLE_OUT_OF_MEMORY;
    }
    if (code != CURLE_OK) {
        muster__transfer_report(transfer, code);
        retire(transfer);
        return;
    }
    LIST_INSERT_HEAD(&http->live, transfer, live);
    if (transfer->stream == 0) {
        expect_end(http, muster__transfer_deadline_ms(transfer) + MUSTER__HTTP_OVERDUE_MS);
    } else {
        transfer->heard_ms = muster_clock_ms();
        uint64_t due_ms = transfer->heard_ms + transfer->timeout_ms;
        http->silence_due_ms = due_ms < http->silence_due_ms ? due_ms : http->silence_due_ms;
    }
}

static void begin_or_wait(struct muster_http *http, struct muster__transfer *transfer)
{
    if (transfer->stream != 0 || muster__lane_enter(transfer)) {
        begin(http, transfer);
    } else {
        expect_end(http, muster__transfer_deadline_ms(transfer));
    }
}

/* A transfer that fails at once adds the next one of its lane to `ready`, so take them one by one. */
static void begin_ready(struct muster_http *http)
{
    struct muster__transfer *transfer = NULL;
    while ((transfer = TAILQ_FIRST(&http->ready)) != NULL) {
        TAILQ_REMOVE(&http->ready, transfer, waiting);
        begin(http, transfer);
    }
}

/* Returns false once the engine is to stop. */
static bool begin_queued(struct muster_http *http, bool *close_asked)
{
    (void)pthread_mutex_lock(&http->mutex);
    http->asleep = false;
    struct muster__transfer *queue = http->queue;
    http->queue = NULL;
    http->queue_end = &http->queue;
    *close_asked = http->close_asked;
    http->close_asked = false;
    bool stopping = http->stopping;
    (void)pthread_mutex_unlock(&http->mutex);
    while (queue != NULL) {
        struct muster__transfer *transfer = queue;
        queue = transfer->next;
        if (stopping) {
            muster__transfer_report_stopped(transfer);
            retire(transfer);
        } else {
            begin_or_wait(http, transfer);
        }
    }
    return !stopping;
}

static void end_finished(struct muster_http *http)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct muster__transfer *transfer = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        end(transfer, code);
    }
}

/* Ends streams that were closed or silent for too long. */
static void end_streams(struct muster_http *http, bool close_asked)
{
    uint64_t now_ms = muster_clock_ms();
    if (!close_asked && now_ms < http->silence_due_ms) {
        return;
    }
    http->silence_due_ms = UINT64_MAX;
    struct muster__transfer *next = NULL;
    for (struct muster__transfer *transfer = LIST_FIRST(&http->live); transfer != NULL; transfer = next) {
        next = LIST_NEXT(transfer, live);
        if (transfer->stream == 0) {
            continue;
        }
        uint64_t due_ms = transfer->heard_ms + transfer->timeout_ms;
        transfer->silent = now_ms >= due_ms;
        if (transfer->silent || atomic_load(&transfer->closing)) {
            end(transfer, CURLE_OPERATION_TIMEDOUT);
        } else if (due_ms < http->silence_due_ms) {
            http->silence_due_ms = due_ms;
        }
    }
}

static void end_waiting(struct muster_http *http, uint64_t now_ms)
{
    struct muster__transfer *transfer = NULL;
    struct muster__waiting overdue = TAILQ_HEAD_INITIALIZER(overdue);
    expect_end(http, muster__lanes_take_overdue(http, now_ms, &overdue));
    while ((transfer = TAILQ_FIRST(&overdue)) != NULL) {
        TAILQ_REMOVE(&overdue, transfer, waiting);
        transfer->unsent = "the node has not answered those before it";
        muster__transfer_report(transfer, CURLE_OPERATION_TIMEDOUT);
        retire(transfer);
    }
}

/* Ends overdue requests. libcurl does not time those for which it never had a connection. */
static void end_overdue(struct muster_http *http)
{
    uint64_t now_ms = muster_clock_ms();
    if (now_ms < http->overdue_ms) {
        return;
    }
    http->overdue_ms = UINT64_MAX;
    end_waiting(http, now_ms);
    struct muster__transfer *next = NULL;
    for (struct muster__transfer *transfer = LIST_FIRST(&http->live); transfer != NULL; transfer = next) {
        next = LIST_NEXT(transfer, live);
        if (transfer->stream != 0) {
            continue;
        }
        uint64_t due_ms = muster__transfer_deadline_ms(transfer) + MUSTER__HTTP_OVERDUE_MS;
        if (due_ms <= now_ms) {
            transfer->unsent = "no connection was free";
            end(transfer, CURLE_OPERATION_TIMEDOUT);
        } else {
            expect_end(http, due_ms);
        }
    }
}

static uint64_t next_due_ms(const struct muster_http *http, uint64_t now_ms)
{
    uint64_t due_ms = now_ms + SLEEP_MAX_MS;
    if (http->curl_due_us != UINT64_MAX && http->curl_due_us / 1000u < due_ms) {
        due_ms = (http->curl_due_us + 999u) / 1000u;
    }
    if (http->silence_due_ms < due_ms) {
        due_ms = http->silence_due_ms;
    }
    if (http->overdue_ms < due_ms) {
        due_ms = http->overdue_ms;
    }
    if (http->timer_count > 0 && http->timers[0].at_ms < due_ms) {
        due_ms = http->timers[0].at_ms;
    }
    return due_ms;
}

/* Returns how long to sleep, in ms. A thread that queues something in the meantime wakes the loop. */
static int prepare_to_sleep(struct muster_http *http)
{
    uint64_t now_ms = muster_clock_ms();
    (void)pthread_mutex_lock(&http->mutex);
    uint64_t due_ms = next_due_ms(http, now_ms);
    bool busy = http->queue != NULL || http->close_asked || http->stopping || due_ms <= now_ms;
    http->asleep = !busy;
    http->sleeps_until_ms = due_ms;
    (void)pthread_mutex_unlock(&http->mutex);
    return busy ? 0 : (int)(due_ms - now_ms);
}

static void wait_and_act(struct muster_http *http)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(http->epoll_fd, events, EVENTS_MAX, prepare_to_sleep(http));
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd != http->wake_fd) { /* That one is edge-triggered and need not be read. */
            muster__socket_act(http, &events[i]);
        }
    }
}

static void act_on_time(struct muster_http *http)
{
    int running = 0;
    if (http->curl_due_us == 0 ||
        (http->curl_due_us != UINT64_MAX && muster_clock_us() >= http->curl_due_us)) {
        http->curl_due_us = UINT64_MAX;
        (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    end_finished(http);
    muster__timers_fire(http);
}

/* Call it before ending the live transfers: each of those would let a waiting one begin. */
static void stop_waiting(struct muster_http *http)
{
    struct muster__transfer *transfer = NULL;
    (void)muster__lanes_take_overdue(http, UINT64_MAX, &http->ready);
    while ((transfer = TAILQ_FIRST(&http->ready)) != NULL) {
        TAILQ_REMOVE(&http->ready, transfer, waiting);
        muster__transfer_report_stopped(transfer);
        retire(transfer);
    }
}

void *muster__http_loop(void *context)
{
    struct muster_http *http = context;
    bool close_asked = false;
    while (begin_queued(http, &close_asked)) {
        act_on_time(http);
        end_streams(http, close_asked);
        end_overdue(http);
        begin_ready(http);
        wait_and_act(http);
    }
    stop_waiting(http);
    struct muster__transfer *transfer = NULL;
    while ((transfer = LIST_FIRST(&http->live)) != NULL) {
        take_from_curl(transfer);
        muster__transfer_report_stopped(transfer);
        retire(transfer);
    }
    return NULL;
}
