/* The chaos of a scenario: what the workload does and the expectation judges. */
#ifndef MUSTER_SRC_CHAOS_H
#define MUSTER_SRC_CHAOS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "parts/chaos/options.h"
#include "parts/chaos/recovers_judge.h"
#include "parts/chaos/schedule.h"

/* One for each muster_chaos(); the expectation's context, borrowed by the workload. */
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

/** The workload's function; its context is the chaos. */
enum muster_rc muster__chaos_run(struct muster_run *run, void *context, struct muster_error *err);

/** Looks at all nodes that are on their way back, and judges them. Any thread. */
void muster__chaos_observe(struct muster__chaos *chaos);

/** Judges what is open for the last time, as it stands: for actions that failed. With the mutex held. */
void muster__chaos_end_deed(struct muster__chaos *chaos, uint32_t node, enum muster__recovery recovery,
                            uint64_t now_ms);

#endif
