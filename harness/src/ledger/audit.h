/* Finds what is left of a run. */
#ifndef MUSTER_SRC_LEDGER_AUDIT_H
#define MUSTER_SRC_LEDGER_AUDIT_H

#include "muster/ledger.h"
#include "muster/runner.h"

struct muster_audit {
    unsigned count;
    char text[2048]; /* What was found, separated by "; ", as far as it fits. */
};

/** Looks for processes of the run and for listeners on its leased addresses, and asks the runner for the
 * rest. `runner` may be NULL.
 *
 * @return MUSTER_OK: nothing is left.
 *         MUSTER_ELEAK: something is left; err names it.
 *         MUSTER_EINFRA: the runner could not find out.
 */
MUSTER_MUST_USE enum muster_rc muster__audit(const struct muster_runner *runner,
                                             const struct muster_ledger_view *view, struct muster_error *err);

#endif
