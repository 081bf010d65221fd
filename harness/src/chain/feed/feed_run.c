/* The feed as workloads, expectations and tests reach it: through the run. */
#include "chain/feed/feed_run.h"

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "run/internal.h"

#define FETCH_MS_MIN 200u
#define FETCH_MS_MAX 2000u
#define FETCH_POLL_MS 5u

/* The observer of a system with blocks is the feed: the plan was refused otherwise. */
struct muster_feed *muster__run_feed(const struct muster_run *run)
{
    return run->plan->system->chain != NULL ? run->observation : NULL;
}

enum muster_rc muster_feed_subscribe(struct muster_run *run, uint64_t from_height,
                                     struct muster_feed_subscription **ret, struct muster_error *err)
{
    struct muster_feed *feed = muster__run_feed(run);
    if (feed == NULL) {
        return muster_error_set(
            err, MUSTER_ESTATE,
            "there is no feed: the nodes are not deployed yet, or their system has no blocks");
    }
    return muster__feed_subscribe(feed, from_height, ret, err);
}

void muster_feed_stats(struct muster_run *run, struct muster_feed_stats *ret)
{
    muster__feed_get_stats(muster__run_feed(run), ret);
}

uint64_t muster__fetch_deadline_ms(const struct muster_run *run)
{
    uint64_t interval_ms = run->plan->block_interval_ms;
    uint64_t limit_ms = interval_ms < FETCH_MS_MIN ? FETCH_MS_MIN : interval_ms;
    return muster_clock_ms() + (limit_ms < FETCH_MS_MAX ? limit_ms : FETCH_MS_MAX);
}

enum muster_rc muster__await_common_height(struct muster_run *run, const struct muster_id *tip,
                                           const struct muster_id *best, uint64_t deadline_ms, uint64_t *ret)
{
    uint64_t changes = 0;
    struct muster_feed *feed = muster__run_feed(run);
    enum muster_rc rc = muster__feed_common_height(feed, tip, best, ret);
    while (rc != MUSTER_OK && muster_clock_left_ms(deadline_ms) > 0) {
        muster__run_wait(run, muster_clock_ms() + FETCH_POLL_MS, &changes);
        rc = muster__feed_common_height(feed, tip, best, ret);
    }
    return rc;
}
