/* Deploy and teardown, beside the floor measured in turn with it. */
#include <stdio.h>

#include "bench.h"

static void add(struct bench_figures *figures, const struct bench_times *times)
{
    bench_sample_add(&figures->deploy, times->deploy_ms);
    bench_sample_add(&figures->teardown, times->teardown_ms);
}

void bench_compared(const char *what, uint32_t nodes, struct bench_sample *ours, struct bench_sample *floor,
                    double aim_ms)
{
    char label[64];
    char figure[64];
    char floor_figure[64];
    char note[128];
    char aim[32] = "";
    double ratio = bench_sample_quantile(ours, 0.5) / bench_sample_quantile(floor, 0.5);
    if (aim_ms > 0) {
        snprintf(aim, sizeof aim, " (aim: %.0f ms)", aim_ms);
    }
    snprintf(label, sizeof label, "%s, %u nodes, ms", what, nodes);
    snprintf(note, sizeof note, "%.2f × the floor%s", ratio, aim);
    bench_row(label, bench_sample_text(ours, 1, figure), bench_sample_text(floor, 1, floor_figure), note);
}

enum muster_rc bench_compare(const struct bench *bench, uint32_t nodes, bench_floor_fn *floor,
                             struct bench_figures *ours, struct bench_figures *floors,
                             struct muster_error *err)
{
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = NULL;
    const struct bench_run idle = { .body = NULL };
    ours->deploy.count = ours->teardown.count = floors->deploy.count = floors->teardown.count = 0;
    enum muster_rc rc = bench_plan_build(bench, &(struct bench_plan){ .nodes = nodes }, &plan, err);
    for (uint32_t i = 0; rc == MUSTER_OK && i < bench->runs; i++) {
        struct bench_times times;
        rc = floor(bench, plan, &times, err);
        if (rc == MUSTER_OK) {
            add(floors, &times);
            rc = bench_run(bench, plan, &idle, &times, err);
        }
        if (rc == MUSTER_OK) {
            add(ours, &times);
        }
    }
    return rc == MUSTER_OK ? rc : muster_error_context(err, rc, "deploying %u nodes", nodes);
}

enum muster_rc bench_deploy(const struct bench *bench, struct muster_error *err)
{
    static const uint32_t sizes[] = { 3, 20, 100 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static struct bench_figures ours;
        static struct bench_figures floor;
        enum muster_rc rc = bench_compare(bench, sizes[i], bench_floor, &ours, &floor, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        /* At most a tenth and 30 ms more than the floor; 100 nodes down in 300 ms. */
        double deploy_aim_ms = 30 + 1.1 * bench_sample_quantile(&floor.deploy, 0.5);
        bench_compared("deploy to ready", sizes[i], &ours.deploy, &floor.deploy, deploy_aim_ms);
        bench_compared("teardown", sizes[i], &ours.teardown, &floor.teardown, sizes[i] == 100 ? 300 : 0);
    }
    return MUSTER_OK;
}
