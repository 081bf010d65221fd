/* Follows transactions by identity: sent, accepted, included, final. Any thread; bounded memory. */
#ifndef MUSTER_SRC_TRACKER_H
#define MUSTER_SRC_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/chain.h"
#include "muster/system.h"

#define MUSTER__TRACKER_RECORDS_MAX 200000u /* About 60 MB. */

/* One transaction. Heights are of the best chain; 0 ms: not yet. */
struct muster__record {
    struct muster_id identity;
    uint32_t wallet;
    uint32_t node; /* That was asked last; that accepted it. */
    bool accepted;
    uint64_t sent_ms; /* First time. */
    uint64_t accepted_ms;
    uint64_t accepted_height; /* Best height at that time. */
    uint32_t appearances; /* On the best chain; more than 1 is a double spend. */
    uint64_t included_height; /* Of the last appearance; meaningless without one. */
    uint64_t first_height; /* Of the first appearance. */
    uint64_t included_ms; /* When that block was first seen. */
    struct muster_id block; /* Of the first appearance. */
};

struct muster__counts {
    uint64_t sent;
    uint64_t accepted;
    uint64_t included; /* Of the accepted ones, on the best chain now. */
    uint64_t final; /* Of all seen in blocks, those security_depth blocks deep. */
    uint64_t refused;
    uint64_t unanswered; /* No node took it, however often it was tried. */
    uint64_t cut_off; /* Unanswered when the window closed. */
    uint64_t retried; /* Requests that had to be sent again. */
    uint64_t in_flight;
    uint64_t held_back; /* Released by a block, but not sent. */
    uint64_t retired; /* Included in time, final, and no longer in memory. */
};

struct muster__tracker;

/** capacity: of transactions in memory. within_blocks: what counts as late. NULL when memory is out. */
struct muster__tracker *muster__tracker_create(size_t capacity, uint32_t within_blocks,
                                               uint32_t security_depth);
void muster__tracker_destroy(struct muster__tracker *tracker);

/** It is about to be sent to `node`. Sending one again that was refused or lost sight of is fine.
 * MUSTER_OK; MUSTER_ESTATE, the bound is reached and nothing could be retired; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster__tracker_sent(struct muster__tracker *tracker,
                                                    const struct muster_submission *submission, uint32_t node,
                                                    uint64_t now_ms);
void muster__tracker_retried(struct muster__tracker *tracker);
void muster__tracker_held_back(struct muster__tracker *tracker, uint64_t count);

/* Each ends what muster__tracker_sent() began, once. */
void muster__tracker_accepted(struct muster__tracker *tracker, const struct muster_id *identity,
                              uint32_t node, uint64_t now_ms, uint64_t best_height);
/** `text`: the node's words. */
void muster__tracker_refused(struct muster__tracker *tracker, uint32_t node, uint64_t now_ms,
                             const char *text);
/** cut_off: the window closed first. */
void muster__tracker_unanswered(struct muster__tracker *tracker, uint32_t node, uint64_t now_ms,
                                const char *text, bool cut_off);

/* The best chain. */
void muster__tracker_block(struct muster__tracker *tracker, const struct muster_block *block, uint64_t height,
                           uint64_t seen_ms);
/** Blocks above `height` are no longer on it. */
void muster__tracker_reorg(struct muster__tracker *tracker, uint64_t height);

void muster__tracker_counts(struct muster__tracker *tracker, struct muster__counts *ret);

/** The height up to which every node must have the best chain for all that was accepted to be included
 * there. False while something is in flight or accepted but not included. */
bool muster__tracker_settled(struct muster__tracker *tracker, uint64_t *height);

/* The first refusal, and the first that no node answered, in words. */
struct muster__rebuff {
    bool known;
    uint32_t node;
    uint64_t at_ms;
    char text[256];
};
void muster__tracker_rebuffs(struct muster__tracker *tracker, struct muster__rebuff *refused,
                             struct muster__rebuff *unanswered);

/** Calls `visit` for every transaction in memory, in order of sending, with the tracker locked. */
void muster__tracker_each(struct muster__tracker *tracker,
                          void (*visit)(void *context, const struct muster__record *record), void *context);

#endif
