/* A request that the caller waits for. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/internal.h"
#include "muster/clock.h"

#define SLACK_MS                                                                                             \
    5000u /* Added to the transfer's own timeout, which fires first unless the engine's thread hangs. */

/* Shared by the caller and the callback. The last one frees it. Therefore the callback can release the mutex
 * before it wakes the caller, and the caller does not wake up only to wait for the mutex. */
struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    atomic_uint references;
    bool ended;
    enum muster_rc rc;
    struct muster_reply reply;
    struct muster_error err;
};

static struct waiter *waiter_create(void)
{
    struct waiter *waiter = malloc(sizeof(*waiter));
    if (waiter == NULL) {
        return NULL;
    }
    muster_clock_init_condition(&waiter->cond);
    (void)pthread_mutex_init(&waiter->mutex, NULL);
    waiter->ended = false;
    atomic_init(&waiter->references, 2);
    waiter->reply = (struct muster_reply){ 0 };
    waiter->err.rc = MUSTER_OK;
    waiter->err.text[0] = '\0';
    return waiter;
}

static void waiter_release(struct waiter *waiter)
{
    if (atomic_fetch_sub(&waiter->references, 1) > 1) {
        return;
    }
    (void)pthread_cond_destroy(&waiter->cond);
    (void)pthread_mutex_destroy(&waiter->mutex);
    muster_reply_fini(&waiter->reply);
    free(waiter);
}

static void end(void *context, enum muster_rc rc, struct muster_reply *reply, const struct muster_error *err)
{
    struct waiter *waiter = context;
    (void)pthread_mutex_lock(&waiter->mutex);
    waiter->rc = rc;
    waiter->ended = true;
    if (reply != NULL) {
        waiter->reply = *reply;
        reply->body = NULL; /* The caller has it now. */
    } else {
        (void)muster_error_set(&waiter->err, rc, "%s", err->text);
    }
    (void)pthread_mutex_unlock(&waiter->mutex);
    (void)pthread_cond_signal(&waiter->cond);
    waiter_release(waiter);
}

/* Returns whether the transfer ended before the deadline. */
static bool wait_for_end(struct waiter *waiter, uint64_t wait_ms)
{
    uint64_t deadline_ms = muster_clock_ms() + wait_ms;
    struct timespec deadline = { .tv_sec = (time_t)(deadline_ms / 1000u),
                                 .tv_nsec = (long)(deadline_ms % 1000u) * 1000000L };
    (void)pthread_mutex_lock(&waiter->mutex);
    int error = 0;
    while (!waiter->ended && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&waiter->cond, &waiter->mutex, &deadline);
    }
    bool ended = waiter->ended;
    (void)pthread_mutex_unlock(&waiter->mutex);
    return ended;
}

static enum muster_rc collect(struct waiter *waiter, struct muster_reply *reply, struct muster_error *err)
{
    if (waiter->rc == MUSTER_OK) {
        *reply = waiter->reply;
        waiter->reply = (struct muster_reply){ 0 };
        return MUSTER_OK;
    }
    return muster_error_set(err, waiter->rc, "%s", waiter->err.text);
}

enum muster_rc muster__http_perform(struct muster_http *http, const struct muster_endpoint *endpoint,
                                    const struct muster_request *request, struct muster_reply *reply,
                                    struct muster_error *err)
{
    assert(!pthread_equal(pthread_self(), http->thread));
    struct waiter *waiter = waiter_create();
    if (waiter == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a request");
    }
    uint32_t timeout_ms = request->timeout_ms == 0 ? MUSTER_REQUEST_TIMEOUT_MS : request->timeout_ms;
    enum muster_rc rc = muster__http_start(http, endpoint, request, end, waiter, err);
    if (rc != MUSTER_OK) {
        waiter_release(waiter); /* The callback's reference: the callback will never be called. */
    } else if (wait_for_end(waiter, (uint64_t)timeout_ms + SLACK_MS)) {
        rc = collect(waiter, reply, err);
    } else {
        rc = muster_error_set(err, MUSTER_ETIMEDOUT, "%s %s%s: the HTTP engine did not answer within %.1f s",
                              request->method, endpoint->base_url, request->path,
                              (timeout_ms + SLACK_MS) / 1000.0);
    }
    waiter_release(waiter); /* NOLINT(clang-analyzer-unix.Malloc): it has two references at first. */
    return rc;
}
