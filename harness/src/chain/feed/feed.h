/* The feed: observes every node, keeps the tree of blocks, follows the best chain. */
#ifndef MUSTER_SRC_FEED_H
#define MUSTER_SRC_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/events.h"
#include "http/http.h"
#include "muster/chain.h"
#include "muster/run.h"
#include "nodes/nodes.h"

struct muster_feed;

/** All borrowed, and must outlive the feed. events may be NULL. Nothing is asked of any node yet. */
MUSTER_MUST_USE enum muster_rc muster__feed_create(const struct muster_plan *plan, struct muster_http *http,
                                                   struct muster_nodes *nodes, struct muster_events *events,
                                                   struct muster_feed **ret, struct muster_error *err);

/** Begins to observe every node. Waits, two seconds at most, until each was heard of once and their tips lead
 * down to a base, so that a baseline taken next knows the chain as it stood. */
MUSTER_MUST_USE enum muster_rc muster__feed_start(struct muster_feed *feed, struct muster_error *err);

/** The baseline is about to be taken: history begins where the walk down from the nodes' tips has come to,
 * and their words give its height. A long chain on slow nodes would else be unknown until all of it was read.
 */
void muster__feed_begin_history(struct muster_feed *feed);

/** No new requests; subscribers get MUSTER_ESTOPPED once they have read what there is. */
void muster__feed_stop(struct muster_feed *feed);

/** After the engine was destroyed: frees all, or nothing while there are subscriptions. */
void muster__feed_destroy(struct muster_feed *feed);

/** A node was stopped, or started again, perhaps elsewhere: drop or renew its observation. */
void muster__feed_node_changed(struct muster_feed *feed, uint32_t node);

void muster__feed_view(struct muster_feed *feed, uint32_t node, struct muster_node_view *ret);
void muster__feed_get_stats(struct muster_feed *feed, struct muster_feed_stats *ret);

/** Slots in [from, to] in which at least one block was seen, on any branch. */
uint64_t muster__feed_slots_won(struct muster_feed *feed, uint64_t from_slot, uint64_t to_slot);

/** The height of the last block that is an ancestor of (or is) both. MUSTER_ENOTFOUND when one is not known.
 */
MUSTER_MUST_USE enum muster_rc muster__feed_common_height(struct muster_feed *feed, const struct muster_id *a,
                                                          const struct muster_id *b, uint64_t *ret);

/** How a leader made two blocks for one slot, if one did: MUSTER_EEXPECT with node, slot, both ids and
 * since when; else MUSTER_OK. */
enum muster_rc muster__feed_equivocation(struct muster_feed *feed, struct muster_error *err);

/** MUSTER_EEXPECT, with when and to which block, if a chain that does not stand on the best one took its
 * place, so that who followed it was lost; else MUSTER_OK. */
enum muster_rc muster__feed_loss(struct muster_feed *feed, struct muster_error *err);

/** Milliseconds from a block's first sight until the slowest node had it: the worst 99 % of blocks that
 * all running nodes got; 0 when there were none. */
uint64_t muster__feed_propagation_p99_ms(struct muster_feed *feed);

#endif
