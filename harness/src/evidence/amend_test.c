/* run.json gets its verdict whatever state it is in. */
#include "evidence/amend.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "testing/unit_test.h"

static char directory[64];
static char path[96];

static void set_up(void)
{
    snprintf(directory, sizeof directory, "/tmp/muster-amend-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/run.json", directory);
}

static void tear_down(void)
{
    ck_assert_int_eq(muster__directory_remove(directory, NULL), MUSTER_OK);
}

static void write_report(const char *text)
{
    ck_assert_int_eq(muster__file_write(path, text, strlen(text), NULL), MUSTER_OK);
}

static void amend(void)
{
    muster__amend(&(struct muster__amendment){ .directory = directory,
                                               .run_id = "7c41f09a2b",
                                               .suite = "consensus",
                                               .name = "star",
                                               .verdict = "infra",
                                               .cause = "the guardian was killed" });
}

static void assert_value(const json_t *report, const char *key, const char *wanted)
{
    ck_assert_pstr_eq(json_string_value(json_object_get(report, key)), wanted);
}

static const struct {
    const char *text;
    bool is_due;
} reports[] = {
    { NULL, true },
    { "", true },
    { "{\"verdict\": \"pa", true },
    { "[]", true },
    { "{}", true },
    { "{\"verdict\": 3}", true },
    { "{\"verdict\": \"running\"}", true },
    { "{\"verdict\": \"pass\"}", true },
    { "{\"verdict\": \"fail\"}", false },
    { "{\"verdict\": \"infra\"}", false },
    { "{\"verdict\": \"leak\"}", false },
};

START_TEST(only_a_failure_needs_no_amendment)
{
    if (reports[_i].text != NULL) {
        write_report(reports[_i].text);
    }
    ck_assert_int_eq(muster__amend_is_due(directory), reports[_i].is_due);
}
END_TEST

START_TEST(any_report_gets_verdict_and_cause)
{
    if (reports[_i].text != NULL) {
        write_report(reports[_i].text);
    }
    amend();
    json_t *report = json_load_file(path, 0, NULL);
    assert_value(report, "verdict", "infra");
    assert_value(report, "cause", "the guardian was killed");
    json_decref(report);
    ck_assert(!muster__amend_is_due(directory));
}
END_TEST

START_TEST(what_is_there_stays)
{
    write_report("{\"run_id\": \"other\", \"plan\": {\"nodes\": 3}, \"verdict\": \"running\"}");
    amend();
    json_t *report = json_load_file(path, 0, NULL);
    assert_value(report, "run_id", "other");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(report, "plan"), "nodes")), 3);
    json_decref(report);
}
END_TEST

START_TEST(what_is_made_anew_names_run_and_scenario)
{
    amend();
    json_t *report = json_load_file(path, 0, NULL);
    assert_value(report, "run_id", "7c41f09a2b");
    assert_value(report, "scenario", "consensus.star");
    json_decref(report);
}
END_TEST

static const struct {
    const char *phases;
    const char *phase;
    const char *wanted;
} ends[] = {
    { "[{\"name\": \"execute\", \"ended_ms\": null}]", "execute", "execute 500, clean_up 800" },
    { "[{\"name\": \"execute\", \"ended_ms\": null}]", "settle", "execute 0, clean_up 800" },
    { "[{\"name\": \"settle\", \"ended_ms\": 3}, {\"name\": \"clean_up\", \"ended_ms\": null}]", "clean_up",
      "settle 3, clean_up 800" },
    { "[]", "deploy", "clean_up 800" },
    { "3", "deploy", "" },
};

START_TEST(phases_are_ended)
{
    char text[256];
    char found[128] = "";
    snprintf(text, sizeof text, "{\"phases\": %s}", ends[_i].phases);
    write_report(text);
    muster__amend(&(struct muster__amendment){ .directory = directory,
                                               .run_id = "7c41f09a2b",
                                               .verdict = "fail",
                                               .cause = "the test was killed",
                                               .phase = ends[_i].phase,
                                               .gone_ms = 500,
                                               .cleaned_up_ms = 800 });
    json_t *report = json_load_file(path, 0, NULL);
    const json_t *phases = json_object_get(report, "phases");
    for (size_t i = 0; i < json_array_size(phases); i++) {
        const json_t *phase = json_array_get(phases, i);
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s %lld", i == 0 ? "" : ", ",
                 json_string_value(json_object_get(phase, "name")),
                 (long long)json_integer_value(json_object_get(phase, "ended_ms")));
    }
    json_decref(report);
    ck_assert_str_eq(found, ends[_i].wanted);
}
END_TEST

static Suite *amend_suite(void)
{
    int count = (int)(sizeof reports / sizeof reports[0]);
    Suite *suite = suite_create("amend");
    TCase *tcase = tcase_create("amend");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, only_a_failure_needs_no_amendment, 0, count);
    tcase_add_loop_test(tcase, any_report_gets_verdict_and_cause, 0, count);
    tcase_add_loop_test(tcase, phases_are_ended, 0, sizeof ends / sizeof ends[0]);
    tcase_add_test(tcase, what_is_there_stays);
    tcase_add_test(tcase, what_is_made_anew_names_run_and_scenario);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(amend_suite);
