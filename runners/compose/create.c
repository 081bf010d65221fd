/* A project is created by Compose, given its files, and started: each node as soon as its container is there,
 * while Compose still creates others.
 *
 * Files reach a node with `docker cp` between creation and start, not by bind mounts: that works alike with
 * an engine on this host, in a virtual machine or on another host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compose/internal.h"
#include "muster/clock.h"

#define CREATE_BASE_MS 120000u
#define CREATE_PER_NODE_MS 3000u
#define LIVE_MS 2000u
#define LIVE_ATTEMPTS 5
#define LOOK_MS 100u /* Between looks at whether Compose has ended instead. */
#define START_CALLS_MIN 4u
#define START_CALLS_MAX 8u
#define STARTS_PER_CALL_MAX 24u /* Fewer than a call has room for. */

/* One call of docker that starts the nodes from `first` up to `end`, one after the other. */
struct start_call {
    uint32_t first;
    uint32_t end;
    struct runner_command command;
    struct runner_flight flight;
};

struct creation {
    struct compose *compose;
    char file[4096 + 32];
    uint32_t timeout_ms;
    uint64_t deadline_ms;
    struct runner_command command; /* Compose's. */
    struct runner_flight flight;
    bool finished;
    uint32_t call_count;
    struct start_call *calls;
};

static uint32_t create_ms(uint32_t node_count)
{
    return CREATE_BASE_MS + CREATE_PER_NODE_MS * node_count;
}

uint32_t compose__up_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    return create_ms(node_count) + 2 * COMPOSE_CALL_MS; /* To find the engine, and where the nodes are. */
}

/* ---- Created ---- */

static enum muster_rc begin(struct creation *creation, struct muster_error *err)
{
    struct compose *compose = creation->compose;
    snprintf(creation->file, sizeof creation->file, "%s/" COMPOSE_FILE,
             muster_deployment_directory(compose->deployment));
    creation->command.argv = compose__compose(&compose->engine, "--ansi", "never", "-f", creation->file, "-p",
                                              compose->project, "up", "--no-start", "--no-build", NULL);
    enum muster_rc rc = runner__begin(&compose->programs, &creation->command, &creation->flight, err);
    return rc == MUSTER_OK ? rc : muster_error_context(err, rc, "creating the containers");
}

/* Waits for Compose's end, once. */
static enum muster_rc finish(struct creation *creation, struct muster_error *err)
{
    if (creation->finished) {
        return MUSTER_OK;
    }
    enum muster_rc rc = runner__finish(&creation->compose->programs, &creation->flight, creation->deadline_ms,
                                       creation->timeout_ms, err);
    rc = rc != MUSTER_OK ? muster_error_context(err, rc, "creating the containers")
                         : compose__judge(&creation->command, MUSTER_EINFRA, "creating the containers", err);
    runner__command_fini(&creation->command);
    creation->finished = true;
    return rc;
}

/* Waits until these containers have been seen, or Compose has ended: then they are there, or it says why not.
 */
static enum muster_rc await_created(struct creation *creation, uint32_t first, uint32_t end,
                                    struct muster_error *err)
{
    struct compose *compose = creation->compose;
    while (!creation->finished && !compose__watch_created(compose->watch, first, end, LOOK_MS)) {
        if (runner__has_ended(&compose->programs, &creation->flight) ||
            muster_clock_left_ms(creation->deadline_ms) == 0) {
            return finish(creation, err);
        }
    }
    return MUSTER_OK;
}

/* ---- Given its files ---- */

/* All nodes' files in one call: a volume is theirs together, and a container that does not run yet will do.
 */
static enum muster_rc copy_files(struct creation *creation, struct muster_error *err)
{
    struct compose *compose = creation->compose;
    char from[4096 + 32];
    char to[COMPOSE_NAME_BYTES + 32];
    snprintf(from, sizeof from, "%s/nodes/.", muster_deployment_directory(compose->deployment));
    snprintf(to, sizeof to, "%s:" COMPOSE_NODES_DIRECTORY "/", compose->nodes[0].container);
    return compose__do(compose, compose__docker(&compose->engine, "cp", from, to, NULL),
                       (uint32_t)muster_clock_left_ms(creation->deadline_ms), MUSTER_EINFRA,
                       "copying the nodes' files", err);
}

/* No end may be missed, so nothing is started before the stream has shown that it carries events. */
static enum muster_rc copy_until_live(struct creation *creation, struct muster_error *err)
{
    enum muster_rc rc = copy_files(creation, err);
    for (int i = 0; i < LIVE_ATTEMPTS && rc == MUSTER_OK; i++) {
        if (compose__watch_is_live(creation->compose->watch, LIVE_MS)) {
            return MUSTER_OK;
        }
        rc = copy_files(creation, err);
    }
    return rc != MUSTER_OK ? rc
                           : muster_error_set(err, MUSTER_EINFRA,
                                              "the engine's event stream carried no event within %.1f s",
                                              LIVE_ATTEMPTS * LIVE_MS / 1000.0);
}

/* ---- Started ---- */

/* The engine's work for one node keeps most of a processor busy, and a call costs a tenth of that: some calls
 * side by side are faster than one for each node. */
static enum muster_rc plan_calls(struct creation *creation, struct muster_error *err)
{
    uint32_t nodes = creation->compose->node_count;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t side_by_side = processors < START_CALLS_MIN / 2   ? START_CALLS_MIN
                            : processors > START_CALLS_MAX / 2 ? START_CALLS_MAX
                                                               : (uint32_t)processors * 2;
    uint32_t least = (nodes + STARTS_PER_CALL_MAX - 1) / STARTS_PER_CALL_MAX;
    uint32_t count = side_by_side < nodes ? side_by_side : nodes;
    creation->call_count = count > least ? count : least;
    creation->calls = calloc(creation->call_count, sizeof *creation->calls);
    if (creation->calls == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u nodes", nodes);
    }
    for (uint32_t i = 0; i < creation->call_count; i++) {
        creation->calls[i].first = nodes * i / creation->call_count;
        creation->calls[i].end = nodes * (i + 1) / creation->call_count;
    }
    return MUSTER_OK;
}

static enum muster_rc begin_start(struct creation *creation, struct start_call *call,
                                  struct muster_error *err)
{
    struct compose *compose = creation->compose;
    call->command.argv = compose__docker(&compose->engine, "start", NULL);
    for (uint32_t node = call->first; node < call->end; node++) {
        compose__watch_started(compose->watch, node);
        runner__argv_add(&call->command.argv, compose->nodes[node].container);
    }
    return runner__begin(&compose->programs, &call->command, &call->flight, err);
}

static bool has_line(const char *text, const char *line)
{
    size_t bytes = strlen(line);
    while (strncmp(text, line, bytes) != 0 || (text[bytes] != '\n' && text[bytes] != '\0')) {
        text += strcspn(text, "\n");
        if (*text == '\0') {
            return false;
        }
        text++;
    }
    return true;
}

/* Names the first node that docker does not list as started. */
static enum muster_rc finish_start(struct creation *creation, struct start_call *call,
                                   struct muster_error *err)
{
    const struct compose *compose = creation->compose;
    uint32_t node = call->first;
    char text[64];
    enum muster_rc rc = runner__finish(&creation->compose->programs, &call->flight, creation->deadline_ms,
                                       creation->timeout_ms, err);
    while (rc == MUSTER_OK && node + 1 < call->end &&
           has_line(call->command.output, compose->nodes[node].container)) {
        node++;
    }
    snprintf(text, sizeof text, "starting node-%u", node);
    rc = rc != MUSTER_OK ? muster_error_context(err, rc, "%s", text)
                         : compose__judge(&call->command, MUSTER_ENODE, text, err);
    runner__command_fini(&call->command);
    return rc;
}

/* ---- All of it ---- */

static enum muster_rc start_all(struct creation *creation, struct muster_error *err)
{
    uint32_t begun = 0;
    enum muster_rc rc = MUSTER_OK;
    while (begun < creation->call_count && rc == MUSTER_OK) {
        struct start_call *call = &creation->calls[begun];
        rc = await_created(creation, call->first, call->end, err);
        if (rc == MUSTER_OK) {
            rc = begin_start(creation, call, err);
            begun += rc == MUSTER_OK;
        }
    }
    for (uint32_t i = 0; i < begun; i++) {
        enum muster_rc started = finish_start(creation, &creation->calls[i], rc == MUSTER_OK ? err : NULL);
        rc = rc == MUSTER_OK ? started : rc;
    }
    return rc;
}

static enum muster_rc go_on(struct creation *creation, struct muster_error *err)
{
    enum muster_rc rc = await_created(creation, 0, 1, err);
    if (rc == MUSTER_OK) {
        rc = copy_until_live(creation, err);
    }
    if (rc == MUSTER_OK) {
        rc = start_all(creation, err);
    }
    enum muster_rc created = finish(creation, rc == MUSTER_OK ? err : NULL);
    return rc == MUSTER_OK ? created : rc;
}

enum muster_rc compose__create_and_start(struct compose *compose, struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    uint32_t timeout_ms = (uint32_t)(create_ms(compose->node_count) * plan->slowdown);
    struct creation creation = { .compose = compose,
                                 .timeout_ms = timeout_ms,
                                 .deadline_ms = muster_clock_ms() + timeout_ms };
    enum muster_rc rc = plan_calls(&creation, err);
    if (rc == MUSTER_OK) {
        rc = begin(&creation, err);
    }
    if (rc == MUSTER_OK) {
        rc = go_on(&creation, err);
    }
    free(creation.calls);
    return rc;
}
