/* A plan under construction: what scenario.c collects and plan.c finishes. */
#ifndef MUSTER_SRC_SCENARIO_INTERNAL_H
#define MUSTER_SRC_SCENARIO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "muster/scenario.h"
#include "parts/chaos/options.h"

/* A plan with the names that it points to. muster_plan_destroy() gets back to this from `plan`. */
struct muster__owned_plan {
    struct muster_plan plan; /* The first member. */
    char workload_names[MUSTER_PARTS_MAX][MUSTER_NAME_BYTES];
    char expectation_names[MUSTER_PARTS_MAX][MUSTER_NAME_BYTES];
};

/* A part that comes with the harness: its place in the order is taken when it is asked for, and filled at
 * build, when all the defaults are known. */
struct muster__builtin {
    bool wanted;
    size_t workload; /* Index of its place. */
    size_t expectation;
};

struct muster_scenario {
    struct muster_error mistake; /* The first one. */
    struct muster__owned_plan *owned;
    bool topology_given;
    bool wallets_given;
    bool duration_given;
    struct muster__builtin transactions;
    struct muster_transactions transactions_options;
    struct muster__builtin liveness;
    struct muster_liveness liveness_options;
    struct muster__builtin chaos;
    struct muster__chaos_options chaos_options;
};

/* Keeps the mistake, unless there is one already. */
#define muster__mistake(s, ...) ((void)muster_error_set(&(s)->mistake, MUSTER_EINVAL, __VA_ARGS__))

/** Fill in the defaults; the plan's wallets and security depth must be known. */
void muster__transactions_resolve(const struct muster_plan *plan, struct muster_transactions *options);
void muster__liveness_resolve(struct muster_liveness *options);

/** Take the next place in the plan for a part of the harness: one workload and one expectation, or none and a
 * mistake. */
struct muster__builtin muster__take_places(struct muster_scenario *s, const char *workload,
                                           const char *expectation);

/** Whether it is 1 to MUSTER_NAME_BYTES - 1 of [a-z0-9_]. NULL is not. */
bool muster__is_name(const char *name);

#endif
