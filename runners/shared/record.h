/* What the guardian, or a sweep, needs of a run: its ledger, and where its evidence goes. */
#ifndef MUSTER_RUNNERS_SHARED_RECORD_H
#define MUSTER_RUNNERS_SHARED_RECORD_H

#include "muster/ledger.h"

#define RUNNER_LOG_PATH_BYTES 4200u

/** The first entry of a kind that is not recorded as removed; NULL: there is none. */
const struct muster_ledger_entry *runner__ledger_find(const struct muster_ledger_view *view,
                                                      const char *kind);

/** Where a node's output goes: beside its files, or, unless `log_directory` is "", below that in a directory
 * of the run's own. `name`: "stdout.log". */
void runner__log_path(const struct muster_ledger_view *view, const char *log_directory, uint32_t node,
                      const char *name, char path[RUNNER_LOG_PATH_BYTES]);
/** Makes that directory of the run's own. MUSTER_OK or MUSTER_EIO. */
MUSTER_MUST_USE enum muster_rc runner__log_directory_make(const struct muster_ledger_view *view,
                                                          const char *log_directory,
                                                          struct muster_error *err);

#endif
