/* The workload "count": tells one node after the other to count, until the window closes. */
#include "counter.h"

static enum muster_rc tell(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    struct muster_request request = { 0 };
    struct muster_reply reply = { 0 };
    enum muster_rc rc = muster_request_init(&request, "POST", "/count", NULL, err);
    if (rc == MUSTER_OK) {
        rc = muster_node_request(run, node, &request, &reply, err);
    }
    if (rc == MUSTER_OK && reply.status != 200) {
        rc = muster_error_set(err, MUSTER_EHTTP, "node-%u does not count: HTTP %ld", node, reply.status);
    }
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    return rc;
}

/* In a thread of its own. MUSTER_ESTOPPED is how it learns that the window is closed. */
static enum muster_rc count(struct muster_run *run, void *context, struct muster_error *err)
{
    struct counter_tally *tally = context;
    uint32_t node_count = muster_run_plan(run)->node_count;
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t node = 0; rc == MUSTER_OK && muster_run_active(run); node = (node + 1) % node_count) {
        rc = tell(run, node, err);
        if (rc == MUSTER_OK) {
            atomic_fetch_add(&tally->counted[node], 1);
            rc = muster_run_sleep(run, 20);
        }
    }
    return rc;
}

void counter_count(struct muster_scenario *s, struct counter_tally *tally)
{
    muster_workload(s, &(struct muster_workload){ .name = "count", .run = count, .context = tally });
}
