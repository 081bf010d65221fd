#include "k8s/k8s.h"

#include "k8s/internal.h"

#define UP_CALLS 4u

/* A pod can be paused like any process: its keeper sends the signals. */
static uint32_t k8s_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return MUSTER_NODE_CONTROL;
}

static uint32_t k8s_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)node_count;
    return (uint32_t)muster_variable_uint(variables, MUSTER_VAR_K8S_HTTP_TIMEOUT) * 1000u;
}

/* Its deadline, and the calls before and after it. */
static uint32_t k8s_up_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)node_count;
    uint64_t timeout_s = muster_variable_uint(variables, MUSTER_VAR_K8S_DEPLOYMENT_TIMEOUT);
    return (uint32_t)timeout_s * 1000u + UP_CALLS * K8S_CALL_MS;
}

static bool k8s_preserve(const struct muster_variables *variables)
{
    return muster_variable_flag(variables, MUSTER_VAR_K8S_PRESERVE);
}

const struct muster_runner muster_k8s_runner = {
    .name = "k8s",
    .capabilities = k8s_capabilities,
    .ready_ms = k8s_ready_ms,
    .up_ms = k8s_up_ms,
    .probe = k8s__probe,
    .up = k8s__up,
    .endpoint = k8s__endpoint,
    .control = k8s__control,
    .check = k8s__check,
    .detach = k8s__detach,
    .collect = k8s__collect,
    .down = k8s__down,
    .audit = k8s__audit,
    .preserve = k8s_preserve,
    .print_preserved = k8s__print_preserved,
};
