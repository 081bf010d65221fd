/* Where the nodes are published. */
#include <string.h>

#include "compose/internal.h"
#include "shared/text.h"

#define REPORT_MS 5000u /* From a container's end until the event stream has told it. */

/* A node that has ended is not an error here: it was, or is about to be, reported with how it ended, and
 * whoever waits for it says so. */
static enum muster_rc take_state(struct compose *compose, const char *line, size_t bytes,
                                 struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    struct compose_state state;
    struct muster_exit exit;
    enum muster_rc rc = compose__read_state(line, bytes, plan->system->ports[0].number, &state, err);
    uint32_t node = rc != MUSTER_OK ? MUSTER_NO_NODE
                                    : compose__container_node(muster_deployment_run_id(compose->deployment),
                                                              state.name, compose->node_count);
    if (node == MUSTER_NO_NODE) {
        return rc;
    }
    if (state.port == 0 && (state.running || !compose__watch_ended(compose->watch, node, REPORT_MS, &exit))) {
        return muster_error_set(err, MUSTER_EINFRA,
                                "the engine publishes no port for node-%u, which is %s%s%s", node,
                                state.status, state.error[0] == '\0' ? "" : ": ", state.error);
    }
    runner__url(compose->host, state.port, compose->nodes[node].url);
    compose->nodes[node].url_is_stale = false;
    return MUSTER_OK;
}

static enum muster_rc take_states(struct compose *compose, const char *output, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    while (*output != '\0' && rc == MUSTER_OK) {
        size_t bytes = strcspn(output, "\n");
        rc = bytes == 0 ? MUSTER_OK : take_state(compose, output, bytes, err);
        output += bytes + (output[bytes] == '\n');
    }
    return rc;
}

enum muster_rc compose__locate(struct compose *compose, uint32_t node, struct muster_error *err)
{
    uint32_t first = node == MUSTER_EVERY_NODE ? 0 : node;
    uint32_t end = node == MUSTER_EVERY_NODE ? compose->node_count : node + 1;
    enum muster_rc rc = MUSTER_OK;
    while (first < end && rc == MUSTER_OK) {
        struct runner_command command = { .argv = compose__docker(&compose->engine, "inspect", "--type",
                                                                  "container", "--format",
                                                                  COMPOSE_STATE_FORMAT, NULL) };
        while (first < end && command.argv.count < RUNNER_ARGS_MAX) {
            runner__argv_add(&command.argv, compose->nodes[first++].container);
        }
        rc = runner__run(&compose->programs, &command, 1, COMPOSE_CALL_MS, err);
        if (rc == MUSTER_OK) {
            rc = compose__judge(&command, MUSTER_EINFRA, "asking where the nodes are published", err);
        }
        if (rc == MUSTER_OK) {
            rc = take_states(compose, command.output, err);
        }
        runner__command_fini(&command);
    }
    return rc;
}
