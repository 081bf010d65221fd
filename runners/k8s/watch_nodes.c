/* What the watch knows of each pod, for those who wait for it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "k8s/watch_internal.h"
#include "muster/clock.h"
#include "shared/stream.h"

#define TAIL_LINES "200"
#define EVENTS_FORMAT "jsonpath={range .items[*]}{.reason}: {.message}{\"\\n\"}{end}"
#define LISTED_MAX 4u

/* ---- Taking what is seen ---- */

/* The end of a node's log, where a failure's sentence quotes it. */
static void save_log(struct k8s *k8s, uint32_t node)
{
    char directory[4096];
    char path[4096 + 16];
    muster_deployment_node_directory(k8s->deployment, node, directory);
    snprintf(path, sizeof path, "%s/stdout.log", directory);
    unlink(path);
    struct runner_command command = { .argv = k8s__kubectl(&k8s->cluster, "logs", "-n", k8s->space,
                                                           k8s->nodes[node].name, "--tail", TAIL_LINES, NULL),
                                      .stdout_path = path };
    enum muster_rc rc = runner__run(&k8s->programs, &command, 1, K8S_CALL_MS, NULL);
    (void)rc; /* A pod that is gone has no log any more. */
    runner__command_fini(&command);
}

/* "; its events: ", and the last of them. */
static void add_events(struct k8s *k8s, uint32_t node, char *why, size_t size)
{
    char selector[K8S_NAME_BYTES + 32];
    snprintf(selector, sizeof selector, "involvedObject.name=%s", k8s->nodes[node].name);
    struct runner_command command = { .argv = k8s__kubectl(&k8s->cluster, "get", "events", "-n", k8s->space,
                                                           "--field-selector", selector, "-o", EVENTS_FORMAT,
                                                           NULL) };
    if (runner__run(&k8s->programs, &command, 1, K8S_CALL_MS, NULL) == MUSTER_OK && command.exit.code == 0 &&
        command.output[0] != '\0') {
        size_t used = strlen(why);
        size_t bytes = strlen(command.output);
        size_t from = bytes > size - used - 32 ? bytes - (size - used - 32) : 0;
        snprintf(why + used, size - used, "; its events: %s", command.output + from);
        for (char *at = why + used; *at != '\0'; at++) {
            *at = *at != '\n' ? *at : at[1] == '\0' ? '\0' : '|';
        }
    }
    runner__command_fini(&command);
}

/* First the report: whoever waits for the end then finds the node's state changed already. */
static void pod_ended(struct k8s_watch *watch, uint32_t node, const struct muster_exit *exit)
{
    save_log(watch->k8s, node);
    muster_deployment_node_ended(watch->k8s->deployment, node, exit);
    pthread_mutex_lock(&watch->lock);
    watch->pods[node].ended = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

static void pod_changed(struct k8s_watch *watch, uint32_t node, const struct k8s_pod *pod)
{
    char why[sizeof watch->pods[node].why];
    snprintf(why, sizeof why, "%s", pod->why);
    bool stuck = pod->stage == K8S_POD_STUCK;
    if (stuck) {
        add_events(watch->k8s, node, why, sizeof why);
    }
    pthread_mutex_lock(&watch->lock);
    struct watched_pod *it = &watch->pods[node];
    it->runs = it->runs || pod->stage == K8S_POD_RUNS;
    it->stuck = it->stuck || stuck;
    snprintf(it->address, sizeof it->address, "%s", pod->address);
    snprintf(it->why, sizeof it->why, "%s", why);
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

void k8s__watch_take(struct k8s_watch *watch, uint32_t node, const struct k8s_pod *pod, bool gone)
{
    struct muster_exit exit = pod->exit;
    pthread_mutex_lock(&watch->lock);
    bool over = watch->pods[node].ended || watch->pods[node].stuck;
    pthread_mutex_unlock(&watch->lock);
    if (over) {
        return;
    }
    if (pod->stage == K8S_POD_ENDED && !pod->deleted && !gone) {
        pod_ended(watch, node, &exit);
    } else if (pod->deleted || gone) {
        exit = (struct muster_exit){ .code = -1,
                                     .signal = SIGKILL,
                                     .reason = "lost its pod, which was deleted from outside",
                                     .at_ms = muster_clock_ms() };
        pod_ended(watch, node, &exit);
    } else {
        pod_changed(watch, node, pod);
    }
}

/* ---- Waiting ---- */

/* What to do where the cluster has not the image; else nothing. */
static void say_remedy(const struct k8s *k8s, const char *why, char remedy[256])
{
    const struct muster_system *system = muster_deployment_plan(k8s->deployment)->system;
    const char *variable = system->image_variable;
    remedy[0] = '\0';
    if (memmem(why, strcspn(why, ":"), "Image", 5) != NULL) {
        snprintf(remedy, 256,
                 "; push the image to where the cluster pulls from, or load it into the cluster%s%s",
                 variable != NULL ? ", or name another with " : "", variable != NULL ? variable : "");
    }
}

static enum muster_rc cannot_start(const struct k8s *k8s, uint32_t node, const char *why,
                                   struct muster_error *err)
{
    char remedy[256];
    say_remedy(k8s, why, remedy);
    return muster_error_set(err, MUSTER_EINFRA, "the pod of node-%u cannot start: %s%s", node, why, remedy);
}

static enum muster_rc judge(struct k8s_watch *watch, bool *done, struct muster_error *err)
{
    const struct k8s *k8s = watch->k8s;
    *done = true;
    for (uint32_t i = 0; i < k8s->node_count; i++) {
        const struct watched_pod *pod = &watch->pods[i];
        if (pod->stuck) {
            return cannot_start(k8s, i, pod->why, err);
        }
        if (pod->ended) { /* Reported: whoever waits for readiness says so. */
            *done = true;
            return MUSTER_OK;
        }
        *done = *done && pod->runs;
    }
    return *done || !watch->lost
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINFRA,
                                  "nothing tells of the pods any more: the API server or this run's guardian "
                                  "is gone");
}

/* Under the lock: those that do not run, with what they wait for. Returns the first of them. */
static uint32_t list_missing(const struct k8s_watch *watch, char list[2048], uint32_t *count)
{
    uint32_t first = MUSTER_NO_NODE;
    list[0] = '\0';
    *count = 0;
    for (uint32_t i = 0; i < watch->k8s->node_count; i++) {
        const struct watched_pod *pod = &watch->pods[i];
        if (!pod->runs) {
            size_t used = strlen(list);
            if ((*count)++ < LISTED_MAX) {
                snprintf(list + used, 2048 - used, "%s%s: %.300s", used == 0 ? "" : "; ",
                         watch->k8s->nodes[i].name, pod->why[0] == '\0' ? "it has no state yet" : pod->why);
            }
            first = first == MUSTER_NO_NODE ? i : first;
        }
    }
    return first;
}

static enum muster_rc timed_out(struct k8s_watch *watch, struct muster_error *err)
{
    struct k8s *k8s = watch->k8s;
    const struct muster_variables *variables = muster_deployment_variables(k8s->deployment);
    char list[2048];
    char events[1024] = "";
    uint32_t count;
    pthread_mutex_lock(&watch->lock);
    uint32_t first = list_missing(watch, list, &count);
    pthread_mutex_unlock(&watch->lock);
    if (first != MUSTER_NO_NODE) {
        add_events(k8s, first, events, sizeof events);
    }
    return muster_error_set(err, MUSTER_ETIMEDOUT,
                            "%u of %u pods did not run within %.0f s (%s, times the slow-down): %s%s", count,
                            k8s->node_count,
                            (double)muster_variable_uint(variables, MUSTER_VAR_K8S_DEPLOYMENT_TIMEOUT) *
                                muster_deployment_plan(k8s->deployment)->slowdown,
                            muster_variable_info(MUSTER_VAR_K8S_DEPLOYMENT_TIMEOUT)->name, list, events);
}

enum muster_rc k8s__watch_await_running(struct k8s_watch *watch, uint64_t deadline_ms,
                                        struct muster_error *err)
{
    struct timespec deadline = runner__until(deadline_ms);
    int waited = 0;
    bool done = false;
    pthread_mutex_lock(&watch->lock);
    enum muster_rc rc = judge(watch, &done, err);
    while (rc == MUSTER_OK && !done && waited == 0) {
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
        rc = judge(watch, &done, err);
    }
    pthread_mutex_unlock(&watch->lock);
    return rc == MUSTER_OK && !done ? timed_out(watch, err) : rc;
}

void k8s__watch_address(struct k8s_watch *watch, uint32_t node, char address[64])
{
    pthread_mutex_lock(&watch->lock);
    snprintf(address, 64, "%s", watch->pods[node].address);
    pthread_mutex_unlock(&watch->lock);
}

bool k8s__watch_ended(struct k8s_watch *watch, uint32_t node, uint32_t timeout_ms)
{
    struct timespec deadline = runner__until(muster_clock_ms() + timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    while (!watch->pods[node].ended && !watch->lost && waited == 0) {
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
    }
    bool ended = watch->pods[node].ended;
    pthread_mutex_unlock(&watch->lock);
    return ended;
}
