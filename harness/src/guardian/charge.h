/* A session: what the guardian has charge of. The suite program and the test each have a copy. */
#ifndef MUSTER_SRC_GUARDIAN_CHARGE_H
#define MUSTER_SRC_GUARDIAN_CHARGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "muster/session.h"

#define MUSTER__RUN_ID_BYTES 16

struct muster_session {
    const struct muster_plan *plan;
    const struct muster_runner *runner;
    const struct muster_variables *variables;
    char run_id[MUSTER__RUN_ID_BYTES];
    char directory[4096];
    uint64_t began_ms; /* Monotonic. */
    uint64_t began_wall_ms;
    struct muster_ledger *ledger;
    pid_t suite_pid; /* The process that opened the session and forks the tests. */
    uint64_t suite_start;
    int test_fd; /* The test's end of the socket pair. */
    int outcome_fd; /* The suite program's end of the guardian's pipe. */
    pid_t guardian_pid; /* For messages only: the guardian is not a child of the suite program. */
    struct muster_run *run; /* Set in the test's process, from deploy to finish. */
};

#endif
