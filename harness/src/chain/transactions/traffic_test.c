#include "chain/transactions/traffic.h"

#include "muster/chain.h"
#include "testing/unit_test.h"

START_TEST(defaults_of_transactions)
{
    struct muster_plan plan = { .wallet_count = 20, .security_depth = 7 };
    struct muster_transactions transactions = { 0 };
    muster__transactions_resolve(&plan, &transactions);
    ck_assert_uint_eq(transactions.rate_per_block, 1);
    ck_assert_uint_eq(transactions.users, 20);
    ck_assert_double_eq(transactions.min_ratio, 1);
    ck_assert_uint_eq(transactions.within_blocks, 7);
    transactions = (struct muster_transactions){ 2, 3, 0.5, 4 };
    muster__transactions_resolve(&plan, &transactions);
    ck_assert_uint_eq(transactions.rate_per_block, 2);
    ck_assert_uint_eq(transactions.users, 3);
    ck_assert_double_eq(transactions.min_ratio, 0.5);
    ck_assert_uint_eq(transactions.within_blocks, 4);
}
END_TEST

static Suite *traffic_suite(void)
{
    Suite *suite = suite_create("traffic");
    TCase *tcase = tcase_create("options");
    tcase_add_test(tcase, defaults_of_transactions);
    suite_add_tcase(suite, tcase);
    return suite;
}
UNIT_TEST_MAIN(traffic_suite);
