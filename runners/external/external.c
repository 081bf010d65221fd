#include "external/external.h"

#include <stdio.h>
#include <stdlib.h>

#include "external/urls.h"

#define MUSTER_LOG_MODULE "external"
#include "muster/log.h"

#define READY_MS 10000u /* They run already: who does not answer by then does not run well. */

static const char *variable(void)
{
    return muster_variable_info(MUSTER_VAR_EXTERNAL_NODES)->name;
}

static uint32_t external_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return 0;
}

static const char *external_remedy(uint32_t missing)
{
    (void)missing;
    return "who attaches to nodes does not start or stop them: choose a runner with MUSTER_RUNNER that does";
}

static uint32_t external_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    (void)node_count;
    return READY_MS;
}

/* ---- Probe ---- */

/* How all nodes are set is the network's own affair, as its layout is. One that is to differ from the others
 * is what a scenario is about. */
static enum muster_rc check_settings(const struct muster_plan *plan, struct muster_error *err)
{
    for (size_t i = 0; i < plan->env_count; i++) {
        const struct muster_env *env = &plan->env[i];
        if (env->node != MUSTER_EVERY_NODE) {
            return muster_error_set(
                err, MUSTER_ESKIP,
                "%s.%s sets %s for node-%u alone, which a node that runs already does not take: "
                "choose a runner with MUSTER_RUNNER that starts nodes",
                plan->suite, plan->name, env->name, env->node);
        }
    }
    return MUSTER_OK;
}

static enum muster_rc check_plan(const struct muster_plan *plan, const struct external_urls *urls,
                                 struct muster_error *err)
{
    if (plan->node_count != urls->count) {
        return muster_error_set(err, MUSTER_ESKIP,
                                "%s.%s has %u node%s and %s names %zu: name as many as the scenario has",
                                plan->suite, plan->name, plan->node_count, plan->node_count == 1 ? "" : "s",
                                variable(), urls->count);
    }
    return check_settings(plan, err);
}

/* The caller frees *ret, also after a failure. */
static enum muster_rc read_urls(const struct muster_variables *variables, struct external_urls **ret,
                                struct muster_error *err)
{
    *ret = malloc(sizeof **ret);
    return *ret == NULL
               ? muster_error_set(err, MUSTER_ENOMEM, "no memory for the URLs of nodes")
               : external__read_urls(muster_variable_text(variables, MUSTER_VAR_EXTERNAL_NODES), *ret, err);
}

static enum muster_rc external_probe(const struct muster_plan *plan, const struct muster_variables *variables,
                                     struct muster_error *err)
{
    struct external_urls *urls = NULL;
    if (!muster_variable_is_set(variables, MUSTER_VAR_EXTERNAL_NODES)) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "the runner 'external' is given no nodes: set %s to the URLs of nodes that run, as "
            "in http://a:8080,http://b:8080",
            variable());
    }
    enum muster_rc rc = read_urls(variables, &urls, err);
    if (rc == MUSTER_OK) {
        rc = check_plan(plan, urls, err);
    }
    free(urls);
    return rc;
}

/* ---- Up ---- */

static enum muster_rc external_up(struct muster_deployment *deployment, void **state,
                                  struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(deployment);
    struct external_urls *urls = NULL;
    enum muster_rc rc = read_urls(muster_deployment_variables(deployment), &urls, err);
    *state = urls;
    if (rc == MUSTER_OK && plan->env_count > 0) {
        muster_log_warn("%s is not set for nodes that run already: %s.%s takes them as they are",
                        plan->env[0].name, plan->suite, plan->name);
    }
    return rc;
}

static enum muster_rc external_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                                        struct muster_error *err)
{
    const struct external_urls *urls = state;
    (void)err;
    snprintf(ret->base_url, sizeof ret->base_url, "%s", urls->url[node]);
    ret->unix_socket_path[0] = '\0';
    return MUSTER_OK;
}

const struct muster_runner muster_external_runner = {
    .name = "external",
    .attaches = true,
    .capabilities = external_capabilities,
    .remedy = external_remedy,
    .ready_ms = external_ready_ms,
    .probe = external_probe,
    .up = external_up,
    .endpoint = external_endpoint,
    .detach = free,
};
