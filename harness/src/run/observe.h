/* What a run knows of how far its nodes are, through the observer of its plan. */
#ifndef MUSTER_SRC_OBSERVE_H
#define MUSTER_SRC_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/observer.h"

/** The run's own observer: see observe_progress.c. */
extern const struct muster_observer muster__progress_observer;

/** The plan's: that of its system, else the run's own. */
const struct muster_observer *muster__observer_of(const struct muster_plan *plan);

MUSTER_MUST_USE enum muster_rc muster__observation_create(struct muster_run *run, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster__observation_start(struct muster_run *run, struct muster_error *err);
/** Both do nothing where there is none. */
void muster__observation_stop(struct muster_run *run);
void muster__observation_destroy(struct muster_run *run);
/** A node was stopped, or started again, perhaps elsewhere. */
void muster__run_node_changed(struct muster_run *run, uint32_t node);
/** How far the cluster is: of what all nodes said, the best. */
void muster__run_best(struct muster_run *run, struct muster_progress *ret);
/** Whether nodes may be on branches of their own, so that heights alone say nothing. */
bool muster__run_has_branches(const struct muster_run *run);
/** The height up to which both are the same. MUSTER_ENOTFOUND: not known. */
MUSTER_MUST_USE enum muster_rc muster__run_common_height(struct muster_run *run,
                                                         const struct muster_progress *a,
                                                         const struct muster_progress *b, uint64_t *ret);

#endif
