/* Liveness while nodes are down on purpose: fewer blocks are expected then, but not none. */
#include <string.h>

#include "chain/liveness/binomial.h"
#include "chain/liveness/judge.h"
#include "evidence/findings.h"
#include "testing/unit_test.h"

#define RECOVERY_MS 600u

static const struct muster__stretch window = { .began_ms = 10000, .ended_ms = 16000 };

static size_t count(const struct muster__stretch *outages, size_t outage_count, struct muster__slots *slots)
{
    return muster__slots_of_outages(0, 200, window, outages, outage_count, RECOVERY_MS, slots);
}

START_TEST(the_slots_of_an_outage_begin_one_after_it_and_end_with_it)
{
    struct muster__slots slots[1];
    const struct muster__stretch outages[] = { { .began_ms = 11000, .ended_ms = 12000 + RECOVERY_MS } };
    ck_assert_uint_eq(count(outages, 1, slots), 1);
    ck_assert_uint_eq(slots[0].from, 56);
    ck_assert_uint_eq(slots[0].to, 59);
}
END_TEST

START_TEST(an_outage_that_lasts_ends_with_the_window)
{
    struct muster__slots slots[1];
    const struct muster__stretch outages[] = { { .began_ms = 15000, .ended_ms = UINT64_MAX } };
    ck_assert_uint_eq(count(outages, 1, slots), 1);
    ck_assert_uint_eq(slots[0].from, 76);
    ck_assert_uint_eq(slots[0].to, 79);
}
END_TEST

START_TEST(a_short_outage_has_no_slots)
{
    struct muster__slots slots[1];
    const struct muster__stretch outages[] = { { .began_ms = 11000, .ended_ms = 11300 + RECOVERY_MS } };
    ck_assert_uint_eq(count(outages, 1, slots), 0);
}
END_TEST

/* While the one before recovers, one more is missing than is down. */
START_TEST(the_next_outage_counts_from_the_recovery)
{
    struct muster__slots slots[2];
    const struct muster__stretch outages[] = { { .began_ms = 10000, .ended_ms = 12000 + RECOVERY_MS },
                                               { .began_ms = 12100, .ended_ms = 14000 + RECOVERY_MS } };
    ck_assert_uint_eq(count(outages, 2, slots), 2);
    ck_assert_uint_eq(slots[0].to, 59);
    ck_assert_uint_eq(slots[1].from, 63);
    ck_assert_uint_eq(slots[1].to, 69);
}
END_TEST

START_TEST(outages_outside_the_window_have_no_slots)
{
    struct muster__slots slots[2];
    const struct muster__stretch outages[] = { { .began_ms = 5000, .ended_ms = 9000 },
                                               { .began_ms = 17000, .ended_ms = 19000 } };
    ck_assert_uint_eq(count(outages, 2, slots), 0);
}
END_TEST

START_TEST(the_rate_falls_with_the_stake)
{
    ck_assert_double_eq_tol(muster__liveness_rate(0.5, 1.0), 0.5, 1e-12);
    ck_assert_double_eq_tol(muster__liveness_rate(0.75, 0.5), 0.5, 1e-12);
    ck_assert_double_eq_tol(muster__liveness_rate(0.5, 0.0), 0.0, 1e-12);
    ck_assert_double_eq_tol(muster__liveness_rate(1.0, 0.75), 1.0, 1e-12);
}
END_TEST

/* ---- Judging ---- */

static struct muster__liveness_facts facts_of(uint64_t outage_slots, uint64_t outage_won)
{
    return (struct muster__liveness_facts){ .window_s = 10,
                                            .slot_ms = 200,
                                            .active_slot_coeff = 0.5,
                                            .false_alarm = 1e-6,
                                            .has_slots = true,
                                            .slots = 12,
                                            .won = 5,
                                            .outage_slots = outage_slots,
                                            .outage_won = outage_won,
                                            .outage_share_up = 0.75,
                                            .blocks = 12,
                                            .silent_ms_max = 3000 };
}

static enum muster_rc judge(const struct muster__liveness_facts *facts, struct muster_error *err)
{
    struct muster_report report;
    muster__report_init(&report, "consensus_liveness");
    enum muster_rc rc = muster__liveness_judge_blocks(facts, &report, err);
    muster__report_fini(&report);
    return rc;
}

START_TEST(a_chain_that_goes_on_without_a_node_is_green)
{
    struct muster_error err = { 0 };
    struct muster__liveness_facts facts = facts_of(40, 14);
    ck_assert_msg(judge(&facts, &err) == MUSTER_OK, "%s", err.text);
}
END_TEST

START_TEST(a_chain_that_stands_while_a_node_is_down_is_red)
{
    struct muster_error err = { 0 };
    struct muster__liveness_facts facts = facts_of(40, 0);
    facts.won = 12; /* Whatever the others make. */
    ck_assert_int_eq(judge(&facts, &err), MUSTER_EEXPECT);
    ck_assert_msg(strstr(err.text,
                         "blocks were made in 0 of 40 slots of the window, 40 of them while nodes were down "
                         "on purpose; with never less than 75 % of the nodes up at least 2 are expected") !=
                      NULL,
                  "%s", err.text);
}
END_TEST

/* 16 empty slots alone prove nothing, nor do few blocks in the other 30; both together do. */
START_TEST(all_slots_together_are_judged_where_neither_can_be)
{
    struct muster_error err = { 0 };
    struct muster__liveness_facts facts = facts_of(16, 0);
    facts.slots = 30;
    facts.won = 3;
    facts.active_slot_coeff = 0.6;
    uint64_t least = muster__binomial_least(46, muster__liveness_rate(0.6, 0.75), 1e-6 / 3);
    ck_assert_uint_gt(least, 4);
    facts.won = least - 1;
    ck_assert_uint_ge(facts.won, muster__binomial_least(30, 0.6, 1e-6 / 3));
    ck_assert_int_eq(judge(&facts, &err), MUSTER_EEXPECT);
    ck_assert_msg(strstr(err.text, " of 46 slots of the window, 16 of them while nodes were down") != NULL,
                  "%s", err.text);
    facts.outage_won = 1;
    muster_error_clear(&err);
    ck_assert_msg(judge(&facts, &err) == MUSTER_OK, "%s", err.text);
}
END_TEST

static Suite *liveness_outages_suite(void)
{
    Suite *suite = suite_create("liveness_outages");
    TCase *tcase = tcase_create("liveness_outages");
    tcase_add_test(tcase, the_slots_of_an_outage_begin_one_after_it_and_end_with_it);
    tcase_add_test(tcase, an_outage_that_lasts_ends_with_the_window);
    tcase_add_test(tcase, a_short_outage_has_no_slots);
    tcase_add_test(tcase, the_next_outage_counts_from_the_recovery);
    tcase_add_test(tcase, outages_outside_the_window_have_no_slots);
    tcase_add_test(tcase, the_rate_falls_with_the_stake);
    tcase_add_test(tcase, a_chain_that_goes_on_without_a_node_is_green);
    tcase_add_test(tcase, a_chain_that_stands_while_a_node_is_down_is_red);
    tcase_add_test(tcase, all_slots_together_are_judged_where_neither_can_be);
    suite_add_tcase(suite, tcase);
    return suite;
}
UNIT_TEST_MAIN(liveness_outages_suite);
