/* When chaos does what to whom. Pure: times and states go in, the next step comes out. */
#ifndef MUSTER_SRC_CHAOS_SCHEDULE_H
#define MUSTER_SRC_CHAOS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/random.h"
#include "parts/chaos/options.h"

enum muster__chaos_state {
    MUSTER__CHAOS_UP, /* Runs, and has caught up. */
    MUSTER__CHAOS_AWAY, /* Killed or paused by chaos, until return_ms. */
    MUSTER__CHAOS_BEHIND, /* Back, and not yet at the tip; or not up for another's reason. */
};

struct muster__chaos_node {
    enum muster__chaos_state state;
    uint64_t return_ms; /* While away. */
    uint64_t cool_ms; /* Left alone until then. */
};

enum muster__chaos_step_kind {
    MUSTER__CHAOS_WAIT, /* Until until_ms, or until a node's state changes. */
    MUSTER__CHAOS_ACT, /* Do it to the node, then say muster__chaos_did(). */
    MUSTER__CHAOS_RETURN, /* Bring the node back, then say muster__chaos_returned(). */
};

struct muster__chaos_step {
    enum muster__chaos_step_kind kind;
    uint32_t node;
    enum muster__chaos_action action;
    uint64_t until_ms;
};

/* Why an action that was due did not begin. */
enum muster__chaos_obstacle {
    MUSTER__CHAOS_NONE,
    MUSTER__CHAOS_QUORUM, /* Too few nodes run and have caught up. */
    MUSTER__CHAOS_NO_NODE, /* All that may be touched are away, behind or cooling down. */
    MUSTER__CHAOS_NO_TIME, /* The window closes too soon for any action. */
};

/* What is to come next, drawn before it is due and all at once: whatever the machine's pace, the n-th action
 * of a seed is drawn from the same numbers. */
struct muster__chaos_draw {
    uint64_t due_ms;
    uint64_t share; /* Of the weights, in 2^32. */
    uint64_t rank[MUSTER_NODES_MAX]; /* The node of the lowest one that may be touched is it. */
};

struct muster__chaos_schedule {
    const struct muster__chaos_options *options; /* Resolved; borrowed. */
    uint32_t node_count;
    uint64_t closes_ms;
    struct muster_random random;
    struct muster__chaos_draw draw;
    enum muster__chaos_obstacle obstacle; /* The last one. */
    struct muster__chaos_node nodes[MUSTER_NODES_MAX];
};

/** A schedule that begins now; all nodes are up. */
void muster__chaos_schedule_init(struct muster__chaos_schedule *schedule,
                                 const struct muster__chaos_options *options, uint32_t node_count,
                                 struct muster_random random, uint64_t opened_ms, uint64_t closes_ms);

struct muster__chaos_step muster__chaos_next(struct muster__chaos_schedule *schedule, uint64_t now_ms);

/** The action was done: the node is away now, or, after a restart, back. */
void muster__chaos_did(struct muster__chaos_schedule *schedule, uint32_t node,
                       enum muster__chaos_action action, uint64_t now_ms);
/** It is back, but for catching up. */
void muster__chaos_returned(struct muster__chaos_schedule *schedule, uint32_t node, uint64_t now_ms);
/** Whether a node that is not away has caught up. */
void muster__chaos_set_behind(struct muster__chaos_schedule *schedule, uint32_t node, bool behind);

/** How many nodes are up. */
uint32_t muster__chaos_up(const struct muster__chaos_schedule *schedule);

#endif
