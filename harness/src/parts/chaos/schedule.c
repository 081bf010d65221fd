#include "parts/chaos/schedule.h"

#include <assert.h>

static void draw_next(struct muster__chaos_schedule *schedule, uint64_t now_ms)
{
    const struct muster_chaos *chaos = &schedule->options->given;
    struct muster__chaos_draw *draw = &schedule->draw;
    draw->due_ms =
        now_ms + muster_random_between(&schedule->random, chaos->min_delay_ms, chaos->max_delay_ms);
    draw->share = muster_random_below(&schedule->random, UINT64_C(1) << 32);
    for (uint32_t i = 0; i < schedule->node_count; i++) {
        draw->rank[i] = muster_random_below(&schedule->random, UINT64_C(1) << 62);
    }
}

void muster__chaos_schedule_init(struct muster__chaos_schedule *schedule,
                                 const struct muster__chaos_options *options, uint32_t node_count,
                                 struct muster_random random, uint64_t opened_ms, uint64_t closes_ms)
{
    assert(node_count <= MUSTER_NODES_MAX);
    *schedule = (struct muster__chaos_schedule){
        .options = options, .node_count = node_count, .closes_ms = closes_ms, .random = random
    };
    draw_next(schedule, opened_ms);
}

uint32_t muster__chaos_up(const struct muster__chaos_schedule *schedule)
{
    uint32_t up = 0;
    for (uint32_t i = 0; i < schedule->node_count; i++) {
        up += schedule->nodes[i].state == MUSTER__CHAOS_UP;
    }
    return up;
}

/* ---- Choosing ---- */

static bool may_touch(const struct muster__chaos_schedule *schedule, uint32_t node, uint64_t now_ms)
{
    const struct muster__chaos_node *it = &schedule->nodes[node];
    return !schedule->options->spare[node] && it->state == MUSTER__CHAOS_UP && it->cool_ms <= now_ms;
}

static bool choose_node(const struct muster__chaos_schedule *schedule, uint64_t now_ms, uint32_t *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < schedule->node_count; i++) {
        if (may_touch(schedule, i, now_ms) &&
            (!found || schedule->draw.rank[i] < schedule->draw.rank[*ret])) {
            *ret = i;
            found = true;
        }
    }
    return found;
}

/* The weight of an action that can still be done in full before the window closes. */
static uint64_t weight_now(const struct muster__chaos_schedule *schedule, enum muster__chaos_action action,
                           uint64_t now_ms)
{
    const struct muster_chaos *chaos = &schedule->options->given;
    bool fits = now_ms + muster__chaos_length_ms(chaos, action) < schedule->closes_ms;
    return fits ? muster__chaos_weight(chaos, action) : 0;
}

static bool choose_action(const struct muster__chaos_schedule *schedule, uint64_t now_ms,
                          enum muster__chaos_action *ret)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < MUSTER__CHAOS_ACTIONS; i++) {
        total += weight_now(schedule, (enum muster__chaos_action)i, now_ms);
    }
    uint64_t at = schedule->draw.share * total >> 32;
    for (unsigned i = 0; i < MUSTER__CHAOS_ACTIONS; i++) {
        uint64_t weight = weight_now(schedule, (enum muster__chaos_action)i, now_ms);
        if (at < weight) {
            *ret = (enum muster__chaos_action)i;
            return true;
        }
        at -= weight;
    }
    return false;
}

static enum muster__chaos_obstacle choose(const struct muster__chaos_schedule *schedule, uint64_t now_ms,
                                          struct muster__chaos_step *step)
{
    if (!choose_action(schedule, now_ms, &step->action)) {
        return MUSTER__CHAOS_NO_TIME;
    }
    if (muster__chaos_up(schedule) <= schedule->options->given.quorum) {
        return MUSTER__CHAOS_QUORUM;
    }
    return choose_node(schedule, now_ms, &step->node) ? MUSTER__CHAOS_NONE : MUSTER__CHAOS_NO_NODE;
}

/* ---- The next step ---- */

/* The node that is to come back first; false when none is away. */
static bool first_return(const struct muster__chaos_schedule *schedule, uint32_t *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < schedule->node_count; i++) {
        const struct muster__chaos_node *it = &schedule->nodes[i];
        if (it->state == MUSTER__CHAOS_AWAY && (!found || it->return_ms < schedule->nodes[*ret].return_ms)) {
            *ret = i;
            found = true;
        }
    }
    return found;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something may be different without anybody saying so. */
static uint64_t next_change_ms(const struct muster__chaos_schedule *schedule, uint64_t now_ms)
{
    uint32_t first = 0;
    uint64_t until_ms = schedule->closes_ms;
    if (first_return(schedule, &first)) {
        until_ms = earlier(until_ms, schedule->nodes[first].return_ms);
    }
    if (schedule->draw.due_ms > now_ms) {
        return earlier(until_ms, schedule->draw.due_ms);
    }
    for (uint32_t i = 0; i < schedule->node_count; i++) {
        const struct muster__chaos_node *it = &schedule->nodes[i];
        if (!schedule->options->spare[i] && it->state == MUSTER__CHAOS_UP && it->cool_ms > now_ms) {
            until_ms = earlier(until_ms, it->cool_ms);
        }
    }
    return until_ms;
}

struct muster__chaos_step muster__chaos_next(struct muster__chaos_schedule *schedule, uint64_t now_ms)
{
    struct muster__chaos_step step = { .kind = MUSTER__CHAOS_RETURN };
    if (first_return(schedule, &step.node) && schedule->nodes[step.node].return_ms <= now_ms) {
        return step;
    }
    if (schedule->draw.due_ms <= now_ms) {
        schedule->obstacle = choose(schedule, now_ms, &step);
        if (schedule->obstacle == MUSTER__CHAOS_NONE) {
            step.kind = MUSTER__CHAOS_ACT;
            return step;
        }
    }
    return (struct muster__chaos_step){ .kind = MUSTER__CHAOS_WAIT,
                                        .until_ms = next_change_ms(schedule, now_ms) };
}

/* ---- What became of it ---- */

void muster__chaos_did(struct muster__chaos_schedule *schedule, uint32_t node,
                       enum muster__chaos_action action, uint64_t now_ms)
{
    struct muster__chaos_node *it = &schedule->nodes[node];
    if (action == MUSTER__CHAOS_RESTART) {
        muster__chaos_returned(schedule, node, now_ms);
    } else {
        it->state = MUSTER__CHAOS_AWAY;
        it->return_ms = now_ms + muster__chaos_length_ms(&schedule->options->given, action);
    }
    draw_next(schedule, now_ms);
}

void muster__chaos_returned(struct muster__chaos_schedule *schedule, uint32_t node, uint64_t now_ms)
{
    struct muster__chaos_node *it = &schedule->nodes[node];
    it->state = MUSTER__CHAOS_BEHIND;
    it->cool_ms = now_ms + schedule->options->given.cooldown_ms;
}

void muster__chaos_set_behind(struct muster__chaos_schedule *schedule, uint32_t node, bool behind)
{
    struct muster__chaos_node *it = &schedule->nodes[node];
    if (it->state != MUSTER__CHAOS_AWAY) {
        it->state = behind ? MUSTER__CHAOS_BEHIND : MUSTER__CHAOS_UP;
    }
}
