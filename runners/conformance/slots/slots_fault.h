/* Wraps a runner's table so that calls of each slot are counted and one slot fails on its Nth call; and a
 * system's render, so that `up` can fail half way. One fault at a time. Processes that are forked later share
 * the counts. */
#ifndef MUSTER_CONFORMANCE_SLOTS_FAULT_H
#define MUSTER_CONFORMANCE_SLOTS_FAULT_H

#include "muster/runner.h"

enum slots_slot {
    SLOTS_NONE,
    SLOTS_PROBE,
    SLOTS_RENDER,
    SLOTS_UP,
    SLOTS_ENDPOINT,
    SLOTS_CONTROL,
    SLOTS_DETACH,
    SLOTS_COLLECT,
    SLOTS_DOWN,
    SLOTS_AUDIT,
    SLOTS_COUNT,
};

struct slots_fault {
    enum slots_slot slot; /* SLOTS_NONE: nothing fails. */
    unsigned call; /* From 1. */
    enum muster_rc rc;
    bool done; /* The slot does its work first, then fails. */
};

/** Sets the fault and resets all counts to 0. MUSTER_OK or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc slots_set_fault(const struct slots_fault *fault, struct muster_error *err);

/** Sets the fault without resetting the counts. The fault's calls are counted from here. */
void slots_rearm(const struct slots_fault *fault);

/** How often a slot was called, in all processes together. */
unsigned slots_calls(enum slots_slot slot);

/** Return static storage; `real` is borrowed. */
const struct muster_runner *slots_wrap_runner(const struct muster_runner *real);
const struct muster_system *slots_wrap_system(const struct muster_system *real);

#endif
