/* Nodes that were not made by the run: are they of one network? */
#ifndef MUSTER_SRC_NETWORK_H
#define MUSTER_SRC_NETWORK_H

#include "muster/run.h"

/**
 * Makes sure that every node is of node 0's network: both name the same one, or its observer finds them akin.
 * Nodes that fell behind get a few seconds to show it. A system that can tell neither passes.
 *
 * @return MUSTER_OK; MUSTER_EINVAL, names the nodes that do not belong together and their URLs;
 * MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster__network_check(struct muster_run *run, struct muster_error *err);

#endif
