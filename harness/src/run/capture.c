/* Capture: the nodes are observed, and every expectation takes its baseline. */
#include "run/internal.h"
#include "run/observe.h"

enum muster_rc muster__run_capture(struct muster_run *run, struct muster_error *err)
{
    muster__run_enter(run, MUSTER_CAPTURE);
    enum muster_rc rc = muster__observation_start(run, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        const struct muster_expectation *it = &run->plan->expectations[i];
        rc = it->capture == NULL ? MUSTER_OK : it->capture(run, it->context, err);
        if (rc != MUSTER_OK) {
            return muster_error_context(err, rc, "taking the baseline of expectation '%s'", it->name);
        }
    }
    /* A node that died after its probe is not worth a window. */
    return muster__nodes_failure(run->nodes, err);
}
