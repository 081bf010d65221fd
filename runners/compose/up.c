/* Bringing a project up: created by Compose, given its files, then started.
 *
 * Files reach a node with `docker cp` between creation and start, not by bind mounts: that works alike with an
 * engine on this host, in a virtual machine or on another host. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "muster/clock.h"

#define UP_BASE_MS 120000u
#define UP_PER_NODE_MS 3000u
#define LIVE_MS 2000u
#define LIVE_ATTEMPTS 5
#define REPORT_MS 5000u /* From a container's end until the event stream has told it. */

/* ---- Preparation ---- */

static void take_context(struct compose *compose, const struct compose_command *command)
{
    size_t length = command->exit.code == 0 ? strcspn(command->output, "\n") : 0;
    if (length < sizeof compose->engine.context) {
        memcpy(compose->engine.context, command->output, length);
        compose->engine.context[length] = '\0';
    }
}

/* The context is named in every call from here on: switching it elsewhere must not split a run. */
static enum muster_rc find_engine(struct compose *compose, struct muster_error *err)
{
    enum muster_rc rc = compose__engine_find(&compose->engine, err);
    if (rc == MUSTER_OK) {
        rc = compose__engine_keep_env(&compose->engine, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct compose_command commands[] = {
        { .argv = compose__docker(&compose->engine, "compose", "version", "--short", NULL) },
        { .argv = compose__docker(&compose->engine, "context", "inspect", "--format", "{{.Name}}", NULL) },
    };
    rc = compose__run(compose, commands, 2, COMPOSE_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = compose__engine_choose(&compose->engine, commands[0].exit.code == 0 ? commands[0].output : "",
                                    err);
        take_context(compose, &commands[1]);
    }
    compose__command_fini(&commands[0]);
    compose__command_fini(&commands[1]);
    return rc;
}

static enum muster_rc record_project(struct compose *compose, struct muster_error *err)
{
    const struct muster_variables *variables = muster_deployment_variables(compose->deployment);
    json_t *detail = json_pack("{s:o, s:I, s:s}", "engine", compose__engine_to_json(&compose->engine),
                               "nodes", (json_int_t)compose->node_count, "logs",
                               muster_variable_text(variables, MUSTER_VAR_LOG_DIR));
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    enum muster_rc rc =
        text == NULL ? muster_error_set(err, MUSTER_EINVAL, "PATH, HOME or a DOCKER_… variable is not UTF-8")
                     : muster_ledger_created(muster_deployment_ledger(compose->deployment),
                                             COMPOSE_LEDGER_PROJECT, compose->project, text, err);
    free(text);
    json_decref(detail);
    return rc;
}

static enum muster_rc add_node(struct compose *compose, const struct compose_common *common, uint32_t node,
                               json_t *project, struct muster_error *err)
{
    struct muster_rendering rendering = { 0 };
    const struct muster_addresses addresses = { .listen_host = "0.0.0.0",
                                                .peer_hosts = compose->hosts,
                                                .data_directory = "data" };
    enum muster_rc rc = muster_deployment_render(compose->deployment, node, &addresses, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_write_node(compose->deployment, node, &rendering, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__project_add(project, common, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    return rc;
}

static enum muster_rc write_project(struct compose *compose, const json_t *project, struct muster_error *err)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/" COMPOSE_FILE, muster_deployment_directory(compose->deployment));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && json_dumpfd(project, fd, JSON_INDENT(2)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return written ? MUSTER_OK : muster_error_set(err, MUSTER_EINFRA, "cannot write '%s'", path);
}

static enum muster_rc prepare(struct compose *compose, struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    const struct muster_variables *variables = muster_deployment_variables(compose->deployment);
    char publish[64];
    compose__publish(compose->host, plan->system->ports[0].number, publish);
    const struct compose_common common = { .run_id = muster_deployment_run_id(compose->deployment),
                                           .image = muster_variable_text(variables, MUSTER_VAR_IMAGE),
                                           .publish = publish,
                                           .grace_ms = plan->grace_ms };
    json_t *project = compose__project_new(&common);
    enum muster_rc rc =
        project != NULL ? MUSTER_OK : muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose file");
    for (uint32_t i = 0; i < compose->node_count && rc == MUSTER_OK; i++) {
        rc = add_node(compose, &common, i, project, err);
    }
    if (rc == MUSTER_OK) {
        rc = write_project(compose, project, err);
    }
    json_decref(project);
    return rc;
}

/* ---- In the engine ---- */

static uint32_t up_ms(const struct compose *compose)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    return (uint32_t)((UP_BASE_MS + UP_PER_NODE_MS * compose->node_count) * plan->slowdown);
}

static enum muster_rc create(struct compose *compose, struct muster_error *err)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/" COMPOSE_FILE, muster_deployment_directory(compose->deployment));
    return compose__do(compose,
                       compose__compose(&compose->engine, "--ansi", "never", "-f", path, "-p",
                                        compose->project, "up", "--no-start", "--no-build", NULL),
                       up_ms(compose), MUSTER_EINFRA, "creating the containers", err);
}

/* Runs one command for every node, some at once. */
static enum muster_rc for_all(struct compose *compose, struct compose_command *commands, enum muster_rc rc,
                              const char *what, struct muster_error *err)
{
    enum muster_rc result = compose__run(compose, commands, compose->node_count, up_ms(compose), err);
    for (uint32_t i = 0; i < compose->node_count; i++) {
        if (result == MUSTER_OK) {
            char text[64];
            snprintf(text, sizeof text, "%s node-%u", what, i);
            result = compose__judge(&commands[i], rc, text, err);
        }
        compose__command_fini(&commands[i]);
    }
    return result;
}

static enum muster_rc copy_files(struct compose *compose, struct muster_error *err)
{
    struct compose_command *commands = calloc(compose->node_count, sizeof *commands);
    char(*paths)[2][4200] = calloc(compose->node_count, sizeof *paths);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (commands == NULL || paths == NULL) {
        muster_error_set(err, rc, "no memory for %u nodes", compose->node_count);
    } else {
        for (uint32_t i = 0; i < compose->node_count; i++) {
            char directory[4096];
            muster_deployment_node_directory(compose->deployment, i, directory);
            snprintf(paths[i][0], sizeof paths[i][0], "%s/.", directory);
            snprintf(paths[i][1], sizeof paths[i][1], "%s:" COMPOSE_NODE_DIRECTORY "/",
                     compose->nodes[i].container);
            commands[i].argv = compose__docker(&compose->engine, "cp", paths[i][0], paths[i][1], NULL);
        }
        rc = for_all(compose, commands, MUSTER_EINFRA, "copying the files of", err);
    }
    free(commands);
    free(paths);
    return rc;
}

/* No end may be missed, so nothing is started before the stream has shown that it carries events. */
static enum muster_rc copy_until_live(struct compose *compose, struct muster_error *err)
{
    enum muster_rc rc = copy_files(compose, err);
    for (int i = 0; i < LIVE_ATTEMPTS && rc == MUSTER_OK; i++) {
        if (compose__watch_is_live(compose->watch, LIVE_MS)) {
            return MUSTER_OK;
        }
        rc = copy_files(compose, err);
    }
    return rc != MUSTER_OK ? rc
                           : muster_error_set(err, MUSTER_EINFRA,
                                              "the engine's event stream carried no event within %.1f s",
                                              LIVE_ATTEMPTS * LIVE_MS / 1000.0);
}

static enum muster_rc start_all(struct compose *compose, struct muster_error *err)
{
    struct compose_command *commands = calloc(compose->node_count, sizeof *commands);
    if (commands == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u nodes", compose->node_count);
    }
    for (uint32_t i = 0; i < compose->node_count; i++) {
        compose__watch_started(compose->watch, i);
        commands[i].argv = compose__docker(&compose->engine, "start", compose->nodes[i].container, NULL);
    }
    enum muster_rc rc = for_all(compose, commands, MUSTER_ENODE, "starting", err);
    free(commands);
    return rc;
}

/* ---- Where they are ---- */

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
    compose__url(compose->host, state.port, compose->nodes[node].url);
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
        struct compose_command command = { .argv = compose__docker(&compose->engine, "inspect", "--type",
                                                                   "container", "--format",
                                                                   COMPOSE_STATE_FORMAT, NULL) };
        while (first < end && command.argv.count < COMPOSE_ARGS_MAX) {
            compose__argv_add(&command.argv, compose->nodes[first++].container);
        }
        rc = compose__run(compose, &command, 1, COMPOSE_CALL_MS, err);
        if (rc == MUSTER_OK) {
            rc = compose__judge(&command, MUSTER_EINFRA, "asking where the nodes are published", err);
        }
        if (rc == MUSTER_OK) {
            rc = take_states(compose, command.output, err);
        }
        compose__command_fini(&command);
    }
    return rc;
}

/* ---- Up ---- */

static enum muster_rc bring_up(struct compose *compose, struct muster_error *err)
{
    struct muster_ledger *ledger = muster_deployment_ledger(compose->deployment);
    enum muster_rc rc = prepare(compose, err);
    if (rc == MUSTER_OK) {
        rc = muster_ledger_created(ledger, COMPOSE_LEDGER_UP, compose->project, NULL, err);
    }
    if (rc == MUSTER_OK) {
        rc = create(compose, err);
    }
    if (rc == MUSTER_OK) {
        rc = copy_until_live(compose, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_ledger_removed(ledger, COMPOSE_LEDGER_UP, compose->project, err);
    }
    if (rc == MUSTER_OK) {
        rc = start_all(compose, err);
    }
    return rc == MUSTER_OK ? compose__locate(compose, MUSTER_EVERY_NODE, err) : rc;
}

static struct compose *make(struct muster_deployment *deployment)
{
    const struct muster_plan *plan = muster_deployment_plan(deployment);
    const char *run_id = muster_deployment_run_id(deployment);
    struct compose *compose = calloc(1, sizeof *compose);
    if (compose == NULL || (compose->nodes = calloc(plan->node_count, sizeof *compose->nodes)) == NULL ||
        (compose->hosts = calloc(plan->node_count, sizeof *compose->hosts)) == NULL ||
        (compose->services = calloc(plan->node_count, sizeof *compose->services)) == NULL) {
        compose__detach(compose);
        return NULL;
    }
    compose->deployment = deployment;
    compose->node_count = plan->node_count;
    compose->host = muster_variable_text(muster_deployment_variables(deployment), MUSTER_VAR_COMPOSE_HOST);
    compose__project_name(run_id, compose->project);
    snprintf(compose->label, sizeof compose->label, "label=" COMPOSE_LABEL "=%s", run_id);
    for (uint32_t i = 0; i < plan->node_count; i++) {
        compose__container_name(run_id, i, compose->nodes[i].container);
        compose__service_name(i, compose->services[i]);
        compose->hosts[i] = compose->services[i];
    }
    return compose;
}

enum muster_rc compose__up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    struct compose *compose = make(deployment);
    *state = compose;
    if (compose == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose project");
    }
    enum muster_rc rc = find_engine(compose, err);
    if (rc == MUSTER_OK) {
        rc = record_project(compose, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__watch_start(compose, err);
    }
    return rc == MUSTER_OK ? bring_up(compose, err) : rc;
}

void compose__detach(void *state)
{
    struct compose *compose = state;
    if (compose == NULL) {
        return;
    }
    compose__watch_stop(compose->watch);
    compose__engine_fini(&compose->engine);
    free(compose->nodes);
    free(compose->hosts);
    free(compose->services);
    free(compose);
}
