/* The writing side of the ledger; see muster/ledger.h. */
#ifndef MUSTER_SRC_LEDGER_H
#define MUSTER_SRC_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/ledger.h"

/** Creates <directory>/ledger.jsonl with its first line and locks it (flock) for as long as a copy of
 * the descriptor lives: `muster sweep` leaves a locked ledger alone. */
MUSTER_MUST_USE enum muster_rc muster__ledger_create(const char *directory, const char *run_id,
                                                     const char *runner, struct muster_ledger **ret,
                                                     struct muster_error *err);
void muster__ledger_close(struct muster_ledger *ledger);

/** Opens and locks the ledger of a run that is over. MUSTER_OK; MUSTER_ESTATE, the run is still going on;
 * MUSTER_ENOTFOUND, there is none; MUSTER_EIO; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster__ledger_reopen(const char *directory, struct muster_ledger **ret,
                                                     struct muster_error *err);

/** Its descriptor: what a process that closes all others has to keep. */
int muster__ledger_fd(const struct muster_ledger *ledger);

/** Records who the guardian is. */
MUSTER_MUST_USE enum muster_rc muster__ledger_guardian(struct muster_ledger *ledger, pid_t pid,
                                                       uint64_t start, struct muster_error *err);
/** Records that nothing but evidence is left ("closed") or that all was left up on purpose ("preserved"). */
MUSTER_MUST_USE enum muster_rc muster__ledger_state(struct muster_ledger *ledger, const char *state,
                                                    struct muster_error *err);

/** The line of muster_ledger_created() but for its id, for a process that may neither allocate nor lock when
 * it learns the id. Owned by the caller, free(). NULL without memory. */
char *muster__ledger_draft(const char *kind, json_t *detail);
/** Completes a draft and appends it; `id` is not escaped. Async-signal-safe but for the text of an error.
 * MUSTER_OK or MUSTER_EIO. */
MUSTER_MUST_USE enum muster_rc muster__ledger_append_draft(struct muster_ledger *ledger, const char *draft,
                                                           const char *id, struct muster_error *err);

/** Whether some process still holds the lock of a run directory's ledger. */
bool muster__ledger_is_locked(const char *directory);

#endif
