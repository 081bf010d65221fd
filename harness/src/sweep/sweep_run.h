/* Removing what runs left whose guardian was killed: from their ledgers, and only that. */
#ifndef MUSTER_SRC_SWEEP_H
#define MUSTER_SRC_SWEEP_H

#include "muster/runner.h"

/**
 * Removes what the ledger of one run still names, and its stray processes; the run directory stays as
 * evidence, its ledger closed.
 *
 * @param runners        NULL-terminated; the run's own is looked up by name.
 * @param preserved_too  Also what was left up on purpose.
 * @return MUSTER_OK, also when it was closed already, or is left up on purpose; MUSTER_ESTATE, the run goes
 * on; MUSTER_ELEAK with what could not be removed; MUSTER_EINVAL, its runner is not among `runners`;
 * MUSTER_ENOTFOUND, no ledger there.
 */
MUSTER_MUST_USE enum muster_rc muster__sweep_run(const char *directory,
                                                 const struct muster_runner *const *runners,
                                                 bool preserved_too, uint32_t grace_ms,
                                                 struct muster_error *err);

#endif
