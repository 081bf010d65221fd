/* One block, or the place of one: how it is found, linked and let go. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

bool muster__set_has(const struct muster__node_set *set, uint32_t node)
{
    return (set->words[node / 64] >> (node % 64) & 1u) != 0;
}

void muster__set_add(struct muster__node_set *set, uint32_t node)
{
    set->words[node / 64] |= UINT64_C(1) << (node % 64);
}

bool muster__set_covers(const struct muster__node_set *set, const struct muster__node_set *wanted)
{
    for (size_t i = 0; i < MUSTER__FEED_SET_WORDS; i++) {
        if ((wanted->words[i] & ~set->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool muster__id_is_none(const struct muster_id *id)
{
    return id->text[strspn(id->text, "0")] == '\0';
}

bool muster__block_is_sane(const struct muster_block *block)
{
    return block->id.text[0] != '\0' && strcmp(block->id.text, block->parent.text) != 0;
}

size_t muster__entry_bucket(const struct muster_id *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = id->text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u; /* FNV-1a. */
    }
    return (size_t)((hash ^ hash >> 32) % MUSTER__FEED_BUCKETS);
}

struct muster__entry *muster__entry_find(const struct muster_feed *feed, const struct muster_id *id)
{
    struct muster__entry *entry = feed->by_id[muster__entry_bucket(id)];
    while (entry != NULL && strcmp(entry->block.id.text, id->text) != 0) {
        entry = entry->next_by_id;
    }
    return entry;
}

void muster__entry_link_newest(struct muster_feed *feed, struct muster__entry *entry)
{
    entry->newer = NULL;
    entry->older = feed->newest;
    if (feed->newest != NULL) {
        feed->newest->newer = entry;
    } else {
        feed->oldest = entry;
    }
    feed->newest = entry;
}

void muster__entry_unlink_age(struct muster_feed *feed, struct muster__entry *entry)
{
    if (entry->newer != NULL) {
        entry->newer->older = entry->older;
    } else {
        feed->newest = entry->older;
    }
    if (entry->older != NULL) {
        entry->older->newer = entry->newer;
    } else {
        feed->oldest = entry->newer;
    }
}

void muster__entry_had(struct muster__entry *entry, uint32_t node)
{
    uint64_t now_us = muster_clock_us();
    for (; entry != NULL && !muster__set_has(&entry->had_by, node); entry = entry->parent) {
        muster__set_add(&entry->had_by, node);
        if (entry->spread_us == 0 && muster__set_covers(&entry->had_by, &entry->expected_of)) {
            entry->spread_us = now_us > entry->seen_us ? now_us - entry->seen_us : 1;
        }
    }
}

void muster__entry_unlink_family(struct muster__entry *entry)
{
    struct muster__entry *next = NULL;
    for (struct muster__entry *child = entry->children; child != NULL; child = next) {
        next = child->next_sibling;
        child->parent = NULL;
        child->prev_sibling = NULL;
        child->next_sibling = NULL;
    }
    entry->children = NULL;
    if (entry->parent != NULL) {
        if (entry->prev_sibling != NULL) {
            entry->prev_sibling->next_sibling = entry->next_sibling;
        } else {
            entry->parent->children = entry->next_sibling;
        }
        if (entry->next_sibling != NULL) {
            entry->next_sibling->prev_sibling = entry->prev_sibling;
        }
        entry->parent = NULL;
    }
}

void muster__entry_unlink_indexes(struct muster_feed *feed, struct muster__entry *entry)
{
    struct muster__entry **link = &feed->by_id[muster__entry_bucket(&entry->block.id)];
    while (*link != entry) {
        link = &(*link)->next_by_id;
    }
    *link = entry->next_by_id;
    link = &feed->by_slot[entry->block.slot % MUSTER__FEED_BUCKETS];
    while (*link != NULL && *link != entry) {
        link = &(*link)->next_by_slot;
    }
    if (*link == entry) {
        *link = entry->next_by_slot;
    }
}

void muster__entry_free(struct muster__entry *entry)
{
    muster_block_fini(&entry->block);
    free(entry);
}

void muster__entry_release(struct muster__entry *entry)
{
    if (entry != NULL && --entry->holds == 0 && entry->pruned) {
        muster__entry_free(entry);
    }
}
