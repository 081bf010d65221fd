/* The tree of blocks: entries, their links, their heights. A block's height is its parent's and one; the
 * lowest block's comes from what nodes say of a tip, less the distance. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

struct muster__entry *muster__tree_want(struct muster_feed *feed, const struct muster_id *id, uint32_t origin)
{
    struct muster__entry *entry = muster__entry_find(feed, id);
    if (entry != NULL) {
        return entry;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    struct muster__entry **bucket = &feed->by_id[muster__entry_bucket(id)];
    entry->block.id = *id;
    entry->state = MUSTER__WANTED;
    entry->seen_us = muster_clock_us();
    entry->first_node = origin;
    entry->origin = origin;
    entry->expected_of = feed->running;
    entry->next_by_id = *bucket;
    *bucket = entry;
    muster__entry_link_newest(feed, entry);
    feed->entry_count++;
    return entry;
}

/* Resolves an entry and all that waited for its height, the lowest first: a parent is considered for the
 * best chain before its children, and history ages from below. */
static void resolve(struct muster_feed *feed, struct muster__entry *entry, uint64_t height)
{
    struct muster__entry *last = entry;
    entry->resolved = true;
    entry->block.height = height;
    entry->next_work = NULL;
    for (; entry != NULL; entry = entry->next_work) {
        muster__entry_unlink_age(feed, entry);
        muster__entry_link_newest(feed, entry);
        for (struct muster__entry *child = entry->children; child != NULL; child = child->next_sibling) {
            if (!child->resolved) {
                child->resolved = true;
                child->block.height = entry->block.height + 1;
                child->next_work = NULL;
                last->next_work = child;
                last = child;
            }
        }
        if (entry->state == MUSTER__HERE && !muster__chain_consider(feed, entry)) {
            muster__node_doubted(&feed->node[entry->origin], entry);
        }
    }
}

/* Nothing below it will tell its height. */
static bool is_bottom(const struct muster__entry *entry)
{
    return entry->parent == NULL && entry->state != MUSTER__WANTED;
}

void muster__tree_claim(struct muster_feed *feed, struct muster__entry *entry, uint64_t height)
{
    if (entry->resolved || height > MUSTER__FEED_HEIGHT_MAX) {
        return;
    }
    /* Bounded: a node that lies may have named blocks as each other's parents. */
    size_t left = feed->entry_count;
    for (; entry->parent != NULL && !entry->parent->resolved && left > 0; left--) {
        entry->has_claim = true;
        entry->claim = height;
        entry = entry->parent;
        height -= height > 0;
    }
    entry->has_claim = true;
    entry->claim = height;
    if (is_bottom(entry)) {
        resolve(feed, entry, height);
    }
}

void muster__tree_give_up(struct muster_feed *feed, struct muster__entry *entry)
{
    entry->state = MUSTER__MISSING;
    if (!entry->resolved && entry->has_claim) {
        resolve(feed, entry, entry->claim);
    }
}

static bool link_parent(struct muster_feed *feed, struct muster__entry *entry, uint32_t node)
{
    struct muster__entry *parent = muster__tree_want(feed, &entry->block.parent, node);
    if (parent == NULL || parent == entry) {
        return false;
    }
    if (parent->state == MUSTER__WANTED && parent->walked == 0) {
        parent->walked = entry->walked + 1;
    }
    for (size_t i = 0; i < MUSTER__FEED_SET_WORDS; i++) {
        parent->had_by.words[i] |= entry->had_by.words[i];
    }
    entry->parent = parent;
    entry->prev_sibling = NULL;
    entry->next_sibling = parent->children;
    if (parent->children != NULL) {
        parent->children->prev_sibling = entry;
    }
    parent->children = entry;
    return true;
}

static void place(struct muster_feed *feed, struct muster__entry *entry, uint32_t node)
{
    if (!muster__id_is_none(&entry->block.parent)) {
        (void)link_parent(feed, entry, node);
    }
    if (entry->resolved) {
        return;
    }
    if (entry->parent != NULL && entry->parent->resolved) {
        resolve(feed, entry, entry->parent->block.height + 1);
    } else if (entry->has_claim) {
        muster__tree_claim(feed, entry, entry->claim);
    }
}

/* Takes the block over. A gap on the best chain keeps its place; elsewhere its height is found anew. */
static void fill(struct muster_feed *feed, struct muster__entry *entry, struct muster_block *block)
{
    struct muster_id id = entry->block.id;
    uint64_t height = entry->block.height;
    if (entry->resolved && !entry->on_chain) {
        entry->resolved = false;
        entry->has_claim = true;
        entry->claim = height;
    }
    if (block->has_height && block->height <= MUSTER__FEED_HEIGHT_MAX) {
        entry->has_claim = true;
        entry->claim = block->height;
    }
    entry->block = *block;
    *block = (struct muster_block){ 0 };
    entry->block.id = id;
    entry->block.height = height;
    entry->block.has_height = true;
    entry->state = MUSTER__HERE;
    entry->fetching = false;
    feed->identity_count += entry->block.identity_count;
    feed->blocks_seen++;
}

struct muster__entry *muster__tree_put(struct muster_feed *feed, struct muster_block *block, uint32_t node)
{
    struct muster__entry *entry = muster__tree_want(feed, &block->id, node);
    if (entry == NULL || entry->state == MUSTER__HERE) {
        muster_block_fini(block);
        return entry;
    }
    fill(feed, entry, block);
    muster__judge_block(feed, entry);
    place(feed, entry, node);
    return entry;
}

static void drop(struct muster_feed *feed, struct muster__entry *entry)
{
    muster__entry_unlink_indexes(feed, entry);
    muster__entry_unlink_age(feed, entry);
    muster__entry_unlink_family(entry);
    muster__chain_drop(feed, entry);
    feed->entry_count--;
    feed->identity_count -= entry->block.identity_count;
    entry->pruned = true;
    if (entry->holds == 0) {
        muster__entry_free(entry);
    }
}

void muster__tree_prune(struct muster_feed *feed)
{
    while ((feed->entry_count > feed->blocks_max || feed->identity_count > MUSTER__FEED_IDENTITIES_MAX) &&
           feed->entry_count > 1) {
        struct muster__entry *oldest = feed->oldest;
        if (oldest == feed->best) { /* Old as it is, everything is measured by it. */
            muster__entry_unlink_age(feed, oldest);
            muster__entry_link_newest(feed, oldest);
        } else {
            drop(feed, oldest);
        }
    }
}

void muster__tree_free(struct muster_feed *feed)
{
    while (feed->newest != NULL) {
        struct muster__entry *entry = feed->newest;
        feed->newest = entry->older;
        muster__entry_free(entry);
    }
}
