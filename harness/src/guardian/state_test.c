/* The tables of the guardian's moves. */
#include "guardian/state.h"

#include "testing/unit_test.h"

START_TEST(a_test_only_moves_forward)
{
    for (unsigned from = 0; from < MUSTER__TEST_STATE_COUNT; from++) {
        for (unsigned to = 0; to <= from; to++) {
            ck_assert(!muster__test_may_move(from, to));
        }
    }
}
END_TEST

START_TEST(a_cluster_only_moves_forward)
{
    for (unsigned from = 0; from < MUSTER__CLUSTER_STATE_COUNT; from++) {
        for (unsigned to = 0; to <= from; to++) {
            ck_assert(!muster__cluster_may_move(from, to));
        }
    }
}
END_TEST

START_TEST(a_test_ends_once)
{
    ck_assert(!muster__test_may_move(MUSTER__TEST_AWAITED, MUSTER__TEST_DONE));
    ck_assert(muster__test_may_move(MUSTER__TEST_ATTACHED, MUSTER__TEST_DONE));
    ck_assert(muster__test_may_move(MUSTER__TEST_AWAITED, MUSTER__TEST_ABANDONED));
    ck_assert(muster__test_may_move(MUSTER__TEST_ATTACHED, MUSTER__TEST_ABANDONED));
    ck_assert(!muster__test_may_move(MUSTER__TEST_DONE, MUSTER__TEST_ABANDONED));
    ck_assert(!muster__test_is_over(MUSTER__TEST_AWAITED));
    ck_assert(!muster__test_is_over(MUSTER__TEST_ATTACHED));
    ck_assert(muster__test_is_over(MUSTER__TEST_DONE));
    ck_assert(muster__test_is_over(MUSTER__TEST_ABANDONED));
}
END_TEST

START_TEST(nothing_goes_down_before_its_evidence_is_saved)
{
    ck_assert(!muster__cluster_may_move(MUSTER__CLUSTER_UP, MUSTER__CLUSTER_GOING_DOWN));
    for (unsigned end = MUSTER__CLUSTER_DOWN; end < MUSTER__CLUSTER_STATE_COUNT; end++) {
        ck_assert(!muster__cluster_may_move(MUSTER__CLUSTER_UP, end));
        ck_assert(!muster__cluster_may_move(MUSTER__CLUSTER_SAVED, end));
        ck_assert(muster__cluster_may_move(MUSTER__CLUSTER_GOING_DOWN, end));
        ck_assert(muster__cluster_is_settled(end));
    }
    ck_assert(!muster__cluster_is_settled(MUSTER__CLUSTER_GOING_DOWN));
}
END_TEST

static Suite *guardian_state_suite(void)
{
    Suite *suite = suite_create("guardian_state");
    TCase *tcase = tcase_create("moves");
    tcase_add_test(tcase, a_test_only_moves_forward);
    tcase_add_test(tcase, a_cluster_only_moves_forward);
    tcase_add_test(tcase, a_test_ends_once);
    tcase_add_test(tcase, nothing_goes_down_before_its_evidence_is_saved);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(guardian_state_suite);
