/* The judgement of consensus liveness, apart from where its facts come from. */
#ifndef MUSTER_SRC_LIVENESS_H
#define MUSTER_SRC_LIVENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/chain.h"
#include "muster/run.h"

/* A stretch of slots, both ends included; empty when to < from. */
struct muster__slots {
    uint64_t from;
    uint64_t to;
};

/**
 * The slots of a window that count, in which every node was up.
 *
 * Slot numbers are tied to the clock by the blocks that were seen: a block of slot s seen at time t says
 * that slot 0 began at t - s * slot_ms at the latest. The earliest of these, `origin_ms`, is late by the
 * delay with which the fastest block was seen, so every slot counted began that much before it is
 * thought to have: all of them are over when the window closes, and none is counted that is yet to come.
 *
 * @param outages  Monotonic times, in order, in which a node was down on purpose, with some time to
 *                 recover added; ended_ms UINT64_MAX: lasts. Slots that touch one do not count.
 * @param ret      At least outage_count + 1 entries.
 * @return How many entries of ret are set.
 */
struct muster__stretch {
    uint64_t began_ms;
    uint64_t ended_ms;
};
size_t muster__slots_that_count(int64_t origin_ms, uint32_t slot_ms, struct muster__stretch window,
                                const struct muster__stretch *outages, size_t outage_count,
                                struct muster__slots *ret);

/**
 * The slots of a window in which some nodes were down, and all others up: from the slot after an outage
 * began, as the last block of a node that is killed may never be seen, and after the one before is recovered
 * from, to its end. Parameters as above; `recovery_ms`: how much of each outage is time to recover.
 *
 * @param ret  At least outage_count entries.
 * @return How many entries of ret are set.
 */
size_t muster__slots_of_outages(int64_t origin_ms, uint32_t slot_ms, struct muster__stretch window,
                                const struct muster__stretch *outages, size_t outage_count,
                                uint64_t recovery_ms, struct muster__slots *ret);

/* How a node stood when it was asked, at the end. */
struct muster__liveness_node {
    enum muster_node_state state;
    bool answers; /* A good answer to a question just asked, and to the last of the feed. */
    uint64_t failing_since_ms; /* 0: not known. */
    const char *failing_text;
    uint64_t heard_ms; /* When the feed last heard of it, by an answer or its stream; 0: never. */
    uint64_t height;
    uint64_t changed_ms; /* When its tip last changed; 0: never. */
    bool on_tree; /* Its tip is known to the feed, and so is `common_height`. */
    uint64_t common_height; /* Of its chain and the best one. */
    bool final_known; /* It names a final block, and that one's height is known. */
    uint64_t final_height;
    uint64_t final_common_height; /* Of that block and the best chain. */
};

struct muster__liveness_facts {
    uint64_t began_ms; /* Time 0 of messages. */
    double window_s;
    uint32_t slot_ms;
    double active_slot_coeff;
    double false_alarm;
    bool has_slots; /* The system numbers them. */
    uint64_t slots; /* That count. */
    uint64_t won; /* Of those. */
    uint64_t outage_slots; /* In which nodes were down on purpose. */
    uint64_t outage_won; /* Of those. */
    double outage_share_up; /* Of the nodes: the least over all outages. */
    uint64_t blocks; /* By which the best chain grew in the window. */
    uint64_t best_height;
    uint64_t lag_blocks_max;
    uint64_t lag_blocks_plausible; /* On top, for the propagation observed. */
    uint64_t silent_ms; /* Since the best chain last grew. */
    uint64_t silent_ms_max; /* What is plausible. */
    uint32_t node_count;
    const struct muster__liveness_node *nodes;
};

/** Blocks: enough of them in the window, and still coming. MUSTER_OK or MUSTER_EEXPECT. */
enum muster_rc muster__liveness_judge_blocks(const struct muster__liveness_facts *facts,
                                             struct muster_report *report, struct muster_error *err);

/** Nodes: each answers, agrees with the best chain and keeps up. MUSTER_OK or MUSTER_EEXPECT. */
enum muster_rc muster__liveness_judge_nodes(const struct muster__liveness_facts *facts,
                                            struct muster_report *report, struct muster_error *err);

/** The chance that a slot has a leader while only this share of the stake is up. */
double muster__liveness_rate(double active_slot_coeff, double up_share);

/** How long a healthy chain may be silent: gaps longer than this have a chance below false_alarm. */
uint64_t muster__liveness_silence_ms(double active_slot_coeff, uint32_t slot_ms, double up_share,
                                     double false_alarm);

/** Fills in the defaults. */
void muster__liveness_resolve(struct muster_liveness *options);

#endif
