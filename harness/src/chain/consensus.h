/* What a plan of a chain has that others have not. */
#ifndef MUSTER_SRC_CONSENSUS_H
#define MUSTER_SRC_CONSENSUS_H

#include "muster/scenario.h"

/** Fills in slots, security depth and pace: a variable wins over the scenario, and that over the default.
 * MUSTER_OK; MUSTER_EINVAL, the window cannot hold two slots. */
MUSTER_MUST_USE enum muster_rc muster__consensus_resolve(struct muster_plan *plan,
                                                         const struct muster_variables *variables,
                                                         struct muster_error *err);

#endif
