/* What becomes of a finished plan: its limits, and its end. */
#include "plan/plan.h"

#include <math.h>
#include <stdlib.h>

#include "muster/part.h"
#include "muster/system.h"
#include "plan/internal.h"

#define READY_MS 60000u /* Where the plan leaves it to the runner. */
#define EVALUATION_PACES 8u /* Expectations judge again and again while they do not hold. */
#define SLACK_MS 60000u

void muster_plan_destroy(struct muster_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->workload_count; i++) {
        if (plan->workloads[i].destroy != NULL) {
            plan->workloads[i].destroy(plan->workloads[i].context);
        }
    }
    for (size_t i = 0; i < plan->expectation_count; i++) {
        if (plan->expectations[i].destroy != NULL) {
            plan->expectations[i].destroy(plan->expectations[i].context);
        }
    }
    for (size_t i = 0; i < plan->part_count; i++) {
        if (plan->parts[i].part->release != NULL) {
            plan->parts[i].part->release(plan->parts[i].state);
        }
    }
    if (plan->system_state != NULL && plan->system->release != NULL) {
        plan->system->release(plan->system_state);
    }
    for (size_t i = 0; i < plan->env_count; i++) {
        free(plan->env[i].name);
        free(plan->env[i].value);
    }
    /* The plan is the first member of what was allocated. */
    free((struct muster__owned_plan *)plan);
}

uint32_t muster__stretch_ms(const struct muster_plan *plan, uint64_t value_ms)
{
    double stretched_ms = ceil((double)value_ms * plan->slowdown);
    return stretched_ms < UINT32_MAX ? (uint32_t)stretched_ms : UINT32_MAX;
}

uint64_t muster__ready_limit_ms(const struct muster_plan *plan)
{
    return plan->ready_ms != 0 ? plan->ready_ms : muster__stretch_ms(plan, READY_MS);
}

uint64_t muster_plan_time_limit_ms(const struct muster_plan *plan)
{
    /* Settling takes up to twice its time after nodes were controlled. */
    bool controlled = (plan->capabilities & MUSTER_NODE_CONTROL) != 0;
    uint64_t evaluation_ms = (uint64_t)ceil((double)(EVALUATION_PACES * plan->pace_ms) * plan->slowdown);
    return muster__ready_limit_ms(plan) + plan->duration_ms + plan->settle_ms * (controlled ? 2 : 1) +
           plan->grace_ms + plan->recover_ms + evaluation_ms + muster__stretch_ms(plan, SLACK_MS);
}
