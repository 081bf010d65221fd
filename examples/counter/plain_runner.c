/* The runner "plain": every node is a process on a loopback address of its own. It has no node control. What
 * must end with the run are processes alone, which are the guardian's business, so there is no down and no
 * audit. */
#include <stdio.h>
#include <stdlib.h>

#include "plain_runner.h"

struct plain {
    struct muster_deployment *deployment;
    char hosts[MUSTER_NODES_MAX][32];
    const char *peer_hosts[MUSTER_NODES_MAX];
};

static uint32_t capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return 0;
}

static uint32_t ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    return 30000 + 200 * node_count;
}

/* Creates nothing: says whether the plan can run here. */
static enum muster_rc probe(const struct muster_plan *plan, const struct muster_variables *variables,
                            struct muster_error *err)
{
    char program[4096];
    return muster_program_find(plan->system, variables, program, err);
}

static enum muster_rc spawn(struct plain *plain, uint32_t node, const struct muster_rendering *rendering,
                            struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(plain->deployment);
    const struct muster_variables *variables = muster_deployment_variables(plain->deployment);
    char program[4096];
    char directory[4096];
    char stdout_path[4096];
    char stderr_path[4096];
    uint32_t process = 0;
    const char *argv[MUSTER_ARGS_MAX + 2] = { program };
    for (size_t i = 0; i < rendering->arg_count; i++) {
        argv[i + 1] = rendering->args[i];
    }
    muster_deployment_node_directory(plain->deployment, node, directory);
    enum muster_rc rc = muster_program_find(plan->system, variables, program, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_place_logs(plain->deployment, node, stdout_path, stderr_path, err);
    }
    const struct muster_spawn spawn = { .argv = argv,
                                        .env = (const char *const *)rendering->env,
                                        .directory = directory,
                                        .stdout_path = stdout_path,
                                        .stderr_path = stderr_path,
                                        .node = node };
    return rc == MUSTER_OK ? muster_deployment_spawn(plain->deployment, &spawn, &process, err) : rc;
}

static enum muster_rc start(struct plain *plain, uint32_t node, struct muster_error *err)
{
    const struct muster_addresses addresses = { .listen_host = plain->hosts[node],
                                                .peer_hosts = plain->peer_hosts,
                                                .data_directory = "data" };
    struct muster_rendering rendering = { 0 };
    enum muster_rc rc = muster_deployment_render(plain->deployment, node, &addresses, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_write_node(plain->deployment, node, &rendering, err);
    }
    if (rc == MUSTER_OK) {
        rc = spawn(plain, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    return rc;
}

/* Starts all and waits for none; the ledger has each process before it begins, as the guardian writes it. */
static enum muster_rc up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    char prefix[16];
    uint32_t node_count = muster_deployment_plan(deployment)->node_count;
    struct plain *plain = calloc(1, sizeof *plain);
    if (plain == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the runner 'plain'");
    }
    *state = plain;
    plain->deployment = deployment;
    enum muster_rc rc = muster_deployment_lease_loopback(deployment, prefix, err);
    for (uint32_t node = 0; rc == MUSTER_OK && node < node_count; node++) {
        snprintf(plain->hosts[node], sizeof plain->hosts[node], "%s%u", prefix, node + 1);
        plain->peer_hosts[node] = plain->hosts[node];
    }
    for (uint32_t node = 0; rc == MUSTER_OK && node < node_count; node++) {
        rc = start(plain, node, err);
    }
    return rc;
}

static enum muster_rc endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                               struct muster_error *err)
{
    const struct plain *plain = state;
    unsigned port = muster_deployment_plan(plain->deployment)->system->ports[0].number;
    (void)err;
    *ret = (struct muster_endpoint){ 0 };
    snprintf(ret->base_url, sizeof ret->base_url, "http://%s:%u", plain->hosts[node], port);
    return MUSTER_OK;
}

const struct muster_runner plain_runner = {
    .name = "plain",
    .capabilities = capabilities,
    .ready_ms = ready_ms,
    .probe = probe,
    .up = up,
    .endpoint = endpoint,
    .detach = free,
};
