/* Finds what is left of a run that should be gone, both without muster's own clean-up code and with it. */
#ifndef MUSTER_CONFORMANCE_LEFTOVERS_H
#define MUSTER_CONFORMANCE_LEFTOVERS_H

#include "kill/complaint.h"
#include "kill/trace.h"
#include "muster/runner.h"

/** Complains of processes of the victim (suite, test, guardian, nodes), its lease, and listeners on the
 * leased addresses. If there are none, also of what the runner's own audit finds and what its backend has. */
void leftovers_find(const struct trace *trace, const struct muster_runner *runner, struct complaint *ret);

/** Whether an abstract socket of that name is bound: "muster-lease-127.64.3.". */
bool leftovers_lease_is_held(const char *prefix);

#endif
