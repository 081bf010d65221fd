/* From a scenario to its plan: defaults, overrides, deadlines, keys and genesis. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "muster/observer.h"
#include "muster/system.h"
#include "plan/internal.h"
#include "plan/plan.h"
#include "plan/system_check.h"

#define PACE_MS 1000u
#define GRACE_MS 3000u
#define SETTLE_MS_MIN 5000u
#define SETTLE_MS_MAX 600000u

static enum muster_rc check_given(const struct muster_scenario *s, struct muster_error *err)
{
    const struct muster_plan *plan = &s->owned->plan;
    if (s->mistake.rc != MUSTER_OK) {
        return muster_error_set(err, s->mistake.rc, "%s", s->mistake.text);
    }
    if (!s->topology_given) {
        return muster_error_set(err, MUSTER_EINVAL, "topology is missing; call muster_topology()");
    }
    if (!s->duration_given) {
        return muster_error_set(err, MUSTER_EINVAL, "run_duration is missing; call muster_run_duration()");
    }
    if (plan->system == NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "system is missing; call muster_system()");
    }
    enum muster_rc rc = muster__system_check(plan->system, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    for (size_t i = 0; i < plan->env_count; i++) {
        const struct muster_env *env = &plan->env[i];
        if (env->node != MUSTER_EVERY_NODE && env->node >= plan->node_count) {
            return muster_error_set(err, MUSTER_EINVAL,
                                    "node_env '%.80s' is for node %u, but the nodes are 0 to %u; name one of "
                                    "them, or MUSTER_EVERY_NODE",
                                    env->name, env->node, plan->node_count - 1);
        }
    }
    return MUSTER_OK;
}

/* A chain says its own pace. */
static enum muster_rc resolve_pace(struct muster_plan *plan, const struct muster_variables *variables,
                                   struct muster_error *err)
{
    const struct muster_observer *observer = plan->system->observer;
    if (plan->pace_ms == 0) {
        plan->pace_ms = PACE_MS;
    }
    return observer == NULL || observer->resolve == NULL ? MUSTER_OK
                                                         : observer->resolve(plan, variables, err);
}

static uint32_t default_settle_ms(const struct muster_plan *plan)
{
    uint64_t wanted_ms = plan->pace_ms * 10 + SETTLE_MS_MIN;
    return wanted_ms < SETTLE_MS_MAX ? (uint32_t)wanted_ms : SETTLE_MS_MAX;
}

static void resolve_deadlines(struct muster_plan *plan, const struct muster_variables *variables)
{
    plan->slowdown = muster_variables_slowdown(variables);
    plan->ready_ms = muster__stretch_ms(plan, plan->ready_ms);
    plan->settle_ms =
        muster__stretch_ms(plan, plan->settle_ms != 0 ? plan->settle_ms : default_settle_ms(plan));
    uint32_t own_grace_ms = plan->system->grace_ms != 0 ? plan->system->grace_ms : GRACE_MS;
    plan->grace_ms = muster__stretch_ms(plan, plan->grace_ms != 0 ? plan->grace_ms : own_grace_ms);
}

static enum muster_rc make_part(struct muster_scenario *s, const struct muster__given_part *given,
                                struct muster_error *err)
{
    const struct muster_part *part = given->part;
    struct muster__owned_plan *owned = s->owned;
    struct muster_plan *plan = &owned->plan;
    void *state = NULL;
    enum muster_rc rc = part->make == NULL ? MUSTER_OK : part->make(plan, given->options, &state, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    plan->parts[plan->part_count++] = (struct muster_planned_part){ .part = part, .state = state };
    if (part->workload != NULL) {
        plan->workloads[given->workload] = (struct muster_workload){
            .name = owned->workload_names[given->workload], .run = part->work, .context = state
        };
    }
    if (part->expectation != NULL) {
        plan->expectations[given->expectation] =
            (struct muster_expectation){ .name = owned->expectation_names[given->expectation],
                                         .capture = part->capture,
                                         .check = part->check,
                                         .evaluate = part->evaluate,
                                         .context = state };
    }
    plan->recover_ms += part->recover_ms == NULL ? 0 : part->recover_ms(plan, state);
    return MUSTER_OK;
}

static enum muster_rc make_parts(struct muster_scenario *s, struct muster_error *err)
{
    for (size_t i = 0; i < s->part_count; i++) {
        enum muster_rc rc = make_part(s, &s->parts[i], err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

static enum muster_rc prepare_system(struct muster_plan *plan, const struct muster_variables *variables,
                                     struct muster_error *err)
{
    if (plan->system->prepare == NULL) {
        return MUSTER_OK;
    }
    void *state = NULL;
    enum muster_rc rc = plan->system->prepare(plan, variables, &state, err);
    if (rc == MUSTER_OK) {
        plan->system_state = state;
    }
    return rc;
}

static enum muster_rc finish(struct muster_scenario *s, const struct muster_variables *variables,
                             struct muster_error *err)
{
    struct muster_plan *plan = &s->owned->plan;
    enum muster_rc rc = check_given(s, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = resolve_pace(plan, variables, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    resolve_deadlines(plan, variables);
    plan->seed = muster_variable_is_set(variables, MUSTER_VAR_SEED)
                     ? muster_variable_uint(variables, MUSTER_VAR_SEED)
                     : muster_random_new_seed();
    rc = make_parts(s, err);
    return rc == MUSTER_OK ? prepare_system(plan, variables, err) : rc;
}

enum muster_rc muster_scenario_build(struct muster_scenario *s, const struct muster_variables *variables,
                                     struct muster_plan **ret, struct muster_error *err)
{
    if (s == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    }
    assert(variables != NULL && ret != NULL);
    enum muster_rc rc = finish(s, variables, err);
    if (rc == MUSTER_OK) {
        *ret = &s->owned->plan;
        s->owned = NULL; /* Ownership has moved to the caller. */
    }
    muster_scenario_destroy(s);
    return rc;
}
