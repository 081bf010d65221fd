/* The best chain: the highest block and what is below it. Of blocks of one height the first seen stays. A
 * chain that is not known to join it is only believed where most nodes have it: its heights are what somebody
 * says. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

struct muster__entry *muster__chain_at(const struct muster_feed *feed, uint64_t height)
{
    if (height < feed->chain_base || height - feed->chain_base >= feed->chain_count) {
        return NULL;
    }
    return feed->chain[height - feed->chain_base];
}

/* A gap stands on the best chain's highest block below it: what it really stands on is not known. */
static struct muster__entry *below_gap(const struct muster_feed *feed, uint64_t height)
{
    if (feed->chain_count == 0 || height <= feed->chain_base) {
        return NULL;
    }
    uint64_t top = feed->chain_base + feed->chain_count - 1;
    for (uint64_t at = height - 1 < top ? height - 1 : top; at >= feed->chain_base; at--) {
        struct muster__entry *entry = muster__chain_at(feed, at);
        if (entry != NULL || at == 0) {
            return entry;
        }
    }
    return NULL;
}

struct muster__entry *muster__chain_below(const struct muster_feed *feed, const struct muster__entry *entry)
{
    if (entry->parent != NULL && entry->parent->resolved) {
        return entry->parent;
    }
    bool gap = entry->parent != NULL || entry->state == MUSTER__MISSING;
    return gap && entry->resolved ? below_gap(feed, entry->block.height) : NULL;
}

/* Its height is one more because it stands on it, not because somebody says so. */
static bool stands_on(const struct muster__entry *entry, const struct muster__entry *below)
{
    return below == entry->parent && below->block.height + 1 == entry->block.height;
}

/* The highest ancestor on the chain; *lowest becomes the last one above it. *joins: there is one, and no gap
 * is in between. */
static struct muster__entry *find_fork(const struct muster_feed *feed, struct muster__entry *entry,
                                       struct muster__entry **lowest, bool *joins)
{
    *lowest = entry;
    *joins = true;
    while (entry != NULL && !entry->on_chain) {
        struct muster__entry *below = muster__chain_below(feed, entry);
        *lowest = entry;
        *joins = *joins && below != NULL && stands_on(entry, below);
        /* Heights that do not fall come from a gap that was filled otherwise than it had looked. */
        entry = below != NULL && below->block.height < entry->block.height ? below : NULL;
    }
    return entry;
}

static bool reserve(struct muster_feed *feed, size_t count)
{
    if (count > feed->chain_capacity) {
        size_t capacity = count + count / 2 + 64;
        struct muster__entry **grown = realloc(feed->chain, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        feed->chain = grown;
        feed->chain_capacity = capacity;
    }
    return true;
}

static void truncate_to(struct muster_feed *feed, size_t count)
{
    while (feed->chain_count > count) {
        struct muster__entry *entry = feed->chain[--feed->chain_count];
        if (entry != NULL) {
            entry->on_chain = false;
        }
    }
}

static void note_reorg(struct muster_feed *feed, const struct muster__entry *fork,
                       const struct muster__entry *tip)
{
    assert(feed->best != NULL); /* Where there is a fork, there was a best chain. */
    uint64_t height = fork->block.height;
    uint64_t removed = feed->best->block.height - height;
    feed->reorgs++;
    feed->deepest_reorg = removed > feed->deepest_reorg ? removed : feed->deepest_reorg;
    muster_log_info("reorg: %llu blocks above height %llu left the best chain, new tip %s",
                    (unsigned long long)removed, (unsigned long long)height, tip->block.id.text);
    if (feed->events != NULL) {
        muster__events_write(feed->events, "reorg",
                             json_pack("{s:I,s:I,s:s,s:s}", "height", (json_int_t)height, "removed",
                                       (json_int_t)removed, "from", feed->best->block.id.text, "to",
                                       tip->block.id.text));
    }
}

static void note_block(struct muster_feed *feed, const struct muster__entry *entry)
{
    const struct muster_block *block = &entry->block;
    muster_log_debug("height %llu: block %s, slot %llu, first seen at node-%u",
                     (unsigned long long)block->height, block->id.text, (unsigned long long)block->slot,
                     entry->first_node);
    if (feed->events != NULL) {
        muster__events_write(feed->events, "block",
                             json_pack("{s:I,s:s,s:I,s:i,s:i}", "height", (json_int_t)block->height, "id",
                                       block->id.text, "slot", (json_int_t)block->slot, "transactions",
                                       (int)block->transaction_count, "node", (int)entry->first_node));
    }
}

/* Puts the path from the fork up to `tip` in its places. */
static void extend(struct muster_feed *feed, struct muster__entry *tip, struct muster__entry *fork)
{
    size_t first = feed->chain_count;
    size_t count = (size_t)(tip->block.height - feed->chain_base) + 1;
    memset(feed->chain + first, 0, (count - first) * sizeof(*feed->chain));
    feed->chain_count = first; /* Gaps look for what is below them on the old part only. */
    for (struct muster__entry *entry = tip; entry != NULL && entry != fork;) {
        struct muster__entry *below = muster__chain_below(feed, entry);
        feed->chain[entry->block.height - feed->chain_base] = entry;
        entry->on_chain = true;
        entry = below != NULL && below->block.height < entry->block.height ? below : NULL;
    }
    feed->chain_count = count;
    feed->best = tip;
    for (size_t i = first; i < count; i++) {
        if (feed->chain[i] != NULL && feed->chain[i]->state == MUSTER__HERE) {
            note_block(feed, feed->chain[i]);
        }
    }
}

/* A chain that does not stand on ours, as far as is known, takes its place: history begins anew. */
static bool begin_anew(struct muster_feed *feed, const struct muster__entry *lowest,
                       const struct muster__entry *tip)
{
    if (tip->block.height - lowest->block.height >= feed->blocks_max ||
        !reserve(feed, (size_t)(tip->block.height - lowest->block.height) + 1)) {
        return false;
    }
    if (feed->best != NULL) {
        muster_log_warn("the best chain is lost: block %s at height %llu does not stand on it",
                        lowest->block.id.text, (unsigned long long)lowest->block.height);
        feed->chain_pruned = true;
        feed->lost_ms = muster_clock_ms();
        feed->lost_to = tip->block.id;
    }
    truncate_to(feed, 0);
    feed->chain_base = lowest->block.height;
    return true;
}

static bool go_on_from(struct muster_feed *feed, const struct muster__entry *fork,
                       const struct muster__entry *tip)
{
    if (tip->block.height - fork->block.height > feed->blocks_max ||
        tip->block.height - feed->chain_base >= 2u * feed->blocks_max ||
        !reserve(feed, (size_t)(tip->block.height - feed->chain_base) + 1)) {
        return false;
    }
    if (fork != feed->best) {
        note_reorg(feed, fork, tip);
    }
    truncate_to(feed, (size_t)(fork->block.height - feed->chain_base) + 1);
    return true;
}

/* Whether the node's tip is the block, or descends from it. */
static bool is_below_tip(const struct muster_feed *feed, const struct muster__feed_node *node,
                         const struct muster__entry *block)
{
    const struct muster__entry *entry = muster__entry_find(feed, &muster__node_tip(node)->tip);
    while (entry != NULL && entry != block && entry->resolved && entry->block.height > block->block.height) {
        entry = entry->parent;
    }
    return entry == block;
}

static bool most_stand_on(const struct muster_feed *feed, const struct muster__entry *block)
{
    uint32_t running = 0;
    uint32_t standing = 0;
    for (uint32_t i = 0; i < feed->node_count; i++) {
        if (feed->node[i].observed) {
            running++;
            standing += is_below_tip(feed, &feed->node[i], block);
        }
    }
    return 2 * standing > running;
}

/* Whether most nodes ever stood on the best chain. It may be a lie that was told before the others answered.
 */
static bool most_had_chain(const struct muster_feed *feed)
{
    uint32_t running = 0;
    uint32_t had = 0;
    for (uint32_t i = 0; i < feed->node_count; i++) {
        if (feed->node[i].observed) {
            running++;
            had += muster__set_has(&feed->chain[0]->had_by, i);
        }
    }
    return 2 * had > running;
}

static void take_over(struct muster_feed *feed, struct muster__entry *entry, struct muster__entry *fork,
                      const struct muster__entry *lowest)
{
    if (fork == NULL || !go_on_from(feed, fork, entry)) {
        fork = NULL;
        if (!begin_anew(feed, lowest, entry)) {
            return;
        }
    }
    extend(feed, entry, fork);
    (void)pthread_cond_broadcast(&feed->changed);
}

bool muster__chain_consider(struct muster_feed *feed, struct muster__entry *entry)
{
    struct muster__entry *lowest = NULL;
    bool joins = true;
    bool higher = feed->best == NULL || entry->block.height > feed->best->block.height;
    if (entry->on_chain || (!higher && most_had_chain(feed))) {
        return true;
    }
    struct muster__entry *fork = find_fork(feed, entry, &lowest, &joins);
    if (feed->best == NULL || (joins && higher)) {
        take_over(feed, entry, fork, lowest);
        return true;
    }
    if (joins || !most_stand_on(feed, lowest)) {
        return joins || !higher;
    }
    take_over(feed, entry, higher ? fork : NULL, lowest);
    return true;
}

void muster__chain_drop(struct muster_feed *feed, struct muster__entry *entry)
{
    if (!entry->on_chain) {
        return;
    }
    entry->on_chain = false;
    feed->chain[entry->block.height - feed->chain_base] = NULL;
    size_t gone = 0;
    while (gone < feed->chain_count && feed->chain[gone] == NULL) {
        gone++;
    }
    if (gone > 0) {
        feed->chain_count -= gone;
        memmove(feed->chain, feed->chain + gone, feed->chain_count * sizeof(*feed->chain));
        feed->chain_base += gone;
        feed->chain_pruned = true;
    }
}
