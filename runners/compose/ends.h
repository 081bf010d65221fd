/* How the nodes ended that were told to, before their containers are removed. */
#ifndef MUSTER_RUNNERS_COMPOSE_ENDS_H
#define MUSTER_RUNNERS_COMPOSE_ENDS_H

#include "compose/internal.h"
#include "muster/tool.h"

/**
 * Judges how nodes ended that were told to, by the answers of inspect calls in COMPOSE_STATE_FORMAT.
 *
 * @param killed_after_ms  When what still ran was killed; 0: that was not needed.
 * @param ret              The wrong node of the lowest number, of which err tells; else MUSTER_NO_NODE.
 *
 * @return MUSTER_OK or MUSTER_ENODE.
 */
MUSTER_MUST_USE enum muster_rc compose__judge_ends(const struct compose_record *record,
                                                   const struct muster_tool *answers, size_t count,
                                                   uint32_t killed_after_ms, uint32_t *ret,
                                                   struct muster_error *err);

#endif
