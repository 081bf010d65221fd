/* The threads of the workloads. */
#include <string.h>

#include "muster/clock.h"
#include "run/internal.h"

/* Past a workload's last request, which has its own time limit. */
#define STOP_LIMIT_MS 5000u

/* What the run makes of a workload's code: who is to blame stays, all else is the workload's failure. */
static enum muster_rc failure_code(enum muster_rc rc)
{
    return rc == MUSTER_ENODE || rc == MUSTER_EINFRA || rc == MUSTER_EIO || rc == MUSTER_ENOMEM
               ? rc
               : MUSTER_EWORKLOAD;
}

static void report_failure(struct muster_run *run, const struct muster_workload *workload, enum muster_rc rc,
                           const struct muster_error *err)
{
    struct muster_error cause = { 0 };
    muster_error_set(&cause, failure_code(rc), "workload '%s': %s", workload->name,
                     err->text[0] != '\0' ? err->text : muster_rc_text(rc));
    muster__run_fail(run, &cause);
}

static void *work(void *argument)
{
    struct muster__worker *worker = argument;
    struct muster_run *run = worker->run;
    muster_run_event(run, "workload_began", "{s:s}", "workload", worker->workload->name);
    enum muster_rc rc = worker->workload->run(run, worker->workload->context, &worker->err);
    muster_run_event(run, "workload_ended", "{s:s, s:s}", "workload", worker->workload->name, "code",
                     muster_rc_name(rc));
    if (rc != MUSTER_OK && rc != MUSTER_ESTOPPED) {
        /* A node that died makes workloads fail: it is the first cause, not they. */
        (void)muster__run_failure(run, NULL);
        report_failure(run, worker->workload, rc, &worker->err);
    }
    pthread_mutex_lock(&run->mutex);
    worker->ended = true;
    worker->ended_ms = muster_clock_ms();
    run->changes++;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
    return NULL;
}

enum muster_rc muster__workers_start(struct muster_run *run, struct muster_error *err)
{
    for (size_t i = 0; i < run->plan->workload_count; i++) {
        struct muster__worker *worker = &run->workers[i];
        worker->run = run;
        worker->workload = &run->plan->workloads[i];
        int error = pthread_create(&worker->thread, NULL, work, worker);
        if (error != 0) {
            return muster_error_errno(err, MUSTER_EINFRA, error, "no thread for workload '%s'",
                                      worker->workload->name);
        }
        worker->started = true;
        run->worker_count = i + 1;
    }
    return MUSTER_OK;
}

/* One that still works, or NULL. */
static struct muster__worker *first_working(struct muster_run *run)
{
    for (size_t i = 0; i < run->worker_count; i++) {
        if (!run->workers[i].ended && !run->workers[i].gone) {
            return &run->workers[i];
        }
    }
    return NULL;
}

/* Control of a node has deadlines of its own, and is not to be left half done: the limit starts after it. */
static void wait_for_workers(struct muster_run *run, uint64_t limit_ms)
{
    uint64_t deadline_ms = muster_clock_ms() + limit_ms;
    pthread_mutex_lock(&run->mutex);
    uint64_t changes = run->changes;
    while (first_working(run) != NULL) {
        if (run->controls_under_way > 0) {
            deadline_ms = muster_clock_ms() + limit_ms;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            break;
        }
        pthread_mutex_unlock(&run->mutex);
        muster__run_wait(run, deadline_ms, &changes);
        pthread_mutex_lock(&run->mutex);
    }
    pthread_mutex_unlock(&run->mutex);
}

static void give_up(struct muster_run *run, struct muster__worker *worker, uint64_t limit_ms)
{
    struct muster_error cause = { 0 };
    muster_error_set(&cause, MUSTER_EWORKLOAD,
                     "workload '%s' did not stop within %.1f s of the window's end; it must return once "
                     "muster_run_sleep() or another call says MUSTER_ESTOPPED",
                     worker->workload->name, (double)limit_ms / 1000.0);
    pthread_detach(worker->thread);
    run->worker_given_up = true;
    muster__run_fail(run, &cause);
}

void muster__workers_stop(struct muster_run *run)
{
    uint64_t limit_ms = (uint64_t)(STOP_LIMIT_MS * run->plan->slowdown);
    atomic_store(&run->stopping, true);
    muster__run_wake(run);
    wait_for_workers(run, limit_ms);
    for (size_t i = 0; i < run->worker_count; i++) {
        struct muster__worker *worker = &run->workers[i];
        pthread_mutex_lock(&run->mutex);
        bool ended = worker->ended;
        bool gone = worker->gone;
        worker->gone = true;
        pthread_mutex_unlock(&run->mutex);
        if (!gone && ended) {
            pthread_join(worker->thread, NULL);
        } else if (!gone) {
            give_up(run, worker, limit_ms);
        }
    }
}
