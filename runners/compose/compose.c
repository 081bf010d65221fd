#include "compose/compose.h"

#include <stdio.h>

#include "compose/internal.h"

static uint32_t compose_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return MUSTER_NODE_CONTROL;
}

static uint32_t compose_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)node_count;
    return (uint32_t)muster_variable_uint(variables, MUSTER_VAR_COMPOSE_HTTP_TIMEOUT) * 1000u;
}

static enum muster_rc compose_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                                       struct muster_error *err)
{
    struct compose *compose = state;
    enum muster_rc rc = compose->nodes[node].url_is_stale ? compose__locate(compose, node, err) : MUSTER_OK;
    snprintf(ret->base_url, sizeof ret->base_url, "%s", compose->nodes[node].url);
    ret->unix_socket_path[0] = '\0';
    return rc;
}

static bool compose_preserve(const struct muster_variables *variables)
{
    return muster_variable_flag(variables, MUSTER_VAR_COMPOSE_PRESERVE) ||
           muster_variable_flag(variables, MUSTER_VAR_PRESERVE);
}

const struct muster_runner muster_compose_runner = {
    .name = "compose",
    .capabilities = compose_capabilities,
    .ready_ms = compose_ready_ms,
    .up_ms = compose__up_ms,
    .probe = compose__probe,
    .up = compose__up,
    .endpoint = compose_endpoint,
    .control = compose__control,
    .check = compose__check,
    .detach = compose__detach,
    .collect = compose__collect,
    .down = compose__down,
    .audit = compose__audit,
    .preserve = compose_preserve,
    .print_preserved = compose__print_preserved,
};
