/* The part "chaos": its workload, and the expectation "recovers". */
#include "muster/part.h"

#include <stdlib.h>

#include "parts/chaos/chaos.h"
#include "plan/plan.h"

#define WEIGHT_MAX 1000000u

/* ---- What is wrong in any plan ---- */

static void check_time(struct muster_scenario *s, const char *field, uint32_t value_ms)
{
    if (value_ms > MUSTER_DAY_MS) {
        muster_scenario_refuse(s, "chaos.%s is %u ms; use at most one day (%lld ms)", field, value_ms,
                               (long long)MUSTER_DAY_MS);
    }
}

static void check_weight(struct muster_scenario *s, const char *field, uint32_t weight)
{
    if (weight > WEIGHT_MAX) {
        muster_scenario_refuse(s, "chaos.%s is %u; use 0 to %u, as what counts is only its share", field,
                               weight, WEIGHT_MAX);
    }
}

static void check_given(struct muster_scenario *s, const struct muster_chaos *given)
{
    check_time(s, "min_delay_ms", given->min_delay_ms);
    check_time(s, "max_delay_ms", given->max_delay_ms);
    check_time(s, "cooldown_ms", given->cooldown_ms);
    check_time(s, "down_ms", given->down_ms);
    check_time(s, "pause_ms", given->pause_ms);
    check_time(s, "recover_ms", given->recover_ms);
    check_weight(s, "restart_weight", given->restart_weight);
    check_weight(s, "kill_weight", given->kill_weight);
    check_weight(s, "pause_weight", given->pause_weight);
    if (given->max_delay_ms != 0 && given->min_delay_ms > given->max_delay_ms) {
        muster_scenario_refuse(s, "chaos.min_delay_ms is %u, above max_delay_ms, which is %u; swap them",
                               given->min_delay_ms, given->max_delay_ms);
    }
    if (given->lag_max > MUSTER_DEPTH_MAX) {
        muster_scenario_refuse(s, "chaos.lag_max is %u; use 1 to %u", given->lag_max, MUSTER_DEPTH_MAX);
    }
}

/* Copies the nodes to spare: the scenario may be gone before the plan is built. */
static void take_spare(struct muster_scenario *s, struct muster__chaos_options *options)
{
    struct muster_chaos *given = &options->given;
    if (given->spare_count > 0 && given->spare_nodes == NULL) {
        muster_scenario_refuse(s, "chaos.spare_count is %u, but spare_nodes is NULL; name the nodes to spare",
                               given->spare_count);
        given->spare_count = 0;
    }
    for (uint32_t i = 0; i < given->spare_count; i++) {
        uint32_t node = given->spare_nodes[i];
        if (node >= MUSTER_NODES_MAX) {
            muster_scenario_refuse(s, "chaos.spare_nodes names node %u; use 0 to %u", node,
                                   MUSTER_NODES_MAX - 1);
            break;
        }
        options->spare[node] = true;
    }
    given->spare_nodes = NULL;
}

/* ---- At build ---- */

static enum muster_rc make(const struct muster_plan *plan, const void *options, void **state,
                           struct muster_error *err)
{
    struct muster__chaos_options resolved = *(const struct muster__chaos_options *)options;
    enum muster_rc rc = muster__chaos_resolve(plan, &resolved, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster__chaos *chaos = calloc(1, sizeof *chaos);
    if (chaos == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for chaos");
    }
    chaos->options = resolved;
    pthread_mutex_init(&chaos->mutex, NULL);
    *state = chaos;
    return MUSTER_OK;
}

/* When the window closes, nodes may have to be started, to be waited for, and to settle for longer. */
static uint64_t recover_ms(const struct muster_plan *plan, const void *state)
{
    const struct muster__chaos_options *options = &((const struct muster__chaos *)state)->options;
    uint64_t ready_ms = muster__ready_limit_ms(plan);
    uint64_t bound_ms =
        options->given.recover_ms != 0 ? options->given.recover_ms : ready_ms + options->tip_ms;
    return ready_ms + plan->settle_ms + bound_ms;
}

static void release(void *state)
{
    struct muster__chaos *chaos = state;
    pthread_mutex_destroy(&chaos->mutex);
    free(chaos);
}

static const struct muster_part chaos_part = {
    .name = "chaos",
    .workload = "chaos",
    .expectation = "recovers",
    .capabilities = MUSTER_NODE_CONTROL,
    .options_bytes = sizeof(struct muster__chaos_options),
    .make = make,
    .recover_ms = recover_ms,
    .capture = muster__recovers_capture,
    .work = muster__chaos_run,
    .check = muster__recovers_check,
    .evaluate = muster__recovers_evaluate,
    .release = release,
};

void muster_chaos(struct muster_scenario *s, const struct muster_chaos *chaos)
{
    struct muster__chaos_options options = { .given = chaos != NULL ? *chaos : (struct muster_chaos){ 0 } };
    if (muster_has_part(s, &chaos_part)) {
        muster_scenario_refuse(s, "chaos is given twice; give it once, with the weights of all its actions");
        return;
    }
    check_given(s, &options.given);
    take_spare(s, &options);
    muster_part(s, &chaos_part, &options);
}
