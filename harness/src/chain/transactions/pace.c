#include "chain/transactions/pace.h"

/* Half to one and a half of the spacing: even on average, and no two nodes are hit in lockstep. */
static uint64_t jitter(struct muster__pace *pace)
{
    return muster_random_between(&pace->random, pace->spacing_us / 2,
                                 pace->spacing_us / 2 + pace->spacing_us);
}

uint64_t muster__pace_block(struct muster__pace *pace, uint64_t height, uint64_t now_us)
{
    if (height <= pace->height) {
        return 0;
    }
    pace->height = height;
    uint64_t limit = (uint64_t)pace->rate * MUSTER__PACE_OWED_BLOCKS_MAX;
    uint64_t wanted = pace->owed + pace->rate;
    pace->owed = wanted < limit ? wanted : limit;
    /* What is late joins the new ones: all go out within one interval. */
    pace->spacing_us = pace->owed == 0 ? 0 : pace->interval_us / pace->owed;
    pace->next_us = now_us + muster_random_below(&pace->random, pace->spacing_us + 1);
    return wanted - pace->owed;
}

bool muster__pace_take(struct muster__pace *pace, uint64_t now_us)
{
    if (pace->owed == 0 || now_us < pace->next_us) {
        return false;
    }
    pace->owed--;
    pace->next_us += jitter(pace);
    return true;
}

uint32_t muster__pace_wait_ms(const struct muster__pace *pace, uint64_t now_us, uint32_t max_ms)
{
    if (pace->owed == 0) {
        return max_ms;
    }
    uint64_t left_ms = now_us >= pace->next_us ? 0 : (pace->next_us - now_us) / 1000;
    return left_ms < max_ms ? (uint32_t)left_ms : max_ms;
}
