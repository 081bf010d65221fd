/* The judgement of one action, and of all: each red case for its own reason. */
#include "parts/chaos/recovers_judge.h"

#include <stdio.h>
#include <string.h>

#include "evidence/findings.h"
#include "testing/unit_test.h"

static const struct muster__recovers_terms terms = {
    .began_ms = 1000, .bound_ms = 5000, .lag_max = 2, .has_branches = true
};

/* Killed at 3.0 s of the run, back at 4.0 s, ready at 4.2 s, and at the tip. */
static struct muster__deed good_deed(void)
{
    return (struct muster__deed){ .number = 7,
                                  .node = 2,
                                  .action = MUSTER__CHAOS_KILL,
                                  .asked_ms = 4000,
                                  .done_ms = 4010,
                                  .gone_ms = 4020,
                                  .gone_text = "connection refused",
                                  .return_ms = 5000,
                                  .ready_ms = 5200,
                                  .height_before = 12,
                                  .height_back = 12,
                                  .sight = { .answers = true,
                                             .height = 18,
                                             .changed_ms = 5300,
                                             .on_tree = true,
                                             .common_height = 18,
                                             .best_height = 20 } };
}

static void assert_red(struct muster__deed deed, uint64_t now_ms, const char *part)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, now_ms), MUSTER__RECOVERY_RED);
    ck_assert_int_eq(muster__recovers_describe(&deed, &terms, now_ms, &err), MUSTER_EEXPECT);
    ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" lacks \"%s\"", err.text, part);
    ck_assert_msg(strstr(err.text, "node-2") != NULL, "\"%s\" names no node", err.text);
    ck_assert_msg(strstr(err.text, "3.0 s (action 7)") != NULL, "\"%s\" names no action", err.text);
}

static void assert_pending_until_late(struct muster__deed deed, const char *part)
{
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 9999), MUSTER__RECOVERY_PENDING);
    assert_red(deed, 10000, part);
}

START_TEST(a_node_at_the_tip_is_back)
{
    struct muster__deed deed = good_deed();
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 5400), MUSTER__RECOVERY_BACK);
    ck_assert_uint_eq(deed.tip_ms, 5400);
}
END_TEST

START_TEST(who_looks_late_finds_it_back_all_the_same)
{
    struct muster__deed deed = good_deed();
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 60000), MUSTER__RECOVERY_BACK);
}
END_TEST

START_TEST(one_block_too_far_behind_is_late)
{
    struct muster__deed deed = good_deed();
    deed.sight.height = deed.sight.common_height = 17;
    assert_pending_until_late(deed,
                              "it has been at height 17 since 4.3 s, 3 behind the cluster, which is at 20 "
                              "(2 are allowed)");
    deed.sight.changed_ms = 0;
    assert_pending_until_late(
        deed, "killed at 3.0 s (action 7) and started again at 4.0 s, is not back at the "
              "cluster's tip 5.0 s later (5.0 s allowed): it has been at height 17 since before");
}
END_TEST

START_TEST(a_node_on_a_branch_of_its_own_is_late)
{
    struct muster__deed deed = good_deed();
    deed.sight.height = 25;
    deed.sight.common_height = 12;
    assert_pending_until_late(
        deed, "on a branch of its own, which left the best chain, now at 20, after height 12");
    deed.sight.on_tree = false;
    assert_pending_until_late(deed, "a tip that joins no chain");
}
END_TEST

START_TEST(without_branches_height_alone_counts)
{
    struct muster__deed deed = good_deed();
    struct muster__recovers_terms plain = terms;
    plain.has_branches = false;
    deed.sight.on_tree = false;
    ck_assert_int_eq(muster__recovers_judge(&deed, &plain, false, 5400), MUSTER__RECOVERY_BACK);
}
END_TEST

START_TEST(a_node_that_is_silent_or_not_ready_is_late)
{
    struct muster__deed deed = good_deed();
    deed.sight.answers = false;
    snprintf(deed.sight.failing_text, sizeof deed.sight.failing_text, "connection refused");
    assert_pending_until_late(deed, "it answers nothing usable: connection refused");
    deed = good_deed();
    deed.ready_ms = 0;
    assert_pending_until_late(deed, "it is not ready");
}
END_TEST

START_TEST(a_paused_node_is_resumed)
{
    struct muster__deed deed = good_deed();
    deed.action = MUSTER__CHAOS_PAUSE;
    deed.sight.answers = false;
    assert_pending_until_late(deed, "node-2, paused at 3.0 s (action 7) and resumed at 4.0 s");
}
END_TEST

START_TEST(one_that_is_away_is_not_late)
{
    struct muster__deed deed = good_deed();
    deed.return_ms = deed.ready_ms = 0;
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 600000), MUSTER__RECOVERY_PENDING);
}
END_TEST

START_TEST(the_bound_waits_for_the_others)
{
    struct muster__deed deed = good_deed();
    deed.sight.height = deed.sight.common_height = 3;
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, true, 30000), MUSTER__RECOVERY_PENDING);
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 34999), MUSTER__RECOVERY_PENDING);
    ck_assert_int_eq(muster__recovers_judge(&deed, &terms, false, 35000), MUSTER__RECOVERY_RED);
}
END_TEST

START_TEST(a_failed_action_is_red_at_once)
{
    struct muster__deed deed = good_deed();
    snprintf(deed.failure, sizeof deed.failure, "no such process");
    assert_red(deed, 5400, "node-2, killed at 3.0 s (action 7), did not come back: no such process");
    deed.return_ms = 0;
    assert_red(deed, 5400, "the kill of node-2 at 3.0 s (action 7) failed: no such process");
}
END_TEST

START_TEST(an_action_without_effect_is_red_at_once)
{
    struct muster__deed deed = good_deed();
    deed.without_effect = true;
    assert_red(deed, 5400,
               "had no effect: the runner said that it was done at 3.0 s, and the node went on answering");
}
END_TEST

static double number(const struct muster_report *report, const char *name)
{
    for (size_t i = 0; i < report->number_count; i++) {
        if (strcmp(report->numbers[i].name, name) == 0) {
            return report->numbers[i].value;
        }
    }
    ck_abort_msg("no number '%s'", name);
}

START_TEST(the_report_adds_up)
{
    static struct muster__recovers_tally tally;
    struct muster_report report;
    struct muster__deed deed = good_deed();
    deed.tip_ms = 5400;
    muster__recovers_count(&tally, &deed);
    deed = good_deed();
    deed.node = 4;
    deed.action = MUSTER__CHAOS_PAUSE;
    deed.tip_ms = 6000;
    muster__recovers_count(&tally, &deed);
    deed.done_ms = deed.tip_ms = deed.ready_ms = 0; /* Failed: nothing was done. */
    muster__recovers_count(&tally, &deed);
    ck_assert_uint_eq(muster__recovers_actions(&tally), 2);
    muster__report_init(&report, "recovers");
    muster__recovers_report(&tally, &terms, &report);
    ck_assert_double_eq(number(&report, "actions"), 2);
    ck_assert_double_eq(number(&report, "kills"), 1);
    ck_assert_double_eq(number(&report, "pauses"), 1);
    ck_assert_double_eq(number(&report, "nodes_touched"), 2);
    ck_assert_double_eq(number(&report, "recovered"), 2);
    ck_assert_double_eq(number(&report, "recovery_ms_mean"), 700);
    ck_assert_double_eq(number(&report, "recovery_ms_worst"), 1000);
    ck_assert_double_eq(number(&report, "recovery_worst_node"), 4);
    ck_assert_double_eq(number(&report, "ready_ms_worst"), 200);
    ck_assert_uint_eq(report.text_count, 1);
    ck_assert_ptr_nonnull(strstr(report.texts[0].text,
                                 "7: kill node-2: asked 3.00 s, gone 3.02 s: connection "
                                 "refused, back asked 4.00 s, ready 4.20 s, at tip 4.40 s"));
    ck_assert_ptr_nonnull(strstr(report.texts[0].text, "at tip never"));
    muster__report_fini(&report);
}
END_TEST

START_TEST(the_list_is_bounded)
{
    static struct muster__recovers_tally tally;
    struct muster_report report;
    struct muster__deed deed = good_deed();
    memset(deed.gone_text, 'x', sizeof deed.gone_text - 1);
    for (unsigned i = 0; i < 3 * MUSTER__DEEDS_LISTED_MAX; i++) {
        muster__recovers_count(&tally, &deed);
    }
    muster__report_init(&report, "recovers");
    muster__recovers_report(&tally, &terms, &report);
    ck_assert_double_eq(number(&report, "actions"), 3 * MUSTER__DEEDS_LISTED_MAX);
    ck_assert_uint_lt(strlen(report.texts[0].text), 400 * MUSTER__DEEDS_LISTED_MAX);
    muster__report_fini(&report);
}
END_TEST

static Suite *recovers_judge_suite(void)
{
    Suite *suite = suite_create("recovers_judge");
    TCase *tcase = tcase_create("recovers_judge");
    tcase_add_test(tcase, a_node_at_the_tip_is_back);
    tcase_add_test(tcase, who_looks_late_finds_it_back_all_the_same);
    tcase_add_test(tcase, one_block_too_far_behind_is_late);
    tcase_add_test(tcase, a_node_on_a_branch_of_its_own_is_late);
    tcase_add_test(tcase, without_branches_height_alone_counts);
    tcase_add_test(tcase, a_node_that_is_silent_or_not_ready_is_late);
    tcase_add_test(tcase, a_paused_node_is_resumed);
    tcase_add_test(tcase, one_that_is_away_is_not_late);
    tcase_add_test(tcase, the_bound_waits_for_the_others);
    tcase_add_test(tcase, a_failed_action_is_red_at_once);
    tcase_add_test(tcase, an_action_without_effect_is_red_at_once);
    tcase_add_test(tcase, the_report_adds_up);
    tcase_add_test(tcase, the_list_is_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
UNIT_TEST_MAIN(recovers_judge_suite);
