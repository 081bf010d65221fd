/* The plans that are measured. */
#include "bench.h"
#include "muster/chain.h"

#define SLOT_MS 2000
#define SETTLE_MS 1u /* What comes late is not measured. */

enum muster_rc bench_plan_build(const struct bench *bench, const struct bench_plan *wanted,
                                struct muster_plan **ret, struct muster_error *err)
{
    struct muster_scenario *s = muster_scenario_create("bench", "nodes");
    if (s == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a scenario");
    }
    muster_system(s, bench->system);
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = wanted->nodes });
    if (wanted->wallets > 0) {
        muster_wallets(s, wanted->wallets);
    }
    if (wanted->consensus != NULL) {
        muster_consensus(s, wanted->consensus);
    }
    if (wanted->workload != NULL) {
        muster_workload(s, wanted->workload);
    }
    muster_deadlines(s, &(struct muster_deadlines){ .settle_ms = SETTLE_MS });
    muster_run_duration(s, wanted->duration_ms == 0 ? 2 * SLOT_MS : wanted->duration_ms);
    return muster_scenario_build(s, bench->variables, ret, err);
}
