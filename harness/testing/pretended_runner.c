#include "testing/pretended_runner.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "muster/clock.h"

static uint32_t fake_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return MUSTER_NODE_CONTROL;
}

static const char *fake_remedy(uint32_t missing)
{
    (void)missing;
    return "use another runner";
}

static uint32_t fake_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    (void)node_count;
    return 5000;
}

enum muster_rc fake_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                             struct muster_error *err)
{
    char prefix[16];
    (void)state;
    (void)err;
    snprintf(prefix, sizeof prefix, "/n%u", node);
    *ret = test_endpoint(cluster.server, prefix);
    return MUSTER_OK;
}

static enum muster_rc fake_control(void *state, uint32_t node, enum muster_action action,
                                   struct muster_error *err)
{
    (void)state;
    struct cluster_node *it = &cluster.nodes[node];
    bool back = action == MUSTER_START || action == MUSTER_RESUME;
    atomic_fetch_add(&it->controls, 1);
    if (atomic_load(&it->broken)) {
        return muster_error_set(err, MUSTER_EINFRA, "the backend is gone");
    }
    atomic_store(&it->away, !atomic_load(&it->deaf) && (!back || atomic_load(&it->lame)));
    if (action == MUSTER_STOP || action == MUSTER_KILL) {
        muster__nodes_ended(cluster.run->nodes, node, &(struct muster_exit){ .at_ms = muster_clock_ms() });
    }
    return MUSTER_OK;
}

const struct muster_runner fake_runner = {
    .name = "fake",
    .capabilities = fake_capabilities,
    .remedy = fake_remedy,
    .ready_ms = fake_ready_ms,
    .endpoint = fake_endpoint,
    .control = fake_control,
};
