/* The feed of a run, for what is built on it. */
#ifndef MUSTER_SRC_FEED_RUN_H
#define MUSTER_SRC_FEED_RUN_H

#include "chain/feed/feed.h"
#include "muster/run.h"

/** NULL before deploy, and where the system has no blocks. */
struct muster_feed *muster__run_feed(const struct muster_run *run);

/** Until when the feed should have fetched a tip that a node told now. */
uint64_t muster__fetch_deadline_ms(const struct muster_run *run);

/** As muster__feed_common_height(), for a tip that the feed may have yet to fetch: waits for it that long. */
MUSTER_MUST_USE enum muster_rc muster__await_common_height(struct muster_run *run,
                                                           const struct muster_id *tip,
                                                           const struct muster_id *best, uint64_t deadline_ms,
                                                           uint64_t *ret);

#endif
