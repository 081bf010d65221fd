/* events.jsonl: everything that happened, one line each, monotonic and wall time. */
#ifndef MUSTER_SRC_EVENTS_H
#define MUSTER_SRC_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "muster/result.h"

struct muster_events; /* Any thread. */

/** Opens for appending. `began_ms` (monotonic) is time 0 of "at_ms". */
MUSTER_MUST_USE enum muster_rc muster__events_open(const char *path, uint64_t began_ms,
                                                   struct muster_events **ret, struct muster_error *err);
void muster__events_close(struct muster_events *events);

/** Appends {"at_ms":…,"wall":"…","event":kind, fields…} in one write(2). Steals `fields` (an object, or
 * NULL). A failed write is remembered, see muster__events_failure(). */
void muster__events_write(struct muster_events *events, const char *kind, json_t *fields);

/** errno of the first write that failed, 0 when none did. */
int muster__events_failure(const struct muster_events *events);

#endif
