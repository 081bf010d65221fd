/* A run that leaves something behind: the verdict, whoever is there to say it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/internal.h"
#include "testing/guardian_fixture.h"
#include "testing/unit_test.h"

#define LEFT "container node-0 (running)"

static enum muster_rc do_nothing(const struct muster_ledger_view *view, uint32_t grace_ms,
                                 struct muster_error *err)
{
    (void)view;
    (void)grace_ms;
    (void)err;
    return MUSTER_OK;
}

static enum muster_rc find_one(const struct muster_ledger_view *view, struct muster_audit *audit,
                               struct muster_error *err)
{
    (void)view;
    (void)err;
    muster_audit_found(audit, LEFT);
    return MUSTER_OK;
}

static const struct muster_runner leaky_runner = {
    .name = "leaky", .capabilities = guardian_no_capabilities, .down = do_nothing, .audit = find_one
};

static struct muster_session *open_leaky(void)
{
    static const struct muster_system system = { .name = "none" };
    guardian_plan->system = &system;
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_session_open(guardian_plan, &leaky_runner, guardian_variables, &session, &err) ==
                      MUSTER_OK,
                  "%s", err.text);
    return session;
}

/* Whoever sweeps later finds an open ledger. */
static void assert_leak(const struct muster_outcome *outcome)
{
    ck_assert_int_eq(outcome->verdict, MUSTER_LEAK);
    ck_assert_ptr_nonnull(strstr(outcome->text, "left behind: " LEFT));
    char *text = guardian_read_run_file(outcome->kept_directory, "run.json");
    ck_assert_ptr_nonnull(strstr(text, "\"verdict\": \"leak\""));
    ck_assert_ptr_nonnull(strstr(text, "left behind: " LEFT));
    free(text);
    struct muster_ledger_view *view = NULL;
    ck_assert_int_eq(muster_ledger_read(outcome->kept_directory, &view, NULL), MUSTER_OK);
    ck_assert(!view->closed);
    muster_ledger_view_destroy(view);
}

static struct muster_run *begin_run(struct muster_session *session)
{
    struct muster_run *run = muster__run_create(session);
    ck_assert_ptr_nonnull(run);
    run->guardian = guardian_attach(session);
    session->run = run;
    return run;
}

START_TEST(a_run_that_went_well_is_a_leak)
{
    struct muster_session *session = open_leaky();
    begin_run(session);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_session_finish(session, &err), MUSTER_ELEAK);
    ck_assert_str_eq(err.text, "taking 'guardian.test' down: left behind: " LEFT);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    assert_leak(&outcome);
}
END_TEST

/* What failed first is told first; but something is left. */
START_TEST(a_run_that_failed_before_is_a_leak)
{
    struct muster_session *session = open_leaky();
    struct muster_error cause = { 0 };
    muster_error_set(&cause, MUSTER_ENODE, "node-1 fell over");
    muster__run_fail(begin_run(session), &cause);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_session_finish(session, &err), MUSTER_ELEAK);
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_LEAK);
    ck_assert_ptr_eq(strstr(outcome.text, "node-1 fell over"), outcome.text);
    ck_assert_ptr_nonnull(strstr(outcome.text, "left behind: " LEFT));
}
END_TEST

/* The guardian finds it when no test is there any more. */
START_TEST(a_run_whose_test_is_gone_is_a_leak)
{
    struct muster_session *session = open_leaky();
    muster__guardian_detach(guardian_attach(session));
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    assert_leak(&outcome);
}
END_TEST

static Suite *run_leak_suite(void)
{
    Suite *suite = suite_create("run_leak");
    TCase *tcase = tcase_create("verdict");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, guardian_make_root, guardian_remove_root);
    tcase_add_test(tcase, a_run_that_went_well_is_a_leak);
    tcase_add_test(tcase, a_run_that_failed_before_is_a_leak);
    tcase_add_test(tcase, a_run_whose_test_is_gone_is_a_leak);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(run_leak_suite);
