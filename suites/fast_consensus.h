/* The pace of the suites' chains: a block every 0.4 s, so that a few seconds hold enough slots to judge. */
#ifndef MUSTER_SUITES_PACE_H
#define MUSTER_SUITES_PACE_H

#include "muster/chain.h"
#include "muster/scenario.h"

static inline void fast_consensus(struct muster_scenario *s)
{
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 200, .active_slot_coeff = 0.5, .security_depth = 10 });
}

#endif
