/* Bringing a project up: created by Compose, given its files, then started.
 *
 * Files reach a node with `docker cp` between creation and start, not by bind mounts: that works alike with an
 * engine on this host, in a virtual machine or on another host. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define UP_BASE_MS 120000u
#define UP_PER_NODE_MS 3000u
#define LIVE_MS 2000u
#define LIVE_ATTEMPTS 5

static uint32_t up_ms(const struct compose *compose)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    return (uint32_t)((UP_BASE_MS + UP_PER_NODE_MS * compose->node_count) * plan->slowdown);
}

uint32_t compose__up_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    /* One call each to create, to copy and to start; copying again while the stream is not live is quick. */
    return 3 * (UP_BASE_MS + UP_PER_NODE_MS * node_count) + LIVE_ATTEMPTS * LIVE_MS + COMPOSE_CALL_MS;
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

/* All nodes' files in one call: a volume is theirs together, and a container that does not run yet will do. */
static enum muster_rc copy_files(struct compose *compose, struct muster_error *err)
{
    char from[4096 + 32];
    char to[COMPOSE_NAME_BYTES + 32];
    snprintf(from, sizeof from, "%s/nodes/.", muster_deployment_directory(compose->deployment));
    snprintf(to, sizeof to, "%s:" COMPOSE_NODES_DIRECTORY "/", compose->nodes[0].container);
    return compose__do(compose, compose__docker(&compose->engine, "cp", from, to, NULL), up_ms(compose),
                       MUSTER_EINFRA, "copying the nodes' files", err);
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
    struct runner_command *commands = calloc(compose->node_count, sizeof *commands);
    if (commands == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u nodes", compose->node_count);
    }
    for (uint32_t i = 0; i < compose->node_count; i++) {
        compose__watch_started(compose->watch, i);
        commands[i].argv = compose__docker(&compose->engine, "start", compose->nodes[i].container, NULL);
    }
    enum muster_rc rc = runner__run(&compose->programs, commands, compose->node_count, up_ms(compose), err);
    for (uint32_t i = 0; i < compose->node_count; i++) {
        if (rc == MUSTER_OK) {
            char text[64];
            snprintf(text, sizeof text, "starting node-%u", i);
            rc = compose__judge(&commands[i], MUSTER_ENODE, text, err);
        }
        runner__command_fini(&commands[i]);
    }
    free(commands);
    return rc;
}

/* ---- Up ---- */

static enum muster_rc bring_up(struct compose *compose, struct muster_error *err)
{
    struct muster_ledger *ledger = muster_deployment_ledger(compose->deployment);
    enum muster_rc rc = compose__write_files(compose, err);
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
    compose->programs.deployment = deployment;
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
    enum muster_rc rc = compose__find_engine(compose, err);
    if (rc == MUSTER_OK) {
        rc = compose__record_project(compose, err);
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
