/* Submissions follow the chain: so many for each block, spread over an interval. */
#include <check.h>
#include <stdlib.h>

#include "chain/transactions/pace.h"

#define INTERVAL_US 1000000u

static struct muster__pace make(uint32_t rate)
{
    return (struct muster__pace){ .random = muster_random_stream(7, "pace"),
                                  .rate = rate,
                                  .interval_us = INTERVAL_US };
}

/* Takes what is due up to a time, in steps of a millisecond; returns how many and when the last was. */
static unsigned drain(struct muster__pace *pace, uint64_t from_us, uint64_t until_us, uint64_t *last_us)
{
    unsigned count = 0;
    for (uint64_t now_us = from_us; now_us <= until_us; now_us += 1000) {
        while (muster__pace_take(pace, now_us)) {
            count++;
            *last_us = now_us;
        }
    }
    return count;
}

START_TEST(nothing_is_due_without_a_block)
{
    uint64_t last_us = 0;
    struct muster__pace pace = make(20);
    ck_assert_uint_eq(drain(&pace, 0, 10 * INTERVAL_US, &last_us), 0);
    ck_assert_uint_eq(muster__pace_wait_ms(&pace, 0, 50), 50);
}
END_TEST

START_TEST(a_block_releases_its_rate_over_an_interval)
{
    uint64_t last_us = 0;
    struct muster__pace pace = make(20);
    ck_assert_uint_eq(muster__pace_block(&pace, 1, 5000), 0);
    ck_assert_uint_le(drain(&pace, 5000, 5000 + INTERVAL_US / 4, &last_us), 10);
    unsigned rest = drain(&pace, 5000 + INTERVAL_US / 4, 5000 + 2 * INTERVAL_US, &last_us);
    ck_assert_uint_ge(rest, 10);
    ck_assert_uint_eq(pace.owed, 0);
    /* Spread: jitter may carry the last one a little beyond. */
    ck_assert_uint_gt(last_us, INTERVAL_US / 2);
    ck_assert_uint_lt(last_us, 5000 + INTERVAL_US * 3 / 2);
}
END_TEST

START_TEST(a_reorg_does_not_release_twice)
{
    struct muster__pace pace = make(5);
    muster__pace_block(&pace, 10, 0);
    muster__pace_block(&pace, 9, 0);
    muster__pace_block(&pace, 10, 0);
    ck_assert_uint_eq(pace.owed, 5);
    muster__pace_block(&pace, 11, 0);
    ck_assert_uint_eq(pace.owed, 10);
}
END_TEST

START_TEST(what_is_late_goes_out_with_the_next)
{
    uint64_t last_us = 0;
    struct muster__pace pace = make(10);
    muster__pace_block(&pace, 1, 0);
    muster__pace_block(&pace, 2, 0);
    ck_assert_uint_eq(drain(&pace, 0, 2 * INTERVAL_US, &last_us), 20);
    ck_assert_uint_lt(last_us, INTERVAL_US * 3 / 2);
}
END_TEST

START_TEST(what_cannot_be_sent_is_held_back)
{
    uint64_t held_back = 0;
    struct muster__pace pace = make(3);
    for (uint64_t height = 1; height <= 100; height++) {
        held_back += muster__pace_block(&pace, height, 0);
    }
    ck_assert_uint_eq(pace.owed, 3 * MUSTER__PACE_OWED_BLOCKS_MAX);
    ck_assert_uint_eq(held_back, 300 - 3 * MUSTER__PACE_OWED_BLOCKS_MAX);
}
END_TEST

START_TEST(one_seed_gives_one_sequence)
{
    struct muster__pace one = make(8);
    struct muster__pace two = make(8);
    muster__pace_block(&one, 1, 0);
    muster__pace_block(&two, 1, 0);
    for (uint64_t now_us = 0; now_us < 2 * INTERVAL_US; now_us += 500) {
        ck_assert_int_eq(muster__pace_take(&one, now_us), muster__pace_take(&two, now_us));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tcase = tcase_create("pace");
    tcase_add_test(tcase, nothing_is_due_without_a_block);
    tcase_add_test(tcase, a_block_releases_its_rate_over_an_interval);
    tcase_add_test(tcase, a_reorg_does_not_release_twice);
    tcase_add_test(tcase, what_is_late_goes_out_with_the_next);
    tcase_add_test(tcase, what_cannot_be_sent_is_held_back);
    tcase_add_test(tcase, one_seed_gives_one_sequence);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
