/* Bringing a run up: its services first, as their addresses stand in the nodes' files; then files and pods.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/internal.h"
#include "muster/clock.h"

/* ---- Services ---- */

static enum muster_rc take_services(struct k8s *k8s, const char *output, struct muster_error *err)
{
    struct k8s_service *services = calloc(k8s->node_count, sizeof *services);
    if (services == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u services", k8s->node_count);
    }
    const struct k8s_created created = { .run_id = muster_deployment_run_id(k8s->deployment),
                                         .prefix = k8s->prefix,
                                         .services = services,
                                         .node_count = k8s->node_count };
    enum muster_rc rc = k8s__read_created(output, &created, err);
    for (uint32_t i = 0; i < k8s->node_count; i++) {
        k8s->nodes[i].service = services[i];
        k8s->hosts[i] = k8s->nodes[i].service.address;
    }
    free(services);
    return rc;
}

static enum muster_rc create_services(struct k8s *k8s, const struct k8s_common *common,
                                      struct muster_error *err)
{
    json_t *list = k8s__list_new();
    json_t *items = json_object_get(list, "items");
    char *output = NULL;
    int failed = k8s->owns_space && json_array_append_new(items, k8s__namespace_object(common, k8s->space));
    for (uint32_t i = 0; i < k8s->node_count; i++) {
        failed = failed || json_array_append_new(items, k8s__service_object(common, i));
    }
    enum muster_rc rc =
        failed ? muster_error_set(err, MUSTER_ENOMEM, "no memory for %u services", k8s->node_count)
               : k8s__create(k8s, list, "services.json", "creating the services", &output, err);
    if (rc == MUSTER_OK) {
        rc = take_services(k8s, output, err);
    }
    free(output);
    json_decref(list);
    return rc;
}

/* ---- Pods ---- */

static enum muster_rc add_node(struct k8s *k8s, const struct k8s_common *common, uint32_t node, json_t *items,
                               struct muster_error *err)
{
    struct muster_rendering rendering = { 0 };
    const struct muster_addresses addresses = { .listen_host = "0.0.0.0",
                                                .peer_hosts = k8s->hosts,
                                                .data_directory = "data" };
    enum muster_rc rc = muster_deployment_render(k8s->deployment, node, &addresses, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_write_node(k8s->deployment, node, &rendering, err);
    }
    if (rc == MUSTER_OK) {
        rc = k8s__add_node(items, common, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    return rc;
}

static enum muster_rc create_pods(struct k8s *k8s, const struct k8s_common *common, struct muster_error *err)
{
    json_t *list = k8s__list_new();
    json_t *items = json_object_get(list, "items");
    enum muster_rc rc = json_array_append_new(items, k8s__keeper_object(common)) == 0
                            ? MUSTER_OK
                            : muster_error_set(err, MUSTER_ENOMEM, "no memory for the objects");
    for (uint32_t i = 0; i < k8s->node_count && rc == MUSTER_OK; i++) {
        rc = add_node(k8s, common, i, items, err);
    }
    if (rc == MUSTER_OK) {
        rc = k8s__create(k8s, list, "pods.json", "creating the pods", NULL, err);
    }
    json_decref(list);
    return rc;
}

/* ---- Up ---- */

static enum muster_rc create_all(struct k8s *k8s, struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(k8s->deployment);
    const struct muster_variables *variables = muster_deployment_variables(k8s->deployment);
    const char *image = NULL;
    char program_path[4096];
    enum muster_rc rc = muster_image_find(plan->system, variables, &image, err);
    const struct k8s_common common = {
        .run_id = muster_deployment_run_id(k8s->deployment),
        .prefix = k8s->prefix,
        .image = image,
        .pull_policy = muster_variable_text(variables, MUSTER_VAR_IMAGE_PULL_POLICY),
        .program = k8s__program(plan, variables, program_path),
        .storage = muster_variable_text(variables, MUSTER_VAR_K8S_STORAGE),
        .ports = plan->system->ports,
        .port_count = plan->system->port_count,
        .grace_ms = plan->grace_ms,
        .node_ports = k8s->node_host[0] != '\0',
    };
    if (rc == MUSTER_OK) {
        rc = create_services(k8s, &common, err);
    }
    if (rc == MUSTER_OK) {
        rc = k8s__watch_start(k8s, err);
    }
    if (rc == MUSTER_OK) {
        rc = create_pods(k8s, &common, err);
    }
    return rc == MUSTER_OK ? k8s__proxy_start(k8s, err) : rc; /* While the pods start. */
}

static enum muster_rc bring_up(struct k8s *k8s, struct muster_error *err)
{
    struct muster_ledger *ledger = muster_deployment_ledger(k8s->deployment);
    enum muster_rc rc = k8s__find_cluster(k8s, err);
    if (rc == MUSTER_OK) {
        rc = k8s__choose_space(k8s, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_ledger_created(ledger, K8S_LEDGER_UP, k8s->space, NULL, err);
    }
    if (rc == MUSTER_OK) {
        rc = create_all(k8s, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_ledger_removed(ledger, K8S_LEDGER_UP, k8s->space, err);
    }
    if (rc == MUSTER_OK) {
        rc = k8s__watch_await_running(k8s->watch, k8s->up_deadline_ms, err);
    }
    return rc == MUSTER_OK
               ? k8s__start_all(k8s, (uint32_t)muster_clock_left_ms(k8s->up_deadline_ms) + K8S_CALL_MS, err)
               : rc;
}

static struct k8s *make(struct muster_deployment *deployment)
{
    const struct muster_plan *plan = muster_deployment_plan(deployment);
    const struct muster_variables *variables = muster_deployment_variables(deployment);
    const char *run_id = muster_deployment_run_id(deployment);
    struct k8s *k8s = calloc(1, sizeof *k8s);
    if (k8s == NULL || (k8s->nodes = calloc(plan->node_count, sizeof *k8s->nodes)) == NULL ||
        (k8s->hosts = calloc(plan->node_count, sizeof *k8s->hosts)) == NULL) {
        free(k8s == NULL ? NULL : k8s->nodes);
        free(k8s);
        return NULL;
    }
    uint64_t timeout_s = muster_variable_uint(variables, MUSTER_VAR_K8S_DEPLOYMENT_TIMEOUT);
    k8s->deployment = deployment;
    k8s->programs.deployment = deployment;
    k8s->directory_fd = -1;
    k8s->node_count = plan->node_count;
    k8s->debug = muster_variable_flag(variables, MUSTER_VAR_K8S_DEBUG);
    k8s->node_host = muster_variable_text(variables, MUSTER_VAR_K8S_NODE_HOST);
    k8s->up_deadline_ms = muster_clock_ms() + (uint64_t)((double)timeout_s * 1000.0 * plan->slowdown);
    k8s__prefix(variables, run_id, k8s->prefix);
    snprintf(k8s->selector, sizeof k8s->selector, K8S_LABEL "=%.32s", run_id);
    for (uint32_t i = 0; i < plan->node_count; i++) {
        k8s__node_name(k8s->prefix, i, k8s->nodes[i].name);
    }
    return k8s;
}

enum muster_rc k8s__up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    struct k8s *k8s = make(deployment);
    *state = k8s;
    return k8s == NULL ? muster_error_set(err, MUSTER_ENOMEM, "no memory for the k8s runner")
                       : bring_up(k8s, err);
}

void k8s__detach(void *state)
{
    struct k8s *k8s = state;
    if (k8s == NULL) {
        return;
    }
    k8s__watch_stop(k8s->watch);
    runner__stream_stop(k8s->proxy);
    if (k8s->directory_fd >= 0) {
        close(k8s->directory_fd);
    }
    k8s__cluster_fini(&k8s->cluster);
    free(k8s->nodes);
    free(k8s->hosts);
    free(k8s);
}
