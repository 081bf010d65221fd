/* What the watch knows of each node, for those who wait for it. */
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "compose/watch_internal.h"
#include "muster/clock.h"

#define TAIL_LINES "200"

bool compose__watch_is_live(struct compose_watch *watch, uint32_t timeout_ms)
{
    struct timespec deadline = runner__until(muster_clock_ms() + timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    while (!watch->live && waited == 0) {
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
    }
    bool live = watch->live;
    pthread_mutex_unlock(&watch->lock);
    return live;
}

/* Under the lock. */
static bool are_created(const struct compose_watch *watch, uint32_t first, uint32_t end)
{
    while (first < end && watch->nodes[first].created) {
        first++;
    }
    return first == end;
}

bool compose__watch_created(struct compose_watch *watch, uint32_t first, uint32_t end, uint32_t timeout_ms)
{
    struct timespec deadline = runner__until(muster_clock_ms() + timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    while (!are_created(watch, first, end) && waited == 0) {
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
    }
    bool created = are_created(watch, first, end);
    pthread_mutex_unlock(&watch->lock);
    return created;
}

void compose__watch_started(struct compose_watch *watch, uint32_t node)
{
    pthread_mutex_lock(&watch->lock);
    watch->nodes[node].runs = true;
    watch->nodes[node].end_asked = false;
    pthread_mutex_unlock(&watch->lock);
}

void compose__watch_ending(struct compose_watch *watch, uint32_t node, bool asked)
{
    pthread_mutex_lock(&watch->lock);
    watch->nodes[node].end_asked = asked;
    pthread_mutex_unlock(&watch->lock);
}

bool compose__watch_ended(struct compose_watch *watch, uint32_t node, uint32_t timeout_ms,
                          struct muster_exit *exit)
{
    struct timespec deadline = runner__until(muster_clock_ms() + timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    while (watch->nodes[node].runs && waited == 0) {
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
    }
    bool ended = !watch->nodes[node].runs;
    *exit = watch->nodes[node].exit;
    pthread_mutex_unlock(&watch->lock);
    return ended;
}

enum muster_rc compose__watch_save_log(struct compose_watch *watch, uint32_t node, struct muster_error *err)
{
    struct compose *compose = watch->compose;
    char directory[4096];
    char paths[2][4096 + 16];
    muster_deployment_node_directory(compose->deployment, node, directory);
    snprintf(paths[0], sizeof paths[0], "%s/stdout.log", directory);
    snprintf(paths[1], sizeof paths[1], "%s/stderr.log", directory);
    unlink(paths[0]);
    unlink(paths[1]);
    struct runner_command commands[2] = {
        { .argv = compose__docker(&compose->engine, "logs", "--tail", TAIL_LINES,
                                  compose->nodes[node].container, NULL),
          .stdout_path = paths[0],
          .stderr_path = paths[1] },
        /* The log's stderr is the node's: whether the engine answers is asked apart. What it tells of memory
         * may come as an event only after the end. */
        { .argv = compose__docker(&compose->engine, "inspect", "--format", "{{.State.OOMKilled}}",
                                  compose->nodes[node].container, NULL) },
    };
    enum muster_rc rc = runner__run(&compose->programs, commands, 2, COMPOSE_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = compose__judge(&commands[1], MUSTER_ENODE, "looking at the container", err);
    }
    if (rc == MUSTER_OK && strncmp(commands[1].output, "true", 4) == 0) {
        pthread_mutex_lock(&watch->lock);
        watch->nodes[node].out_of_memory = true;
        pthread_mutex_unlock(&watch->lock);
    }
    runner__command_fini(&commands[0]);
    runner__command_fini(&commands[1]);
    return rc;
}
