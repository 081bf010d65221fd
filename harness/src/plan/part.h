/* The workload and the expectations that come with the harness, made at build from resolved options. */
#ifndef MUSTER_SRC_BUILTIN_H
#define MUSTER_SRC_BUILTIN_H

#include "muster/scenario.h"
#include "parts/chaos/options.h"

/* Both get every default filled in and every value checked. What they return becomes an ordinary entry of
 * the plan, under a name that the plan sets itself: the makers need not set `name`. Contexts belong to the
 * plan where `destroy` is set; the plan destroys workloads first, then expectations. On failure
 * (MUSTER_ENOMEM) nothing is set and nothing is owned. */

/* Both expectations judge again and again, while they do not hold, for so many block intervals at most. */
#define MUSTER__LIVENESS_BLOCKS 5u
#define MUSTER__INCLUSION_BLOCKS 3u

/** The transaction workload ("transactions") and its expectation ("inclusion"). */
MUSTER_MUST_USE enum muster_rc muster__transactions_make(const struct muster_transactions *resolved,
                                                         struct muster_workload *workload,
                                                         struct muster_expectation *inclusion,
                                                         struct muster_error *err);

/** The chaos workload ("chaos") and its expectation ("recovers"). */
MUSTER_MUST_USE enum muster_rc muster__chaos_make(const struct muster__chaos_options *resolved,
                                                  struct muster_workload *workload,
                                                  struct muster_expectation *recovers,
                                                  struct muster_error *err);

/** The expectation "consensus_liveness". */
MUSTER_MUST_USE enum muster_rc muster__liveness_make(const struct muster_liveness *resolved,
                                                     struct muster_expectation *ret,
                                                     struct muster_error *err);

#endif
