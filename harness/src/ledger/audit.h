/* What is left of a run. */
#ifndef MUSTER_SRC_AUDIT_H
#define MUSTER_SRC_AUDIT_H

#include "muster/ledger.h"
#include "muster/runner.h"

struct muster_audit {
    unsigned count;
    char text[2048]; /* The first of them, separated by "; ". */
};

/** Looks for processes of the run, listeners on its leased addresses, and asks the runner for the rest.
 * MUSTER_OK, nothing; MUSTER_ELEAK with all of it; MUSTER_EINFRA, it could not be found out. */
MUSTER_MUST_USE enum muster_rc muster__audit(const struct muster_runner *runner,
                                             const struct muster_ledger_view *view, struct muster_error *err);

#endif
