/* The tree of blocks: entries, their links, their heights. A block's height is its parent's and one; the
 * lowest block's comes from what nodes say of a tip, less the distance. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
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

static size_t bucket_of(const struct muster_id *id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = id->text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u; /* FNV-1a. */
    }
    return (size_t)((hash ^ hash >> 32) % MUSTER__FEED_BUCKETS);
}

struct muster__entry *muster__tree_find(const struct muster_feed *feed, const struct muster_id *id)
{
    struct muster__entry *entry = feed->by_id[bucket_of(id)];
    while (entry != NULL && strcmp(entry->block.id.text, id->text) != 0) {
        entry = entry->next_by_id;
    }
    return entry;
}

static void link_newest(struct muster_feed *feed, struct muster__entry *entry)
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

static void unlink_age(struct muster_feed *feed, struct muster__entry *entry)
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

struct muster__entry *muster__tree_want(struct muster_feed *feed, const struct muster_id *id, uint32_t origin)
{
    struct muster__entry *entry = muster__tree_find(feed, id);
    if (entry != NULL) {
        return entry;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    struct muster__entry **bucket = &feed->by_id[bucket_of(id)];
    entry->block.id = *id;
    entry->state = MUSTER__WANTED;
    entry->seen_us = muster_clock_us();
    entry->first_node = origin;
    entry->origin = origin;
    entry->expected_of = feed->running;
    entry->next_by_id = *bucket;
    *bucket = entry;
    link_newest(feed, entry);
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
        unlink_age(feed, entry);
        link_newest(feed, entry);
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

void muster__tree_had(struct muster__entry *entry, uint32_t node)
{
    uint64_t now_us = muster_clock_us();
    for (; entry != NULL && !muster__set_has(&entry->had_by, node); entry = entry->parent) {
        muster__set_add(&entry->had_by, node);
        if (entry->spread_us == 0 && muster__set_covers(&entry->had_by, &entry->expected_of)) {
            entry->spread_us = now_us > entry->seen_us ? now_us - entry->seen_us : 1;
        }
    }
}

static void unlink_family(struct muster__entry *entry)
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

static void unlink_indexes(struct muster_feed *feed, struct muster__entry *entry)
{
    struct muster__entry **link = &feed->by_id[bucket_of(&entry->block.id)];
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

static void free_entry(struct muster__entry *entry)
{
    muster_block_fini(&entry->block);
    free(entry);
}

void muster__tree_release(struct muster__entry *entry)
{
    if (entry != NULL && --entry->holds == 0 && entry->pruned) {
        free_entry(entry);
    }
}

static void drop(struct muster_feed *feed, struct muster__entry *entry)
{
    unlink_indexes(feed, entry);
    unlink_age(feed, entry);
    unlink_family(entry);
    muster__chain_drop(feed, entry);
    feed->entry_count--;
    feed->identity_count -= entry->block.identity_count;
    entry->pruned = true;
    if (entry->holds == 0) {
        free_entry(entry);
    }
}

void muster__tree_prune(struct muster_feed *feed)
{
    while ((feed->entry_count > feed->blocks_max || feed->identity_count > MUSTER__FEED_IDENTITIES_MAX) &&
           feed->entry_count > 1) {
        struct muster__entry *oldest = feed->oldest;
        if (oldest == feed->best) { /* Old as it is, everything is measured by it. */
            unlink_age(feed, oldest);
            link_newest(feed, oldest);
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
        free_entry(entry);
    }
}
