/* What chaos was asked for, from the scenario to the run. */
#ifndef MUSTER_SRC_CHAOS_OPTIONS_H
#define MUSTER_SRC_CHAOS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/scenario.h"

enum muster__chaos_action {
    MUSTER__CHAOS_RESTART,
    MUSTER__CHAOS_KILL,
    MUSTER__CHAOS_PAUSE,
    MUSTER__CHAOS_ACTIONS
};

/** "restart", "kill" or "pause". */
const char *muster__chaos_action_name(enum muster__chaos_action action);

struct muster__chaos_options {
    struct muster_chaos given; /* Its spare_nodes point nowhere: see `spare`. */
    bool spare[MUSTER_NODES_MAX];
    uint64_t tip_ms; /* Where recover_ms is 0: the bound, without the time until ready. Stretched. */
};

/** Weight and length of an action, once resolved. A restart has none of its own. */
uint32_t muster__chaos_weight(const struct muster_chaos *chaos, enum muster__chaos_action action);
uint32_t muster__chaos_length_ms(const struct muster_chaos *chaos, enum muster__chaos_action action);

/**
 * Fills in the defaults, for a plan whose nodes, pace, window and slow-down are known.
 *
 * @return MUSTER_OK; MUSTER_EINVAL: with these nodes and this window nothing could be done, or might never
 * be.
 */
MUSTER_MUST_USE enum muster_rc muster__chaos_resolve(const struct muster_plan *plan,
                                                     struct muster__chaos_options *options,
                                                     struct muster_error *err);

#endif
