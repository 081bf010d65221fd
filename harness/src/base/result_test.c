#include "muster/result.h"

#include <errno.h>
#include <string.h>

#include "testing/unit_test.h"

START_TEST(first_cause_wins)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_error_set(&err, MUSTER_ENODE, "node %d exited", 3), MUSTER_ENODE);
    ck_assert_int_eq(muster_error_set(&err, MUSTER_EIO, "later"), MUSTER_EIO);
    ck_assert_int_eq(muster_error_errno(&err, MUSTER_EIO, ENOENT, "later still"), MUSTER_EIO);
    ck_assert_int_eq(err.rc, MUSTER_ENODE);
    ck_assert_str_eq(err.text, "node 3 exited");
}
END_TEST

START_TEST(errno_ends_the_text)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_error_errno(&err, MUSTER_EIO, ENOENT, "cannot open '%s'", "x"), MUSTER_EIO);
    ck_assert_str_eq(err.text, "cannot open 'x': No such file or directory");
}
END_TEST

START_TEST(context_goes_in_front)
{
    struct muster_error err = { 0 };
    (void)muster_error_set(&err, MUSTER_ENODE, "exited");
    ck_assert_int_eq(muster_error_context(&err, MUSTER_ENODE, "node %d", 2), MUSTER_ENODE);
    ck_assert_int_eq(muster_error_context(&err, MUSTER_EINFRA, "deploying"), MUSTER_EINFRA);
    ck_assert_str_eq(err.text, "deploying: node 2: exited");
    ck_assert_int_eq(err.rc, MUSTER_ENODE);
}
END_TEST

START_TEST(context_without_a_cause_takes_the_code)
{
    struct muster_error err = { 0 };
    (void)muster_error_context(&err, MUSTER_ETIMEDOUT, "node %d", 2);
    ck_assert_str_eq(err.text, "node 2: deadline passed");
    ck_assert_int_eq(err.rc, MUSTER_ETIMEDOUT);
}
END_TEST

START_TEST(long_texts_are_cut_visibly)
{
    char text[2 * MUSTER_ERROR_TEXT_BYTES];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    struct muster_error err = { 0 };
    (void)muster_error_set(&err, MUSTER_EIO, "%s", text);
    ck_assert_uint_eq(strlen(err.text), MUSTER_ERROR_TEXT_BYTES - 1);
    ck_assert_str_eq(err.text + MUSTER_ERROR_TEXT_BYTES - 5, "a...");

    (void)muster_error_context(&err, MUSTER_EIO, "where");
    ck_assert_uint_eq(strlen(err.text), MUSTER_ERROR_TEXT_BYTES - 1);
    ck_assert_int_eq(strncmp(err.text, "where: aaa", 10), 0);
    ck_assert_str_eq(err.text + MUSTER_ERROR_TEXT_BYTES - 5, "a...");

    muster_error_clear(&err);
    (void)muster_error_errno(&err, MUSTER_EIO, ENOENT, "%s", text);
    ck_assert_uint_eq(strlen(err.text), MUSTER_ERROR_TEXT_BYTES - 1);
    ck_assert_str_eq(err.text + MUSTER_ERROR_TEXT_BYTES - 4, "...");
}
END_TEST

START_TEST(a_text_that_just_fits_is_whole)
{
    char text[MUSTER_ERROR_TEXT_BYTES];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    struct muster_error err = { 0 };
    (void)muster_error_set(&err, MUSTER_EIO, "%s", text);
    ck_assert_str_eq(err.text, text);
}
END_TEST

START_TEST(null_and_clear_are_fine)
{
    ck_assert_int_eq(muster_error_set(NULL, MUSTER_EIO, "x"), MUSTER_EIO);
    ck_assert_int_eq(muster_error_errno(NULL, MUSTER_EIO, EIO, "x"), MUSTER_EIO);
    ck_assert_int_eq(muster_error_context(NULL, MUSTER_EIO, "x"), MUSTER_EIO);
    muster_error_clear(NULL);
    struct muster_error err = { 0 };
    (void)muster_error_set(&err, MUSTER_EIO, "one");
    muster_error_clear(&err);
    (void)muster_error_set(&err, MUSTER_ENODE, "two");
    ck_assert_str_eq(err.text, "two");
    ck_assert_int_eq(err.rc, MUSTER_ENODE);
}
END_TEST

START_TEST(codes_have_names_and_texts)
{
    ck_assert_str_eq(muster_rc_name(MUSTER_OK), "MUSTER_OK");
    ck_assert_str_eq(muster_rc_text(MUSTER_OK), "success");
    ck_assert_str_eq(muster_rc_name(MUSTER_ETIMEDOUT), "MUSTER_ETIMEDOUT");
    ck_assert_str_eq(muster_rc_text(MUSTER_ETIMEDOUT), "deadline passed");
    ck_assert_str_eq(muster_rc_name(MUSTER_ESTATE), "MUSTER_ESTATE");
    ck_assert_str_eq(muster_rc_name((enum muster_rc)200), "MUSTER_UNKNOWN");
    ck_assert_str_eq(muster_rc_text((enum muster_rc)200), "unknown result");
}
END_TEST

static Suite *result_suite(void)
{
    Suite *suite = suite_create("result");
    TCase *tcase = tcase_create("result");
    tcase_add_test(tcase, first_cause_wins);
    tcase_add_test(tcase, errno_ends_the_text);
    tcase_add_test(tcase, context_goes_in_front);
    tcase_add_test(tcase, context_without_a_cause_takes_the_code);
    tcase_add_test(tcase, long_texts_are_cut_visibly);
    tcase_add_test(tcase, a_text_that_just_fits_is_whole);
    tcase_add_test(tcase, null_and_clear_are_fine);
    tcase_add_test(tcase, codes_have_names_and_texts);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(result_suite);
