/* Where runs leave what they write down. */
#ifndef MUSTER_SRC_RUN_ROOT_H
#define MUSTER_SRC_RUN_ROOT_H

#include "muster/result.h"
#include "muster/variables.h"

/** Where run directories are made: MUSTER_RUN_ROOT, else TMPDIR, else /tmp. */
MUSTER_MUST_USE enum muster_rc muster__run_root(const struct muster_variables *variables, char root[4096],
                                                struct muster_error *err);

#endif
