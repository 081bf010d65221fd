/* The end of a run: evidence, down, audit, verdict. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "muster/clock.h"
#include "run/conclude.h"
#include "run/deployment.h"
#include "run/internal.h"
#include "run/observe.h"
#include "run/parts.h"
#include "run/summary.h"

static void fail(struct muster_run *run, const struct muster_error *cause)
{
    if (cause->rc != MUSTER_OK) {
        muster__run_fail(run, cause);
    }
}

/* A test that forgot to run or to judge proves nothing, so it does not pass. */
static void check_that_it_was_judged(struct muster_run *run)
{
    struct muster_error cause = { 0 };
    if (muster__run_failure(run, NULL) != MUSTER_OK) {
        return;
    }
    if (!run->executed && run->plan->workload_count + run->plan->expectation_count > 0) {
        muster_error_set(&cause, MUSTER_ESTATE,
                         "the test ended without muster_execute(): the window never opened");
    } else if (!run->evaluated && run->plan->expectation_count > 0) {
        muster_error_set(&cause, MUSTER_ESTATE, "the test ended without muster_ck_assert_expectations()");
    }
    fail(run, &cause);
}

static bool is_preserved(const struct muster_run *run)
{
    const struct muster_session *session = run->session;
    return session->runner->preserve != NULL && session->runner->preserve(session->variables);
}

/* An end is as asked only from here on, when the backend is about to tell the nodes: saving the evidence may
 * take seconds, in which one may die. */
static void ask_nodes_to_end(struct muster_run *run)
{
    if (run->guardian != NULL) {
        muster__guardian_save_evidence(run->guardian);
    }
    if (run->nodes != NULL) {
        muster__nodes_ask_all(run->nodes);
    }
}

static void take_down(struct muster_run *run, bool preserve)
{
    struct muster_error cause = { 0 };
    if (run->guardian == NULL) {
        return;
    }
    enum muster_rc rc = muster__guardian_clean_up(run->guardian, preserve, &cause);
    muster_run_event(run, "cleaned_up", "{s:s, s:o}", "code", muster_rc_name(rc), "text",
                     muster__json_text(cause.text));
    (void)muster__run_failure(run, NULL); /* A node that died before it was told is the earlier cause. */
    if (rc != MUSTER_OK) {
        muster_error_context(&cause, rc, "taking '%s.%s' down", run->plan->suite, run->plan->name);
        muster__run_also(run, &cause);
    }
}

static void check_evidence(struct muster_run *run)
{
    struct muster_error cause = { 0 };
    int error = run->events == NULL ? 0 : muster__events_failure(run->events);
    if (error != 0) {
        muster_error_errno(&cause, MUSTER_EINFRA, error, "writing %s/events.jsonl", run->session->directory);
        muster__run_also(run, &cause); /* A full disk often explains what failed before. */
    }
}

/* Leaves all alone when a workload's thread was given up: it may still use any of it. */
static void release(struct muster_run *run)
{
    if (run->worker_given_up) {
        return;
    }
    muster__parts_end(run);
    muster__http_destroy(run->http);
    /* Before the guardian's client: until then a runner's threads may use it. */
    if (run->runner_was_up) {
        run->session->runner->detach(run->runner_state);
    }
    if (run->guardian != NULL) {
        muster__guardian_detach(run->guardian);
    }
    muster__deployment_destroy(run->deployment);
    muster__observation_destroy(run);
    muster__nodes_destroy(run->nodes);
    muster__events_close(run->events);
    muster__run_destroy(run);
}

enum muster_rc muster_session_finish(struct muster_session *session, struct muster_error *err)
{
    struct muster_run *run = session->run;
    if (run == NULL) {
        return muster_error_set(err, MUSTER_ESTATE, "'%s' was never deployed", session->plan->name);
    }
    check_that_it_was_judged(run);
    muster__run_enter(run, MUSTER_CLEAN_UP);
    muster__workers_stop(run);
    muster__observation_stop(run);
    ask_nodes_to_end(run);
    bool preserve = is_preserved(run);
    take_down(run, preserve);
    check_evidence(run);
    muster__run_leave(run); /* All is down; what is left to do is to say so. */
    run->kept = run->kept || preserve || muster_variable_flag(session->variables, MUSTER_VAR_KEEP_LOGS);
    muster__run_conclude(run);

    struct muster_error cause = { 0 };
    enum muster_rc rc = muster__run_failure(run, &cause);
    if (rc == MUSTER_OK) {
        muster__summary_print(run);
    }
    if (run->guardian != NULL) {
        muster__guardian_done(run->guardian, run->verdict, cause.text, run->kept);
    }
    session->run = NULL;
    release(run);
    return rc == MUSTER_OK ? MUSTER_OK : muster_error_set(err, rc, "%s", cause.text);
}
