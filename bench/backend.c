/* Up to ready and down on a runner whose backend is not this host. */
#include <stdio.h>

#include "bench.h"

static enum muster_rc probe(const struct bench *bench, bool *ret, struct muster_error *reason,
                            struct muster_error *err)
{
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = NULL;
    enum muster_rc rc = bench_plan_build(bench, &(struct bench_plan){ .nodes = 1 }, &plan, err);
    *ret = rc == MUSTER_OK && bench->runner->probe(plan, bench->variables, reason) == MUSTER_OK;
    return rc;
}

static double aim_ms(struct bench_sample *floor, double slack_ms)
{
    double floor_ms = bench_sample_quantile(floor, 0.5);
    return floor_ms + (floor_ms * 0.1 > slack_ms ? floor_ms * 0.1 : slack_ms);
}

static void print_rows(const char *runner, uint32_t nodes, struct bench_figures *ours,
                       struct bench_figures *floor, double slack_ms)
{
    char label[64];
    snprintf(label, sizeof label, "%.20s: up to ready", runner);
    bench_compared(label, nodes, &ours->deploy, &floor->deploy, aim_ms(&floor->deploy, slack_ms));
    snprintf(label, sizeof label, "%.20s: down", runner);
    bench_compared(label, nodes, &ours->teardown, &floor->teardown, aim_ms(&floor->teardown, slack_ms));
}

enum muster_rc bench_backend(const struct bench *bench, const struct muster_runner *runner,
                             bench_floor_fn *floor, double slack_ms, struct muster_error *err)
{
    static const uint32_t sizes[] = { 3, 10 };
    static struct bench_figures ours;
    static struct bench_figures floors;
    struct bench on_backend = *bench;
    struct muster_error reason = { 0 };
    bool there;
    on_backend.runner = runner;
    enum muster_rc rc = probe(&on_backend, &there, &reason, err);
    if (rc == MUSTER_OK && !there) {
        char label[64];
        snprintf(label, sizeof label, "%.20s: up to ready, down", runner->name);
        bench_row(label, "-", "-", reason.text);
        return MUSTER_OK;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && rc == MUSTER_OK; i++) {
        rc = bench_compare(&on_backend, sizes[i], floor, &ours, &floors, err);
        if (rc == MUSTER_OK) {
            print_rows(runner->name, sizes[i], &ours, &floors, slack_ms);
        }
    }
    return rc;
}
