/* The expectation "recovers": each node that chaos touched is back in time, and some were touched. */
#include "parts/chaos/chaos.h"

#include <stdio.h>

#include "muster/clock.h"
#include "parts/chaos/watch.h"
#include "run/internal.h"
#include "run/observe.h"

#define POLL_MS 50u

enum muster_rc muster__recovers_capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__chaos *chaos = context;
    const struct muster_chaos *given = &chaos->options.given;
    (void)err;
    chaos->run = run;
    chaos->fewest_up = run->plan->node_count;
    chaos->terms = (struct muster__recovers_terms){
        .began_ms = run->session->began_ms,
        .bound_ms =
            given->recover_ms != 0 ? given->recover_ms : muster__run_ready_ms(run) + chaos->options.tip_ms,
        .lag_max = given->lag_max,
        .has_branches = muster__run_has_branches(run),
    };
    return MUSTER_OK;
}

static enum muster_rc judge_now(struct muster__chaos *chaos, struct muster_error *err)
{
    muster__chaos_observe(chaos);
    pthread_mutex_lock(&chaos->mutex);
    enum muster_rc rc = chaos->red.rc;
    if (rc != MUSTER_OK) {
        (void)muster_error_set(err, rc, "%s", chaos->red.text);
    }
    pthread_mutex_unlock(&chaos->mutex);
    return rc;
}

enum muster_rc muster__recovers_check(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    return judge_now(context, err);
}

static uint32_t count_open(struct muster__chaos *chaos)
{
    uint32_t count = 0;
    pthread_mutex_lock(&chaos->mutex);
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        count += chaos->open[i];
    }
    chaos->tally.pending = count;
    pthread_mutex_unlock(&chaos->mutex);
    return count;
}

/* The workload is over: who was not told to come back by now never will be. */
static void end_forgotten(struct muster__chaos *chaos)
{
    pthread_mutex_lock(&chaos->mutex);
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        struct muster__deed *deed = &chaos->deeds[i];
        if (chaos->open[i] && deed->return_ms == 0) {
            snprintf(deed->failure, sizeof deed->failure, "it was never told to come back");
            muster__chaos_end_deed(chaos, i, MUSTER__RECOVERY_RED, muster_clock_ms());
        }
    }
    pthread_mutex_unlock(&chaos->mutex);
}

/* Bounded, as every node's bound runs now. Once the run has failed, nothing gets better by waiting. */
static enum muster_rc await_recovery(struct muster_run *run, struct muster__chaos *chaos,
                                     struct muster_error *err)
{
    uint64_t changes = 0;
    for (;;) {
        enum muster_rc rc = judge_now(chaos, err);
        if (rc != MUSTER_OK || count_open(chaos) == 0 || muster__run_failure(run, NULL) != MUSTER_OK) {
            return rc;
        }
        muster__run_wait(run, muster_clock_ms() + POLL_MS, &changes);
    }
}

static enum muster_rc describe_nothing(const struct muster_run *run, const struct muster__chaos *chaos,
                                       struct muster_error *err)
{
    static const char *const why[] = {
        [MUSTER__CHAOS_NONE] = "no action was due before it closed",
        [MUSTER__CHAOS_QUORUM] = "the quorum left no node to spare",
        [MUSTER__CHAOS_NO_NODE] = "no node that may be touched was up and had caught up",
        [MUSTER__CHAOS_NO_TIME] = "it closed too soon for any action",
    };
    uint64_t opened_ms = 0;
    uint64_t closed_ms = 0;
    muster_run_window(run, &opened_ms, &closed_ms);
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "nothing happened to any node in the window of %.1f s: %s (quorum %u of %u nodes, one "
        "action each %u to %u ms)",
        (double)(closed_ms - opened_ms) / 1000.0, why[chaos->obstacle], chaos->options.given.quorum,
        run->plan->node_count, chaos->options.given.min_delay_ms, chaos->options.given.max_delay_ms);
}

enum muster_rc muster__recovers_evaluate(struct muster_run *run, void *context, struct muster_report *report,
                                         struct muster_error *err)
{
    struct muster__chaos *chaos = context;
    end_forgotten(chaos);
    enum muster_rc rc = await_recovery(run, chaos, err);
    (void)count_open(chaos);
    pthread_mutex_lock(&chaos->mutex);
    muster__recovers_report(&chaos->tally, &chaos->terms, report);
    muster_report_number(report, "up_fewest", chaos->fewest_up);
    muster_report_number(report, "quorum", chaos->options.given.quorum);
    if (rc == MUSTER_OK && muster__recovers_actions(&chaos->tally) + chaos->tally.pending == 0) {
        rc = describe_nothing(run, chaos, err);
    }
    pthread_mutex_unlock(&chaos->mutex);
    return rc;
}
