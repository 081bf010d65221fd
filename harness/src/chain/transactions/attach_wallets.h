/* Wallets of a plan that is run again on a network that it made. */
#ifndef MUSTER_SRC_ATTACH_WALLETS_H
#define MUSTER_SRC_ATTACH_WALLETS_H

#include "muster/run.h"

/**
 * Has each wallet go on behind what the network's chain has spent of it, so that a plan can be run again on a
 * network that an earlier run of it made. The feed must have been started.
 *
 * @return MUSTER_OK, also where there are no wallets; MUSTER_EINVAL, not all blocks could be had;
 * MUSTER_ETIMEDOUT; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster__resume_wallets(struct muster_run *run, struct muster_error *err);

#endif
