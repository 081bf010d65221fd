/* What the harness itself costs while many nodes run and nothing is asked of them. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "bench.h"
#include "guardian/charge.h"
#include "muster/session.h"

#define NODES 100u
#define WINDOW_MS 20000

struct usage {
    double test_ms;
    double guardian_ms;
    double window_ms;
};

static double clock_ms(clockid_t clock)
{
    struct timespec time = { .tv_sec = 0 };
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static enum muster_rc watch(struct muster_session *session, struct muster_run *run, void *shared,
                            struct muster_error *err)
{
    struct usage *usage = shared;
    clockid_t guardian;
    int error = clock_getcpuclockid(session->guardian_pid, &guardian);
    if (error != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, error, "the guardian's processor time");
    }
    double test_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    double guardian_ms = clock_ms(guardian);
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    enum muster_rc rc = muster_run_execute(run, err);
    usage->test_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - test_ms;
    usage->guardian_ms = clock_ms(guardian) - guardian_ms;
    usage->window_ms = clock_ms(CLOCK_MONOTONIC) - began_ms;
    return rc;
}

enum muster_rc bench_idle(const struct bench *bench, struct muster_error *err)
{
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = NULL;
    struct bench_sample shares = { .count = 0 };
    struct usage *usage = bench_share(sizeof *usage);
    const struct bench_run run = { .body = watch, .shared = usage };
    enum muster_rc rc =
        usage == NULL
            ? muster_error_set(err, MUSTER_ENOMEM, "no memory to share with the run's process")
            : bench_plan_build(bench, &(struct bench_plan){ .nodes = NODES, .duration_ms = WINDOW_MS }, &plan,
                               err);
    for (uint32_t i = 0; rc == MUSTER_OK && i < bench->runs; i++) {
        struct bench_times times;
        rc = bench_run(bench, plan, &run, &times, err);
        bench_sample_add(&shares, 100 * (usage->test_ms + usage->guardian_ms) / usage->window_ms);
    }
    if (rc == MUSTER_OK) {
        char figure[64];
        bench_row("harness's processor time while 100 nodes idle, % of a core",
                  bench_sample_text(&shares, 2, figure), "-", "slots of 2 s, 20 s each (aim: 2)");
    }
    bench_unshare(usage, sizeof *usage);
    return rc;
}
