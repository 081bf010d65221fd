/* What the engine's event stream says. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "compose/internal.h"
#include "compose/watch_internal.h"
#include "muster/clock.h"

#define LINE_BYTES_MAX 65536u

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

static bool is_end_asked(struct compose_watch *watch, uint32_t node)
{
    pthread_mutex_lock(&watch->lock);
    bool asked = watch->nodes[node].end_asked;
    pthread_mutex_unlock(&watch->lock);
    return asked;
}

static bool take_out_of_memory(struct compose_watch *watch, uint32_t node)
{
    pthread_mutex_lock(&watch->lock);
    bool out_of_memory = watch->nodes[node].out_of_memory;
    watch->nodes[node].out_of_memory = false;
    pthread_mutex_unlock(&watch->lock);
    return out_of_memory;
}

static void node_died(struct compose_watch *watch, uint32_t node, int exit_code)
{
    if (!is_end_asked(watch, node) && is_engine_gone(watch, node)) {
        muster_deployment_failed(watch->compose->deployment,
                                 "the Docker engine went away while the nodes ran");
        return;
    }
    struct muster_exit exit = compose__exit(exit_code, take_out_of_memory(watch, node));
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
    if (node != MUSTER_NO_NODE && event->kind == COMPOSE_CREATED) {
        watch->nodes[node].created = true;
    }
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (node != MUSTER_NO_NODE && event->kind == COMPOSE_DIED) {
        node_died(watch, node, event->exit_code);
    }
}

static void take_line(void *context, const char *line, size_t bytes)
{
    struct compose_event event;
    if (compose__read_event(line, bytes, &event, NULL) == MUSTER_OK) {
        take_event(context, &event);
    }
}

/* The guardian ends the stream itself when it takes the run down; after any other end nothing would be seen
 * any more. */
static bool stream_ended(void *context, const struct muster_exit *exit, struct runner_argv *again)
{
    struct compose_watch *watch = context;
    char how[96];
    (void)again;
    if (!muster_deployment_is_ending(watch->compose->deployment)) {
        muster_deployment_failed(
            watch->compose->deployment,
            "the Docker engine's event stream broke off (docker events %s): the engine went away, "
            "or docker was ended",
            muster_exit_describe(exit, how));
    }
    return false;
}

/* ---- Start and stop ---- */

static enum muster_rc open_stream(struct compose_watch *watch, struct muster_error *err)
{
    struct compose *compose = watch->compose;
    const struct runner_argv argv =
        compose__docker(&compose->engine, "events", "--filter", compose->label, "--filter", "type=container",
                        "--filter", "event=create", "--filter", "event=die", "--filter", "event=oom",
                        "--filter", "event=extract-to-dir", "--format", "{{json .}}", NULL);
    const struct runner_stream_options options = { .name = "engine-events",
                                                   .line_bytes_max = LINE_BYTES_MAX,
                                                   .line = take_line,
                                                   .ended = stream_ended,
                                                   .context = watch };
    enum muster_rc rc = runner__stream_start(&compose->programs, &argv, &options, &watch->stream, err);
    return rc != MUSTER_OK ? muster_error_context(err, rc, "following the engine's events") : MUSTER_OK;
}

static void init_locks(struct compose_watch *watch)
{
    muster_clock_init_condition(&watch->changed);
    pthread_mutex_init(&watch->lock, NULL);
}

enum muster_rc compose__watch_start(struct compose *compose, struct muster_error *err)
{
    struct compose_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || (watch->nodes = calloc(compose->node_count, sizeof *watch->nodes)) == NULL) {
        free(watch);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow the engine's events");
    }
    watch->compose = compose;
    init_locks(watch);
    compose->watch = watch;
    return open_stream(watch, err);
}

void compose__watch_stop(struct compose_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    runner__stream_stop(watch->stream);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch->nodes);
    free(watch);
}
