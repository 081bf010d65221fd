/* Transactions from sent to final, through reorgs, within a bound of memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/transactions/tracker.h"
#include "muster/chain.h"

#define CAPACITY 16u
#define WITHIN 3u
#define DEPTH 4u

static struct muster__tracker *tracker;

static void set_up(void)
{
    tracker = muster__tracker_create(CAPACITY, WITHIN, DEPTH);
    ck_assert_ptr_nonnull(tracker);
}

static void tear_down(void)
{
    muster__tracker_destroy(tracker);
}

static struct muster_id id_of(unsigned number)
{
    struct muster_id id;
    snprintf(id.text, sizeof id.text, "note-%u", number);
    return id;
}

static enum muster_rc send(unsigned number)
{
    struct muster_submission submission = { .identity = id_of(number), .wallet = number };
    return muster__tracker_sent(tracker, &submission, 0, 1000 + number);
}

static void accept(unsigned number, uint64_t height)
{
    struct muster_id id = id_of(number);
    ck_assert_int_eq(send(number), MUSTER_OK);
    muster__tracker_accepted(tracker, &id, 1, 2000, height);
}

/* A block of the transactions first to last at a height. */
static void block(uint64_t height, unsigned first, unsigned last)
{
    struct muster_id identities[CAPACITY * 2];
    struct muster_block it = { .identities = identities, .height = height };
    snprintf(it.id.text, sizeof it.id.text, "block-%llu", (unsigned long long)height);
    for (unsigned i = first; i <= last; i++) {
        identities[it.identity_count++] = id_of(i);
    }
    muster__tracker_block(tracker, &it, height, 3000 + height);
}

static void empty_blocks(uint64_t first, uint64_t last)
{
    for (uint64_t height = first; height <= last; height++) {
        block(height, 1, 0);
    }
}

static struct muster__counts counts(void)
{
    struct muster__counts ret;
    muster__tracker_counts(tracker, &ret);
    return ret;
}

static void copy_first(void *context, const struct muster__record *record)
{
    struct muster__record *ret = context;
    if (ret->sent_ms == 0) {
        *ret = *record;
    }
}

static struct muster__record first_record(void)
{
    struct muster__record ret = { 0 };
    muster__tracker_each(tracker, copy_first, &ret);
    return ret;
}

START_TEST(follows_one_from_sent_to_final)
{
    uint64_t height = 0;
    accept(1, 10);
    ck_assert(!muster__tracker_settled(tracker, &height));
    block(11, 1, 1);
    ck_assert(muster__tracker_settled(tracker, &height));
    ck_assert_uint_eq(height, 11);
    ck_assert_uint_eq(counts().included, 1);
    ck_assert_uint_eq(counts().final, 0);
    empty_blocks(12, 14);
    ck_assert_uint_eq(counts().final, 0);
    empty_blocks(15, 15);
    ck_assert_uint_eq(counts().final, 1);
    struct muster__record record = first_record();
    ck_assert_uint_eq(record.wallet, 1);
    ck_assert_uint_eq(record.node, 1);
    ck_assert_uint_eq(record.accepted_height, 10);
    ck_assert_uint_eq(record.first_height, 11);
    ck_assert_uint_eq(record.included_ms, 3011);
    ck_assert_str_eq(record.block.text, "block-11");
}
END_TEST

START_TEST(an_answer_under_way_is_not_settled)
{
    uint64_t height = 0;
    ck_assert(muster__tracker_settled(tracker, &height));
    ck_assert_int_eq(send(1), MUSTER_OK);
    ck_assert(!muster__tracker_settled(tracker, &height));
    muster__tracker_unanswered(tracker, 0, 5, "timed out", true);
    ck_assert(muster__tracker_settled(tracker, &height));
    ck_assert_uint_eq(counts().cut_off, 1);
    ck_assert_uint_eq(counts().unanswered, 0);
}
END_TEST

START_TEST(a_reorg_takes_inclusion_back)
{
    uint64_t height = 0;
    accept(1, 10);
    accept(2, 10);
    block(11, 1, 1);
    block(12, 2, 2);
    muster__tracker_reorg(tracker, 11);
    ck_assert_uint_eq(counts().included, 1);
    ck_assert(!muster__tracker_settled(tracker, &height));
    block(12, 1, 0);
    block(13, 2, 2);
    ck_assert_uint_eq(counts().included, 2);
    ck_assert(muster__tracker_settled(tracker, &height));
    ck_assert_uint_eq(height, 13);
}
END_TEST

START_TEST(a_reorg_takes_finality_back)
{
    accept(1, 10);
    block(11, 1, 1);
    empty_blocks(12, 15);
    ck_assert_uint_eq(counts().final, 1);
    muster__tracker_reorg(tracker, 10);
    ck_assert_uint_eq(counts().final, 0);
    ck_assert_uint_eq(counts().included, 0);
}
END_TEST

START_TEST(a_second_appearance_is_counted_and_taken_back)
{
    accept(1, 10);
    block(11, 1, 1);
    block(12, 1, 1);
    struct muster__record record = first_record();
    ck_assert_uint_eq(record.appearances, 2);
    ck_assert_uint_eq(record.first_height, 11);
    ck_assert_uint_eq(record.included_height, 12);
    muster__tracker_reorg(tracker, 11);
    record = first_record();
    ck_assert_uint_eq(record.appearances, 1);
    ck_assert_uint_eq(record.included_height, 11);
    ck_assert_uint_eq(counts().included, 1);
}
END_TEST

START_TEST(an_answer_may_come_after_the_block)
{
    struct muster_id id = id_of(1);
    uint64_t height = 0;
    ck_assert_int_eq(send(1), MUSTER_OK);
    block(11, 1, 1);
    ck_assert_uint_eq(counts().included, 0);
    muster__tracker_accepted(tracker, &id, 0, 9, 11);
    ck_assert_uint_eq(counts().included, 1);
    ck_assert(muster__tracker_settled(tracker, &height));
}
END_TEST

START_TEST(one_sent_again_after_a_refusal_is_the_same)
{
    struct muster__rebuff refused;
    struct muster__rebuff unanswered;
    ck_assert_int_eq(send(1), MUSTER_OK);
    muster__tracker_refused(tracker, 2, 77, "no such note");
    accept(1, 10);
    ck_assert_uint_eq(counts().sent, 1);
    ck_assert_uint_eq(counts().refused, 1);
    ck_assert_uint_eq(counts().accepted, 1);
    ck_assert_uint_eq(counts().in_flight, 0);
    muster__tracker_rebuffs(tracker, &refused, &unanswered);
    ck_assert(refused.known);
    ck_assert_uint_eq(refused.node, 2);
    ck_assert_uint_eq(refused.at_ms, 77);
    ck_assert_str_eq(refused.text, "no such note");
    ck_assert(!unanswered.known);
}
END_TEST

START_TEST(strangers_in_a_block_do_not_count)
{
    accept(1, 10);
    block(11, 5, 9);
    ck_assert_uint_eq(counts().included, 0);
}
END_TEST

START_TEST(what_is_final_and_good_makes_room)
{
    for (unsigned i = 0; i < CAPACITY; i++) {
        accept(i, 10);
    }
    ck_assert_int_eq(send(100), MUSTER_ESTATE);
    block(11, 0, CAPACITY - 1);
    ck_assert_int_eq(send(100), MUSTER_ESTATE);
    empty_blocks(12, 15);
    ck_assert_int_eq(send(100), MUSTER_OK);
    ck_assert_uint_gt(counts().retired, 0);
    ck_assert_uint_eq(counts().included, CAPACITY);
    ck_assert_uint_eq(counts().final, CAPACITY);
}
END_TEST

START_TEST(what_is_late_or_lost_stays_in_memory)
{
    for (unsigned i = 0; i < CAPACITY; i++) {
        accept(i, 10);
    }
    empty_blocks(11, 13);
    block(14, 0, CAPACITY - 2); /* All too late but the last, which is lost. */
    empty_blocks(15, 30);
    ck_assert_int_eq(send(100), MUSTER_ESTATE);
    ck_assert_uint_eq(counts().retired, 0);
}
END_TEST

/* A long run: far more transactions than fit, with a reorg now and then. */
START_TEST(memory_stays_bounded_in_a_long_run)
{
    for (unsigned i = 1; i <= 5000; i++) {
        accept(i, i);
        block(i + 1, i, i);
        if (i % 7 == 0) {
            muster__tracker_reorg(tracker, i - 1);
            block(i, i - 1, i - 1);
            block(i + 1, i, i);
        }
    }
    ck_assert_uint_eq(counts().sent, 5000);
    ck_assert_uint_eq(counts().included, 5000);
    ck_assert_uint_ge(counts().retired, 5000 - CAPACITY);
}
END_TEST

static Suite *tracker_suite(void)
{
    Suite *suite = suite_create("tracker");
    TCase *tcase = tcase_create("tracker");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, follows_one_from_sent_to_final);
    tcase_add_test(tcase, an_answer_under_way_is_not_settled);
    tcase_add_test(tcase, a_reorg_takes_inclusion_back);
    tcase_add_test(tcase, a_reorg_takes_finality_back);
    tcase_add_test(tcase, a_second_appearance_is_counted_and_taken_back);
    tcase_add_test(tcase, an_answer_may_come_after_the_block);
    tcase_add_test(tcase, one_sent_again_after_a_refusal_is_the_same);
    tcase_add_test(tcase, strangers_in_a_block_do_not_count);
    tcase_add_test(tcase, what_is_final_and_good_makes_room);
    tcase_add_test(tcase, what_is_late_or_lost_stays_in_memory);
    tcase_add_test(tcase, memory_stays_bounded_in_a_long_run);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(tracker_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
