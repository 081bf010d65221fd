/* The judgement of inclusion, apart from where its facts come from. */
#ifndef MUSTER_SRC_INCLUSION_H
#define MUSTER_SRC_INCLUSION_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/transactions/tracker.h"
#include "muster/run.h"

#define MUSTER__LISTED_MAX 10u

struct muster__inclusion_node {
    bool judged; /* It runs. */
    bool known; /* common_height is. */
    uint64_t common_height; /* Its chain and the best one are the same up to here. */
    const char *silent; /* Why it did not say what its chain is; NULL: it did. */
};

struct muster__inclusion_facts {
    uint64_t began_ms; /* Time 0 of messages. */
    uint64_t best_height;
    uint64_t blocks; /* Seen since capture. */
    uint32_t within_blocks;
    double min_ratio;
    bool attached; /* To a network that is not the run's own. */
    uint32_t node_count;
    const struct muster__inclusion_node *nodes;
};

/** Judges all transactions of the tracker; numbers and lists go into report. MUSTER_OK or MUSTER_EEXPECT. */
enum muster_rc muster__inclusion_judge(struct muster__tracker *tracker,
                                       const struct muster__inclusion_facts *facts,
                                       struct muster_report *report, struct muster_error *err);

#endif
