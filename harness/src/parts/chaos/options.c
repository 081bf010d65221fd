/* The options of chaos: what a scenario may ask for, the defaults, and what could never happen. */
#include "parts/chaos/options.h"

#include "plan/plan.h"

#define DELAY_PACES_MIN 2u
#define DELAY_PACES_MAX 6u
#define AWAY_PACES 2u
#define TIP_PACES 10u
#define WINDOW_PARTS 4u
#define LAG_DEFAULT 2u

const char *muster__chaos_action_name(enum muster__chaos_action action)
{
    static const char *const names[MUSTER__CHAOS_ACTIONS] = { "restart", "kill", "pause" };
    return (unsigned)action < MUSTER__CHAOS_ACTIONS ? names[action] : "unknown";
}

uint32_t muster__chaos_weight(const struct muster_chaos *chaos, enum muster__chaos_action action)
{
    return action == MUSTER__CHAOS_RESTART ? chaos->restart_weight
           : action == MUSTER__CHAOS_KILL  ? chaos->kill_weight
                                           : chaos->pause_weight;
}

uint32_t muster__chaos_length_ms(const struct muster_chaos *chaos, enum muster__chaos_action action)
{
    return action == MUSTER__CHAOS_RESTART ? 0
           : action == MUSTER__CHAOS_KILL  ? chaos->down_ms
                                           : chaos->pause_ms;
}

/* ---- What is wrong in this plan ---- */

static uint32_t count_spare(const struct muster__chaos_options *options, uint32_t from, uint32_t to)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        count += options->spare[i];
    }
    return count;
}

static enum muster_rc check_spare(const struct muster_plan *plan, const struct muster__chaos_options *options,
                                  struct muster_error *err)
{
    for (uint32_t i = plan->node_count; i < MUSTER_NODES_MAX; i++) {
        if (options->spare[i]) {
            return muster_error_set(
                err, MUSTER_EINVAL,
                "chaos.spare_nodes names node %u, but the nodes are 0 to %u; name some of "
                "them",
                i, plan->node_count - 1);
        }
    }
    if (count_spare(options, 0, plan->node_count) < plan->node_count) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EINVAL,
                            "chaos.spare_nodes names all %u nodes, so nothing would ever happen; leave out "
                            "those that may be touched",
                            plan->node_count);
}

static enum muster_rc check_nodes(const struct muster_plan *plan, const struct muster__chaos_options *options,
                                  struct muster_error *err)
{
    uint32_t quorum = options->given.quorum;
    if (plan->node_count == 1) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "chaos is asked for with a single node, which it would take the cluster down "
                                "with; have two nodes at least, or control it from the test");
    }
    if (quorum > plan->node_count) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "chaos.quorum is %u, but there are %u nodes; ask for at most %u", quorum,
                                plan->node_count, plan->node_count - 1);
    }
    uint32_t wanted = quorum != 0 ? quorum : plan->node_count / 2 + 1;
    if (wanted == plan->node_count) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "chaos.quorum is %u%s, so no node of %u could ever be down and nothing would "
                                "ever happen; set it to at most %u, or have more nodes",
                                wanted, quorum == 0 ? ", more than half, by default" : "", plan->node_count,
                                plan->node_count - 1);
    }
    return check_spare(plan, options, err);
}

/* ---- Defaults ---- */

static uint32_t paces_ms(const struct muster_plan *plan, uint32_t paces)
{
    uint64_t wanted_ms = plan->pace_ms * paces;
    uint64_t most_ms = plan->duration_ms / WINDOW_PARTS;
    uint64_t value_ms = wanted_ms < most_ms ? wanted_ms : most_ms;
    return value_ms > 0 ? (uint32_t)value_ms : 1;
}

static void fill_delays(const struct muster_plan *plan, struct muster_chaos *chaos)
{
    uint32_t low_ms = paces_ms(plan, DELAY_PACES_MIN);
    uint32_t high_ms = paces_ms(plan, DELAY_PACES_MAX);
    if (chaos->max_delay_ms == 0) {
        chaos->max_delay_ms = chaos->min_delay_ms > high_ms ? chaos->min_delay_ms : high_ms;
    }
    if (chaos->min_delay_ms == 0) {
        chaos->min_delay_ms = low_ms < chaos->max_delay_ms ? low_ms : chaos->max_delay_ms;
    }
    if (chaos->cooldown_ms == 0) {
        chaos->cooldown_ms = chaos->max_delay_ms;
    }
}

static void fill(const struct muster_plan *plan, struct muster__chaos_options *options)
{
    struct muster_chaos *chaos = &options->given;
    fill_delays(plan, chaos);
    if (chaos->restart_weight == 0 && chaos->kill_weight == 0 && chaos->pause_weight == 0) {
        chaos->restart_weight = chaos->kill_weight = chaos->pause_weight = 1;
    }
    chaos->down_ms = chaos->down_ms != 0 ? chaos->down_ms : paces_ms(plan, AWAY_PACES);
    chaos->pause_ms = chaos->pause_ms != 0 ? chaos->pause_ms : paces_ms(plan, AWAY_PACES);
    chaos->quorum = chaos->quorum != 0 ? chaos->quorum : plan->node_count / 2 + 1;
    chaos->lag_max = chaos->lag_max != 0 ? chaos->lag_max : LAG_DEFAULT;
    chaos->recover_ms = muster__stretch_ms(plan, chaos->recover_ms);
    options->tip_ms = muster__stretch_ms(plan, plan->pace_ms * TIP_PACES);
}

/* ---- What the window leaves room for ---- */

/* An action that the window never holds would be a wish that nothing tells of. */
static enum muster_rc check_action(const struct muster_plan *plan, const struct muster_chaos *chaos,
                                   enum muster__chaos_action action, struct muster_error *err)
{
    static const char *const fields[MUSTER__CHAOS_ACTIONS] = { "", "down_ms", "pause_ms" };
    uint64_t length_ms = muster__chaos_length_ms(chaos, action);
    if (muster__chaos_weight(chaos, action) == 0 || chaos->min_delay_ms + length_ms < plan->duration_ms) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "chaos.%s is %llu ms, and together with min_delay_ms (%u) not shorter than the "
        "window of %llu ms, so no node would ever be %s; make it shorter, or run_duration "
        "longer",
        fields[action], (unsigned long long)length_ms, chaos->min_delay_ms,
        (unsigned long long)plan->duration_ms, action == MUSTER__CHAOS_KILL ? "killed" : "paused");
}

/* Where the first action may come too late, a window without any is a matter of luck. */
static enum muster_rc check_delay(const struct muster_plan *plan, const struct muster_chaos *chaos,
                                  struct muster_error *err)
{
    uint64_t shortest_ms = UINT64_MAX;
    for (unsigned i = 0; i < MUSTER__CHAOS_ACTIONS; i++) {
        enum muster__chaos_action action = (enum muster__chaos_action)i;
        uint64_t length_ms = muster__chaos_length_ms(chaos, action);
        if (muster__chaos_weight(chaos, action) > 0 && length_ms < shortest_ms) {
            shortest_ms = length_ms;
        }
    }
    if (chaos->max_delay_ms + shortest_ms < plan->duration_ms) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EINVAL,
                            "chaos.max_delay_ms is %u ms and its shortest action takes %llu ms, together not "
                            "shorter than the window of %llu ms, so the window might close before anything "
                            "happened; make them shorter, or run_duration longer",
                            chaos->max_delay_ms, (unsigned long long)shortest_ms,
                            (unsigned long long)plan->duration_ms);
}

static enum muster_rc check_window(const struct muster_plan *plan, const struct muster_chaos *chaos,
                                   struct muster_error *err)
{
    if (chaos->min_delay_ms >= plan->duration_ms) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "chaos.min_delay_ms is %u ms, not shorter than the window of %llu ms, so nothing "
            "would ever happen; make it shorter, or run_duration longer",
            chaos->min_delay_ms, (unsigned long long)plan->duration_ms);
    }
    enum muster_rc rc = MUSTER_OK;
    for (unsigned i = 0; i < MUSTER__CHAOS_ACTIONS && rc == MUSTER_OK; i++) {
        rc = check_action(plan, chaos, (enum muster__chaos_action)i, err);
    }
    return rc == MUSTER_OK ? check_delay(plan, chaos, err) : rc;
}

enum muster_rc muster__chaos_resolve(const struct muster_plan *plan, struct muster__chaos_options *options,
                                     struct muster_error *err)
{
    enum muster_rc rc = check_nodes(plan, options, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    fill(plan, options);
    return check_window(plan, &options->given, err);
}
