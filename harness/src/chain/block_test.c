#include "muster/chain.h"
#include "muster/system.h"

#include <stdio.h>
#include <string.h>

#include "testing/unit_test.h"

START_TEST(submissions_are_freed_once)
{
    struct muster_submission submission = { .wallet = 3 };
    ck_assert_int_eq(muster_request_init(&submission.request, "POST", "/", "{}", NULL), MUSTER_OK);
    muster_submission_fini(&submission);
    ck_assert_ptr_null(submission.request.path);
    muster_submission_fini(&submission);
    muster_submission_fini(NULL);
}
END_TEST

START_TEST(blocks_collect_identities)
{
    struct muster_block block = { 0 };
    char text[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "id-%d", i);
        ck_assert_int_eq(muster_block_add_identity(&block, text, NULL), MUSTER_OK);
    }
    ck_assert_uint_eq(block.identity_count, 1000);
    ck_assert_str_eq(block.identities[0].text, "id-0");
    ck_assert_str_eq(block.identities[999].text, "id-999");
    muster_block_fini(&block);
    ck_assert_uint_eq(block.identity_count, 0);
    muster_block_fini(&block);
    muster_block_fini(NULL);
}
END_TEST

START_TEST(blocks_refuse_identities_that_do_not_fit)
{
    struct muster_block block = { 0 };
    char text[MUSTER_ID_BYTES + 1];
    memset(text, 'a', sizeof text);
    text[MUSTER_ID_BYTES] = '\0';
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_block_add_identity(&block, text, &err), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "needs 1 to 71 characters"));
    ck_assert_int_eq(muster_block_add_identity(&block, "", NULL), MUSTER_EINVAL);
    ck_assert_uint_eq(block.identity_count, 0);
    text[MUSTER_ID_BYTES - 1] = '\0';
    ck_assert_int_eq(muster_block_add_identity(&block, text, NULL), MUSTER_OK);
    ck_assert_str_eq(block.identities[0].text, text);
    muster_block_fini(&block);
}
END_TEST

START_TEST(blocks_are_bounded)
{
    struct muster_block block = { .identity_count = MUSTER_IDENTITIES_MAX };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_block_add_identity(&block, "a", &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "a block has at most 262144 identities");
}
END_TEST

static Suite *block_suite(void)
{
    Suite *suite = suite_create("block");
    TCase *tcase = tcase_create("block");
    tcase_add_test(tcase, submissions_are_freed_once);
    tcase_add_test(tcase, blocks_collect_identities);
    tcase_add_test(tcase, blocks_refuse_identities_that_do_not_fit);
    tcase_add_test(tcase, blocks_are_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(block_suite);
