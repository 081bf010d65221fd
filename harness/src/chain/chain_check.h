/* Refuses a chain that would be a crash in the middle of a run. */
#ifndef MUSTER_SRC_CHAIN_CHECK_H
#define MUSTER_SRC_CHAIN_CHECK_H

#include "muster/chain.h"

/** Of a system whose observer follows a chain. MUSTER_OK; MUSTER_EINVAL names the slot and the system. */
MUSTER_MUST_USE enum muster_rc muster__chain_check(const struct muster_system *system,
                                                   struct muster_error *err);

#endif
