/* Watching the nodes that chaos touched. */
#ifndef MUSTER_SRC_CHAOS_WATCH_H
#define MUSTER_SRC_CHAOS_WATCH_H

#include "parts/chaos/chaos.h"

/** Looks at all nodes that are on their way back, and judges them. Any thread. */
void muster__chaos_observe(struct muster__chaos *chaos);

/** Judges what is open for the last time, as it stands: for actions that failed. With the mutex held. */
void muster__chaos_end_deed(struct muster__chaos *chaos, uint32_t node, enum muster__recovery recovery,
                            uint64_t now_ms);

#endif
