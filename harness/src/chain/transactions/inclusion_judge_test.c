/* Inclusion goes red for the right reason, and only then. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/transactions/inclusion_judge.h"
#include "evidence/findings.h"
#include "muster/chain.h"

#define WITHIN 3u
#define NODES 2u

static struct muster__tracker *tracker;
static struct muster_report report;
static struct muster_error err;
static struct muster__inclusion_node nodes[NODES];
static struct muster__inclusion_facts facts;

static void set_up(void)
{
    tracker = muster__tracker_create(100, WITHIN, 10);
    ck_assert_ptr_nonnull(tracker);
    muster__report_init(&report, "inclusion");
    err = (struct muster_error){ 0 };
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = (struct muster__inclusion_node){ .judged = true, .known = true, .common_height = 100 };
    }
    facts = (struct muster__inclusion_facts){ .began_ms = 1000,
                                              .best_height = 100,
                                              .blocks = 50,
                                              .within_blocks = WITHIN,
                                              .min_ratio = 1.0,
                                              .node_count = NODES,
                                              .nodes = nodes };
}

static void tear_down(void)
{
    muster__report_fini(&report);
    muster__tracker_destroy(tracker);
}

static struct muster_id id_of(unsigned number)
{
    struct muster_id id;
    snprintf(id.text, sizeof id.text, "note-%u", number);
    return id;
}

static void send_one(unsigned number)
{
    struct muster_submission submission = { .identity = id_of(number), .wallet = number };
    ck_assert_int_eq(muster__tracker_sent(tracker, &submission, 0, 2000), MUSTER_OK);
}

static void accept_one(unsigned number, uint64_t height)
{
    struct muster_id id = id_of(number);
    send_one(number);
    muster__tracker_accepted(tracker, &id, 1, 13300, height);
}

static void block(uint64_t height, unsigned number)
{
    struct muster_id identity = id_of(number);
    struct muster_block it = { .identity_count = 1, .identities = &identity };
    snprintf(it.id.text, sizeof it.id.text, "block-%llu", (unsigned long long)height);
    muster__tracker_block(tracker, &it, height, 2500);
}

static enum muster_rc judge(void)
{
    return muster__inclusion_judge(tracker, &facts, &report, &err);
}

static double number(const char *name)
{
    for (size_t i = 0; i < report.number_count; i++) {
        if (strcmp(report.numbers[i].name, name) == 0) {
            return report.numbers[i].value;
        }
    }
    ck_abort_msg("no number '%s' was reported", name);
}

static const char *text(const char *name)
{
    for (size_t i = 0; i < report.text_count; i++) {
        if (strcmp(report.texts[i].name, name) == 0) {
            return report.texts[i].text;
        }
    }
    ck_abort_msg("no text '%s' was reported", name);
}

#define ck_assert_says(part)                                                                                 \
    ck_assert_msg(strstr(err.text, (part)) != NULL, "\"%s\" lacks \"%s\"", err.text, part)

START_TEST(all_included_is_green)
{
    for (unsigned i = 1; i <= 5; i++) {
        accept_one(i, 10);
        block(10 + i % WITHIN + 1, i);
    }
    ck_assert_int_eq(judge(), MUSTER_OK);
    ck_assert_double_eq(number("accepted"), 5);
    ck_assert_double_eq(number("included"), 5);
    ck_assert_double_eq(number("ratio"), 1.0);
    ck_assert_double_eq(number("inclusion_ms_p50"), 500);
    ck_assert_double_eq(number("inclusion_ms_p99"), 500);
}
END_TEST

START_TEST(nothing_sent_is_red)
{
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text, "no transaction was submitted in the window");
}
END_TEST

START_TEST(no_block_is_named_as_the_reason)
{
    facts.blocks = 0;
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says(
        "no transaction was submitted in the window: each new block releases some, and no block came");
}
END_TEST

START_TEST(nothing_accepted_is_red)
{
    send_one(1);
    muster__tracker_unanswered(tracker, 1, 2100, "timed out", true);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("none of 1 transactions was accepted");
}
END_TEST

START_TEST(a_refusal_is_red_and_named)
{
    accept_one(1, 10);
    block(11, 1);
    send_one(2);
    muster__tracker_refused(tracker, 1, 9100, "HTTP 422: bad proof");
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says(
        "1 of 2 valid transactions were refused; the first by node-1 at 8.1 s: HTTP 422: bad proof");
}
END_TEST

START_TEST(one_that_no_node_takes_is_red)
{
    accept_one(1, 10);
    block(11, 1);
    send_one(2);
    muster__tracker_unanswered(tracker, 0, 5000, "connection refused", false);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("1 of 2 transactions were taken by no node");
    ck_assert_says("at 4.0 s, last asked was node-0: connection refused");
}
END_TEST

START_TEST(a_lost_one_is_red_and_listed)
{
    accept_one(1, 10);
    block(11, 1);
    accept_one(2, 90);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("of 2 accepted transactions 1 were included");
    ck_assert_says("1 lost");
    ck_assert_says(
        "note-2 of wallet 2, accepted by node-1 at 12.3 s at height 90: not included 10 blocks after");
    ck_assert_double_eq(number("lost"), 1);
    ck_assert_ptr_nonnull(strstr(text("lost"), "note-2"));
}
END_TEST

START_TEST(one_still_open_when_time_is_up_is_red)
{
    accept_one(1, 99);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("0 lost, 1 not included when the time was up");
    ck_assert_says("not included 1 blocks after acceptance");
}
END_TEST

START_TEST(a_late_one_is_red)
{
    accept_one(1, 10);
    block(10 + WITHIN + 1, 1);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("1 late");
    ck_assert_says("included at height 14, 4 blocks later");
    ck_assert_double_eq(number("late"), 1);
}
END_TEST

START_TEST(the_last_block_allowed_is_not_late)
{
    accept_one(1, 10);
    block(10 + WITHIN, 1);
    ck_assert_int_eq(judge(), MUSTER_OK);
}
END_TEST

START_TEST(a_double_spend_is_red_whatever_the_ratio)
{
    facts.min_ratio = 0.01;
    accept_one(1, 10);
    block(11, 1);
    block(12, 1);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("1 transactions were spent more than once");
    ck_assert_says("2 times on the best chain, at heights 11 and 12");
}
END_TEST

START_TEST(one_missing_on_a_node_is_red_and_names_it)
{
    accept_one(1, 10);
    block(12, 1);
    nodes[1].common_height = 11;
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("1 missing on a node, 1 of them on node-1");
    ck_assert_says("in block block-12 at height 12, which node-1 does not have");
}
END_TEST

START_TEST(a_node_of_unknown_chain_has_nothing)
{
    accept_one(1, 10);
    block(12, 1);
    nodes[0].known = false;
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("node-0 does not have");
}
END_TEST

START_TEST(a_node_that_does_not_say_has_nothing)
{
    accept_one(1, 10);
    block(12, 1);
    nodes[1].known = false;
    nodes[1].silent = "no answer within 2.0 s";
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("at height 12, which node-1 does not show: no answer within 2.0 s");
}
END_TEST

START_TEST(a_node_that_was_stopped_is_not_judged)
{
    accept_one(1, 10);
    block(12, 1);
    nodes[1] = (struct muster__inclusion_node){ .judged = false };
    ck_assert_int_eq(judge(), MUSTER_OK);
}
END_TEST

START_TEST(the_ratio_is_respected)
{
    facts.min_ratio = 0.75;
    for (unsigned i = 1; i <= 4; i++) {
        accept_one(i, 10);
    }
    for (unsigned i = 1; i <= 3; i++) {
        block(10 + i, i);
    }
    ck_assert_int_eq(judge(), MUSTER_OK);
    facts.min_ratio = 0.76;
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("ratio 0.7500, at least 0.7600 expected");
}
END_TEST

START_TEST(who_attached_to_a_network_without_the_funds_is_told)
{
    accept_one(1, 10);
    accept_one(2, 10);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("2 lost, 0 not included when the time was up, 0 late, 0 missing on a node\n");
    facts.attached = true;
    muster_error_clear(&err);
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says(
        "; none at all were: a network that was made with another MUSTER_SEED, or for another scenario, ");
    muster_error_clear(&err);
    block(11, 1); /* One was included: that is not why. */
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_says("1 lost, 0 not included when the time was up, 0 late, 0 missing on a node\n");
}
END_TEST

START_TEST(lists_are_bounded)
{
    for (unsigned i = 0; i < 50; i++) {
        accept_one(i, 10);
    }
    ck_assert_int_eq(judge(), MUSTER_EEXPECT);
    ck_assert_double_eq(number("lost"), 50);
    unsigned lines = 1;
    for (const char *c = text("lost"); *c != '\0'; c++) {
        lines += *c == '\n';
    }
    ck_assert_uint_eq(lines, MUSTER__LISTED_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inclusion_judge");
    TCase *tcase = tcase_create("inclusion_judge");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, all_included_is_green);
    tcase_add_test(tcase, nothing_sent_is_red);
    tcase_add_test(tcase, no_block_is_named_as_the_reason);
    tcase_add_test(tcase, nothing_accepted_is_red);
    tcase_add_test(tcase, a_refusal_is_red_and_named);
    tcase_add_test(tcase, one_that_no_node_takes_is_red);
    tcase_add_test(tcase, a_lost_one_is_red_and_listed);
    tcase_add_test(tcase, one_still_open_when_time_is_up_is_red);
    tcase_add_test(tcase, a_late_one_is_red);
    tcase_add_test(tcase, the_last_block_allowed_is_not_late);
    tcase_add_test(tcase, a_double_spend_is_red_whatever_the_ratio);
    tcase_add_test(tcase, one_missing_on_a_node_is_red_and_names_it);
    tcase_add_test(tcase, a_node_of_unknown_chain_has_nothing);
    tcase_add_test(tcase, a_node_that_does_not_say_has_nothing);
    tcase_add_test(tcase, a_node_that_was_stopped_is_not_judged);
    tcase_add_test(tcase, the_ratio_is_respected);
    tcase_add_test(tcase, who_attached_to_a_network_without_the_funds_is_told);
    tcase_add_test(tcase, lists_are_bounded);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
