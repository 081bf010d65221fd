/* Wallets of a plan that is run again on a network it made: what a wallet spends is known in advance, so what
 * the chain has spent already tells where each stands. */
#include "chain/transactions/attach_wallets.h"

#include <stdlib.h>
#include <string.h>

#include "muster/chain.h"
#include "muster/clock.h"
#include "run/internal.h"

#define HISTORY_MS 60000u /* Times slow-down: until the feed has walked back to the first block. */
#define IDENTITIES_MAX (1u << 21)

/* All that the best chain has spent. */
struct spent {
    size_t count;
    size_t capacity;
    struct muster_id *identities; /* Sorted once all are there. */
};

static enum muster_rc keep(struct spent *spent, const struct muster_block *block, struct muster_error *err)
{
    size_t count = spent->count + block->identity_count;
    if (count > IDENTITIES_MAX) {
        return muster_error_set(err, MUSTER_EINVAL, "the network has spent more than %u notes already",
                                IDENTITIES_MAX);
    }
    if (count > spent->capacity) {
        size_t capacity = count + count / 2 + 64;
        struct muster_id *grown = realloc(spent->identities, capacity * sizeof *grown);
        if (grown == NULL) {
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for what the network has spent");
        }
        spent->identities = grown;
        spent->capacity = capacity;
    }
    if (block->identity_count > 0) {
        memcpy(spent->identities + spent->count, block->identities,
               block->identity_count * sizeof *block->identities);
    }
    spent->count = count;
    return MUSTER_OK;
}

/* Reads what there is, up to the best block. A reorg on the way: all is to be read again. */
static enum muster_rc read_chain(struct muster_run *run, struct muster_feed_subscription *chain,
                                 struct spent *spent, bool *again, struct muster_error *err)
{
    struct muster_feed_event event;
    struct muster_feed_stats best;
    uint64_t height = 0;
    uint32_t wait_ms = (uint32_t)(HISTORY_MS * run->plan->slowdown);
    enum muster_rc rc = MUSTER_OK;
    do {
        rc = muster_feed_next(chain, wait_ms, &event);
        *again = rc == MUSTER_ENOTFOUND || (rc == MUSTER_OK && event.kind == MUSTER_FEED_REORG);
        if (rc != MUSTER_OK || *again) {
            return *again ? MUSTER_OK
                          : muster_error_set(err, rc, "the network's chain was not known within %.1f s",
                                             wait_ms / 1000.0);
        }
        if (event.height > height + 1) {
            return muster_error_set(
                err, MUSTER_EINVAL,
                "what the wallets of this scenario have spent cannot be told: the blocks between "
                "heights %llu and %llu could not be had; attach without wallets",
                (unsigned long long)height, (unsigned long long)event.height);
        }
        height = event.height;
        rc = keep(spent, event.block, err);
        muster_feed_stats(run, &best);
    } while (rc == MUSTER_OK && height < best.best_height);
    return rc;
}

static enum muster_rc read_spent(struct muster_run *run, struct spent *spent, struct muster_error *err)
{
    bool again = true;
    enum muster_rc rc = MUSTER_OK;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)(HISTORY_MS * run->plan->slowdown);
    while (again && rc == MUSTER_OK && muster_clock_left_ms(deadline_ms) > 0) {
        struct muster_feed_subscription *chain = NULL;
        spent->count = 0;
        rc = muster_feed_subscribe(run, 0, &chain, err);
        if (rc == MUSTER_OK) {
            rc = read_chain(run, chain, spent, &again, err);
        }
        muster_feed_unsubscribe(chain);
    }
    return rc == MUSTER_OK && again
               ? muster_error_set(err, MUSTER_ETIMEDOUT, "the network's chain never stood still")
               : rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct muster_id *)a)->text, ((const struct muster_id *)b)->text);
}

/* Moves a wallet on to the first transaction that is not on the chain; that one is put back, to be its next.
 */
static enum muster_rc move_on(struct muster_run *run, uint32_t wallet, const struct spent *spent,
                              uint64_t *skipped, struct muster_error *err)
{
    const struct muster_system *system = run->plan->system;
    bool is_spent = true;
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&run->system);
    while (is_spent && rc == MUSTER_OK) {
        struct muster_submission next = { 0 };
        rc = system->chain->build_submission(run->plan->system_state, wallet, &next, err);
        if (rc == MUSTER_OK) {
            is_spent = bsearch(&next.identity, spent->identities, spent->count, sizeof *spent->identities,
                               compare) != NULL;
            *skipped += is_spent;
            system->chain->settle_submission(run->plan->system_state, &next, is_spent);
            muster_submission_fini(&next);
        }
    }
    pthread_mutex_unlock(&run->system);
    return rc;
}

enum muster_rc muster__resume_wallets(struct muster_run *run, struct muster_error *err)
{
    const struct muster_plan *plan = run->plan;
    struct spent spent = { 0 };
    uint64_t skipped = 0;
    if (plan->wallet_count == 0 || plan->system->chain->build_submission == NULL) {
        return MUSTER_OK;
    }
    enum muster_rc rc = read_spent(run, &spent, err);
    if (spent.count > 0) {
        qsort(spent.identities, spent.count, sizeof *spent.identities, compare);
    }
    for (uint32_t i = 0; i < plan->wallet_count && rc == MUSTER_OK && spent.count > 0; i++) {
        rc = move_on(run, i, &spent, &skipped, err);
    }
    muster_run_event(run, "wallets_resumed", "{s:I, s:I}", "spent_on_chain", (json_int_t)spent.count,
                     "by_wallets", (json_int_t)skipped);
    free(spent.identities);
    return rc;
}
