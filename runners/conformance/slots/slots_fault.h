/* A runner's table with every slot counted, one of which fails on its Nth call; and the same for what a
 * system renders, so that `up` can fail half way. One at a time; the counts are shared with the processes
 * that are forked later. */
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
    bool done; /* It does what it is to do, and fails then. */
};

/** From here on this fails; all counts begin at 0. MUSTER_OK or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc slots_set_fault(const struct slots_fault *fault, struct muster_error *err);

/** The same, but the calls are counted from here, and all counts go on. */
void slots_rearm(const struct slots_fault *fault);

/** How often a slot was called, in whatever process. */
unsigned slots_calls(enum slots_slot slot);

/** Both in static storage; those that were given are borrowed. */
const struct muster_runner *slots_wrap_runner(const struct muster_runner *real);
const struct muster_system *slots_wrap_system(const struct muster_system *real);

#endif
