#include "slots/slots_run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "guardian/charge.h"
#include "ledger/audit.h"
#include "muster/clock.h"
#include "sweep/sweep_run.h"

#define GUARDIAN_END_MS 5000u

static enum muster_rc make_root(struct slots_run *run, struct muster_error *err)
{
    snprintf(run->root, sizeof run->root, "/tmp/muster-slots-XXXXXX");
    if (mkdtemp(run->root) == NULL) {
        run->root[0] = '\0';
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no directory can be made in /tmp");
    }
    /* Keeps the run directory, so that its ledger can be read afterwards. */
    setenv("LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS", "1", 1);
    setenv("MUSTER_RUN_ROOT", run->root, 1);
    return muster_variables_read(&run->variables, err);
}

static enum muster_rc build(struct slots_run *run, uint32_t capabilities, struct muster_error *err)
{
    struct muster_scenario *s = muster_scenario_create("conformance", "slots");
    if (s == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a plan");
    }
    muster_system(s, slots_wrap_system(run->subject->system));
    run->subject->write(s);
    muster_require(s, capabilities);
    return muster_scenario_build(s, run->variables, &run->plan, err);
}

enum muster_rc slots_run_init(struct slots_run *run, const struct slots_subject *subject,
                              const struct muster_runner *real, const struct slots_fault *fault,
                              uint32_t capabilities, struct muster_error *err)
{
    *run = (struct slots_run){ .subject = subject, .real = real };
    enum muster_rc rc = slots_set_fault(fault, err);
    if (rc == MUSTER_OK) {
        rc = make_root(run, err);
    }
    return rc == MUSTER_OK ? build(run, capabilities, err) : rc;
}

enum muster_rc slots_run_open(struct slots_run *run, struct muster_error *err)
{
    const struct muster_runner *runner = slots_wrap_runner(run->real);
    enum muster_rc rc = muster_session_open(run->plan, runner, run->variables, &run->session, err);
    if (rc == MUSTER_OK) {
        snprintf(run->directory, sizeof run->directory, "%s", run->session->directory);
    }
    return rc;
}

enum muster_rc slots_run_deploy(struct slots_run *run, struct muster_error *err)
{
    enum muster_rc rc = slots_run_open(run, err);
    return rc == MUSTER_OK ? muster_session_deploy(run->session, &run->run, err) : rc;
}

void slots_run_end(struct slots_run *run)
{
    if (run->session != NULL) {
        muster_session_close(run->session, &run->outcome); /* Also finishes what was deployed. */
        run->session = NULL;
        run->run = NULL;
    }
}

enum muster_rc slots_run_sweep(const struct slots_run *run, struct muster_error *err)
{
    const struct muster_runner *const runners[] = { run->real, NULL };
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_END_MS;
    enum muster_rc rc;
    do { /* The guardian may still be ending after its report. */
        muster_error_clear(err);
        rc = muster__sweep_run(run->directory, runners, true, run->plan->grace_ms, err);
    } while (rc == MUSTER_ESTATE && muster_clock_left_ms(deadline_ms) > 0 && poll(NULL, 0, 10) == 0);
    return rc;
}

enum muster_rc slots_run_audit(const struct slots_run *run, struct muster_error *err)
{
    struct muster_ledger_view *view = NULL;
    enum muster_rc rc = muster_ledger_read(run->directory, &view, err);
    if (rc == MUSTER_OK) {
        rc = muster__audit(run->real, view, err);
    }
    muster_ledger_view_destroy(view);
    return rc;
}

/* ---- Checks ---- */

void slots_run_check_clean(const struct slots_run *run, struct complaint *ret)
{
    struct muster_ledger_view *view = NULL;
    struct muster_error err = { 0 };
    if (muster_ledger_read(run->directory, &view, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
        return;
    }
    if (!view->closed) {
        complain(ret, "the ledger is not closed");
    }
    for (int i = 0; i < 2; i++) {
        if (muster__audit(run->real, view, &err) != MUSTER_OK) {
            complain(ret, "%s", err.text);
        }
        muster_error_clear(&err);
        if (run->real->down != NULL && run->real->down(view, 1000, &err) != MUSTER_OK) {
            complain(ret, "down, run again: %s", err.text);
        }
    }
    if (slots_calls(SLOTS_DETACH) != slots_calls(SLOTS_UP)) {
        complain(ret, "detach was called %u times after %u calls of up", slots_calls(SLOTS_DETACH),
                 slots_calls(SLOTS_UP));
    }
    muster_ledger_view_destroy(view);
}

void slots_run_check_outcome(const struct slots_run *run, enum muster_verdict verdict, const char *text,
                             struct complaint *ret)
{
    if (run->outcome.verdict != verdict) {
        complain(ret, "the verdict is '%s' instead of '%s': %s", muster_verdict_name(run->outcome.verdict),
                 muster_verdict_name(verdict), run->outcome.text);
    }
    if (strstr(run->outcome.text, text) == NULL) {
        complain(ret, "no '%s' in the cause: '%s'", text, run->outcome.text);
    }
}

void slots_run_fini(struct slots_run *run)
{
    slots_run_end(run);
    muster_plan_destroy(run->plan);
    muster_variables_destroy(run->variables);
    if (run->root[0] != '\0' && muster__directory_remove(run->root, NULL) != MUSTER_OK) {
        fprintf(stderr, "'%s' could not be removed\n", run->root);
    }
}
