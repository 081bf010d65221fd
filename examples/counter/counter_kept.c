/* The expectation "kept": every node says what it said before, and each count that it acknowledged since. */
#include "counter.h"

/* The baseline: everything counts from here. */
static enum muster_rc capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct counter_tally *tally = context;
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t node = 0; rc == MUSTER_OK && node < muster_run_plan(run)->node_count; node++) {
        struct muster_progress progress;
        rc = muster_node_progress(run, node, &progress, err);
        tally->before[node] = rc == MUSTER_OK ? progress.height : 0;
    }
    return rc;
}

static enum muster_rc judge(struct muster_run *run, const struct counter_tally *tally, uint32_t node,
                            struct muster_error *err)
{
    struct muster_progress progress;
    unsigned long long counted = atomic_load(&tally->counted[node]);
    enum muster_rc rc = muster_node_progress(run, node, &progress, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (counted == 0) {
        return muster_error_set(err, MUSTER_EEXPECT, "node-%u was never told to count", node);
    }
    if (progress.height != tally->before[node] + counted) {
        return muster_error_set(err, MUSTER_EEXPECT, "node-%u counted %llu of %llu", node,
                                (unsigned long long)(progress.height - tally->before[node]), counted);
    }
    return MUSTER_OK;
}

static enum muster_rc evaluate(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err)
{
    const struct counter_tally *tally = context;
    unsigned long long total = 0;
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t node = 0; node < muster_run_plan(run)->node_count; node++) {
        total += atomic_load(&tally->counted[node]);
        rc = rc == MUSTER_OK ? judge(run, tally, node, err) : rc;
    }
    muster_report_number(report, "counted", (double)total);
    return rc;
}

void counter_expect_kept(struct muster_scenario *s, struct counter_tally *tally)
{
    muster_expectation(s, &(struct muster_expectation){
                              .name = "kept", .capture = capture, .evaluate = evaluate, .context = tally });
}
