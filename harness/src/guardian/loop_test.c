/* What a session gives one test: a guardian, a lease, a directory. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "testing/guardian_fixture.h"
#include "testing/unit_test.h"

START_TEST(leases_differ_between_runs)
{
    struct muster_session *first = guardian_open_session();
    struct muster_session *second = guardian_open_session();
    struct muster_guardian_client *one = guardian_attach(first);
    struct muster_guardian_client *two = guardian_attach(second);
    char prefixes[2][16];
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_lease(one, prefixes[0], &err), MUSTER_OK);
    ck_assert_int_eq(muster__guardian_lease(two, prefixes[1], &err), MUSTER_OK);
    ck_assert_str_ne(prefixes[0], prefixes[1]);
    ck_assert_uint_eq(strncmp(prefixes[0], "127.", 4), 0);
    guardian_finish(one, MUSTER_PASS, false);
    guardian_finish(two, MUSTER_PASS, false);
    struct muster_outcome outcome;
    muster_session_close(first, &outcome);
    muster_session_close(second, &outcome);
}
END_TEST

START_TEST(one_session_serves_one_test)
{
    struct muster_session *session = guardian_open_session();
    struct muster_guardian_client *client = guardian_attach(session);
    muster__guardian_detach(client);
    const struct muster__guardian_callbacks callbacks = { .ended = guardian_on_ended,
                                                          .gone = guardian_on_gone,
                                                          .flooded = guardian_on_flooded,
                                                          .context = &guardian_seen };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__guardian_attach(session->test_fd, &callbacks, &client, &err), MUSTER_ESTATE);
    ck_assert_ptr_nonnull(strstr(err.text, "one scenario has one test"));
    struct muster_outcome outcome;
    muster_session_close(session, &outcome);
    ck_assert_int_eq(outcome.verdict, MUSTER_FAIL);
}
END_TEST

START_TEST(no_directory_no_session)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    muster_variables_destroy(guardian_variables);
    setenv("MUSTER_RUN_ROOT", "/nonexistent/place", 1);
    ck_assert_int_eq(muster_variables_read(&guardian_variables, &err), MUSTER_OK);
    ck_assert_int_eq(
        muster_session_open(guardian_plan, &guardian_plain_runner, guardian_variables, &session, &err),
        MUSTER_EINFRA);
    ck_assert_ptr_nonnull(strstr(err.text, "'/nonexistent/place'"));
    ck_assert_ptr_nonnull(strstr(err.text, "set MUSTER_RUN_ROOT"));
    ck_assert_ptr_null(session);
}
END_TEST

START_TEST(no_ledger_no_session)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum muster_rc rc =
        muster_session_open(guardian_plan, &guardian_plain_runner, guardian_variables, &session, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(rc, MUSTER_EINFRA);
    ck_assert_int_eq(err.rc, MUSTER_EINFRA); /* Not the MUSTER_EIO of the failed write. */
    ck_assert_ptr_nonnull(strstr(err.text, "ledger"));
    ck_assert_ptr_null(session);
}
END_TEST

static Suite *guardian_suite(void)
{
    Suite *suite = suite_create("guardian");
    TCase *tcase = tcase_create("processes");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, guardian_make_root, guardian_remove_root);
    tcase_add_test(tcase, leases_differ_between_runs);
    tcase_add_test(tcase, one_session_serves_one_test);
    tcase_add_test(tcase, no_directory_no_session);
    tcase_add_test(tcase, no_ledger_no_session);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_suite);
