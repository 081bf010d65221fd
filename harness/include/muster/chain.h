/* Chains: what a scenario says of one, what a system that is one brings, and the feed of its blocks. For
 * authors of scenarios and of systems; muster/muster.h includes it. */
#ifndef MUSTER_CHAIN_H
#define MUSTER_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/observer.h"
#include "muster/run.h"
#include "muster/scenario.h"
#include "muster/system.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_WALLETS_MAX 100000u
#define MUSTER_RATE_MAX 10000u
#define MUSTER_SLOT_MS_MIN 20u
#define MUSTER_SLOT_MS_MAX 3600000u
#define MUSTER_ACTIVE_SLOT_COEFF_MIN 0.001
#define MUSTER_IDENTITIES_MAX 262144u /* Of one block. */

/* ---- What a scenario says ---- */

/** Gives the system `count` funded wallets, 1 to MUSTER_WALLETS_MAX. */
void muster_wallets(struct muster_scenario *s, uint32_t count);

struct muster_transactions {
    uint32_t rate_per_block; /* Submissions per new block, to MUSTER_RATE_MAX. Default: 1. */
    uint32_t users; /* Wallets that take turns; at most all. Default: all. */
    double min_ratio; /* Share of accepted transactions that must be included, to 1. Default: 1. */
    uint32_t within_blocks; /* Blocks that an accepted one has to be included, to MUSTER_DEPTH_MAX. Default:
                               security depth. */
};
/** Adds the transaction workload, and with it the expectation "inclusion". NULL takes every default. */
void muster_transactions(struct muster_scenario *s, const struct muster_transactions *transactions);

struct muster_liveness {
    double false_alarm; /* Chance that a healthy window is too poor in blocks, below 1. Default: 1e-6. */
    uint32_t lag_blocks_max; /* Blocks a node may be behind the best, when settled, to MUSTER_DEPTH_MAX.
                                Default: 2. */
};
/** Adds the expectation "consensus_liveness": blocks in the window, agreement, no node behind. */
void muster_expect_consensus_liveness(struct muster_scenario *s, const struct muster_liveness *liveness);

struct muster_consensus {
    uint32_t slot_ms; /* 20 to 3 600 000. Default: 2 000. */
    double active_slot_coeff; /* Chance that a slot has a leader, 0.001 to 1. Default: 0.9. */
    uint32_t security_depth; /* Blocks until one is final, 1 to MUSTER_DEPTH_MAX. Default: 10. */
};
/** How fast the chain goes. CONSENSUS_SLOT_TIME and CONSENSUS_ACTIVE_SLOT_COEFF override it. */
void muster_consensus(struct muster_scenario *s, const struct muster_consensus *consensus);

/* ---- What a system brings ---- */

/* A block. Owned by its holder; muster_block_fini() frees the identities. */
struct muster_block {
    struct muster_id id;
    struct muster_id parent; /* "" for the first block. */
    struct muster_id leader; /* Who made it; "" where the system does not say. */
    uint64_t slot;
    uint64_t height; /* Filled by the feed where the system does not say. */
    bool has_height;
    uint32_t transaction_count;
    size_t identity_count;
    struct muster_id *identities; /* What its transactions spent (see muster_submission). */
};
void muster_block_fini(struct muster_block *block);

/** Appends a copy of `identity`. MUSTER_OK; MUSTER_EINVAL when it is empty or does not fit MUSTER_ID_BYTES,
 * or the block has MUSTER_IDENTITIES_MAX already; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster_block_add_identity(struct muster_block *block, const char *identity,
                                                         struct muster_error *err);

/* A transaction ready to be sent. */
struct muster_submission {
    struct muster_request request; /* Owned; muster_submission_fini(). */
    struct muster_id identity; /* What it spends: found again in a block's identities. */
    uint32_t wallet;
    void *token; /* The system's own, for settle_submission. */
};
void muster_submission_fini(struct muster_submission *submission);

enum muster_answer {
    MUSTER_ACCEPTED = 1, /* Stored; also "I have it already". */
    MUSTER_REFUSED, /* For good: the text in err says why. */
    MUSTER_TRY_AGAIN, /* Not now: overloaded, starting. */
};

/* What only a chain has; a system's `chain`. Slots are called as those of struct muster_system. */
struct muster_chain {
    /* A block by id. parse_block: MUSTER_ENOTFOUND when the node has no such block. Height of the
     * first block, which has no parent that can be asked for, is base_height. Both are required. */
    enum muster_rc (*request_block)(const void *state, const struct muster_id *id, struct muster_request *out,
                                    struct muster_error *err);
    enum muster_rc (*parse_block)(const void *state, const struct muster_id *id,
                                  const struct muster_reply *reply, struct muster_block *out,
                                  struct muster_error *err);

    /* A stream of accepted blocks, one line each. NULL pair: none, the feed polls. */
    enum muster_rc (*request_stream)(const void *state, struct muster_request *out, struct muster_error *err);
    enum muster_rc (*parse_stream_line)(const void *state, const char *line, size_t line_bytes,
                                        struct muster_block *out, struct muster_error *err);

    /* Which node a block's leader is, or MUSTER_EVERY_NODE when unknown. NULL: never known. */
    uint32_t (*leader_node)(const void *state, const struct muster_id *leader);

    /* The next transaction of a wallet. Takes what it spends out of the wallet; settle_submission says
     * how it went: accepted (its change may be spent), or not sent at all (it is put back). */
    enum muster_rc (*build_submission)(void *state, uint32_t wallet, struct muster_submission *out,
                                       struct muster_error *err);
    enum muster_answer (*parse_submission)(const void *state, const struct muster_reply *reply,
                                           struct muster_error *err);
    void (*settle_submission)(void *state, const struct muster_submission *submission, bool accepted);
};

/* Follows blocks and branches: the observer of a system with a chain. */
extern const struct muster_observer muster_chain_observer;

/* ---- The feed: blocks of all nodes, the best chain, reorgs, from any height ---- */

struct muster_feed_subscription;

enum muster_feed_kind {
    MUSTER_FEED_BLOCK = 1, /* Next block of the best chain. */
    MUSTER_FEED_REORG, /* Blocks above `height` are no longer on it; the new ones follow. */
};

struct muster_feed_event {
    enum muster_feed_kind kind;
    uint64_t height; /* BLOCK: its own. REORG: of the last common block. */
    uint64_t seen_ms; /* Monotonic: when the first node was seen to have it. */
    uint64_t seen_us; /* The same in microseconds. */
    const struct muster_block *block; /* BLOCK only. Borrowed until the next call or unsubscribing. */
};

/**
 * Starts a subscription at `from_height` of the best chain; 0 takes all there is, UINT64_MAX only what
 * is yet to come.
 *
 * @param ret  Set on success only; owned by the caller, who calls muster_feed_unsubscribe() before the run is
 * finished: the feed goes with the run.
 * @return MUSTER_OK; MUSTER_ENOTFOUND, history starts later (err says where); MUSTER_ESTATE, nothing is
 * deployed yet; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster_feed_subscribe(struct muster_run *run, uint64_t from_height,
                                                     struct muster_feed_subscription **ret,
                                                     struct muster_error *err);
void muster_feed_unsubscribe(struct muster_feed_subscription *subscription);
MUSTER_DEFINE_CLEANUP(muster_feed_unsubscribe, struct muster_feed_subscription *);

/** The next event. MUSTER_OK; MUSTER_ETIMEDOUT; MUSTER_ENOTFOUND (fell behind the history's bound);
 * MUSTER_ESTOPPED, the feed is closed. A subscription belongs to one thread. */
MUSTER_MUST_USE enum muster_rc muster_feed_next(struct muster_feed_subscription *subscription,
                                                uint32_t timeout_ms, struct muster_feed_event *ret);

struct muster_feed_stats {
    uint64_t best_height;
    struct muster_id best_tip;
    uint64_t blocks_seen; /* On any branch. */
    uint64_t slots_won; /* Slots in which at least one block was made, on any branch. */
    uint64_t reorgs;
    uint64_t deepest_reorg; /* In blocks. */
};
void muster_feed_stats(struct muster_run *run, struct muster_feed_stats *ret);

#ifdef __cplusplus
}
#endif
#endif
