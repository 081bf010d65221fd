/* The folder that run directories are made in. */
#ifndef MUSTER_SRC_LEDGER_RUN_ROOT_H
#define MUSTER_SRC_LEDGER_RUN_ROOT_H

#include "muster/result.h"
#include "muster/variables.h"

/** Writes MUSTER_RUN_ROOT, else an absolute TMPDIR, else /tmp to `root`. */
MUSTER_MUST_USE enum muster_rc muster__run_root(const struct muster_variables *variables, char root[4096],
                                                struct muster_error *err);

#endif
