/* What the blocks seen say of the nodes: slots won, equivocation, how fast blocks spread. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

/* Where `slot` is, or belongs. */
static size_t slot_place(const struct muster_feed *feed, uint64_t slot)
{
    size_t low = 0;
    size_t high = feed->slot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (feed->slots[middle] < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool reserve_slot(struct muster_feed *feed)
{
    if (feed->slot_count == MUSTER__FEED_SLOTS_MAX) {
        feed->slot_count -= MUSTER__FEED_SLOTS_MAX / 2; /* The oldest half. */
        memmove(feed->slots, feed->slots + MUSTER__FEED_SLOTS_MAX / 2,
                feed->slot_count * sizeof(*feed->slots));
    }
    if (feed->slot_count < feed->slot_capacity) {
        return true;
    }
    size_t capacity = feed->slot_capacity == 0 ? 1024 : feed->slot_capacity * 2;
    uint64_t *grown = realloc(feed->slots, capacity * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    feed->slots = grown;
    feed->slot_capacity = capacity;
    return true;
}

static void note_slot(struct muster_feed *feed, uint64_t slot)
{
    size_t place = slot_place(feed, slot);
    if ((place < feed->slot_count && feed->slots[place] == slot) || !reserve_slot(feed)) {
        return;
    }
    place = slot_place(feed, slot);
    memmove(feed->slots + place + 1, feed->slots + place, (feed->slot_count - place) * sizeof(*feed->slots));
    feed->slots[place] = slot;
    feed->slot_count++;
}

static struct muster_block without_identities(const struct muster_block *block)
{
    struct muster_block copy = *block;
    copy.identities = NULL;
    copy.identity_count = 0;
    return copy;
}

static void note_equivocation(struct muster_feed *feed, const struct muster__entry *first,
                              const struct muster__entry *second)
{
    feed->equivocated = true;
    feed->equivocated_ms = muster_clock_ms();
    feed->two[0] = without_identities(&first->block);
    feed->two[1] = without_identities(&second->block);
    if (feed->events != NULL) {
        muster__events_write(feed->events, "equivocation",
                             json_pack("{s:I,s:s,s:s,s:s}", "slot", (json_int_t)second->block.slot, "leader",
                                       second->block.leader.text, "first", first->block.id.text, "second",
                                       second->block.id.text));
    }
}

void muster__judge_block(struct muster_feed *feed, struct muster__entry *entry)
{
    struct muster__entry **bucket = &feed->by_slot[entry->block.slot % MUSTER__FEED_BUCKETS];
    for (struct muster__entry *other = *bucket; other != NULL && !feed->equivocated;
         other = other->next_by_slot) {
        if (other->block.slot == entry->block.slot && entry->block.leader.text[0] != '\0' &&
            strcmp(other->block.leader.text, entry->block.leader.text) == 0) {
            note_equivocation(feed, other, entry);
        }
    }
    entry->next_by_slot = *bucket;
    *bucket = entry;
    if (!muster__id_is_none(&entry->block.parent)) { /* Genesis was won by nobody. */
        note_slot(feed, entry->block.slot);
    }
}

uint64_t muster__feed_slots_won(struct muster_feed *feed, uint64_t from_slot, uint64_t to_slot)
{
    if (from_slot > to_slot) {
        return 0;
    }
    (void)pthread_mutex_lock(&feed->mutex);
    size_t from = slot_place(feed, from_slot);
    size_t to = to_slot == UINT64_MAX ? feed->slot_count : slot_place(feed, to_slot + 1);
    (void)pthread_mutex_unlock(&feed->mutex);
    return to - from;
}

enum muster_rc muster__feed_equivocation(struct muster_feed *feed, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    (void)pthread_mutex_lock(&feed->mutex);
    if (feed->equivocated) {
        const struct muster_system *system = feed->plan->system;
        const struct muster_block *block = &feed->two[0];
        uint32_t node = system->chain->leader_node == NULL
                            ? MUSTER_EVERY_NODE
                            : system->chain->leader_node(feed->plan->system_state, &block->leader);
        char who[MUSTER_ID_BYTES + 16];
        if (node == MUSTER_EVERY_NODE) {
            (void)snprintf(who, sizeof(who), "leader %s", block->leader.text);
        } else {
            (void)snprintf(who, sizeof(who), "node-%u", node);
        }
        rc = muster_error_set(err, MUSTER_EEXPECT,
                              "%s made two blocks for slot %llu, %s and %s, known since %.1f s", who,
                              (unsigned long long)block->slot, block->id.text, feed->two[1].id.text,
                              (double)(muster_clock_ms() - feed->equivocated_ms) / 1000.0);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    return rc;
}

enum muster_rc muster__feed_loss(struct muster_feed *feed, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    (void)pthread_mutex_lock(&feed->mutex);
    if (feed->lost_ms != 0) {
        rc = muster_error_set(
            err, MUSTER_EEXPECT,
            "the best chain was lost %.1f s ago: most nodes went over to block %s, which is not "
            "known to stand on it",
            (double)(muster_clock_ms() - feed->lost_ms) / 1000.0, feed->lost_to.text);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    return rc;
}

enum muster_rc muster__feed_common_height(struct muster_feed *feed, const struct muster_id *a,
                                          const struct muster_id *b, uint64_t *ret)
{
    enum muster_rc rc = MUSTER_ENOTFOUND;
    (void)pthread_mutex_lock(&feed->mutex);
    struct muster__entry *x = muster__entry_find(feed, a);
    struct muster__entry *y = muster__entry_find(feed, b);
    while (x != NULL && y != NULL && x->resolved && y->resolved && x != y) {
        struct muster__entry **higher = x->block.height >= y->block.height ? &x : &y;
        struct muster__entry *below = muster__chain_below(feed, *higher);
        *higher = below != NULL && below->block.height < (*higher)->block.height ? below : NULL;
    }
    if (x != NULL && x == y && x->resolved) {
        *ret = x->block.height;
        rc = MUSTER_OK;
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    return rc;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

uint64_t muster__feed_propagation_p99_ms(struct muster_feed *feed)
{
    size_t count = 0;
    uint64_t p99_us = 0;
    (void)pthread_mutex_lock(&feed->mutex);
    uint64_t *spreads = calloc(feed->entry_count + 1, sizeof(*spreads));
    for (struct muster__entry *entry = feed->oldest; entry != NULL && spreads != NULL; entry = entry->newer) {
        if (entry->live && entry->state == MUSTER__HERE && entry->spread_us > 0) {
            spreads[count++] = entry->spread_us;
        }
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    if (count > 0) {
        qsort(spreads, count, sizeof(*spreads), compare);
        p99_us = spreads[(count - 1) * 99 / 100];
    }
    free(spreads);
    return (p99_us + 999u) / 1000u;
}
