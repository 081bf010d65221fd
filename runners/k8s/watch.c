/* Follows the pods of a run: one watch of the API server, and a list where it broke off. Nothing is missed: a
 * watch goes on from what the list was, and before there are pods it begins with whatever there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "k8s/watch_internal.h"
#include "muster/clock.h"
#include "muster/tool.h"

#define LINE_BYTES_MAX (1024u * 1024u)
#define WATCH_SECONDS "86400" /* The API server ends a watch that names no time after half an hour. */
#define PATIENCE_MS 30000u /* For an API server that comes back. */
#define PAUSE_MS 500u
#define RECENT_MS 20000u /* What fails so soon after an outage may have failed because of it. */

static void take_line(void *context, const char *line, size_t bytes)
{
    struct k8s_watch *watch = context;
    struct k8s *k8s = watch->k8s;
    enum k8s_event event;
    struct k8s_pod pod;
    if (k8s__read_event(line, bytes, &event, &pod, NULL) == MUSTER_OK && event != K8S_EVENT_OTHER) {
        uint32_t node = k8s__node_of(k8s->prefix, pod.name, k8s->node_count);
        if (node != MUSTER_NO_NODE) {
            k8s__watch_take(watch, node, &pod, event == K8S_EVENT_GONE);
        }
    }
}

/* ---- After the stream has broken off ---- */

static void take_items(struct k8s_watch *watch, const json_t *items)
{
    struct k8s *k8s = watch->k8s;
    for (uint32_t i = 0; i < k8s->node_count; i++) {
        watch->pods[i].listed = false;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        struct k8s_pod pod;
        if (k8s__read_pod(json_array_get(items, i), &pod, NULL) == MUSTER_OK) {
            uint32_t node = k8s__node_of(k8s->prefix, pod.name, k8s->node_count);
            if (node != MUSTER_NO_NODE) {
                watch->pods[node].listed = true;
                k8s__watch_take(watch, node, &pod, false);
            }
        }
    }
    for (uint32_t i = 0; i < k8s->node_count; i++) {
        const struct k8s_pod missing = { .stage = K8S_POD_COMES };
        if (!watch->pods[i].listed && watch->pods[i].runs) {
            k8s__watch_take(watch, i, &missing, true);
        }
    }
}

/* Reads where all pods stand, and the version from which a watch goes on. */
static enum muster_rc list_pods(struct k8s_watch *watch, char version[64], struct muster_error *err)
{
    struct k8s *k8s = watch->k8s;
    struct runner_command command = { .argv =
                                          k8s__kubectl(&k8s->cluster, "get", "--raw", watch->path, NULL) };
    enum muster_rc rc = runner__run(&k8s->programs, &command, 1, K8S_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = k8s__judge(&command, MUSTER_EINFRA, "listing the pods", err);
    }
    json_t *list = rc == MUSTER_OK ? json_loads(command.output, 0, NULL) : NULL;
    const char *text =
        json_string_value(json_object_get(json_object_get(list, "metadata"), "resourceVersion"));
    if (text != NULL) {
        snprintf(version, 64, "%.63s", text);
        take_items(watch, json_object_get(list, "items"));
    } else if (rc == MUSTER_OK) {
        rc = muster_error_set(err, MUSTER_EINFRA, "the API server's list of pods was not understood");
    }
    json_decref(list);
    runner__command_fini(&command);
    return rc;
}

static struct runner_argv watch_from(struct k8s_watch *watch, const char *version)
{
    snprintf(watch->watch_path, sizeof watch->watch_path, "%s&watch=1&timeoutSeconds=" WATCH_SECONDS "%s%s",
             watch->path, version[0] == '\0' ? "" : "&resourceVersion=", version);
    return k8s__kubectl(&watch->k8s->cluster, "get", "--raw", watch->watch_path, NULL);
}

/* The guardian ends the stream itself when it takes the run down; else the API server did, or was lost. */
static bool stream_ended(void *context, const struct muster_exit *exit, struct runner_argv *again)
{
    struct k8s_watch *watch = context;
    struct muster_error err = { 0 };
    char version[64];
    uint32_t patience_ms = (uint32_t)(PATIENCE_MS * muster_deployment_plan(watch->k8s->deployment)->slowdown);
    uint64_t deadline_ms = muster_clock_ms() + patience_ms;
    (void)exit;
    if (muster_deployment_is_ending(watch->k8s->deployment)) {
        return false;
    }
    while (list_pods(watch, version, &err) != MUSTER_OK) {
        atomic_store(&watch->away_seen_ms, muster_clock_ms());
        if (muster_clock_left_ms(deadline_ms) == 0) {
            muster_deployment_failed(watch->k8s->deployment,
                                     "the API server of the cluster went away, and did not come back within "
                                     "%.0f s: %.700s",
                                     patience_ms / 1000.0, err.text);
            return false;
        }
        muster_error_clear(&err);
        if (!runner__stream_pause(watch->stream, PAUSE_MS)) {
            return false;
        }
    }
    *again = watch_from(watch, version);
    return true;
}

static void stream_lost(void *context)
{
    struct k8s_watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    watch->lost = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

/* ---- Whether the API server answers ---- */

/* Whether the API server was found to be away not longer than that ago, and how long ago. */
static bool was_away(const struct k8s_watch *watch, uint32_t within_ms, double *ago_s)
{
    uint64_t now_ms = muster_clock_ms();
    uint64_t seen_ms = watch == NULL ? 0 : atomic_load(&watch->away_seen_ms);
    *ago_s = (double)(now_ms - seen_ms) / 1000.0;
    return seen_ms != 0 && now_ms - seen_ms <= within_ms;
}

/* A request that is answered says that the connection is there; its own patience is that of any call. */
enum muster_rc k8s__check(void *state, struct muster_error *err)
{
    struct k8s *k8s = state;
    double ago_s;
    if (was_away(k8s->watch, (uint32_t)(RECENT_MS * muster_deployment_plan(k8s->deployment)->slowdown),
                 &ago_s)) {
        return muster_error_set(err, MUSTER_EINFRA,
                                "the API server of the cluster was away until %.1f s before", ago_s);
    }
    struct runner_command command = { .argv = k8s__kubectl(&k8s->cluster, "get", "--raw", "/version",
                                                           "--request-timeout=5s", NULL) };
    enum muster_rc rc = k8s__run(k8s, &command, 1, K8S_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = k8s__judge(&command, MUSTER_EINFRA, "asking whether the API server is there", err);
    }
    runner__command_fini(&command);
    return rc == MUSTER_OK ? MUSTER_OK : MUSTER_EINFRA;
}

/* ---- Start and stop ---- */

static void init_locks(struct k8s_watch *watch)
{
    muster_clock_init_condition(&watch->changed);
    pthread_mutex_init(&watch->lock, NULL);
}

enum muster_rc k8s__watch_start(struct k8s *k8s, struct muster_error *err)
{
    struct k8s_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || (watch->pods = calloc(k8s->node_count, sizeof *watch->pods)) == NULL) {
        free(watch);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow the pods");
    }
    watch->k8s = k8s;
    init_locks(watch);
    k8s->watch = watch;
    snprintf(watch->path, sizeof watch->path, "/api/v1/namespaces/%s/pods?labelSelector=" K8S_LABEL "%%3D%s",
             k8s->space, muster_deployment_run_id(k8s->deployment));
    const struct runner_argv argv = watch_from(watch, "");
    const struct runner_stream_options options = { .name = "pods",
                                                   .line_bytes_max = LINE_BYTES_MAX,
                                                   .line = take_line,
                                                   .ended = stream_ended,
                                                   .lost = stream_lost,
                                                   .context = watch };
    enum muster_rc rc = runner__stream_start(&k8s->programs, &argv, &options, &watch->stream, err);
    return rc != MUSTER_OK ? muster_error_context(err, rc, "following the pods") : MUSTER_OK;
}

void k8s__watch_stop(struct k8s_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    runner__stream_stop(watch->stream);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch->pods);
    free(watch);
}
