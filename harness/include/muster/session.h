/* A session: one scenario from guardian to verdict. What a test framework's glue is written with. */
#ifndef MUSTER_SESSION_H
#define MUSTER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/run.h"
#include "muster/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

enum muster_verdict {
    MUSTER_PASS = 1,
    MUSTER_FAIL,
    MUSTER_SKIP,
    MUSTER_INFRA, /* The environment failed, not the nodes. */
    MUSTER_LEAK, /* Something was left behind. */
};
const char *muster_verdict_name(enum muster_verdict verdict);

/**
 * Can this plan run on this runner? Creates nothing.
 *
 * @return MUSTER_OK; MUSTER_ESKIP, the backend is absent, or the plan asks for what the runner has not (names
 *         scenario, runner, what is missing and what to do); MUSTER_EINVAL, the user is mistaken.
 */
MUSTER_MUST_USE enum muster_rc muster_session_probe(const struct muster_plan *plan,
                                                    const struct muster_runner *runner,
                                                    const struct muster_variables *variables,
                                                    struct muster_error *err);

/* Lives in the process that forks the tests; the test's process has a copy of it. */
struct muster_session;

/**
 * Makes the run directory and forks the guardian. Call it before any thread exists, and before the
 * test is forked; nothing of the run exists yet.
 *
 * @param plan, runner, variables  Borrowed; must outlive the session.
 * @return MUSTER_OK; MUSTER_EINFRA (no space, directory not writable, no process); MUSTER_ENOMEM. After a
 * failure nothing is left.
 */
MUSTER_MUST_USE enum muster_rc muster_session_open(const struct muster_plan *plan,
                                                   const struct muster_runner *runner,
                                                   const struct muster_variables *variables,
                                                   struct muster_session **ret, struct muster_error *err);

/**
 * In the test's process: starts the engine and deploys; on success all nodes are ready, baselines are
 * captured and the window may open. On failure the run is over, and closing says so to the guardian.
 * A process that was forked by the one which opened the session is from now on killed by the kernel when the
 * thread that forked it ends (prctl(2), PR_SET_PDEATHSIG).
 *
 * @param ret  The run; set on MUSTER_OK only; owned by the session.
 */
MUSTER_MUST_USE enum muster_rc muster_session_deploy(struct muster_session *session, struct muster_run **ret,
                                                     struct muster_error *err);

/** Opens the window, runs all workloads until it closes, lets late blocks arrive. A failure in the
 * window is kept for muster_run_evaluate(), and returned. */
enum muster_rc muster_run_execute(struct muster_run *run, struct muster_error *err);

/** Judges every expectation. MUSTER_OK, or the first cause first and all that failed in err. */
MUSTER_MUST_USE enum muster_rc muster_run_evaluate(struct muster_run *run, struct muster_error *err);

/**
 * In the test's process: saves evidence, has everything taken down and audited, and writes run.json.
 * Without it (the test died) the guardian does the same by itself.
 *
 * @return MUSTER_OK, all passed and nothing that was created still runs; else the code and first cause of the
 * failure, such as MUSTER_ESTATE when the expectations were never evaluated; MUSTER_ELEAK whenever something
 * is left, with the cause of an earlier failure in front. Not the last word: the run directory is removed
 * after it, and the guardian may still be killed. See muster_session_close().
 */
enum muster_rc muster_session_finish(struct muster_session *session, struct muster_error *err);

/* How it ended, as the forking process learns it from the guardian. */
struct muster_outcome {
    enum muster_verdict verdict;
    char text[MUSTER_ERROR_TEXT_BYTES]; /* The cause, "" after a pass. */
    bool untold; /* The test has not said what failed: it did not live to, or that came after the test. */
    char kept_directory[4096]; /* The run directory, if it was kept; else "". */
};

/** In the forking process: waits until the guardian is done (bounded), then frees the session. `ret` has the
 * last word: only MUSTER_PASS is a pass, whatever muster_session_finish() said. */
void muster_session_close(struct muster_session *session, struct muster_outcome *ret);

#ifdef __cplusplus
}
#endif
#endif
