/* When chaos does what to whom: deterministic by seed, within delays, cooldowns, quorum, weights and the
 * window. */
#include "parts/chaos/schedule.h"

#include "testing/unit_test.h"

#define NODES 5u
#define OPENED_MS 1000u

static struct muster__chaos_options options;
static struct muster__chaos_schedule schedule;

static void setup(void)
{
    options = (struct muster__chaos_options){ .given = { .min_delay_ms = 100,
                                                         .max_delay_ms = 300,
                                                         .cooldown_ms = 1000,
                                                         .restart_weight = 1,
                                                         .kill_weight = 1,
                                                         .pause_weight = 1,
                                                         .down_ms = 400,
                                                         .pause_ms = 500,
                                                         .quorum = 3 } };
}

static void begin(uint64_t seed, uint64_t window_ms)
{
    muster__chaos_schedule_init(&schedule, &options, NODES, muster_random_stream(seed, "chaos"), OPENED_MS,
                                OPENED_MS + window_ms);
}

/* What happened in a pretended run in which everything takes no time, and nodes catch up at once. */
struct trace {
    size_t count;
    struct muster__chaos_step steps[4096];
    uint64_t at_ms[4096];
    uint32_t up_fewest;
    uint64_t cooled_ms[NODES]; /* When a node came back last. */
};

static void note(struct trace *trace, const struct muster__chaos_step *step, uint64_t now_ms)
{
    ck_assert_uint_lt(trace->count, 4096);
    trace->steps[trace->count] = *step;
    trace->at_ms[trace->count++] = now_ms;
}

static void come_back(struct trace *trace, uint32_t node, uint64_t now_ms)
{
    muster__chaos_set_behind(&schedule, node, false);
    trace->cooled_ms[node] = now_ms;
}

static void play_step(struct trace *trace, const struct muster__chaos_step *step, uint64_t now_ms)
{
    if (step->kind == MUSTER__CHAOS_ACT) {
        ck_assert_uint_lt(step->node, NODES);
        ck_assert_int_eq(schedule.nodes[step->node].state, MUSTER__CHAOS_UP);
        ck_assert(trace->cooled_ms[step->node] == 0 ||
                  now_ms >= trace->cooled_ms[step->node] + options.given.cooldown_ms);
        note(trace, step, now_ms);
        muster__chaos_did(&schedule, step->node, step->action, now_ms);
        if (step->action == MUSTER__CHAOS_RESTART) {
            come_back(trace, step->node, now_ms);
        }
    } else {
        muster__chaos_returned(&schedule, step->node, now_ms);
        come_back(trace, step->node, now_ms);
    }
}

static void play(struct trace *trace, uint64_t window_ms)
{
    *trace = (struct trace){ .up_fewest = NODES };
    uint64_t now_ms = OPENED_MS;
    while (now_ms < OPENED_MS + window_ms) {
        struct muster__chaos_step step = muster__chaos_next(&schedule, now_ms);
        if (step.kind == MUSTER__CHAOS_WAIT) {
            ck_assert_uint_gt(step.until_ms, now_ms); /* Else the workload would turn in circles. */
            now_ms = step.until_ms;
            continue;
        }
        play_step(trace, &step, now_ms);
        uint32_t up = muster__chaos_up(&schedule);
        trace->up_fewest = up < trace->up_fewest ? up : trace->up_fewest;
    }
}

static struct trace one;
static struct trace two;

START_TEST(the_same_seed_does_the_same)
{
    begin(7, 60000);
    play(&one, 60000);
    begin(7, 60000);
    play(&two, 60000);
    ck_assert_uint_gt(one.count, 50);
    ck_assert_uint_eq(one.count, two.count);
    for (size_t i = 0; i < one.count; i++) {
        ck_assert_uint_eq(one.at_ms[i], two.at_ms[i]);
        ck_assert_uint_eq(one.steps[i].node, two.steps[i].node);
        ck_assert_int_eq(one.steps[i].action, two.steps[i].action);
    }
    begin(8, 60000);
    play(&two, 60000);
    bool same = one.count == two.count;
    for (size_t i = 0; same && i < one.count; i++) {
        same = one.at_ms[i] == two.at_ms[i] && one.steps[i].node == two.steps[i].node;
    }
    ck_assert(!same);
}
END_TEST

START_TEST(delays_are_kept)
{
    options.given.cooldown_ms = 1;
    options.given.kill_weight = options.given.pause_weight = 0;
    begin(3, 60000);
    play(&one, 60000);
    uint64_t before_ms = OPENED_MS;
    uint64_t shortest_ms = UINT64_MAX;
    uint64_t longest_ms = 0;
    for (size_t i = 0; i < one.count; i++) {
        uint64_t delay_ms = one.at_ms[i] - before_ms;
        ck_assert_uint_ge(delay_ms, 100);
        ck_assert_uint_le(delay_ms, 300);
        shortest_ms = delay_ms < shortest_ms ? delay_ms : shortest_ms;
        longest_ms = delay_ms > longest_ms ? delay_ms : longest_ms;
        before_ms = one.at_ms[i];
    }
    ck_assert_uint_lt(shortest_ms, 120);
    ck_assert_uint_gt(longest_ms, 280);
}
END_TEST

START_TEST(all_nodes_and_actions_have_their_turn)
{
    size_t nodes[NODES] = { 0 };
    size_t actions[MUSTER__CHAOS_ACTIONS] = { 0 };
    options.given.restart_weight = 6;
    options.given.kill_weight = 3;
    options.given.cooldown_ms = 1;
    begin(11, 600000);
    play(&one, 600000);
    for (size_t i = 0; i < one.count; i++) {
        nodes[one.steps[i].node]++;
        actions[one.steps[i].action]++;
    }
    ck_assert_uint_gt(one.count, 1000);
    for (uint32_t i = 0; i < NODES; i++) {
        ck_assert_double_eq_tol((double)nodes[i] / (double)one.count, 1.0 / NODES, 0.05);
    }
    ck_assert_double_eq_tol((double)actions[MUSTER__CHAOS_RESTART] / (double)one.count, 0.6, 0.05);
    ck_assert_double_eq_tol((double)actions[MUSTER__CHAOS_KILL] / (double)one.count, 0.3, 0.05);
    ck_assert_double_eq_tol((double)actions[MUSTER__CHAOS_PAUSE] / (double)one.count, 0.1, 0.05);
}
END_TEST

START_TEST(an_action_without_weight_never_comes)
{
    options.given.kill_weight = 0;
    begin(5, 120000);
    play(&one, 120000);
    ck_assert_uint_gt(one.count, 50);
    for (size_t i = 0; i < one.count; i++) {
        ck_assert_int_ne(one.steps[i].action, MUSTER__CHAOS_KILL);
    }
}
END_TEST

START_TEST(spared_nodes_are_never_touched)
{
    options.spare[0] = options.spare[3] = true;
    begin(5, 120000);
    play(&one, 120000);
    ck_assert_uint_gt(one.count, 50);
    for (size_t i = 0; i < one.count; i++) {
        ck_assert(one.steps[i].node != 0 && one.steps[i].node != 3);
    }
}
END_TEST

START_TEST(the_quorum_is_reached_and_kept)
{
    options.given.cooldown_ms = 1;
    options.given.down_ms = options.given.pause_ms = 2000;
    begin(5, 120000);
    play(&one, 120000);
    ck_assert_uint_eq(one.up_fewest, 3);
}
END_TEST

START_TEST(nodes_that_are_behind_count_as_missing)
{
    begin(5, 60000);
    muster__chaos_set_behind(&schedule, 1, true);
    muster__chaos_set_behind(&schedule, 2, true);
    struct muster__chaos_step step = muster__chaos_next(&schedule, OPENED_MS + 500);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_WAIT);
    ck_assert_int_eq(schedule.obstacle, MUSTER__CHAOS_QUORUM);
    muster__chaos_set_behind(&schedule, 1, false);
    step = muster__chaos_next(&schedule, OPENED_MS + 501);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_ACT);
    ck_assert_uint_ne(step.node, 2);
}
END_TEST

/* What the original gets wrong: it waits until no node at all is cooling down. */
START_TEST(one_that_cools_down_holds_up_nobody_else)
{
    options.given.cooldown_ms = 50000;
    options.given.kill_weight = options.given.pause_weight = 0;
    begin(9, 60000);
    play(&one, 60000);
    ck_assert_uint_gt(one.count, NODES); /* All of them, and the first again after its cooldown. */
    ck_assert_uint_le(one.at_ms[NODES - 1], OPENED_MS + NODES * 300);
    bool seen[NODES] = { false };
    for (size_t i = 0; i < NODES; i++) {
        ck_assert(!seen[one.steps[i].node]);
        seen[one.steps[i].node] = true;
    }
    ck_assert_uint_eq(one.steps[NODES].node, one.steps[0].node);
    ck_assert_uint_eq(one.at_ms[NODES], one.at_ms[0] + 50000);
}
END_TEST

START_TEST(who_is_away_comes_back_in_time_and_in_order)
{
    begin(1, 60000);
    muster__chaos_did(&schedule, 4, MUSTER__CHAOS_PAUSE, 2000);
    muster__chaos_did(&schedule, 2, MUSTER__CHAOS_KILL, 2050);
    schedule.draw.due_ms = 9000;
    struct muster__chaos_step step = muster__chaos_next(&schedule, 2449);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_WAIT);
    ck_assert_uint_eq(step.until_ms, 2450);
    step = muster__chaos_next(&schedule, 2450);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_RETURN);
    ck_assert_uint_eq(step.node, 2);
    muster__chaos_returned(&schedule, 2, 2460);
    step = muster__chaos_next(&schedule, 2600);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_RETURN);
    ck_assert_uint_eq(step.node, 4);
}
END_TEST

START_TEST(what_does_not_fit_into_the_window_is_not_begun)
{
    options.given.restart_weight = 0;
    begin(1, 3000);
    schedule.draw.due_ms = OPENED_MS + 2599;
    struct muster__chaos_step step = muster__chaos_next(&schedule, OPENED_MS + 2599);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_ACT); /* 400 ms are left, and one more. */
    ck_assert_int_eq(step.action, MUSTER__CHAOS_KILL);
    step = muster__chaos_next(&schedule, OPENED_MS + 2600);
    ck_assert_int_eq(step.kind, MUSTER__CHAOS_WAIT);
    ck_assert_int_eq(schedule.obstacle, MUSTER__CHAOS_NO_TIME);
    ck_assert_uint_eq(step.until_ms, OPENED_MS + 3000);
}
END_TEST

static Suite *chaos_schedule_suite(void)
{
    Suite *suite = suite_create("chaos_schedule");
    TCase *tcase = tcase_create("chaos_schedule");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, the_same_seed_does_the_same);
    tcase_add_test(tcase, delays_are_kept);
    tcase_add_test(tcase, all_nodes_and_actions_have_their_turn);
    tcase_add_test(tcase, an_action_without_weight_never_comes);
    tcase_add_test(tcase, spared_nodes_are_never_touched);
    tcase_add_test(tcase, the_quorum_is_reached_and_kept);
    tcase_add_test(tcase, nodes_that_are_behind_count_as_missing);
    tcase_add_test(tcase, one_that_cools_down_holds_up_nobody_else);
    tcase_add_test(tcase, who_is_away_comes_back_in_time_and_in_order);
    tcase_add_test(tcase, what_does_not_fit_into_the_window_is_not_begun);
    suite_add_tcase(suite, tcase);
    return suite;
}
UNIT_TEST_MAIN(chaos_schedule_suite);
