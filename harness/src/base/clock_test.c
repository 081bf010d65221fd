#include "muster/clock.h"

#include <limits.h>
#include <time.h>

#include "testing/unit_test.h"

START_TEST(timestamps_are_rfc_3339)
{
    char text[MUSTER_TIMESTAMP_BYTES];
    ck_assert_str_eq(muster_clock_format(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(muster_clock_format(1767319445678, text), "2026-01-02T02:04:05.678Z");
    ck_assert_str_eq(muster_clock_format(951782400007, text), "2000-02-29T00:00:00.007Z");
    ck_assert_str_eq(muster_clock_format(253402300799999, text), "9999-12-31T23:59:59.999Z");
    ck_assert_ptr_eq(muster_clock_format(UINT64_MAX, text), text);
    ck_assert_uint_lt(strlen(text), MUSTER_TIMESTAMP_BYTES);
}
END_TEST

START_TEST(milliseconds_and_microseconds_are_one_clock)
{
    uint64_t before_ms = muster_clock_ms();
    uint64_t between_us = muster_clock_us();
    uint64_t after_ms = muster_clock_ms();
    ck_assert_uint_gt(before_ms, 0);
    ck_assert_uint_le(before_ms, between_us / 1000);
    ck_assert_uint_le(between_us / 1000, after_ms);
}
END_TEST

START_TEST(wall_time_is_that_of_time)
{
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t wall_ms = muster_clock_wall_ms();
    /* time() may lag the precise clock by one tick of the kernel. */
    ck_assert_uint_ge(wall_ms / 1000, before_s);
    ck_assert_uint_le(wall_ms / 1000, (uint64_t)time(NULL) + 1);
}
END_TEST

START_TEST(time_left_is_bounded)
{
    uint64_t now_ms = muster_clock_ms();
    ck_assert_int_eq(muster_clock_left_ms(0), 0);
    ck_assert_int_eq(muster_clock_left_ms(now_ms), 0);
    ck_assert_int_eq(muster_clock_left_ms(UINT64_MAX), INT_MAX);
    int left_ms = muster_clock_left_ms(now_ms + 1000000);
    ck_assert_int_gt(left_ms, 0);
    ck_assert_int_le(left_ms, 1000000);
}
END_TEST

START_TEST(seconds_may_be_fractions)
{
    ck_assert_int_eq(MUSTER_SECONDS(60), 60000);
    ck_assert_int_eq(MUSTER_SECONDS(0.25), 250);
    ck_assert_int_eq(MUSTER_SECONDS(-1), -1000);
    ck_assert_int_eq(MUSTER_SECONDS(24 * 60 * 60), MUSTER_DAY_MS);
}
END_TEST

static Suite *clock_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_test(tcase, timestamps_are_rfc_3339);
    tcase_add_test(tcase, milliseconds_and_microseconds_are_one_clock);
    tcase_add_test(tcase, wall_time_is_that_of_time);
    tcase_add_test(tcase, time_left_is_bounded);
    tcase_add_test(tcase, seconds_may_be_fractions);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(clock_suite);
