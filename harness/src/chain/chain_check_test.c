#include "chain/chain_check.h"

#include "testing/bare_system.h"
#include "testing/unit_test.h"

static struct muster_chain chain;
static struct muster_system system_of_it;

static void make_whole(void)
{
    chain = (struct muster_chain){ .request_block = bare_request_block, .parse_block = bare_parse_block };
    system_of_it = (struct muster_system){ .name = "redis", .chain = &chain };
}

static void refuse(const char *text)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__chain_check(&system_of_it, &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, text);
    make_whole();
}

START_TEST(a_whole_chain_is_taken)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__chain_check(&system_of_it, &err) == MUSTER_OK, "%s", err.text);
}
END_TEST

START_TEST(gaps_are_refused)
{
    system_of_it.chain = NULL;
    refuse(
        "the system 'redis' has an observer that follows a chain, but no chain; give it one, or no observer");
    chain.request_block = NULL;
    refuse("the chain of the system 'redis' has no request_block, which every chain needs");
    chain.parse_block = NULL;
    refuse("the chain of the system 'redis' has no parse_block, which every chain needs");
    chain.request_stream = bare_request;
    refuse(
        "the chain of the system 'redis' has request_stream without parse_stream_line; give both or neither");
    chain.parse_submission = bare_parse_submission;
    refuse("the chain of the system 'redis' has parse_submission without build_submission; give both or "
           "neither");
    chain.settle_submission = bare_settle_submission;
    refuse("the chain of the system 'redis' has settle_submission without build_submission; give both or "
           "neither");
}
END_TEST

static Suite *check_suite(void)
{
    Suite *suite = suite_create("chain_check");
    TCase *tcase = tcase_create("chain_check");
    tcase_add_checked_fixture(tcase, make_whole, NULL);
    tcase_add_test(tcase, a_whole_chain_is_taken);
    tcase_add_test(tcase, gaps_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(check_suite);
