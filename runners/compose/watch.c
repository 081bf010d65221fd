/* Follows the engine's event stream: a `docker events` process writes into a FIFO of the run directory, so that
 * its end, too, is an event. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "muster/clock.h"
#include "watch_internal.h"

#define LINE_BYTES_MAX 65536u
#define STREAM_END_MS 5000u

/* ---- What a line means ---- */

static void mark_ended(struct compose_watch *watch, uint32_t node, const struct muster_exit *exit)
{
    pthread_mutex_lock(&watch->lock);
    watch->nodes[node].runs = false;
    watch->nodes[node].exit = *exit;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

/* An engine that stops takes its containers with it; that is not the node's failure. */
static bool is_engine_gone(struct compose_watch *watch, uint32_t node)
{
    struct muster_error err = { 0 };
    return compose__watch_save_log(watch, node, &err) == MUSTER_EINFRA;
}

static void node_died(struct compose_watch *watch, uint32_t node, int exit_code)
{
    pthread_mutex_lock(&watch->lock);
    bool asked = watch->nodes[node].end_asked;
    struct muster_exit exit = compose__exit(exit_code, watch->nodes[node].out_of_memory);
    watch->nodes[node].out_of_memory = false;
    pthread_mutex_unlock(&watch->lock);
    if (!asked && is_engine_gone(watch, node)) {
        muster_deployment_failed(watch->compose->deployment,
                                 "the Docker engine went away while the nodes ran");
        return;
    }
    /* First the report: whoever waits for the end then finds the node's state changed already. */
    muster_deployment_node_ended(watch->compose->deployment, node, &exit);
    mark_ended(watch, node, &exit);
}

static void take_event(struct compose_watch *watch, const struct compose_event *event)
{
    const struct compose *compose = watch->compose;
    uint32_t node = compose__container_node(muster_deployment_run_id(compose->deployment), event->name,
                                            compose->node_count);
    pthread_mutex_lock(&watch->lock);
    watch->live = true;
    if (node != MUSTER_NO_NODE && event->kind == COMPOSE_OUT_OF_MEMORY) {
        watch->nodes[node].out_of_memory = true;
    }
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (node != MUSTER_NO_NODE && event->kind == COMPOSE_DIED) {
        node_died(watch, node, event->exit_code);
    }
}

/* ---- The thread ---- */

static void take_lines(struct compose_watch *watch)
{
    char *newline;
    while ((newline = memchr(watch->line, '\n', watch->line_bytes)) != NULL) {
        struct compose_event event;
        size_t bytes = (size_t)(newline - watch->line);
        if (compose__read_event(watch->line, bytes, &event, NULL) == MUSTER_OK) {
            take_event(watch, &event);
        }
        watch->line_bytes -= bytes + 1;
        memmove(watch->line, newline + 1, watch->line_bytes);
    }
    if (watch->line_bytes == LINE_BYTES_MAX) { /* No event is as long. */
        watch->line_bytes = 0;
    }
}

/* The guardian ends the stream itself when it takes the run down; any other end is the engine's. */
static void stream_ended(struct compose_watch *watch)
{
    struct muster_exit exit;
    if (muster_deployment_wait_exit(watch->compose->deployment, watch->process, STREAM_END_MS, &exit, NULL) ==
            MUSTER_OK &&
        exit.signal == 0 && exit.code != 128 + SIGTERM) {
        muster_deployment_failed(watch->compose->deployment,
                                 "the Docker engine's event stream broke off: the engine went away");
    }
}

static void *follow(void *context)
{
    struct compose_watch *watch = context;
    struct pollfd ready[] = { { .fd = watch->fifo_fd, .events = POLLIN },
                              { .fd = watch->stop_fd, .events = POLLIN } };
    for (;;) {
        if (poll(ready, 2, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if (ready[1].revents != 0) {
            return NULL;
        }
        ssize_t got =
            read(watch->fifo_fd, watch->line + watch->line_bytes, LINE_BYTES_MAX - watch->line_bytes);
        if (got == 0) {
            stream_ended(watch);
            return NULL;
        }
        if (got > 0) {
            watch->line_bytes += (size_t)got;
            take_lines(watch);
        } else if (errno != EAGAIN && errno != EINTR) {
            return NULL;
        }
    }
}

/* ---- Start and stop ---- */

static enum muster_rc open_stream(struct compose_watch *watch, struct muster_error *err)
{
    struct compose *compose = watch->compose;
    char path[4096 + 32];
    const char *directory = muster_deployment_directory(compose->deployment);
    snprintf(path, sizeof path, "%s/engine-events", directory);
    if (mkfifo(path, 0600) != 0 || (watch->fifo_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make '%s'", path);
    }
    struct compose_argv argv =
        compose__docker(&compose->engine, "events", "--filter", compose->label, "--filter", "type=container",
                        "--filter", "event=die", "--filter", "event=oom", "--filter", "event=extract-to-dir",
                        "--format", "{{json .}}", NULL);
    const struct muster_spawn spawn = {
        .argv = argv.args, .directory = directory, .stdout_path = path, .node = MUSTER_NO_NODE
    };
    enum muster_rc rc = muster_deployment_spawn(compose->deployment, &spawn, &watch->process, err);
    unlink(path); /* Both have it open. */
    return rc != MUSTER_OK ? muster_error_context(err, rc, "following the engine's events") : MUSTER_OK;
}

static void init_locks(struct compose_watch *watch)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&watch->lock, NULL);
}

enum muster_rc compose__watch_start(struct compose *compose, struct muster_error *err)
{
    struct compose_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || (watch->nodes = calloc(compose->node_count, sizeof *watch->nodes)) == NULL ||
        (watch->line = malloc(LINE_BYTES_MAX)) == NULL) {
        free(watch == NULL ? NULL : watch->nodes);
        free(watch);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow the engine's events");
    }
    watch->compose = compose;
    watch->fifo_fd = -1;
    watch->stop_fd = eventfd(0, EFD_CLOEXEC);
    init_locks(watch);
    compose->watch = watch;
    enum muster_rc rc = watch->stop_fd < 0 ? muster_error_errno(err, MUSTER_EINFRA, errno, "no eventfd")
                                           : open_stream(watch, err);
    if (rc == MUSTER_OK) {
        int error_number = pthread_create(&watch->thread, NULL, follow, watch);
        watch->has_thread = error_number == 0;
        rc = watch->has_thread ? MUSTER_OK
                               : muster_error_errno(err, MUSTER_EINFRA, error_number,
                                                    "no thread to follow the engine's events");
    }
    return rc;
}

void compose__watch_stop(struct compose_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    uint64_t one = 1;
    if (watch->has_thread && write(watch->stop_fd, &one, sizeof one) == (ssize_t)sizeof one) {
        pthread_join(watch->thread, NULL);
    }
    if (watch->fifo_fd >= 0) {
        close(watch->fifo_fd);
    }
    if (watch->stop_fd >= 0) {
        close(watch->stop_fd);
    }
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch->nodes);
    free(watch->line);
    free(watch);
}
