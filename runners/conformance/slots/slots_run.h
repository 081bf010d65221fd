/* One run of a scenario on the runner under test, from its plan to what it left. */
#ifndef MUSTER_CONFORMANCE_SLOTS_RUN_H
#define MUSTER_CONFORMANCE_SLOTS_RUN_H

#include "kill/complaint.h"
#include "muster/session.h"
#include "slots/slots.h"
#include "slots/slots_fault.h"

struct slots_run {
    const struct slots_subject *subject;
    const struct muster_runner *real;
    struct muster_plan *plan;
    struct muster_variables *variables;
    struct muster_session *session;
    struct muster_run *run; /* NULL unless it was deployed. */
    char root[64];
    char directory[4096]; /* The run directory; it is kept. */
    struct muster_outcome outcome; /* Once it has ended. */
};

/** Builds the plan; slots_run_fini() frees it, also after a failure. `capabilities`: what the plan requires.
 */
MUSTER_MUST_USE enum muster_rc slots_run_init(struct slots_run *run, const struct slots_subject *subject,
                                              const struct muster_runner *real,
                                              const struct slots_fault *fault, uint32_t capabilities,
                                              struct muster_error *err);

/** Opens the session and deploys. */
MUSTER_MUST_USE enum muster_rc slots_run_open(struct slots_run *run, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc slots_run_deploy(struct slots_run *run, struct muster_error *err);

/** Finishes and closes. */
void slots_run_end(struct slots_run *run);

/** Removes all that the ledger names, as `muster sweep` does. MUSTER_OK: nothing is left. */
MUSTER_MUST_USE enum muster_rc slots_run_sweep(const struct slots_run *run, struct muster_error *err);

/** Whether anything of the run still exists, by the ledger and the real runner: MUSTER_ELEAK says what. */
MUSTER_MUST_USE enum muster_rc slots_run_audit(const struct slots_run *run, struct muster_error *err);

/** Complains unless nothing is left, the ledger is closed, and down succeeds again in this process, a later
 * one than the guardian that ran it first. */
void slots_run_check_clean(const struct slots_run *run, struct complaint *ret);

/** Complains unless the run ended with that verdict and `text` in its cause. */
void slots_run_check_outcome(const struct slots_run *run, enum muster_verdict verdict, const char *text,
                             struct complaint *ret);

/** Frees all and removes the run's directory. */
void slots_run_fini(struct slots_run *run);

#endif
