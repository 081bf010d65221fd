/* The engine's thread: epoll for the descriptors, libcurl's socket interface for the transfers. Its cost
 * goes with what happens, not with how many connections and streams are open. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

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

static struct muster__socket *socket_at(struct muster_http *http, int fd)
{
    if ((size_t)fd >= http->socket_count) {
        size_t count = http->socket_count == 0 ? 256 : http->socket_count;
        while (count <= (size_t)fd) {
            count *= 2;
        }
        struct muster__socket *grown = realloc(http->sockets, count * sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + http->socket_count, 0, (count - http->socket_count) * sizeof(*grown));
        http->sockets = grown;
        http->socket_count = count;
    }
    return &http->sockets[fd];
}

curl_socket_t muster__socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    struct muster__socket *entry = fd < 0 ? NULL : socket_at(context, fd);
    if (entry == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return CURL_SOCKET_BAD;
    }
    *entry = (struct muster__socket){ .ours = true };
    return fd;
}

int muster__socket_close(void *context, curl_socket_t fd)
{
    struct muster__socket *entry = socket_at(context, fd);
    if (entry != NULL) {
        *entry = (struct muster__socket){ 0 };
    }
    return close(fd); /* Also takes it out of epoll: the descriptor was never duplicated. */
}

static int register_events(struct muster_http *http, int fd, struct muster__socket *entry, uint32_t events)
{
    if (entry->registered == events) {
        return 0;
    }
    struct epoll_event event = { .events = events, .data.fd = fd };
    int operation = EPOLL_CTL_MOD;
    if (events == 0) {
        operation = EPOLL_CTL_DEL;
    } else if (entry->registered == 0) {
        operation = EPOLL_CTL_ADD;
    }
    entry->registered = events;
    return epoll_ctl(http->epoll_fd, operation, fd, &event);
}

/* Between two requests a connection stays registered: two system calls saved for each request. Only
 * sockets whose closing we see may be left so. */
int muster__socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct muster_http *http = context;
    struct muster__socket *entry = socket_at(http, fd);
    (void)easy;
    (void)unused;
    if (entry == NULL) {
        return -1;
    }
    entry->wanted = 0;
    if (what != CURL_POLL_REMOVE) {
        entry->wanted |= (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u;
        entry->wanted |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u;
    }
    if (entry->wanted == 0 && entry->ours) {
        return 0;
    }
    return register_events(http, fd, entry, entry->wanted) == 0 || entry->wanted == 0 ? 0 : -1;
}

int muster__curl_due(CURLM *multi, long timeout_ms, void *context)
{
    struct muster_http *http = context;
    (void)multi;
    if (timeout_ms <= 0) { /* At once, as for each request that begins: no need to know the time. */
        http->curl_due_us = timeout_ms < 0 ? UINT64_MAX : 0;
    } else {
        http->curl_due_us = muster_clock_us() + (uint64_t)timeout_ms * 1000u;
    }
    return 0;
}

static void retire(struct muster__transfer *transfer)
{
    struct muster_http *http = transfer->http;
    muster__lane_leave(transfer);
    (void)pthread_mutex_lock(&http->mutex);
    if (transfer->stream != 0) {
        struct muster__transfer **link =
            transfer->stream_prev == NULL ? &http->streams : &transfer->stream_prev->stream_next;
        *link = transfer->stream_next;
        if (transfer->stream_next != NULL) {
            transfer->stream_next->stream_prev = transfer->stream_prev;
        }
    }
    http->busy_count--;
    transfer = muster__transfer_recycle(transfer);
    (void)pthread_mutex_unlock(&http->mutex);
    muster__transfer_destroy(transfer);
}

static void take_from_curl(struct muster__transfer *transfer)
{
    struct muster_http *http = transfer->http;
    (void)curl_multi_remove_handle(http->multi, transfer->easy);
    if (transfer->live_prev == NULL) {
        http->live = transfer->live_next;
    } else {
        transfer->live_prev->live_next = transfer->live_next;
    }
    if (transfer->live_next != NULL) {
        transfer->live_next->live_prev = transfer->live_prev;
    }
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
    transfer->live_prev = NULL;
    transfer->live_next = http->live;
    if (http->live != NULL) {
        http->live->live_prev = transfer;
    }
    http->live = transfer;
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

/* One that fails at once makes room for the next. */
static void begin_ready(struct muster_http *http)
{
    struct muster__transfer *transfer = NULL;
    while ((transfer = TAILQ_FIRST(&http->ready)) != NULL) {
        TAILQ_REMOVE(&http->ready, transfer, waiting);
        begin(http, transfer);
    }
}

/* Returns whether the loop is to go on. */
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

/* Streams that were closed, or silent for too long. */
static void end_streams(struct muster_http *http, bool close_asked)
{
    uint64_t now_ms = muster_clock_ms();
    if (!close_asked && now_ms < http->silence_due_ms) {
        return;
    }
    http->silence_due_ms = UINT64_MAX;
    struct muster__transfer *next = NULL;
    for (struct muster__transfer *transfer = http->live; transfer != NULL; transfer = next) {
        next = transfer->live_next;
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

/* Requests whose time is over, and that libcurl does not time, as it never had a connection for them. */
static void end_overdue(struct muster_http *http)
{
    uint64_t now_ms = muster_clock_ms();
    if (now_ms < http->overdue_ms) {
        return;
    }
    http->overdue_ms = UINT64_MAX;
    end_waiting(http, now_ms);
    struct muster__transfer *next = NULL;
    for (struct muster__transfer *transfer = http->live; transfer != NULL; transfer = next) {
        next = transfer->live_next;
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

/* How long to sleep; whoever queues something while we do wakes us. */
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

static void act_on_socket(struct muster_http *http, const struct epoll_event *event)
{
    int fd = event->data.fd;
    int running = 0;
    if (fd == http->wake_fd) {
        return; /* Edge-triggered, so it need not be read. */
    }
    struct muster__socket *entry = &http->sockets[fd];
    if (entry->wanted == 0) {
        if (entry->registered != 0) { /* The node closed a connection that is not in use. */
            (void)register_events(http, fd, entry, 0);
        }
        return;
    }
    int mask = 0;
    mask |= (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0;
    mask |= (event->events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    mask |= (event->events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0;
    (void)curl_multi_socket_action(http->multi, fd, mask, &running);
}

static void wait_and_act(struct muster_http *http)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(http->epoll_fd, events, EVENTS_MAX, prepare_to_sleep(http));
    for (int i = 0; i < count; i++) {
        act_on_socket(http, &events[i]);
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

/* Before those under way are ended, who would make room for what waits. */
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
    while (http->live != NULL) {
        struct muster__transfer *transfer = http->live;
        take_from_curl(transfer);
        muster__transfer_report_stopped(transfer);
        retire(transfer);
    }
    return NULL;
}
