/* The judgement: every expectation, whatever failed before. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "muster/clock.h"
#include "run/conclude.h"
#include "run/internal.h"

static void judge(struct muster_run *run, const struct muster_expectation *it, struct muster_report *report)
{
    enum muster_rc rc =
        it->evaluate == NULL ? MUSTER_OK : it->evaluate(run, it->context, report, &report->err);
    report->judged = true;
    if (rc != MUSTER_OK && report->err.rc == MUSTER_OK) {
        muster_error_set(&report->err, rc, "%s", muster_rc_text(rc));
    }
    if (rc == MUSTER_OK) {
        muster_error_clear(&report->err);
    }
    muster_run_event(run, "judged", "{s:s, s:b, s:o}", "expectation", it->name, "holds", rc == MUSTER_OK,
                     "text", muster__json_text(report->err.text));
}

/* What an expectation's code means for the run: the environment's failures stay what they are. */
static enum muster_rc failure_code(enum muster_rc rc)
{
    return rc == MUSTER_EINFRA || rc == MUSTER_EIO || rc == MUSTER_ENOMEM ? rc : MUSTER_EEXPECT;
}

static void append(char text[MUSTER_ERROR_TEXT_BYTES], const struct muster_report *report)
{
    size_t used = strlen(text);
    snprintf(text + used, MUSTER_ERROR_TEXT_BYTES - used, "\nalso failed: %s: %s", report->name,
             report->err.text);
}

/* Puts the cause of the run together: what came first, then every other expectation that failed. */
static void add_up(struct muster_run *run)
{
    struct muster_error cause = { 0 };
    const struct muster_report *told = NULL;
    (void)muster__run_failure(run, &cause);
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        const struct muster_report *report = &run->reports[i];
        if (report->err.rc == MUSTER_OK) {
            continue;
        }
        if (cause.rc == MUSTER_OK) {
            muster_error_set(&cause, failure_code(report->err.rc), "expectation '%s': %s", report->name,
                             report->err.text);
            muster__run_fail(run, &cause);
            told = report;
        }
        /* What ended the window early is told already. */
        if (report != told && strstr(cause.text, report->err.text) == NULL) {
            append(cause.text, report);
        }
    }
    pthread_mutex_lock(&run->mutex);
    run->failure = cause;
    pthread_mutex_unlock(&run->mutex);
}

enum muster_rc muster_run_evaluate(struct muster_run *run, struct muster_error *err)
{
    if (!run->executed) {
        return muster_error_set(
            err, MUSTER_ESTATE,
            "nothing to judge: the window of '%s' never opened; call muster_execute() first",
            run->plan->name);
    }
    if (!run->evaluated) {
        muster__run_enter(run, MUSTER_EVALUATE);
        for (size_t i = 0; i < run->plan->expectation_count; i++) {
            judge(run, &run->plan->expectations[i], &run->reports[i]);
        }
        add_up(run);
        muster__run_blame_backend(run);
        run->evaluated = true;
        if (muster__run_failure(run, NULL) != MUSTER_OK) {
            muster__run_conclude(run);
        }
    }
    return muster__run_failure(run, err);
}
