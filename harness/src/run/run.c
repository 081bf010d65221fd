/* What workloads, expectations and tests see of a run, and what its phases share. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "muster/clock.h"
#include "run/internal.h"

#define MUSTER_LOG_MODULE "run"
#include "muster/log.h"

struct muster_run *muster__run_create(struct muster_session *session)
{
    struct muster_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return NULL;
    }
    run->session = session;
    run->plan = session->plan;
    run->test_thread = pthread_self();
    pthread_mutex_init(&run->mutex, NULL);
    pthread_mutex_init(&run->control, NULL);
    pthread_mutex_init(&run->system, NULL);
    muster_clock_init_condition(&run->changed);
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        muster__report_init(&run->reports[i], run->plan->expectations[i].name);
    }
    return run;
}

void muster__run_destroy(struct muster_run *run)
{
    if (run == NULL) {
        return;
    }
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        muster__report_fini(&run->reports[i]);
    }
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->system);
    pthread_mutex_destroy(&run->control);
    pthread_mutex_destroy(&run->mutex);
    free(run);
}

const struct muster_plan *muster_run_plan(const struct muster_run *run)
{
    return run->plan;
}

const char *muster_run_id(const struct muster_run *run)
{
    return run->session->run_id;
}

const char *muster_run_directory(const struct muster_run *run)
{
    return run->session->directory;
}

enum muster_phase muster_run_phase(const struct muster_run *run)
{
    return atomic_load(&run->phase);
}

uint64_t muster_run_elapsed_ms(const struct muster_run *run)
{
    return muster_clock_ms() - run->session->began_ms;
}

void muster_run_window(const struct muster_run *run, uint64_t *opened_ms, uint64_t *closes_ms)
{
    uint64_t closed_ms = atomic_load(&run->closed_ms);
    *opened_ms = atomic_load(&run->opened_ms);
    *closes_ms = closed_ms != 0 ? closed_ms : atomic_load(&run->closes_ms);
}

struct muster_random muster_run_random(const struct muster_run *run, const char *label)
{
    return muster_random_stream(run->plan->seed, label);
}

double muster__run_seconds(const struct muster_run *run, uint64_t monotonic_ms)
{
    uint64_t began_ms = run->session->began_ms;
    return monotonic_ms < began_ms ? 0.0 : (double)(monotonic_ms - began_ms) / 1000.0;
}

/* ---- Waiting ---- */

void muster__run_wake(void *run)
{
    struct muster_run *woken = run;
    pthread_mutex_lock(&woken->mutex);
    woken->changes++;
    pthread_cond_broadcast(&woken->changed);
    pthread_mutex_unlock(&woken->mutex);
}

static void wait_until(struct muster_run *run, uint64_t until_ms)
{
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
                              .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_cond_timedwait(&run->changed, &run->mutex, &until);
}

void muster__run_wait(struct muster_run *run, uint64_t until_ms, uint64_t *changes)
{
    pthread_mutex_lock(&run->mutex);
    while (run->changes == *changes && muster_clock_ms() < until_ms) {
        wait_until(run, until_ms);
    }
    *changes = run->changes;
    pthread_mutex_unlock(&run->mutex);
}

bool muster_run_active(const struct muster_run *run)
{
    return atomic_load(&run->opened_ms) != 0 && !atomic_load(&run->stopping) &&
           muster_clock_ms() < atomic_load(&run->closes_ms);
}

static enum muster_rc sleep_after_window(struct muster_run *run, uint64_t until_ms)
{
    uint64_t changes = 0;
    while (muster_clock_ms() < until_ms) {
        if (muster__run_failure(run, NULL) != MUSTER_OK) {
            return MUSTER_ESTOPPED;
        }
        muster__run_wait(run, until_ms, &changes);
    }
    return MUSTER_OK;
}

enum muster_rc muster_run_sleep(struct muster_run *run, uint64_t duration_ms)
{
    uint64_t closes_ms = atomic_load(&run->closes_ms);
    uint64_t until_ms =
        muster_clock_ms() + (duration_ms < (uint64_t)MUSTER_DAY_MS ? duration_ms : (uint64_t)MUSTER_DAY_MS);
    if (muster_run_phase(run) == MUSTER_EVALUATE && pthread_equal(pthread_self(), run->test_thread) != 0) {
        return sleep_after_window(run, until_ms);
    }
    bool cut_short = closes_ms != 0 && closes_ms < until_ms;
    until_ms = cut_short ? closes_ms : until_ms;
    pthread_mutex_lock(&run->mutex);
    while (!atomic_load(&run->stopping) && muster_clock_ms() < until_ms) {
        wait_until(run, until_ms);
    }
    pthread_mutex_unlock(&run->mutex);
    return cut_short || atomic_load(&run->stopping) ? MUSTER_ESTOPPED : MUSTER_OK;
}

/* ---- Events and phases ---- */

void muster_run_event(struct muster_run *run, const char *kind, const char *format, ...)
{
    json_t *fields = NULL;
    if (format != NULL) {
        va_list arguments;
        va_start(arguments, format);
        fields = json_vpack_ex(NULL, 0, format, arguments);
        va_end(arguments);
        if (!json_is_object(fields)) {
            json_decref(fields);
            fields = json_pack("{s:s}", "unusable_format", format);
        }
    }
    muster__events_write(run->events, kind, fields);
}

void muster__run_note(struct muster_run *run)
{
    if (run->guardian == NULL) {
        return;
    }
    struct muster_error cause = { 0 };
    enum muster_rc rc = muster__run_failure(run, &cause);
    muster__guardian_note(run->guardian, muster_run_phase(run),
                          rc == MUSTER_OK ? (enum muster_verdict)0 : muster__verdict_of(rc), cause.text);
}

void muster__run_leave(struct muster_run *run)
{
    pthread_mutex_lock(&run->mutex);
    struct muster__phase_times *it = &run->phases[atomic_load(&run->phase)];
    if (it->began_ms != 0 && it->ended_ms == 0) {
        it->ended_ms = muster_clock_ms();
    }
    pthread_mutex_unlock(&run->mutex);
}

void muster__run_enter(struct muster_run *run, enum muster_phase phase)
{
    muster__run_leave(run);
    uint64_t now_ms = muster_clock_ms();
    pthread_mutex_lock(&run->mutex);
    run->phases[phase] =
        (struct muster__phase_times){ .began_ms = now_ms, .began_wall_ms = muster_clock_wall_ms() };
    atomic_store(&run->phase, phase);
    pthread_mutex_unlock(&run->mutex);
    muster_log_info("%s.%s: phase %s", run->plan->suite, run->plan->name, muster_phase_name(phase));
    muster_run_event(run, "phase", "{s:s}", "phase", muster_phase_name(phase));
    muster__run_note(run);
}

/* ---- The first cause ---- */

void muster__run_fail(struct muster_run *run, const struct muster_error *cause)
{
    pthread_mutex_lock(&run->mutex);
    bool first = run->failure.rc == MUSTER_OK;
    if (first) {
        run->failure = *cause;
    }
    pthread_mutex_unlock(&run->mutex);
    muster_log_debug("failure: %s", cause->text);
    muster_run_event(run, "failure", "{s:b, s:s, s:o}", "first", first, "code", muster_rc_name(cause->rc),
                     "text", muster__json_text(cause->text));
    muster__run_wake(run);
}

void muster__run_also(struct muster_run *run, const struct muster_error *cause)
{
    pthread_mutex_lock(&run->mutex);
    size_t used = strlen(run->failure.text);
    bool first = run->failure.rc == MUSTER_OK;
    if (!first) {
        /* Whoever tries again after a failed environment must not do so on top of what is left. */
        run->failure.rc = cause->rc == MUSTER_ELEAK ? MUSTER_ELEAK : run->failure.rc;
        snprintf(run->failure.text + used, sizeof run->failure.text - used, "\nalso: %s", cause->text);
    }
    pthread_mutex_unlock(&run->mutex);
    if (first) {
        muster__run_fail(run, cause);
    }
}

enum muster_rc muster__run_failure(struct muster_run *run, struct muster_error *err)
{
    struct muster_error cause = { 0 };
    pthread_mutex_lock(&run->mutex);
    enum muster_rc rc = run->failure.rc;
    pthread_mutex_unlock(&run->mutex);
    if (rc == MUSTER_OK && run->nodes != NULL && muster__nodes_failure(run->nodes, &cause) != MUSTER_OK) {
        muster__run_fail(run, &cause);
    }
    pthread_mutex_lock(&run->mutex);
    rc = run->failure.rc;
    if (rc != MUSTER_OK) {
        muster_error_set(err, rc, "%s", run->failure.text);
    }
    pthread_mutex_unlock(&run->mutex);
    return rc;
}
