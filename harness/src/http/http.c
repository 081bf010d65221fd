/* Making and ending the engine, and handing work to its thread. */
#include "http/http.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/internal.h"
#include "muster/clock.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

static void init_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Use half of the descriptors the process may open: the other half is for files and pipes. */
static long connections_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur / 2 > (rlim_t)MUSTER__HTTP_CONNECTIONS) {
        return MUSTER__HTTP_CONNECTIONS;
    }
    return limit.rlim_cur < 4 ? 2 : (long)(limit.rlim_cur / 2);
}

static bool set_up_multi(struct muster_http *http)
{
    long connections = connections_max();
    http->multi = curl_multi_init();
    http->json_headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (http->multi == NULL || http->json_headers == NULL ||
        curl_slist_append(http->json_headers, "Expect:") == NULL) {
        return false;
    }
    CURLMcode code[] = {
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, muster__socket_wanted),
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http),
        curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, muster__curl_due),
        curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http),
        curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING),
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, connections),
        curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections),
    };
    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        if (code[i] != CURLM_OK) {
            return false;
        }
    }
    return true;
}

static enum muster_rc set_up_descriptors(struct muster_http *http, struct muster_error *err)
{
    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = http->wake_fd };
    if (http->epoll_fd < 0 || http->wake_fd < 0 ||
        epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->wake_fd, &event) != 0) {
        return muster_error_errno(err, MUSTER_EIO, errno, "opening the HTTP engine's descriptors");
    }
    return MUSTER_OK;
}

/* Block all signals in the engine's thread: the user's threads handle them. */
static int start_thread(struct muster_http *http)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&http->thread, NULL, muster__http_loop, http);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        (void)pthread_setname_np(http->thread, "muster-http");
    }
    return error;
}

static void free_all(struct muster_http *http)
{
    for (size_t i = 0; i < MUSTER__HTTP_BUCKETS; i++) {
        while (http->idle[i] != NULL) {
            struct muster__transfer *transfer = http->idle[i];
            http->idle[i] = transfer->next;
            muster__transfer_destroy(transfer);
        }
    }
    (void)curl_multi_cleanup(http->multi); /* Closes connections, which needs `sockets`. */
    curl_slist_free_all(http->json_headers);
    if (http->epoll_fd >= 0) {
        (void)close(http->epoll_fd);
    }
    if (http->wake_fd >= 0) {
        (void)close(http->wake_fd);
    }
    muster__lanes_free(http);
    free(http->sockets);
    free(http->timers);
    (void)pthread_mutex_destroy(&http->mutex);
    free(http);
}

static enum muster_rc set_up(struct muster_http *http, struct muster_error *err)
{
    enum muster_rc rc = set_up_descriptors(http, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (!set_up_multi(http)) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the HTTP engine");
    }
    int error = start_thread(http);
    return error == 0 ? MUSTER_OK
                      : muster_error_errno(err, MUSTER_EIO, error, "starting the HTTP engine's thread");
}

enum muster_rc muster__http_create(struct muster_http **ret, struct muster_error *err)
{
    (void)pthread_once(&curl_once, init_curl);
    struct muster_http *http = curl_state == CURLE_OK ? calloc(1, sizeof(*http)) : NULL;
    if (http == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the HTTP engine");
    }
    (void)pthread_mutex_init(&http->mutex, NULL);
    http->queue_end = &http->queue;
    http->epoll_fd = -1;
    http->wake_fd = -1;
    http->curl_due_us = UINT64_MAX;
    http->silence_due_ms = UINT64_MAX;
    http->overdue_ms = UINT64_MAX;
    TAILQ_INIT(&http->ready);
    LIST_INIT(&http->live);
    LIST_INIT(&http->streams);
    enum muster_rc rc = set_up(http, err);
    if (rc != MUSTER_OK) {
        free_all(http);
        return rc;
    }
    *ret = http;
    return MUSTER_OK;
}

void muster__http_destroy(struct muster_http *http)
{
    if (http == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&http->mutex);
    http->stopping = true;
    muster__http_wake(http);
    (void)pthread_mutex_unlock(&http->mutex);
    (void)pthread_join(http->thread, NULL);
    free_all(http);
}

/* Under the mutex. */
static enum muster_rc check_room(const struct muster_http *http, struct muster_error *err)
{
    if (http->stopping) {
        return muster_error_set(err, MUSTER_ESTOPPED, "the HTTP engine is closed");
    }
    if (http->busy_count >= MUSTER__HTTP_TRANSFERS_MAX) {
        return muster_error_set(err, MUSTER_ENOMEM, "%u requests are under way already",
                                MUSTER__HTTP_TRANSFERS_MAX);
    }
    return MUSTER_OK;
}

static enum muster_rc take(struct muster_http *http, const struct muster_endpoint *endpoint,
                           const struct muster_request *request, struct muster__transfer **ret,
                           struct muster_error *err)
{
    uint64_t hash = muster__transfer_hash(endpoint, request);
    (void)pthread_mutex_lock(&http->mutex);
    enum muster_rc rc = check_room(http, err);
    struct muster__transfer *transfer = rc == MUSTER_OK ? muster__transfer_take(http, hash) : NULL;
    http->busy_count += transfer != NULL;
    (void)pthread_mutex_unlock(&http->mutex);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (transfer != NULL) {
        transfer->url_hash = hash;
    }
    if (transfer == NULL || !muster__transfer_fill(transfer, endpoint, request)) {
        if (transfer != NULL) {
            (void)pthread_mutex_lock(&http->mutex);
            http->busy_count--;
            (void)pthread_mutex_unlock(&http->mutex);
            muster__transfer_destroy(transfer);
        }
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a request");
    }
    *ret = transfer;
    return MUSTER_OK;
}

/* Under the mutex. */
static void enqueue(struct muster_http *http, struct muster__transfer *transfer)
{
    transfer->next = NULL;
    *http->queue_end = transfer;
    http->queue_end = &transfer->next;
    muster__http_wake(http);
}

/* Under the mutex. */
static uint64_t link_stream(struct muster_http *http, struct muster__transfer *transfer)
{
    transfer->stream = ++http->last_stream;
    LIST_INSERT_HEAD(&http->streams, transfer, open);
    return transfer->stream;
}

/* Check for `stopping` again: the engine may have been told to stop since the room was checked. Its thread
 * ends only what was queued before, so adding now would lose the request. */
static enum muster_rc hand_over(struct muster_http *http, struct muster__transfer *transfer, uint64_t *stream,
                                struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    (void)pthread_mutex_lock(&http->mutex);
    if (http->stopping) {
        http->busy_count--;
        rc = muster_error_set(err, MUSTER_ESTOPPED, "the HTTP engine is closed");
        transfer = muster__transfer_recycle(transfer);
    } else {
        if (stream != NULL) {
            *stream = link_stream(http, transfer);
        }
        enqueue(http, transfer);
        transfer = NULL;
    }
    (void)pthread_mutex_unlock(&http->mutex);
    muster__transfer_destroy(transfer);
    return rc;
}

enum muster_rc muster__http_start(struct muster_http *http, const struct muster_endpoint *endpoint,
                                  const struct muster_request *request, muster__http_done done, void *context,
                                  struct muster_error *err)
{
    struct muster__transfer *transfer = NULL;
    enum muster_rc rc = take(http, endpoint, request, &transfer, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    transfer->done = done;
    transfer->context = context;
    return hand_over(http, transfer, NULL, err);
}

uint64_t muster__http_stream_open(struct muster_http *http, const struct muster_endpoint *endpoint,
                                  const struct muster_request *request, muster__http_line line,
                                  muster__http_done ended, void *context, struct muster_error *err)
{
    struct muster__transfer *transfer = NULL;
    if (take(http, endpoint, request, &transfer, err) != MUSTER_OK) {
        return 0;
    }
    transfer->done = ended;
    transfer->line = line;
    transfer->context = context;
    uint64_t stream = 0;
    return hand_over(http, transfer, &stream, err) == MUSTER_OK ? stream : 0;
}

void muster__http_stream_close(struct muster_http *http, uint64_t stream)
{
    (void)pthread_mutex_lock(&http->mutex);
    struct muster__transfer *transfer = NULL;
    LIST_FOREACH(transfer, &http->streams, open)
    {
        if (transfer->stream == stream) {
            atomic_store(&transfer->closing, true);
            http->close_asked = true;
            muster__http_wake(http);
        }
    }
    (void)pthread_mutex_unlock(&http->mutex);
}

enum muster_rc muster__http_timer(struct muster_http *http, uint64_t at_ms, void (*fire)(void *context),
                                  void *context)
{
    enum muster_rc rc = MUSTER_OK;
    (void)pthread_mutex_lock(&http->mutex);
    if (http->stopping) {
        rc = MUSTER_ESTOPPED;
    } else if (!muster__timers_add(http, at_ms, fire, context)) {
        rc = MUSTER_ENOMEM;
    } else if (at_ms < http->sleeps_until_ms) {
        muster__http_wake(http);
    }
    (void)pthread_mutex_unlock(&http->mutex);
    return rc;
}
