/* What the counter's suite is made of. */
#ifndef COUNTER_H
#define COUNTER_H

#include <muster/muster.h>
#include <stdatomic.h>

/* The system: nodes that run the program "counter". */
const struct muster_system *counter_system(void);

/* How often each node was told to count: kept by the workload, judged by the expectation. */
struct counter_tally {
    atomic_ullong counted[MUSTER_NODES_MAX];
    uint64_t before[MUSTER_NODES_MAX]; /* What a node said before the window. */
};

/* Adds the workload "count" and the expectation "kept". tally: zeroed; borrowed as long as the run. */
void counter_count(struct muster_scenario *s, struct counter_tally *tally);
void counter_expect_kept(struct muster_scenario *s, struct counter_tally *tally);

#endif
