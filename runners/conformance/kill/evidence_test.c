/* The check of evidence goes red for each thing that can be wrong with it. */
#include "kill/evidence.h"

#include "kill/testing.h"
#include "testing/unit_test.h"

static const char good_report[] = "{\"verdict\": \"fail\", \"cause\": \"the test's process ended\"}";
static const struct evidence expected = { .must_be_kept = true, .verdict = "fail", .nodes_with_logs = 1 };

static void make_sound(void)
{
    testing_begin();
    testing_make_ledger(true, false);
    testing_put("run.json", good_report);
    testing_put("nodes/node-0/stdout.log", "ready\n");
}

static void assert_complains(const struct evidence *wanted, const char *text)
{
    struct complaint complaint = { "" };
    evidence_check(&trace, wanted, &complaint);
    ck_assert_msg(strstr(complaint.text, text) != NULL, "'%s' is not in '%s'", text, complaint.text);
}

static void drop(const char *name)
{
    char path[MUSTER__PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", trace.directory, name);
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(sound_evidence_is_fine)
{
    struct complaint complaint = { "" };
    evidence_check(&trace, &expected, &complaint);
    ck_assert_str_eq(complaint.text, "");
}
END_TEST

START_TEST(an_open_ledger_is_not)
{
    drop("ledger.jsonl");
    testing_make_ledger(false, false);
    assert_complains(&expected, "the ledger is not closed");
    ck_assert(!evidence_is_closed(&trace));
}
END_TEST

START_TEST(a_missing_ledger_is_not)
{
    drop("ledger.jsonl");
    assert_complains(&expected, "no ledger");
}
END_TEST

START_TEST(a_missing_report_is_not)
{
    drop("run.json");
    assert_complains(&expected, "run.json: ");
}
END_TEST

static const struct {
    const char *report;
    const char *complaint;
} reports[] = {
    { "{\"verdict\": \"running\", \"cause\": \"x\"}", "the verdict 'running'" },
    { "{\"verdict\": \"pass\", \"cause\": \"x\"}", "the verdict 'pass'" },
    { "{\"verdict\": \"leak\", \"cause\": \"x\"}", "the verdict 'leak'" },
    { "{\"verdict\": \"infra\", \"cause\": \"x\"}", "the verdict 'infra' instead of 'fail'" },
    { "{\"cause\": \"x\"}", "the verdict ''" },
    { "{\"verdict\": \"fail\", \"cause\": \"\"}", "names no cause" },
    { "{\"verdict\": \"fail\"}", "names no cause" },
    { "{\"verdict\": \"fa", "run.json: " },
};

START_TEST(a_report_that_does_not_say_it_failed_is_not)
{
    testing_put("run.json", reports[_i].report);
    assert_complains(&expected, reports[_i].complaint);
}
END_TEST

START_TEST(any_failure_will_do_where_none_is_named)
{
    const struct evidence any = { .must_be_kept = true };
    struct complaint complaint = { "" };
    testing_put("run.json", "{\"verdict\": \"infra\", \"cause\": \"x\"}");
    evidence_check(&trace, &any, &complaint);
    ck_assert_str_eq(complaint.text, "");
    testing_put("run.json", "{\"verdict\": \"pass\", \"cause\": \"x\"}");
    assert_complains(&any, "instead of 'fail or infra'");
}
END_TEST

START_TEST(a_silent_node_is_not)
{
    const struct evidence two = { .must_be_kept = true, .verdict = "fail", .nodes_with_logs = 2 };
    assert_complains(&two, "node-1 has no log");
    drop("nodes/node-0/stdout.log");
    testing_put("nodes/node-0/stderr.log", "");
    assert_complains(&expected, "node-0 has no log");
}
END_TEST

START_TEST(a_directory_that_is_gone_is_not)
{
    ck_assert_int_eq(muster__directory_remove(trace.directory, NULL), MUSTER_OK);
    assert_complains(&expected, "the run directory is gone");
    const struct evidence may_be_gone = { .verdict = "fail", .nodes_with_logs = 1 };
    struct complaint complaint = { "" };
    evidence_check(&trace, &may_be_gone, &complaint);
    ck_assert_str_eq(complaint.text, "");
}
END_TEST

START_TEST(what_lies_beside_is_not)
{
    char path[MUSTER__PATH_BYTES];
    snprintf(path, sizeof path, "%s/stray", trace.root);
    ck_assert_int_eq(muster__directory_make(path, 0700, NULL), MUSTER_OK);
    assert_complains(&expected, "/stray is left");
}
END_TEST

START_TEST(a_pass_leaves_nothing_at_all)
{
    struct complaint complaint = { "" };
    evidence_check_gone(&trace, &complaint);
    ck_assert_ptr_nonnull(strstr(complaint.text, testing_run_id));
    ck_assert_int_eq(muster__directory_remove(trace.directory, NULL), MUSTER_OK);
    struct complaint none = { "" };
    evidence_check_gone(&trace, &none);
    ck_assert_str_eq(none.text, "");
}
END_TEST

static Suite *evidence_suite(void)
{
    Suite *suite = suite_create("evidence");
    TCase *tcase = tcase_create("evidence");
    tcase_add_checked_fixture(tcase, make_sound, testing_end);
    tcase_add_test(tcase, sound_evidence_is_fine);
    tcase_add_test(tcase, an_open_ledger_is_not);
    tcase_add_test(tcase, a_missing_ledger_is_not);
    tcase_add_test(tcase, a_missing_report_is_not);
    tcase_add_loop_test(tcase, a_report_that_does_not_say_it_failed_is_not, 0,
                        (int)(sizeof reports / sizeof reports[0]));
    tcase_add_test(tcase, any_failure_will_do_where_none_is_named);
    tcase_add_test(tcase, a_silent_node_is_not);
    tcase_add_test(tcase, a_directory_that_is_gone_is_not);
    tcase_add_test(tcase, what_lies_beside_is_not);
    tcase_add_test(tcase, a_pass_leaves_nothing_at_all);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(evidence_suite);
