/* Liveness goes red for the right reason, and only then. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chain/liveness/binomial.h"
#include "chain/liveness/judge.h"
#include "evidence/findings.h"
#include "muster/chain.h"

#define NODES 3u

static struct muster_report report;
static struct muster_error err;
static struct muster__liveness_node nodes[NODES];
static struct muster__liveness_facts facts;

static void set_up(void)
{
    muster__report_init(&report, "consensus_liveness");
    err = (struct muster_error){ 0 };
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = (struct muster__liveness_node){ .state = MUSTER_NODE_RUNNING,
                                                   .answers = true,
                                                   .height = 45,
                                                   .changed_ms = 20000,
                                                   .on_tree = true,
                                                   .common_height = 45,
                                                   .final_known = true,
                                                   .final_height = 35,
                                                   .final_common_height = 35 };
    }
    facts = (struct muster__liveness_facts){ .began_ms = 1000,
                                             .window_s = 60,
                                             .slot_ms = 200,
                                             .active_slot_coeff = 0.9,
                                             .false_alarm = 1e-6,
                                             .has_slots = true,
                                             .slots = 300,
                                             .won = 270,
                                             .blocks = 260,
                                             .best_height = 45,
                                             .lag_blocks_max = 2,
                                             .silent_ms = 100,
                                             .silent_ms_max = 3000,
                                             .node_count = NODES,
                                             .nodes = nodes };
}

static void tear_down(void)
{
    muster__report_fini(&report);
}

#define ck_assert_says(part)                                                                                 \
    ck_assert_msg(strstr(err.text, (part)) != NULL, "\"%s\" lacks \"%s\"", err.text, part)

static enum muster_rc judge_blocks(void)
{
    return muster__liveness_judge_blocks(&facts, &report, &err);
}

static enum muster_rc judge_nodes(void)
{
    return muster__liveness_judge_nodes(&facts, &report, &err);
}

/* ---- Slots ---- */

static const struct muster__stretch window = { .began_ms = 10000, .ended_ms = 12000 };

START_TEST(whole_slots_of_the_window_count)
{
    struct muster__slots slots[1];
    ck_assert_uint_eq(muster__slots_that_count(9900, 200, window, NULL, 0, slots), 1);
    /* Slot 1 begins at 10100; slot 9 ends at 11900, slot 10 would end after the window. */
    ck_assert_uint_eq(slots[0].from, 1);
    ck_assert_uint_eq(slots[0].to, 9);
}
END_TEST

START_TEST(a_window_on_the_slots_edge_counts_whole)
{
    struct muster__slots slots[1];
    ck_assert_uint_eq(muster__slots_that_count(0, 200, window, NULL, 0, slots), 1);
    ck_assert_uint_eq(slots[0].from, 50);
    ck_assert_uint_eq(slots[0].to, 59);
}
END_TEST

START_TEST(a_chain_older_than_the_machine_is_fine)
{
    struct muster__slots slots[1];
    ck_assert_uint_eq(muster__slots_that_count(-1000000, 200, window, NULL, 0, slots), 1);
    ck_assert_uint_eq(slots[0].from, 5050);
    ck_assert_uint_eq(slots[0].to, 5059);
}
END_TEST

START_TEST(slots_of_an_outage_do_not_count)
{
    struct muster__slots slots[3];
    const struct muster__stretch outages[] = { { .began_ms = 10500, .ended_ms = 10900 },
                                               { .began_ms = 11500, .ended_ms = 11500 } };
    ck_assert_uint_eq(muster__slots_that_count(0, 200, window, outages, 2, slots), 3);
    ck_assert_uint_eq(slots[0].from, 50);
    ck_assert_uint_eq(slots[0].to, 51); /* Slot 52 is touched. */
    ck_assert_uint_eq(slots[1].from, 55);
    ck_assert_uint_eq(slots[1].to, 56);
    ck_assert_uint_eq(slots[2].from, 58);
    ck_assert_uint_eq(slots[2].to, 59);
}
END_TEST

START_TEST(an_outage_that_lasts_ends_the_counting)
{
    struct muster__slots slots[2];
    const struct muster__stretch outages[] = { { .began_ms = 11000, .ended_ms = UINT64_MAX } };
    ck_assert_uint_eq(muster__slots_that_count(0, 200, window, outages, 1, slots), 1);
    ck_assert_uint_eq(slots[0].to, 54);
}
END_TEST

START_TEST(outages_outside_the_window_change_nothing)
{
    struct muster__slots slots[3];
    const struct muster__stretch outages[] = { { .began_ms = 100, .ended_ms = 9000 },
                                               { .began_ms = 13000, .ended_ms = UINT64_MAX } };
    ck_assert_uint_eq(muster__slots_that_count(0, 200, window, outages, 2, slots), 1);
    ck_assert_uint_eq(slots[0].from, 50);
    ck_assert_uint_eq(slots[0].to, 59);
}
END_TEST

START_TEST(overlapping_outages_are_one)
{
    struct muster__slots slots[3];
    const struct muster__stretch outages[] = { { .began_ms = 10400, .ended_ms = 11600 },
                                               { .began_ms = 10600, .ended_ms = 10800 } };
    ck_assert_uint_eq(muster__slots_that_count(0, 200, window, outages, 2, slots), 2);
    ck_assert_uint_eq(slots[0].to, 51);
    ck_assert_uint_eq(slots[1].from, 58);
    ck_assert_uint_eq(slots[1].to, 59);
}
END_TEST

START_TEST(a_window_shorter_than_a_slot_counts_none)
{
    struct muster__slots slots[1];
    const struct muster__stretch narrow = { .began_ms = 10050, .ended_ms = 10190 };
    ck_assert_uint_eq(muster__slots_that_count(0, 200, narrow, NULL, 0, slots), 0);
}
END_TEST

START_TEST(silence_is_longer_where_fewer_are_up)
{
    /* Six empty slots in a row have a chance of one in a million at f = 0.9; one slot on top. */
    ck_assert_uint_eq(muster__liveness_silence_ms(0.9, 200, 1.0, 1.1e-6), 1400);
    ck_assert_uint_gt(muster__liveness_silence_ms(0.9, 200, 0.5, 1e-6), 2400);
    ck_assert_uint_eq(muster__liveness_silence_ms(1.0, 200, 1.0, 1e-6), 400);
}
END_TEST

/* ---- Blocks ---- */

START_TEST(enough_blocks_are_green)
{
    ck_assert_int_eq(judge_blocks(), MUSTER_OK);
    facts.won = muster__binomial_least(300, 0.9, 1e-6);
    ck_assert_int_eq(judge_blocks(), MUSTER_OK);
}
END_TEST

START_TEST(too_few_slots_won_are_red_with_numbers)
{
    uint64_t least = muster__binomial_least(300, 0.9, 1e-6);
    ck_assert_uint_gt(least, 200);
    facts.won = least - 1;
    ck_assert_int_eq(judge_blocks(), MUSTER_EEXPECT);
    ck_assert_says("of 300 slots of the window");
    ck_assert_says("one false alarm in 1e+06");
}
END_TEST

START_TEST(no_block_is_red)
{
    facts.blocks = 0;
    facts.won = 0;
    facts.slots = 0;
    facts.has_slots = false;
    ck_assert_int_eq(judge_blocks(), MUSTER_EEXPECT);
    ck_assert_says("no block was made in the window of 60.0 s");
    ck_assert_says("at height 45");
}
END_TEST

START_TEST(a_system_without_slots_is_judged_by_heights)
{
    facts.has_slots = false;
    facts.slots = 0;
    facts.won = 0;
    facts.blocks = 1;
    ck_assert_int_eq(judge_blocks(), MUSTER_OK);
}
END_TEST

START_TEST(a_cluster_that_fell_silent_is_red)
{
    facts.silent_ms = 3001;
    ck_assert_int_eq(judge_blocks(), MUSTER_EEXPECT);
    ck_assert_says("the cluster has been at height 45 for 3.0 s");
}
END_TEST

/* ---- Nodes ---- */

START_TEST(nodes_that_agree_are_green)
{
    ck_assert_int_eq(judge_nodes(), MUSTER_OK);
    nodes[1].height = nodes[1].common_height = 43;
    ck_assert_int_eq(judge_nodes(), MUSTER_OK);
}
END_TEST

START_TEST(a_node_behind_is_named_with_heights_and_since_when)
{
    nodes[1].height = nodes[1].common_height = 14;
    nodes[1].changed_ms = 13300;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text,
                     "node-1 has been at height 14 since 12.3 s while the cluster is at 45 (2 blocks "
                     "behind are allowed)");
}
END_TEST

START_TEST(a_node_behind_on_a_branch_of_its_own_is_named_with_where_it_left)
{
    nodes[1].height = 14;
    nodes[1].common_height = 12;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says(
        "while the cluster is at 45 (2 blocks behind are allowed); its chain left the best one after "
        "height 12");
}
END_TEST

START_TEST(a_node_behind_is_said_to_have_left_only_if_that_is_known)
{
    nodes[1].height = 14;
    nodes[1].common_height = 12;
    nodes[1].on_tree = false;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says("(2 blocks behind are allowed)");
    ck_assert_ptr_null(strstr(err.text, "its chain left"));
}
END_TEST

START_TEST(propagation_allows_some_more_lag_but_not_any)
{
    nodes[1].height = nodes[1].common_height = 40;
    facts.lag_blocks_plausible = 3;
    ck_assert_int_eq(judge_nodes(), MUSTER_OK);
    nodes[1].height = nodes[1].common_height = 14;
    facts.lag_blocks_plausible = 1000000;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_node_that_answers_nonsense_is_named)
{
    nodes[2].answers = false;
    nodes[2].failing_since_ms = 9100;
    nodes[2].failing_text = "GET /cryptarchia/info: invalid JSON";
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text,
                     "node-2 answers nothing usable since 8.1 s: GET /cryptarchia/info: invalid JSON");
}
END_TEST

START_TEST(nonsense_is_told_before_lag)
{
    nodes[0].height = nodes[0].common_height = 1;
    nodes[2].answers = false;
    nodes[2].failing_text = "timed out";
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text, "node-2 answers nothing usable and was never heard of: timed out");
}
END_TEST

START_TEST(a_node_that_hangs_is_told_with_when_it_was_heard_of)
{
    nodes[2].answers = false;
    nodes[2].heard_ms = 5100;
    nodes[2].failing_text = "GET /cryptarchia/info: no answer within 2.0 s";
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text, "node-2 answers nothing usable, though it was last heard of at 4.1 s: "
                               "GET /cryptarchia/info: no answer within 2.0 s");
}
END_TEST

START_TEST(a_branch_is_named_with_where_it_left)
{
    nodes[0].height = 44;
    nodes[0].common_height = 30;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says("node-0 is at height 44 on a branch of its own: it left the best chain, now at 45, after "
                   "height 30");
}
END_TEST

START_TEST(a_tip_of_no_known_chain_is_red)
{
    nodes[0].on_tree = false;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says("node-0 is at height 45 with a tip that joins no chain");
}
END_TEST

START_TEST(a_final_block_off_the_best_chain_is_red)
{
    nodes[1].final_common_height = 20;
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says("node-1 holds a final block at height 35 that is not on the best chain: they part after "
                   "height 20");
}
END_TEST

START_TEST(a_stopped_node_is_not_judged)
{
    nodes[1] = (struct muster__liveness_node){ .state = MUSTER_NODE_STOPPED };
    nodes[2] = (struct muster__liveness_node){ .state = MUSTER_NODE_PAUSED };
    ck_assert_int_eq(judge_nodes(), MUSTER_OK);
}
END_TEST

START_TEST(no_node_left_is_red)
{
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = (struct muster__liveness_node){ .state = MUSTER_NODE_STOPPED };
    }
    ck_assert_int_eq(judge_nodes(), MUSTER_EEXPECT);
    ck_assert_says("no node is left running");
}
END_TEST

START_TEST(defaults_of_liveness)
{
    struct muster_liveness liveness = { 0 };
    muster__liveness_resolve(&liveness);
    ck_assert_double_eq(liveness.false_alarm, 1e-6);
    ck_assert_uint_eq(liveness.lag_blocks_max, 2);
    liveness = (struct muster_liveness){ 0.01, 5 };
    muster__liveness_resolve(&liveness);
    ck_assert_double_eq(liveness.false_alarm, 0.01);
    ck_assert_uint_eq(liveness.lag_blocks_max, 5);
}
END_TEST

static TCase *slots_case(void)
{
    TCase *tcase = tcase_create("slots");
    tcase_add_test(tcase, defaults_of_liveness);
    tcase_add_test(tcase, whole_slots_of_the_window_count);
    tcase_add_test(tcase, a_window_on_the_slots_edge_counts_whole);
    tcase_add_test(tcase, a_chain_older_than_the_machine_is_fine);
    tcase_add_test(tcase, slots_of_an_outage_do_not_count);
    tcase_add_test(tcase, an_outage_that_lasts_ends_the_counting);
    tcase_add_test(tcase, outages_outside_the_window_change_nothing);
    tcase_add_test(tcase, overlapping_outages_are_one);
    tcase_add_test(tcase, a_window_shorter_than_a_slot_counts_none);
    tcase_add_test(tcase, silence_is_longer_where_fewer_are_up);
    return tcase;
}

static TCase *judgement_case(void)
{
    TCase *tcase = tcase_create("judgement");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, enough_blocks_are_green);
    tcase_add_test(tcase, too_few_slots_won_are_red_with_numbers);
    tcase_add_test(tcase, no_block_is_red);
    tcase_add_test(tcase, a_system_without_slots_is_judged_by_heights);
    tcase_add_test(tcase, a_cluster_that_fell_silent_is_red);
    tcase_add_test(tcase, nodes_that_agree_are_green);
    tcase_add_test(tcase, a_node_behind_is_named_with_heights_and_since_when);
    tcase_add_test(tcase, a_node_behind_on_a_branch_of_its_own_is_named_with_where_it_left);
    tcase_add_test(tcase, a_node_behind_is_said_to_have_left_only_if_that_is_known);
    tcase_add_test(tcase, propagation_allows_some_more_lag_but_not_any);
    tcase_add_test(tcase, a_node_that_answers_nonsense_is_named);
    tcase_add_test(tcase, nonsense_is_told_before_lag);
    tcase_add_test(tcase, a_node_that_hangs_is_told_with_when_it_was_heard_of);
    tcase_add_test(tcase, a_branch_is_named_with_where_it_left);
    tcase_add_test(tcase, a_tip_of_no_known_chain_is_red);
    tcase_add_test(tcase, a_final_block_off_the_best_chain_is_red);
    tcase_add_test(tcase, a_stopped_node_is_not_judged);
    tcase_add_test(tcase, no_node_left_is_red);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("liveness_judge");
    suite_add_tcase(suite, slots_case());
    suite_add_tcase(suite, judgement_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
