/* From a scenario to its plan: defaults, overrides, deadlines, keys and genesis. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "muster/system.h"
#include "plan/internal.h"
#include "plan/part.h"

#define SLOT_MS 2000u
#define ACTIVE_SLOT_COEFF 0.9
#define SECURITY_DEPTH 10u
#define GRACE_MS 3000u
#define SETTLE_MS_MIN 5000u
#define SETTLE_MS_MAX 600000u
#define READY_MS 60000u /* For the time limit, where the runner's own is not known. */
#define SLACK_MS 60000u

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

static enum muster_rc check_transactions(const struct muster_scenario *s, struct muster_error *err)
{
    const struct muster_plan *plan = &s->owned->plan;
    if (!s->transactions.wanted) {
        return MUSTER_OK;
    }
    if (plan->system->build_submission == NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "transactions are asked for, but the system '%s' has none; leave them out",
                                plan->system->name);
    }
    if (!s->wallets_given) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "wallets is 0, but transactions need some; call muster_wallets() with 1 to %u",
            MUSTER_WALLETS_MAX);
    }
    if (s->transactions_options.users > plan->wallet_count) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "transactions.users is %u, but there are %u wallets; ask for fewer users or more wallets",
            s->transactions_options.users, plan->wallet_count);
    }
    return MUSTER_OK;
}

/* Variable over scenario over default. */
static void resolve_consensus(struct muster_plan *plan, const struct muster_variables *variables)
{
    if (muster_variable_is_set(variables, MUSTER_VAR_SLOT_TIME)) {
        plan->slot_ms = (uint32_t)lround(muster_variable_number(variables, MUSTER_VAR_SLOT_TIME) * 1000);
    } else if (plan->slot_ms == 0) {
        plan->slot_ms = SLOT_MS;
    }
    if (muster_variable_is_set(variables, MUSTER_VAR_ACTIVE_SLOT_COEFF)) {
        plan->active_slot_coeff = muster_variable_number(variables, MUSTER_VAR_ACTIVE_SLOT_COEFF);
    } else if (plan->active_slot_coeff == 0) {
        plan->active_slot_coeff = ACTIVE_SLOT_COEFF;
    }
    if (plan->security_depth == 0) {
        plan->security_depth = SECURITY_DEPTH;
    }
    plan->block_interval_ms = (uint64_t)llround(plan->slot_ms / plan->active_slot_coeff);
}

/* A window that can hold no block says nothing about a chain. */
static enum muster_rc check_window(const struct muster_plan *plan, struct muster_error *err)
{
    if (plan->system->request_block == NULL || plan->duration_ms >= 2u * (uint64_t)plan->slot_ms) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "run_duration is %llu ms, shorter than two slots of %u ms; make it longer, or the "
        "slots shorter with muster_consensus() or CONSENSUS_SLOT_TIME",
        (unsigned long long)plan->duration_ms, plan->slot_ms);
}

static uint32_t stretched(const struct muster_plan *plan, uint32_t value_ms)
{
    double stretched_ms = ceil(value_ms * plan->slowdown);
    return stretched_ms < UINT32_MAX ? (uint32_t)stretched_ms : UINT32_MAX;
}

static uint32_t default_settle_ms(const struct muster_plan *plan)
{
    uint64_t wanted_ms = plan->block_interval_ms * 10 + SETTLE_MS_MIN;
    return wanted_ms < SETTLE_MS_MAX ? (uint32_t)wanted_ms : SETTLE_MS_MAX;
}

static void resolve_deadlines(struct muster_plan *plan, const struct muster_variables *variables)
{
    plan->slowdown = muster_variables_slowdown(variables);
    plan->ready_ms = stretched(plan, plan->ready_ms);
    plan->settle_ms = stretched(plan, plan->settle_ms != 0 ? plan->settle_ms : default_settle_ms(plan));
    uint32_t own_grace_ms = plan->system->grace_ms != 0 ? plan->system->grace_ms : GRACE_MS;
    plan->grace_ms = stretched(plan, plan->grace_ms != 0 ? plan->grace_ms : own_grace_ms);
}

void muster__transactions_resolve(const struct muster_plan *plan, struct muster_transactions *options)
{
    options->rate_per_block = options->rate_per_block != 0 ? options->rate_per_block : 1;
    options->users = options->users != 0 ? options->users : plan->wallet_count;
    options->min_ratio = options->min_ratio != 0 ? options->min_ratio : 1.0;
    options->within_blocks = options->within_blocks != 0 ? options->within_blocks : plan->security_depth;
}

void muster__liveness_resolve(struct muster_liveness *options)
{
    options->false_alarm = options->false_alarm != 0 ? options->false_alarm : 1e-6;
    options->lag_blocks_max = options->lag_blocks_max != 0 ? options->lag_blocks_max : 2;
}

/* The makers need not know their names; ours are set whatever they did. */
static enum muster_rc make_transactions(struct muster_scenario *s, struct muster_error *err)
{
    struct muster__owned_plan *owned = s->owned;
    struct muster_workload *workload = &owned->plan.workloads[s->transactions.workload];
    struct muster_expectation *inclusion = &owned->plan.expectations[s->transactions.expectation];
    muster__transactions_resolve(&owned->plan, &s->transactions_options);
    enum muster_rc rc = muster__transactions_make(&s->transactions_options, workload, inclusion, err);
    workload->name = owned->workload_names[s->transactions.workload];
    inclusion->name = owned->expectation_names[s->transactions.expectation];
    return rc;
}

static enum muster_rc make_liveness(struct muster_scenario *s, struct muster_error *err)
{
    struct muster__owned_plan *owned = s->owned;
    struct muster_expectation *expectation = &owned->plan.expectations[s->liveness.expectation];
    muster__liveness_resolve(&s->liveness_options);
    enum muster_rc rc = muster__liveness_make(&s->liveness_options, expectation, err);
    expectation->name = owned->expectation_names[s->liveness.expectation];
    return rc;
}

static enum muster_rc make_chaos(struct muster_scenario *s, struct muster_error *err)
{
    struct muster__owned_plan *owned = s->owned;
    struct muster_plan *plan = &owned->plan;
    struct muster__chaos_options *options = &s->chaos_options;
    enum muster_rc rc = muster__chaos_resolve(plan, options, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster_workload *workload = &plan->workloads[s->chaos.workload];
    struct muster_expectation *recovers = &plan->expectations[s->chaos.expectation];
    rc = muster__chaos_make(options, workload, recovers, err);
    workload->name = owned->workload_names[s->chaos.workload];
    recovers->name = owned->expectation_names[s->chaos.expectation];
    /* When the window closes nodes may have to be started, to be waited for, and to settle for longer. */
    uint64_t ready_ms = plan->ready_ms != 0 ? plan->ready_ms : stretched(plan, READY_MS);
    uint64_t bound_ms =
        options->given.recover_ms != 0 ? options->given.recover_ms : ready_ms + options->tip_ms;
    plan->recover_ms = ready_ms + plan->settle_ms + bound_ms;
    return rc;
}

static enum muster_rc make_builtins(struct muster_scenario *s, struct muster_error *err)
{
    enum muster_rc rc = s->transactions.wanted ? make_transactions(s, err) : MUSTER_OK;
    if (rc == MUSTER_OK && s->liveness.wanted) {
        rc = make_liveness(s, err);
    }
    if (rc == MUSTER_OK && s->chaos.wanted) {
        rc = make_chaos(s, err);
    }
    return rc;
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
    if (rc == MUSTER_OK) {
        rc = check_transactions(s, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    resolve_consensus(plan, variables);
    rc = check_window(plan, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    resolve_deadlines(plan, variables);
    plan->seed = muster_variable_is_set(variables, MUSTER_VAR_SEED)
                     ? muster_variable_uint(variables, MUSTER_VAR_SEED)
                     : muster_random_new_seed();
    rc = make_builtins(s, err);
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

/* What is shorter than a block has its place in the slack. */
static uint64_t evaluation_ms(const struct muster_plan *plan)
{
    uint64_t blocks = MUSTER__LIVENESS_BLOCKS + MUSTER__INCLUSION_BLOCKS;
    return (uint64_t)ceil((double)(blocks * plan->block_interval_ms) * plan->slowdown);
}

uint64_t muster_plan_time_limit_ms(const struct muster_plan *plan)
{
    uint64_t ready_ms = plan->ready_ms != 0 ? plan->ready_ms : stretched(plan, READY_MS);
    /* Settling takes up to twice its time after nodes were controlled. */
    bool controlled = (plan->capabilities & MUSTER_NODE_CONTROL) != 0;
    return ready_ms + plan->duration_ms + plan->settle_ms * (controlled ? 2 : 1) + plan->grace_ms +
           plan->recover_ms + evaluation_ms(plan) + stretched(plan, SLACK_MS);
}
