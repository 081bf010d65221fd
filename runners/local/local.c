#include "local/local.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define READY_BASE_MS 30000u
#define READY_PER_NODE_MS 200u
#define KILL_TIMEOUT_MS 10000u /* From KILL until the kernel must have ended a process. */

/* Everything that it takes to start a node again. */
struct local_node {
    uint64_t ticket; /* Of its start, while that is under way. */
    uint32_t process;
    char host[32];
    char directory[4096];
    char stdout_path[4096];
    char stderr_path[4096];
    struct muster_rendering rendering;
};

struct local {
    struct muster_deployment *deployment;
    char program[4096];
    uint32_t node_count;
    struct local_node *nodes;
    const char **hosts; /* By node, borrowed from nodes. */
};

static uint32_t local_capabilities(const struct muster_variables *variables)
{
    return muster_variable_flag(variables, MUSTER_VAR_NODE_CONTROL) ? MUSTER_NODE_CONTROL : 0;
}

static const char *local_remedy(uint32_t missing)
{
    return (missing & MUSTER_NODE_CONTROL) != 0
               ? "set LOCAL_RUNNER_NODE_CONTROL=1 to allow it, or choose another runner with MUSTER_RUNNER"
               : NULL;
}

static uint32_t local_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    return READY_BASE_MS + READY_PER_NODE_MS * node_count;
}

static enum muster_rc local_probe(const struct muster_plan *plan, const struct muster_variables *variables,
                                  struct muster_error *err)
{
    char program[4096];
    return muster_program_find(plan->system, variables, program, err);
}

/* ---- Up ---- */

static enum muster_rc prepare_node(struct local *local, uint32_t index, struct muster_error *err)
{
    struct local_node *node = &local->nodes[index];
    const struct muster_addresses addresses = { .listen_host = node->host,
                                                .peer_hosts = local->hosts,
                                                .data_directory = "data" };
    muster_deployment_node_directory(local->deployment, index, node->directory);
    enum muster_rc rc =
        muster_deployment_place_logs(local->deployment, index, node->stdout_path, node->stderr_path, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_render(local->deployment, index, &addresses, &node->rendering, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_deployment_write_node(local->deployment, index, &node->rendering, err);
    }
    return rc;
}

static enum muster_rc begin_node(struct local *local, uint32_t index, struct muster_error *err)
{
    struct local_node *node = &local->nodes[index];
    const char *argv[MUSTER_ARGS_MAX + 2] = { local->program };
    for (size_t i = 0; i < node->rendering.arg_count; i++) {
        argv[i + 1] = node->rendering.args[i];
    }
    const struct muster_spawn spawn = { .argv = argv,
                                        .env = (const char *const *)node->rendering.env,
                                        .directory = node->directory,
                                        .stdout_path = node->stdout_path,
                                        .stderr_path = node->stderr_path,
                                        .node = index };
    enum muster_rc rc = muster_deployment_spawn_begin(local->deployment, &spawn, &node->ticket, err);
    return rc == MUSTER_OK ? rc : muster_error_context(err, rc, "starting node-%u", index);
}

static enum muster_rc end_start(struct local *local, uint32_t index, struct muster_error *err)
{
    struct local_node *node = &local->nodes[index];
    enum muster_rc rc = muster_deployment_spawn_end(local->deployment, node->ticket, &node->process, err);
    return rc == MUSTER_OK ? rc : muster_error_context(err, rc, "starting node-%u", index);
}

static enum muster_rc start_node(struct local *local, uint32_t index, struct muster_error *err)
{
    enum muster_rc rc = begin_node(local, index, err);
    return rc != MUSTER_OK ? rc : end_start(local, index, err);
}

/* A node is started as soon as its own files are there: it comes up while the next is written. */
static enum muster_rc start_nodes(struct local *local, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    uint32_t begun = 0;
    for (uint32_t i = 0; i < local->node_count && rc == MUSTER_OK; i++) {
        rc = prepare_node(local, i, err);
        if (rc == MUSTER_OK) {
            rc = begin_node(local, i, err);
            begun += rc == MUSTER_OK;
        }
    }
    for (uint32_t i = 0; i < begun; i++) { /* All of them; the first that failed is the one to name. */
        enum muster_rc ended = end_start(local, i, rc == MUSTER_OK ? err : NULL);
        rc = rc == MUSTER_OK ? ended : rc;
    }
    return rc;
}

static enum muster_rc make_nodes(struct local *local, struct muster_error *err)
{
    char prefix[16];
    enum muster_rc rc = muster_deployment_lease_loopback(local->deployment, prefix, err);
    for (uint32_t i = 0; i < local->node_count && rc == MUSTER_OK; i++) {
        snprintf(local->nodes[i].host, sizeof local->nodes[i].host, "%s%u", prefix, i + 1);
        local->hosts[i] = local->nodes[i].host;
    }
    return rc != MUSTER_OK ? rc : start_nodes(local, err);
}

static enum muster_rc local_up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(deployment);
    struct local *local = calloc(1, sizeof *local);
    *state = local;
    if (local == NULL || (local->nodes = calloc(plan->node_count, sizeof *local->nodes)) == NULL ||
        (local->hosts = calloc(plan->node_count, sizeof *local->hosts)) == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u local nodes", plan->node_count);
    }
    local->deployment = deployment;
    local->node_count = plan->node_count;
    enum muster_rc rc =
        muster_program_find(plan->system, muster_deployment_variables(deployment), local->program, err);
    return rc != MUSTER_OK ? rc : make_nodes(local, err);
}

static enum muster_rc local_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                                     struct muster_error *err)
{
    const struct local *local = state;
    const struct muster_plan *plan = muster_deployment_plan(local->deployment);
    (void)err;
    snprintf(ret->base_url, sizeof ret->base_url, "http://%s:%u", local->nodes[node].host,
             plan->system->ports[0].number);
    ret->unix_socket_path[0] = '\0';
    return MUSTER_OK;
}

static void local_detach(void *state)
{
    struct local *local = state;
    if (local == NULL) {
        return;
    }
    for (uint32_t i = 0; local->nodes != NULL && i < local->node_count; i++) {
        muster_rendering_fini(&local->nodes[i].rendering);
    }
    free(local->nodes);
    free(local->hosts);
    free(local);
}

/* ---- Control ---- */

static enum muster_rc kill_node(struct local *local, uint32_t index, struct muster_error *err)
{
    struct local_node *node = &local->nodes[index];
    struct muster_exit exit;
    enum muster_rc rc = muster_deployment_signal(local->deployment, node->process, SIGKILL, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_wait_exit(local->deployment, node->process, KILL_TIMEOUT_MS, &exit, err);
    }
    return rc;
}

static enum muster_rc stop_node(struct local *local, uint32_t index, struct muster_error *err)
{
    struct local_node *node = &local->nodes[index];
    uint32_t grace_ms = muster_deployment_plan(local->deployment)->grace_ms;
    struct muster_exit exit;
    enum muster_rc rc = muster_deployment_signal(local->deployment, node->process, SIGCONT, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_signal(local->deployment, node->process, SIGTERM, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_deployment_wait_exit(local->deployment, node->process, grace_ms, &exit, NULL);
    }
    if (rc == MUSTER_ETIMEDOUT) {
        rc = kill_node(local, index, err);
        return rc != MUSTER_OK
                   ? rc
                   : muster_error_set(err, MUSTER_ENODE, "it ignored SIGTERM for %.1f s and was killed",
                                      grace_ms / 1000.0);
    }
    return rc;
}

static enum muster_rc local_control(void *state, uint32_t node, enum muster_action action,
                                    struct muster_error *err)
{
    struct local *local = state;
    uint32_t process = local->nodes[node].process;
    switch (action) {
    case MUSTER_START:
        return start_node(local, node, err);
    case MUSTER_STOP:
        return stop_node(local, node, err);
    case MUSTER_KILL:
        return kill_node(local, node, err);
    case MUSTER_PAUSE:
        return muster_deployment_signal(local->deployment, process, SIGSTOP, err);
    case MUSTER_RESUME:
        return muster_deployment_signal(local->deployment, process, SIGCONT, err);
    }
    return muster_error_set(err, MUSTER_EINVAL, "the local runner knows no action %d", (int)action);
}

const struct muster_runner muster_local_runner = {
    .name = "local",
    .alias = "host",
    .capabilities = local_capabilities,
    .remedy = local_remedy,
    .ready_ms = local_ready_ms,
    .probe = local_probe,
    .up = local_up,
    .endpoint = local_endpoint,
    .control = local_control,
    .detach = local_detach,
};
