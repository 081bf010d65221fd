/* What is worked out of a finished plan. */
#ifndef MUSTER_SRC_PLAN_PLAN_H
#define MUSTER_SRC_PLAN_PLAN_H

#include "muster/scenario.h"

/** A time, stretched by the plan's slow-down; UINT32_MAX at most. */
uint32_t muster__stretch_ms(const struct muster_plan *plan, uint64_t value_ms);

/** The time until all nodes are ready, stretched: the plan's, or 60 s where the plan leaves it to the runner.
 */
uint64_t muster__ready_limit_ms(const struct muster_plan *plan);

#endif
