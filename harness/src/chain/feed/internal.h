/* What the files of the feed share.
 *
 * Locking: `mutex` guards all that changes. With it held, the HTTP engine may be called, nodes.h may not:
 * its callback leads into the run, which calls the feed. */
#ifndef MUSTER_SRC_FEED_INTERNAL_H
#define MUSTER_SRC_FEED_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "chain/feed/feed.h"
#include "muster/chain.h"

#define MUSTER__FEED_BLOCKS_MAX 16384u /* History, on all branches together. */
#define MUSTER__FEED_IDENTITIES_MAX (1u << 21) /* The same bound in what their transactions spent. */
#define MUSTER__FEED_WALK_MAX 8192u /* Blocks walked back before the lowest is taken for the base. */
#define MUSTER__FEED_BUCKETS 16384u
#define MUSTER__FEED_SLOTS_MAX (1u << 20)
#define MUSTER__FEED_SET_WORDS ((MUSTER_NODES_MAX + 63u) / 64u)
#define MUSTER__FEED_ASKED_MAX 8u /* Nodes that are asked for a block before it is given up. */
#define MUSTER__FEED_HEIGHT_MAX (UINT64_C(1) << 53) /* A node that says more is not believed. */
#define MUSTER__FEED_LINE_KEPT (1u << 20)

/* A set of nodes. */
struct muster__node_set {
    uint64_t words[MUSTER__FEED_SET_WORDS];
};
bool muster__set_has(const struct muster__node_set *set, uint32_t node);
void muster__set_add(struct muster__node_set *set, uint32_t node);
bool muster__set_covers(const struct muster__node_set *set, const struct muster__node_set *wanted);

enum muster__entry_state {
    MUSTER__WANTED, /* Some block or tip names it; it is not here yet. */
    MUSTER__MISSING, /* No node that was asked had it, or it was not understood. Genesis, or a gap. */
    MUSTER__HERE,
};

/* A block, or the place of one. Once its height is known it is resolved, and so are its descendants. */
struct muster__entry {
    struct muster_block block; /* Only id, and height once resolved, unless it is here. */
    enum muster__entry_state state;
    bool resolved;
    bool has_claim;
    uint64_t claim; /* The height it has if who named it is right. */
    bool live; /* Seen as it was made, not walked back to. */
    bool on_chain;
    bool pruned; /* Only subscriptions hold it still. */
    unsigned holds;
    uint64_t seen_us;
    uint32_t first_node;
    struct muster__node_set had_by;
    struct muster__node_set expected_of; /* Nodes that ran when it was seen. */
    uint64_t spread_us; /* From its first sight until all of those had it; 0: they have not. */
    uint32_t walked; /* Steps from the tip that led here. */

    /* Fetching, while WANTED. */
    bool fetching;
    uint32_t origin; /* Who named it. */
    struct muster__node_set asked;
    uint32_t asked_count;
    bool denied; /* At least one of those asked answered, without a good block. */
    uint32_t rounds; /* Times that all who might have it were asked. */
    uint64_t retry_ms;

    struct muster__entry *parent;
    struct muster__entry *children;
    struct muster__entry *next_sibling;
    struct muster__entry *prev_sibling;
    struct muster__entry *next_by_id;
    struct muster__entry *next_by_slot;
    struct muster__entry *newer; /* By insertion. */
    struct muster__entry *older;
    struct muster__entry *next_work;
};

struct muster__feed_node {
    struct muster_feed *feed;
    uint32_t index;
    uint32_t generation; /* Answers to questions of an older one are dropped. */
    bool observed; /* It runs. */
    struct muster_endpoint endpoint;
    bool asking; /* For its progress. */
    uint64_t ask_ms; /* When to ask again. */
    uint64_t armed_ms; /* The timer that is set; 0: none. */
    uint64_t stream; /* 0: none open. */
    unsigned missed; /* Tips in a row that its stream did not bring. */
    bool stream_refused; /* It has no stream: not tried again until it restarts. */
    uint64_t stream_ms; /* When to try again. */
    uint32_t stream_failures;
    struct muster_progress progress; /* Its last answer. */
    struct muster_progress accepted; /* The highest block of its stream. */
    uint64_t changed_ms;
    uint64_t answered_ms;
    uint64_t failing_since_ms;
    char failing_text[256];
};

struct muster_feed_subscription {
    struct muster_feed *feed;
    uint64_t next_height; /* Of the best chain, where `last` is NULL. */
    struct muster__entry *last; /* The last block given, held. */
    bool anything; /* Takes whatever comes first. */
};

struct muster_feed {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const struct muster_plan *plan;
    struct muster_http *http;
    struct muster_nodes *nodes;
    struct muster_events *events;
    uint64_t began_ms;
    bool started;
    bool stopped;
    void (*look)(void *node); /* Looks at a node once its timer has fired. */
    size_t blocks_max; /* MUSTER__FEED_BLOCKS_MAX; less in tests. */
    uint32_t subscriptions;
    bool retry_armed;
    uint32_t fetches; /* Blocks asked for right now. */

    struct muster__entry *by_id[MUSTER__FEED_BUCKETS];
    struct muster__entry *by_slot[MUSTER__FEED_BUCKETS];
    struct muster__entry *newest;
    struct muster__entry *oldest;
    size_t entry_count;
    size_t identity_count;

    /* The best chain: chain[i] has height chain_base + i; NULL in a gap. */
    struct muster__entry **chain;
    size_t chain_count;
    size_t chain_capacity;
    uint64_t chain_base;
    bool chain_pruned; /* There was something below chain_base. */
    struct muster__entry *best;
    uint64_t lost_ms; /* When another chain last took its place; 0: never. */
    struct muster_id lost_to;

    uint64_t blocks_seen;
    uint64_t reorgs;
    uint64_t deepest_reorg;
    uint64_t *slots; /* Sorted: those in which a block was seen. */
    size_t slot_count;
    size_t slot_capacity;

    bool equivocated;
    struct muster_block two[2]; /* Without identities. */
    uint64_t equivocated_ms;

    /* The last stream line that was understood: the other nodes' streams bring the very same. */
    char *line;
    size_t line_bytes;
    struct muster_id line_id;

    struct muster__node_set running;
    uint32_t node_count;
    struct muster__feed_node node[];
};

/* ---- entry.c ---- */

/** NULL: the tree has none of this id. */
struct muster__entry *muster__entry_find(const struct muster_feed *feed, const struct muster_id *id);
/** The node has it, and with it all that is below. */
void muster__entry_had(struct muster__entry *entry, uint32_t node);
/** A subscription no longer holds it: frees it if it was pruned meanwhile. NULL is fine. */
void muster__entry_release(struct muster__entry *entry);
/** "" or all zero: the parent of the first block. */
bool muster__id_is_none(const struct muster_id *id);
/** Has an id, and is not its own parent. */
bool muster__block_is_sane(const struct muster_block *block);
/** Its place in by_id. */
size_t muster__entry_bucket(const struct muster_id *id);
/* By age: the newest, or none of them. */
void muster__entry_link_newest(struct muster_feed *feed, struct muster__entry *entry);
void muster__entry_unlink_age(struct muster_feed *feed, struct muster__entry *entry);
/* From parent and children; from by_id and by_slot. */
void muster__entry_unlink_family(struct muster__entry *entry);
void muster__entry_unlink_indexes(struct muster_feed *feed, struct muster__entry *entry);
void muster__entry_free(struct muster__entry *entry);

/* ---- tree.c: links, heights, and what is pruned ---- */

/** Finds it or makes one that is WANTED. NULL: no memory. */
struct muster__entry *muster__tree_want(struct muster_feed *feed, const struct muster_id *id,
                                        uint32_t origin);
/** Puts a block in place, consuming it. Returns the entry, also when it was here before; NULL: no memory. */
struct muster__entry *muster__tree_put(struct muster_feed *feed, struct muster_block *block, uint32_t node);
/** Nobody has it: it becomes a gap or the base. */
void muster__tree_give_up(struct muster_feed *feed, struct muster__entry *entry);
/** Someone says that it has this height. */
void muster__tree_claim(struct muster_feed *feed, struct muster__entry *entry, uint64_t height);
void muster__tree_prune(struct muster_feed *feed);
void muster__tree_free(struct muster_feed *feed);

/* ---- chain.c: the best chain ---- */

/** The parent, or what is on the best chain below a gap; NULL where history ends. */
struct muster__entry *muster__chain_below(const struct muster_feed *feed, const struct muster__entry *entry);
struct muster__entry *muster__chain_at(const struct muster_feed *feed, uint64_t height);
/** A block that is here is resolved: perhaps it is the new best. False: it is said to be higher, but it is
 * not known to stand on the best chain, nor do most nodes stand on it. */
bool muster__chain_consider(struct muster_feed *feed, struct muster__entry *entry);
void muster__chain_drop(struct muster_feed *feed, struct muster__entry *entry);

/* ---- observed.c ---- */
void muster__judge_block(struct muster_feed *feed, struct muster__entry *entry);

/* ---- fetch.c ---- */

/** Asks for an entry that is not here, unless it is being asked for or that was just done in vain. */
void muster__fetch(struct muster_feed *feed, struct muster__entry *entry);
/** Walks on: asks for the parent of a block that came, where it is not here. */
void muster__fetch_below(struct muster_feed *feed, struct muster__entry *entry);
/** Ends all walks where they are: what they have not reached is no history. */
void muster__fetch_no_deeper(struct muster_feed *feed);

/* ---- node_state.c ---- */

void muster__node_failed(struct muster__feed_node *node, const char *text);
void muster__node_good(struct muster__feed_node *node);
/** It says that it has this block, which is not believed. */
void muster__node_doubted(struct muster__feed_node *node, const struct muster__entry *entry);
/** Has the node looked at again at that time. */
void muster__node_arm(struct muster__feed_node *node, uint64_t at_ms);
/** The tip of a node: what it said last, or the highest block it streamed. */
const struct muster_progress *muster__node_tip(const struct muster__feed_node *node);

/* ---- poll.c, stream.c: observation ---- */

/** Reads from nodes.h where the node is and whether it runs. Without the mutex. */
void muster__node_refresh(struct muster__feed_node *node, bool renew);
/** The callback of a node's timer. In the engine's thread. */
void muster__node_look(void *node);
/** Opens the node's stream if it is time to. */
void muster__stream_try(struct muster__feed_node *node, uint64_t now_ms);
/* What goes with a request: freed by its callback. */
struct muster__feed_call {
    struct muster__feed_node *node;
    uint32_t generation;
    struct muster_id id; /* Of the block asked for. */
    uint64_t stream;
    uint64_t asked_us;
};
struct muster__feed_call *muster__feed_call_create(struct muster__feed_node *node);

/* ---- subscription.c ---- */
MUSTER_MUST_USE enum muster_rc muster__feed_subscribe(struct muster_feed *feed, uint64_t from_height,
                                                      struct muster_feed_subscription **ret,
                                                      struct muster_error *err);

#endif
