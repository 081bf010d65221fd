/* The window: all workloads at once, for the whole duration, unless something fails. */
#include "muster/clock.h"
#include "run/internal.h"
#include "run/progress_line.h"
#include "run/run_json.h"

#define MUSTER_LOG_MODULE "run"
#include "muster/log.h"

#define CHECK_INTERVAL_MS 1000u
#define WAKE_INTERVAL_MS 200u

static void check_expectations(struct muster_run *run)
{
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        const struct muster_expectation *it = &run->plan->expectations[i];
        struct muster_error err = { 0 };
        enum muster_rc rc = it->check == NULL ? MUSTER_OK : it->check(run, it->context, &err);
        if (rc != MUSTER_OK) {
            muster_error_context(&err, rc, "expectation '%s', while the window was open", it->name);
            muster__run_fail(run, &err);
            return;
        }
    }
}

static void open_window(struct muster_run *run)
{
    struct muster_error err = { 0 };
    muster__run_enter(run, MUSTER_EXECUTE);
    if (muster__run_save(run, &err) != MUSTER_OK) {
        muster__run_fail(run, &err);
    }
    uint64_t now_ms = muster_clock_ms();
    atomic_store(&run->closes_ms, now_ms + run->plan->duration_ms);
    atomic_store(&run->opened_ms, now_ms);
    muster_run_event(run, "window_opened", "{s:I}", "duration_ms", (json_int_t)run->plan->duration_ms);
    if (muster__workers_start(run, &err) != MUSTER_OK) {
        muster__run_fail(run, &err);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void keep_window_open(struct muster_run *run)
{
    struct muster__progress_line line;
    uint64_t closes_ms = atomic_load(&run->closes_ms);
    uint64_t next_check_ms = muster_clock_ms() + CHECK_INTERVAL_MS;
    uint64_t changes = 0;
    muster__progress_begin(&line, run->plan->duration_ms);
    for (;;) {
        if (muster__run_failure(run, NULL) != MUSTER_OK) {
            break;
        }
        uint64_t now_ms = muster_clock_ms();
        if (now_ms >= closes_ms) {
            break;
        }
        if (now_ms >= next_check_ms) {
            check_expectations(run);
            next_check_ms = muster_clock_ms() + CHECK_INTERVAL_MS;
            continue;
        }
        muster__progress_update(&line, run);
        uint64_t until_ms = earlier(closes_ms, earlier(next_check_ms, now_ms + WAKE_INTERVAL_MS));
        muster__run_wait(run, until_ms, &changes);
    }
    muster__progress_end(&line);
}

static void close_window(struct muster_run *run)
{
    atomic_store(&run->closed_ms, muster_clock_ms());
    muster_run_event(run, "window_closed", "{s:I}", "open_ms",
                     (json_int_t)(atomic_load(&run->closed_ms) - atomic_load(&run->opened_ms)));
    muster__workers_stop(run);
}

enum muster_rc muster_run_execute(struct muster_run *run, struct muster_error *err)
{
    if (muster_run_phase(run) != MUSTER_CAPTURE || run->executed) {
        return muster_error_set(err, MUSTER_ESTATE,
                                "the window of '%s' cannot open in phase %s; each run has one window",
                                run->plan->name, muster_phase_name(muster_run_phase(run)));
    }
    run->executed = true;
    open_window(run);
    keep_window_open(run);
    close_window(run);
    muster__run_enter(run, MUSTER_SETTLE);
    if (muster__run_failure(run, NULL) == MUSTER_OK) {
        muster__run_settle(run);
    }
    enum muster_rc rc = muster__run_failure(run, err);
    struct muster_error unsaved = { 0 };
    if (rc != MUSTER_OK && muster__run_save(run, &unsaved) != MUSTER_OK) {
        muster_log_error("%s", unsaved.text);
    }
    return rc;
}
