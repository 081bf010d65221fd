/* The part "transactions": its workload, and the expectation "inclusion". */
#include "muster/part.h"
#include "muster/chain.h"

#include <stdlib.h>

#include "chain/transactions/traffic.h"

/* Ranges that NaN fails too; 0 stands for the default. */
static void check_transactions(struct muster_scenario *s, const struct muster_transactions *given)
{
    if (given->rate_per_block > MUSTER_RATE_MAX) {
        muster_scenario_refuse(s, "transactions.rate_per_block is %u; use 1 to %u", given->rate_per_block,
                               MUSTER_RATE_MAX);
    }
    if (given->users > MUSTER_WALLETS_MAX) {
        muster_scenario_refuse(s, "transactions.users is %u; use at most the number of wallets",
                               given->users);
    }
    if (!(given->min_ratio >= 0 && given->min_ratio <= 1)) {
        muster_scenario_refuse(s, "transactions.min_ratio is %g; use a share above 0, to 1",
                               given->min_ratio);
    }
    if (given->within_blocks > MUSTER_DEPTH_MAX) {
        muster_scenario_refuse(s, "transactions.within_blocks is %u; use 1 to %u blocks",
                               given->within_blocks, MUSTER_DEPTH_MAX);
    }
}

/* ---- At build ---- */

static enum muster_rc check_plan(const struct muster_plan *plan, const struct muster_transactions *given,
                                 struct muster_error *err)
{
    if (plan->system->chain == NULL || plan->system->chain->build_submission == NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "transactions are asked for, but the system '%s' has none; leave them out",
                                plan->system->name);
    }
    if (plan->wallet_count == 0) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "wallets is 0, but transactions need some; call muster_wallets() with 1 to %u",
            MUSTER_WALLETS_MAX);
    }
    if (given->users > plan->wallet_count) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "transactions.users is %u, but there are %u wallets; ask for fewer users or more wallets",
            given->users, plan->wallet_count);
    }
    return MUSTER_OK;
}

static enum muster_rc make(const struct muster_plan *plan, const void *options, void **state,
                           struct muster_error *err)
{
    enum muster_rc rc = check_plan(plan, options, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster__traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the transactions");
    }
    traffic->options = *(const struct muster_transactions *)options;
    muster__transactions_resolve(plan, &traffic->options);
    pthread_mutex_init(&traffic->reading, NULL);
    pthread_mutex_init(&traffic->sending, NULL);
    TAILQ_INIT(&traffic->again);
    *state = traffic;
    return MUSTER_OK;
}

static void release(void *state)
{
    struct muster__traffic *traffic = state;
    muster__tracker_destroy(traffic->tracker);
    pthread_mutex_destroy(&traffic->reading);
    pthread_mutex_destroy(&traffic->sending);
    free(traffic);
}

static const struct muster_part transactions_part = {
    .name = "transactions",
    .workload = "transactions",
    .expectation = "inclusion",
    .options_bytes = sizeof(struct muster_transactions),
    .make = make,
    .capture = muster__traffic_capture,
    .work = muster__transactions_run,
    .check = muster__traffic_check,
    .settled = muster__traffic_settled,
    .evaluate = muster__inclusion_evaluate,
    .end = muster__traffic_end,
    .progress = muster__traffic_progress,
    .summary = muster__traffic_summary,
    .to_json = muster__traffic_to_json,
    .release = release,
};

void muster_transactions(struct muster_scenario *s, const struct muster_transactions *transactions)
{
    struct muster_transactions given =
        transactions != NULL ? *transactions : (struct muster_transactions){ 0 };
    if (muster_has_part(s, &transactions_part)) {
        muster_scenario_refuse(s, "transactions is given twice; give it once, with the sum of both rates");
        return;
    }
    check_transactions(s, &given);
    muster_part(s, &transactions_part, &given);
}
