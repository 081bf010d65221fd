/* Node control, and where a node is. Each action is one call of the Docker CLI. */
#include <stdio.h>

#include "compose/internal.h"
#include "muster/clock.h"

#define REPORT_MS 10000u /* From a container's end until the event stream has told it. */

static enum muster_rc call(struct compose *compose, uint32_t node, const char *verb, uint32_t timeout_ms,
                           struct muster_error *err)
{
    return compose__do(compose, compose__docker(&compose->engine, verb, compose->nodes[node].container, NULL),
                       timeout_ms, MUSTER_ENODE, verb, err);
}

static enum muster_rc start(struct compose *compose, uint32_t node, struct muster_error *err)
{
    compose->nodes[node].url_is_stale = true;
    compose__watch_started(compose->watch, node);
    enum muster_rc rc = call(compose, node, "start", COMPOSE_CALL_MS, err);
    if (rc != MUSTER_OK) {
        compose__watch_ending(compose->watch, node, true);
    }
    return rc;
}

/* Returns when the end was reported, too: a restart that overtook it would make it look unasked. */
static enum muster_rc end(struct compose *compose, uint32_t node, struct runner_argv argv, const char *what,
                          uint32_t timeout_ms, struct muster_exit *exit, struct muster_error *err)
{
    compose__watch_ending(compose->watch, node, true);
    enum muster_rc rc = compose__do(compose, argv, timeout_ms, MUSTER_ENODE, what, err);
    if (rc != MUSTER_OK) {
        compose__watch_ending(compose->watch, node, false);
        return rc;
    }
    return compose__watch_ended(compose->watch, node, REPORT_MS, exit)
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINFRA, "the engine did not report its end within %.1f s",
                                  REPORT_MS / 1000.0);
}

static enum muster_rc stop(struct compose *compose, uint32_t node, struct muster_error *err)
{
    uint32_t grace_ms = muster_deployment_plan(compose->deployment)->grace_ms;
    char seconds[16];
    struct muster_exit exit;
    snprintf(seconds, sizeof seconds, "%u", (grace_ms + 999) / 1000); /* The engine counts whole ones. */
    struct runner_argv argv =
        compose__docker(&compose->engine, "stop", "-t", seconds, compose->nodes[node].container, NULL);
    enum muster_rc rc = end(compose, node, argv, "stop", grace_ms + COMPOSE_CALL_MS, &exit, err);
    if (rc == MUSTER_OK && exit.signal == 9 && !exit.out_of_memory) {
        return muster_error_set(err, MUSTER_ENODE, "it ignored SIGTERM for %s s and was killed", seconds);
    }
    return rc;
}

static enum muster_rc kill_node(struct compose *compose, uint32_t node, struct muster_error *err)
{
    struct muster_exit exit;
    struct runner_argv argv = compose__docker(&compose->engine, "kill", compose->nodes[node].container, NULL);
    return end(compose, node, argv, "kill", COMPOSE_CALL_MS, &exit, err);
}

enum muster_rc compose__control(void *state, uint32_t node, enum muster_action action,
                                struct muster_error *err)
{
    struct compose *compose = state;
    switch (action) {
    case MUSTER_START:
        return start(compose, node, err);
    case MUSTER_STOP:
        return stop(compose, node, err);
    case MUSTER_KILL:
        return kill_node(compose, node, err);
    case MUSTER_PAUSE:
        return call(compose, node, "pause", COMPOSE_CALL_MS, err);
    case MUSTER_RESUME:
        return call(compose, node, "unpause", COMPOSE_CALL_MS, err);
    }
    return muster_error_set(err, MUSTER_EINVAL, "the compose runner knows no action %d", (int)action);
}
