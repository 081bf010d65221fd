/* events.jsonl: one line for each event, with monotonic and wall time. */
#ifndef MUSTER_SRC_EVIDENCE_EVENTS_H
#define MUSTER_SRC_EVIDENCE_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "muster/result.h"

struct muster_events; /* Any thread may write. */

/** Opens the file for appending. `began_ms` is the monotonic time that "at_ms" counts from. */
MUSTER_MUST_USE enum muster_rc muster__events_open(const char *path, uint64_t began_ms,
                                                   struct muster_events **ret, struct muster_error *err);
void muster__events_close(struct muster_events *events);

/** Appends {"at_ms":…,"wall":"…","event":kind, fields…} in one write(2). Steals `fields`, an object or NULL.
 * Does nothing if `events` is NULL. muster__events_failure() tells of a failed write. */
void muster__events_write(struct muster_events *events, const char *kind, json_t *fields);

/** Returns the errno of the first write that failed, or 0. */
int muster__events_failure(const struct muster_events *events);

#endif
