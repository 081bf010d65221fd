/* The chaos of a scenario: what the workload does and the expectation judges. */
#ifndef MUSTER_SRC_CHAOS_H
#define MUSTER_SRC_CHAOS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "parts/chaos/options.h"
#include "parts/chaos/recovers_judge.h"
#include "parts/chaos/schedule.h"

/* One for each muster_chaos(): the part's state. */
struct muster__chaos {
    struct muster__chaos_options options; /* Resolved. */
    struct muster__chaos_schedule schedule; /* The workload's own. */

    struct muster_run *run; /* From capture on, as all below. */
    struct muster__recovers_terms terms;
    pthread_mutex_t mutex; /* Around what follows; the feed may be asked with it held. */
    uint64_t asked; /* Actions. */
    uint32_t fewest_up;
    enum muster__chaos_obstacle obstacle;
    bool open[MUSTER_NODES_MAX]; /* The node's deed is not judged yet. */
    struct muster__deed
        deeds[MUSTER_NODES_MAX]; /* One at a time for each node: it is left alone until then. */
    struct muster__recovers_tally tally;
    struct muster_error red; /* The first; rc MUSTER_OK while there is none. */
};

/* The slots of the part; see muster/part.h. Their context is the chaos. */

/** chaos.c */
enum muster_rc muster__chaos_run(struct muster_run *run, void *context, struct muster_error *err);

/** recovers.c */
enum muster_rc muster__recovers_capture(struct muster_run *run, void *context, struct muster_error *err);
enum muster_rc muster__recovers_check(struct muster_run *run, void *context, struct muster_error *err);
enum muster_rc muster__recovers_evaluate(struct muster_run *run, void *context, struct muster_report *report,
                                         struct muster_error *err);

#endif
