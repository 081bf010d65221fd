/* When to submit: each new block of the best chain releases some, spread over the expected interval. */
#ifndef MUSTER_SRC_PACE_H
#define MUSTER_SRC_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/random.h"

/* Blocks' worth of submissions that may be owed; what comes on top is held back. */
#define MUSTER__PACE_OWED_BLOCKS_MAX 16u

struct muster__pace {
    struct muster_random random;
    uint32_t rate; /* Per block. */
    uint64_t interval_us;
    uint64_t height; /* Highest block that released any: a reorg does not release twice. */
    uint64_t owed;
    uint64_t next_us; /* When the next is due. */
    uint64_t spacing_us; /* On average. */
};

/** A block of the best chain was seen. Returns how many were held back because too many are owed. */
uint64_t muster__pace_block(struct muster__pace *pace, uint64_t height, uint64_t now_us);

/** Whether one is to be sent now; then it is no longer owed. */
bool muster__pace_take(struct muster__pace *pace, uint64_t now_us);

/** Milliseconds until the next is due, rounded down, at most max_ms. */
uint32_t muster__pace_wait_ms(const struct muster__pace *pace, uint64_t now_us, uint32_t max_ms);

#endif
