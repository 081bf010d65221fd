/* A plan under construction: what scenario.c collects and plan.c finishes. */
#ifndef MUSTER_SRC_SCENARIO_INTERNAL_H
#define MUSTER_SRC_SCENARIO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "muster/part.h"
#include "muster/scenario.h"

/* A plan with the names that it points to. muster_plan_destroy() gets back to this from `plan`. */
struct muster__owned_plan {
    struct muster_plan plan; /* The first member. */
    char workload_names[MUSTER_PARTS_MAX][MUSTER_NAME_BYTES];
    char expectation_names[MUSTER_PARTS_MAX][MUSTER_NAME_BYTES];
};

/* A part that was given: its places in the order are taken then, and filled at build, when all defaults are
 * known. */
struct muster__given_part {
    const struct muster_part *part;
    void *options; /* A copy, owned. */
    size_t workload; /* Index of its place, where it has one. */
    size_t expectation;
};

struct muster_scenario {
    struct muster_error mistake; /* The first one. */
    struct muster__owned_plan *owned;
    bool topology_given;
    bool duration_given;
    size_t part_count;
    struct muster__given_part parts[MUSTER_PARTS_MAX];
};

/* Keeps the mistake, unless there is one already. */
#define muster__mistake(s, ...) ((void)muster_error_set(&(s)->mistake, MUSTER_EINVAL, __VA_ARGS__))

/** Whether it is 1 to MUSTER_NAME_BYTES - 1 of [a-z0-9_]. NULL is not. */
bool muster__is_name(const char *name);

#endif
