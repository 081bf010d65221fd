/* What a scenario says of a chain: wallets and consensus, and what a plan makes of it. */
#include "chain/consensus.h"

#include <math.h>

#include "chain/chain_check.h"
#include "muster/chain.h"
#include "plan/internal.h"

#define SLOT_MS 2000u
#define ACTIVE_SLOT_COEFF 0.9
#define SECURITY_DEPTH 10u

void muster_wallets(struct muster_scenario *s, uint32_t count)
{
    if (s == NULL) {
        return;
    }
    if (count < 1 || count > MUSTER_WALLETS_MAX) {
        muster__mistake(s, "wallets is %u; use 1 to %u", count, MUSTER_WALLETS_MAX);
    }
    s->owned->plan.wallet_count = count;
}

void muster_consensus(struct muster_scenario *s, const struct muster_consensus *consensus)
{
    if (s == NULL) {
        return;
    }
    struct muster_consensus given = consensus != NULL ? *consensus : (struct muster_consensus){ 0 };
    if (given.slot_ms != 0 && (given.slot_ms < MUSTER_SLOT_MS_MIN || given.slot_ms > MUSTER_SLOT_MS_MAX)) {
        muster__mistake(s, "consensus.slot_ms is %u; use %u to %u ms", given.slot_ms, MUSTER_SLOT_MS_MIN,
                        MUSTER_SLOT_MS_MAX);
    }
    /* Written so that NaN fails too. */
    double coeff = given.active_slot_coeff;
    if (coeff != 0 && !(coeff >= MUSTER_ACTIVE_SLOT_COEFF_MIN && coeff <= 1)) {
        muster__mistake(s, "consensus.active_slot_coeff is %g; use %g to 1", coeff,
                        MUSTER_ACTIVE_SLOT_COEFF_MIN);
    }
    if (given.security_depth > MUSTER_DEPTH_MAX) {
        muster__mistake(s, "consensus.security_depth is %u; use 1 to %u blocks", given.security_depth,
                        MUSTER_DEPTH_MAX);
    }
    s->owned->plan.slot_ms = given.slot_ms;
    s->owned->plan.active_slot_coeff = given.active_slot_coeff;
    s->owned->plan.security_depth = given.security_depth;
}

/* Variable over scenario over default. */
static void resolve(struct muster_plan *plan, const struct muster_variables *variables)
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
    plan->pace_ms = plan->block_interval_ms;
}

/* A window that can hold no block says nothing about a chain. */
static enum muster_rc check_window(const struct muster_plan *plan, struct muster_error *err)
{
    if (plan->duration_ms >= 2u * (uint64_t)plan->slot_ms) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "run_duration is %llu ms, shorter than two slots of %u ms; make it longer, or the "
        "slots shorter with muster_consensus() or CONSENSUS_SLOT_TIME",
        (unsigned long long)plan->duration_ms, plan->slot_ms);
}

enum muster_rc muster__consensus_resolve(struct muster_plan *plan, const struct muster_variables *variables,
                                         struct muster_error *err)
{
    enum muster_rc rc = muster__chain_check(plan->system, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    resolve(plan, variables);
    return check_window(plan, err);
}
