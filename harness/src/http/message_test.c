#include <string.h>

#include "muster/system.h"
#include "testing/unit_test.h"

START_TEST(requests_own_path_and_body)
{
    struct muster_request request = { .timeout_ms = 7 };
    ck_assert_int_eq(muster_request_init(&request, "POST", "/a?b=c", "{}", NULL), MUSTER_OK);
    ck_assert_str_eq(request.method, "POST");
    ck_assert_str_eq(request.path, "/a?b=c");
    ck_assert_str_eq(request.body, "{}");
    ck_assert_uint_eq(request.timeout_ms, 0);
    muster_request_fini(&request);
    ck_assert_ptr_null(request.path);
    ck_assert_int_eq(muster_request_init(&request, "GET", "/", NULL, NULL), MUSTER_OK);
    ck_assert_ptr_null(request.body);
    muster_request_fini(&request);
    muster_request_fini(&request);
    muster_request_fini(NULL);
}
END_TEST

START_TEST(replies_are_freed_once)
{
    struct muster_reply reply = { .status = 200, .body = strdup("x"), .body_bytes = 1 };
    muster_reply_fini(&reply);
    ck_assert_ptr_null(reply.body);
    muster_reply_fini(&reply);
    muster_reply_fini(NULL);
}
END_TEST

static Suite *message_suite(void)
{
    Suite *suite = suite_create("message");
    TCase *tcase = tcase_create("message");
    tcase_add_test(tcase, requests_own_path_and_body);
    tcase_add_test(tcase, replies_are_freed_once);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(message_suite);
