/* What an expectation reports, and how it is written down. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/findings.h"

static struct muster_report report;

static void set_up(void)
{
    muster__report_init(&report, "inclusion");
}

static void tear_down(void)
{
    muster__report_fini(&report);
}

static json_t *to_json(void)
{
    json_t *json = muster__report_to_json(&report);
    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *verdict_of(const json_t *json)
{
    return json_string_value(json_object_get(json, "verdict"));
}

START_TEST(says_what_became_of_it)
{
    json_t *json = to_json();
    ck_assert_str_eq(json_string_value(json_object_get(json, "name")), "inclusion");
    ck_assert_str_eq(verdict_of(json), "not judged");
    json_decref(json);
    report.judged = true;
    json = to_json();
    ck_assert_str_eq(verdict_of(json), "pass");
    json_decref(json);
    muster_error_set(&report.err, MUSTER_EEXPECT, "3 lost");
    json = to_json();
    ck_assert_str_eq(verdict_of(json), "fail");
    ck_assert_str_eq(json_string_value(json_object_get(json, "text")), "3 lost");
    json_decref(json);
}
END_TEST

START_TEST(numbers_are_kept_and_replaced_by_name)
{
    muster_report_number(&report, "sent", 3);
    muster_report_number(&report, "ratio", 0.5);
    muster_report_number(&report, "sent", 4);
    json_t *json = to_json();
    json_t *numbers = json_object_get(json, "numbers");
    ck_assert_uint_eq(json_object_size(numbers), 2);
    ck_assert(json_is_integer(json_object_get(numbers, "sent")));
    ck_assert_int_eq(json_integer_value(json_object_get(numbers, "sent")), 4);
    ck_assert_double_eq(json_real_value(json_object_get(numbers, "ratio")), 0.5);
    json_decref(json);
}
END_TEST

START_TEST(what_json_has_no_number_for_is_null)
{
    muster_report_number(&report, "endless", INFINITY);
    muster_report_number(&report, "nothing", NAN);
    json_t *json = to_json();
    ck_assert(json_is_null(json_object_get(json_object_get(json, "numbers"), "endless")));
    ck_assert(json_is_null(json_object_get(json_object_get(json, "numbers"), "nothing")));
    json_decref(json);
}
END_TEST

START_TEST(numbers_and_texts_are_bounded)
{
    for (unsigned i = 0; i < 100; i++) {
        char name[200];
        snprintf(name, sizeof name,
                 "%u-with-a-name-that-is-far-longer-than-any-name-of-a-number-should-ever-be", i);
        muster_report_number(&report, name, i);
        muster_report_text(&report, name, "%u", i);
    }
    ck_assert_uint_eq(report.number_count, MUSTER__REPORT_NUMBERS_MAX);
    ck_assert_uint_eq(report.text_count, MUSTER__REPORT_TEXTS_MAX);
    ck_assert_uint_eq(strlen(report.numbers[0].name), MUSTER_NAME_BYTES - 1);
}
END_TEST

START_TEST(any_bytes_become_valid_json)
{
    muster_report_text(&report, "lost", "%s", "note \xff\xfe of a node\n");
    muster_error_set(&report.err, MUSTER_EEXPECT, "node-1 said \x80\x81");
    json_t *json = to_json();
    const char *text = json_string_value(json_object_get(json_object_get(json, "texts"), "lost"));
    ck_assert_str_eq(text, "note ?? of a node\n");
    ck_assert_str_eq(json_string_value(json_object_get(json, "text")), "node-1 said ??");
    json_decref(json);
}
END_TEST

START_TEST(cleared_it_is_empty_again)
{
    muster_report_number(&report, "sent", 3);
    muster_report_text(&report, "lost", "one");
    muster__report_clear(&report);
    ck_assert_uint_eq(report.number_count, 0);
    ck_assert_uint_eq(report.text_count, 0);
    ck_assert_str_eq(report.name, "inclusion");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, says_what_became_of_it);
    tcase_add_test(tcase, numbers_are_kept_and_replaced_by_name);
    tcase_add_test(tcase, what_json_has_no_number_for_is_null);
    tcase_add_test(tcase, numbers_and_texts_are_bounded);
    tcase_add_test(tcase, any_bytes_become_valid_json);
    tcase_add_test(tcase, cleared_it_is_empty_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
