/* Whether two nodes follow one chain. */
#ifndef MUSTER_SRC_KINSHIP_H
#define MUSTER_SRC_KINSHIP_H

#include "muster/observer.h"

/** Asks node 0 and `node` for blocks of one another; `first` and `own` are what they said last. */
enum muster_kinship muster__look_for_block(struct muster_run *run, uint32_t node,
                                           const struct muster_progress *first,
                                           const struct muster_progress *own);

#endif
