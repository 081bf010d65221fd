/* The feed as workloads, expectations and tests reach it: through the run. */
#include "chain/feed/internal.h"
#include "run/internal.h"

enum muster_rc muster_feed_subscribe(struct muster_run *run, uint64_t from_height,
                                     struct muster_feed_subscription **ret, struct muster_error *err)
{
    struct muster_feed *feed = muster__run_feed(run);
    if (feed == NULL) {
        return muster_error_set(err, MUSTER_ESTATE, "there is no feed before the nodes are deployed");
    }
    return muster__feed_subscribe(feed, from_height, ret, err);
}

void muster_feed_stats(struct muster_run *run, struct muster_feed_stats *ret)
{
    muster__feed_get_stats(muster__run_feed(run), ret);
}
