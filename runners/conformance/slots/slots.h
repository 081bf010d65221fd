/* Tests the promises that muster/runner.h makes for a runner's slots. A program that has a system to run
 * links this and calls slots_main(). Each promise is a ctest test of its own. */
#ifndef MUSTER_CONFORMANCE_SLOTS_H
#define MUSTER_CONFORMANCE_SLOTS_H

#include "kill/complaint.h"
#include "muster/runner.h"

#define SLOTS_NODES 2u /* Nodes of the subject's scenario. */

/* What is run. Heights must grow without load, and a node that is alone must become ready. */
struct slots_subject {
    const struct muster_system *system;
    void (*write)(
        struct muster_scenario *s); /* Topology, duration, consensus; no expectations or workloads. */
    const char *hello; /* Part of a line that each node logs once whenever it starts, on stdout. */
    const char
        *farewell; /* Part of a line that it logs last or nearly so when it is told to stop, on stdout. */
};

/**
 * Tries one promise; what does not hold goes into ret.
 *
 * @return MUSTER_OK, it was tried; MUSTER_ESKIP, the runner cannot run here or lacks a node control that is
 * needed; MUSTER_ENOTFOUND, no such promise; else the probe's error.
 */
MUSTER_MUST_USE enum muster_rc slots_try(const struct slots_subject *subject,
                                         const struct muster_runner *runner, const char *promise,
                                         struct complaint *ret, struct muster_error *err);

/** argv: the runner's name and a promise's. Prints what does not hold. Returns the exit code: 0; 1; 77, the
 * runner cannot run here. */
int slots_main(int argc, char **argv, const struct slots_subject *subject);

#endif
