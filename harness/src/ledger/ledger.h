/* The writing side of the ledger; see muster/ledger.h. */
#ifndef MUSTER_SRC_LEDGER_LEDGER_H
#define MUSTER_SRC_LEDGER_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/ledger.h"

/** Creates <directory>/ledger.jsonl with its first line and locks it (flock). The lock lasts as long as any
 * process has a copy of the descriptor. `muster sweep` leaves a locked ledger alone. */
MUSTER_MUST_USE enum muster_rc muster__ledger_create(const char *directory, const char *run_id,
                                                     const char *runner, struct muster_ledger **ret,
                                                     struct muster_error *err);
void muster__ledger_close(struct muster_ledger *ledger);

/** Opens and locks the ledger of a run that is over.
 *
 * @return MUSTER_OK
 *         MUSTER_ESTATE: the run goes on.
 *         MUSTER_ENOTFOUND: there is no ledger.
 *         MUSTER_EINVAL: the path is too long.
 *         MUSTER_EIO
 *         MUSTER_ENOMEM
 */
MUSTER_MUST_USE enum muster_rc muster__ledger_reopen(const char *directory, struct muster_ledger **ret,
                                                     struct muster_error *err);

/** The ledger's descriptor, for a process that closes all others. */
int muster__ledger_fd(const struct muster_ledger *ledger);

/** Records who the guardian is. */
MUSTER_MUST_USE enum muster_rc muster__ledger_guardian(struct muster_ledger *ledger, pid_t pid,
                                                       uint64_t start, struct muster_error *err);
/** Records that only evidence is left ("closed"), or that the cluster was left up on purpose ("preserved").
 */
MUSTER_MUST_USE enum muster_rc muster__ledger_state(struct muster_ledger *ledger, const char *state,
                                                    struct muster_error *err);

/** Makes the line of muster_ledger_created() without its id, for a process that may neither allocate nor lock
 * when it learns the id. The caller frees it. Returns NULL if there is no memory. */
char *muster__ledger_draft(const char *kind, json_t *detail);
/** Puts `id` into a draft and appends it. `id` needs no escaping in JSON. Async-signal-safe, except when it
 * sets an error's text. Returns MUSTER_OK or MUSTER_EIO. */
MUSTER_MUST_USE enum muster_rc muster__ledger_append_draft(struct muster_ledger *ledger, const char *draft,
                                                           const char *id, struct muster_error *err);

/** True if a process holds the lock of a run directory's ledger. */
bool muster__ledger_is_locked(const char *directory);

#endif
