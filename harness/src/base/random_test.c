#include "muster/random.h"

#include <stdbool.h>
#include <string.h>

#include "testing/unit_test.h"

START_TEST(same_seed_and_label_give_the_same_stream)
{
    struct muster_random one = muster_random_stream(42, "keys");
    struct muster_random two = muster_random_stream(42, "keys");
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(muster_random_below(&one, 1000003), muster_random_below(&two, 1000003));
    }
}
END_TEST

/* Runs must repeat after an upgrade of muster too. */
START_TEST(streams_stay_as_they_are)
{
    struct muster_random random = muster_random_stream(1, "keys");
    ck_assert_uint_eq(muster_random_below(&random, 1000000), 38358);
    ck_assert_uint_eq(muster_random_below(&random, UINT64_MAX), 16495546043640226534u);
}
END_TEST

START_TEST(other_seeds_and_labels_give_other_streams)
{
    struct muster_random streams[] = {
        muster_random_stream(1, "keys"),
        muster_random_stream(2, "keys"),
        muster_random_stream(1, "pacing"),
        muster_random_stream(1, ""),
        muster_random_stream(0, ""),
        muster_random_stream(0, "keys"),
        muster_random_stream(UINT64_MAX, "keys"),
        muster_random_stream(1ull << 63, "keys"),
    };
    size_t count = sizeof streams / sizeof streams[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_int_ne(memcmp(&streams[i], &streams[j], sizeof streams[i]), 0);
        }
    }
}
END_TEST

START_TEST(draws_stay_below_any_bound)
{
    static const uint64_t bounds[] = {
        1, 2, 3, 7, 1000, 1ull << 32, (1ull << 32) + 1, 3ull << 61, UINT64_MAX
    };
    struct muster_random random = muster_random_stream(7, "bounds");
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        uint64_t largest = 0;
        for (int draw = 0; draw < 2000; draw++) {
            uint64_t value = muster_random_below(&random, bounds[i]);
            ck_assert_uint_lt(value, bounds[i]);
            largest = value > largest ? value : largest;
        }
        /* The top half is met: wide bounds are really used. */
        ck_assert_uint_ge(largest, bounds[i] / 2);
    }
}
END_TEST

/* The seed is fixed, so that this holds or does not, always. 3/4 of 2^64 is where a plain modulo would
 * favour the lowest third by two to one. */
START_TEST(no_part_of_the_range_is_favoured)
{
    struct muster_random random = muster_random_stream(7, "thirds");
    int thirds[3] = { 0 };
    for (int i = 0; i < 30000; i++) {
        thirds[muster_random_below(&random, 3ull << 62) >> 62]++;
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(thirds[i], 9500);
        ck_assert_int_lt(thirds[i], 10500);
    }
}
END_TEST

START_TEST(small_bounds_are_even_too)
{
    struct muster_random random = muster_random_stream(7, "dice");
    int sides[6] = { 0 };
    for (int i = 0; i < 60000; i++) {
        sides[muster_random_below(&random, 6)]++;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_int_gt(sides[i], 9500);
        ck_assert_int_lt(sides[i], 10500);
    }
}
END_TEST

START_TEST(between_includes_both_ends)
{
    struct muster_random random = muster_random_stream(7, "ends");
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = muster_random_between(&random, 10, 12);
        ck_assert(value >= 10 && value <= 12);
        low = low || value == 10;
        high = high || value == 12;
    }
    ck_assert(low && high);
    ck_assert_uint_eq(muster_random_between(&random, 5, 5), 5);
    ck_assert_uint_eq(muster_random_between(&random, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    (void)muster_random_between(&random, 0, UINT64_MAX);
}
END_TEST

START_TEST(unit_is_below_one)
{
    struct muster_random random = muster_random_stream(7, "unit");
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double value = muster_random_unit(&random);
        ck_assert(value >= 0 && value < 1);
        sum += value;
    }
    ck_assert_double_gt(sum, 4800);
    ck_assert_double_lt(sum, 5200);
}
END_TEST

START_TEST(new_seeds_differ)
{
    uint64_t one = muster_random_new_seed();
    uint64_t two = muster_random_new_seed();
    ck_assert_uint_ne(one, two);
    ck_assert_uint_lt(one, 1ull << 48);
}
END_TEST

static Suite *random_suite(void)
{
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");
    tcase_add_test(tcase, same_seed_and_label_give_the_same_stream);
    tcase_add_test(tcase, streams_stay_as_they_are);
    tcase_add_test(tcase, other_seeds_and_labels_give_other_streams);
    tcase_add_test(tcase, draws_stay_below_any_bound);
    tcase_add_test(tcase, no_part_of_the_range_is_favoured);
    tcase_add_test(tcase, small_bounds_are_even_too);
    tcase_add_test(tcase, between_includes_both_ends);
    tcase_add_test(tcase, unit_is_below_one);
    tcase_add_test(tcase, new_seeds_differ);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(random_suite);
