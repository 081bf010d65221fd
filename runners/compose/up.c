/* Bringing a project up. */
#include <stdio.h>
#include <stdlib.h>

#include "compose/internal.h"

static enum muster_rc bring_up(struct compose *compose, struct muster_error *err)
{
    struct muster_ledger *ledger = muster_deployment_ledger(compose->deployment);
    enum muster_rc rc = compose__write_files(compose, err);
    if (rc == MUSTER_OK) {
        rc = muster_ledger_created(ledger, COMPOSE_LEDGER_UP, compose->project, NULL, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__create_and_start(compose, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_ledger_removed(ledger, COMPOSE_LEDGER_UP, compose->project, err);
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
