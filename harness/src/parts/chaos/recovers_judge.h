/* What chaos did to one node, and whether the node recovered: the judgement, apart from where its facts come
 * from. */
#ifndef MUSTER_SRC_RECOVERS_H
#define MUSTER_SRC_RECOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/run.h"
#include "parts/chaos/options.h"

#define MUSTER__DEEDS_LISTED_MAX 64u

/* How a node stands since it came back. */
struct muster__sight {
    bool answers; /* A good answer since then, and none that was bad after it. */
    uint64_t height;
    uint64_t changed_ms; /* When its tip last changed; 0: never. */
    bool on_tree; /* Its tip is known to the feed, and so is `common_height`. */
    uint64_t common_height; /* Of its chain and the best one. */
    uint64_t best_height;
    char failing_text[160]; /* Why it does not answer. */
};

/* One action, from the asking to the tip. All times are monotonic; 0: not yet. */
struct muster__deed {
    uint64_t number; /* From 1. */
    uint32_t node;
    enum muster__chaos_action action;
    uint64_t asked_ms;
    uint64_t done_ms; /* The runner says so: gone, or paused. */
    uint64_t gone_ms; /* Seen: it no longer answers where it did. */
    char gone_text[160]; /* What was seen. */
    uint64_t return_ms; /* It was asked to come back. */
    uint64_t ready_ms; /* It was ready again. */
    uint64_t clock_ms; /* What the bound counts from: return_ms, or when all others were back as well. */
    uint64_t tip_ms; /* It was seen at the cluster's tip. */
    uint64_t height_before;
    uint64_t height_back; /* What it said first, once back. */
    struct muster__sight sight; /* The last one. */
    char failure[512]; /* Why the action, or the return, failed; "": it did not. */
    bool without_effect; /* It went on answering. */
};

struct muster__recovers_terms {
    uint64_t began_ms; /* Time 0 of messages. */
    uint64_t bound_ms;
    uint64_t lag_max;
    bool has_branches; /* Nodes may be on other branches than the best: height alone says nothing. */
};

enum muster__recovery {
    MUSTER__RECOVERY_PENDING,
    MUSTER__RECOVERY_BACK,
    MUSTER__RECOVERY_RED,
};

/**
 * Judges one action by how its node stands now. As long as other nodes are away the bound does not run: what
 * it has to catch up with may be theirs, or the way to it lead through them.
 */
enum muster__recovery muster__recovers_judge(struct muster__deed *deed,
                                             const struct muster__recovers_terms *terms, bool others_away,
                                             uint64_t now_ms);

/** What is wrong with an action that was judged red. MUSTER_EEXPECT. */
enum muster_rc muster__recovers_describe(const struct muster__deed *deed,
                                         const struct muster__recovers_terms *terms, uint64_t now_ms,
                                         struct muster_error *err);

/* All actions of a run, added up. */
struct muster__recovers_tally {
    uint64_t actions[MUSTER__CHAOS_ACTIONS]; /* That were done. */
    uint64_t recovered;
    uint64_t pending; /* Neither back nor late yet; set by who reports. */
    uint64_t total_ms; /* From the return to the tip, over those that recovered. */
    uint64_t worst_ms;
    uint32_t worst_node;
    uint64_t worst_ready_ms;
    uint64_t by_node[MUSTER_NODES_MAX]; /* Actions done. */
    size_t listed;
    struct muster__deed list[MUSTER__DEEDS_LISTED_MAX]; /* The first ones. */
};

/** Adds an action that came to its end, whichever. */
void muster__recovers_count(struct muster__recovers_tally *tally, const struct muster__deed *deed);

/** Numbers, and the list of actions, into the report. */
void muster__recovers_report(const struct muster__recovers_tally *tally,
                             const struct muster__recovers_terms *terms, struct muster_report *report);

/** How many actions were done. */
uint64_t muster__recovers_actions(const struct muster__recovers_tally *tally);

#endif
