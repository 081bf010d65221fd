/* Removing what one run left because its guardian was killed. */
#ifndef MUSTER_SRC_SWEEP_SWEEP_RUN_H
#define MUSTER_SRC_SWEEP_SWEEP_RUN_H

#include "muster/runner.h"

/**
 * Removes what the ledger of one run still names, and the run's stray processes. Then closes the ledger. The
 * run directory stays as evidence.
 *
 * @param runners        NULL-terminated; the run's runner is looked up by name.
 * @param preserved_too  Also take down a run that was left up on purpose.
 * @return MUSTER_OK: all is removed, or the ledger was closed, or the run is left up on purpose.
 *         MUSTER_ESTATE: the run goes on.
 *         MUSTER_ELEAK: something could not be removed; err names it.
 *         MUSTER_EINVAL: the run's runner is not among `runners`.
 *         MUSTER_ENOTFOUND: there is no ledger.
 */
MUSTER_MUST_USE enum muster_rc muster__sweep_run(const char *directory,
                                                 const struct muster_runner *const *runners,
                                                 bool preserved_too, uint32_t grace_ms,
                                                 struct muster_error *err);

#endif
