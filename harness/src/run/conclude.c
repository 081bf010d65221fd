/* From the first cause to the verdict, and to those who are told of it. */
#include "run/conclude.h"

#include "base/json.h"
#include "run/internal.h"
#include "run/run_json.h"
#include "run/summary.h"

#define MUSTER_LOG_MODULE "run"
#include "muster/log.h"

void muster__run_blame_backend(struct muster_run *run)
{
    const struct muster_runner *runner = run->session->runner;
    struct muster_error cause = { 0 };
    struct muster_error backend = { 0 };
    if (runner->check == NULL || run->runner_state == NULL || muster__run_failure(run, &cause) == MUSTER_OK ||
        cause.rc == MUSTER_EINFRA || runner->check(run->runner_state, &backend) == MUSTER_OK) {
        return;
    }
    pthread_mutex_lock(&run->mutex);
    muster_error_clear(&run->failure);
    muster_error_set(&run->failure, MUSTER_EINFRA, "%.1500s\nalso failed: %.2400s", backend.text, cause.text);
    pthread_mutex_unlock(&run->mutex);
    muster_run_event(run, "backend_gone", "{s:o}", "text", muster__json_text(backend.text));
}

void muster__run_conclude(struct muster_run *run)
{
    struct muster_error ignored = { 0 };
    enum muster_rc rc = muster__run_failure(run, NULL);
    run->verdict = muster__verdict_of(rc);
    run->kept = run->kept || run->verdict != MUSTER_PASS;
    muster__run_note(run);
    if (muster__run_save(run, &ignored) != MUSTER_OK) {
        muster_log_error("%s", ignored.text);
    }
    if (rc != MUSTER_OK && !run->summarised) {
        run->summarised = true;
        muster__summary_print(run);
    }
}
