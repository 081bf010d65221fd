/* What a session and its run are made of; shared by the files that carry the run through its phases. */
#ifndef MUSTER_SRC_SESSION_INTERNAL_H
#define MUSTER_SRC_SESSION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "chain/feed/feed.h"
#include "evidence/events.h"
#include "guardian/client.h"
#include "http/http.h"
#include "ledger/ledger.h"
#include "muster/session.h"
#include "nodes/nodes.h"

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
    pid_t suite_pid; /* Of the process that opened it, which forks the tests. */
    uint64_t suite_start;
    int test_fd; /* The test's end of the socketpair. */
    int outcome_fd; /* The forking process's end of the guardian's pipe. */
    pid_t guardian_pid; /* For messages; it is not our child. */
    struct muster_run *run; /* In the test's process, from deploy to finish. */
};

/** In the test's process: from now on the kernel ends it with the suite program, and at once if that is gone
 * already. Without this, a test that hangs would outlive a suite program and a guardian that were both
 * killed, and no sweep could touch its run. Nothing where both are one process (CK_FORK=no). */
void muster__session_end_with_suite(const struct muster_session *session);

struct muster_deployment {
    struct muster_session *session;
    struct muster_guardian_client *guardian;
    struct muster_nodes *nodes;
    uint64_t deployed_wall_ms;
};

#endif
