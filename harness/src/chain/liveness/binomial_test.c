#include "chain/liveness/binomial.h"

#include <math.h>

#include "testing/unit_test.h"

/* The same by plain multiplication, for few trials. */
static uint64_t by_hand(uint64_t n, double p, double alpha)
{
    double below = 0;
    for (uint64_t k = 0; k < n; k++) {
        double ways = 1;
        for (uint64_t i = 0; i < k; i++) {
            ways = ways * (double)(n - i) / (double)(i + 1);
        }
        below += ways * pow(p, (double)k) * pow(1 - p, (double)(n - k));
        if (below > alpha) {
            return k;
        }
    }
    return n;
}

START_TEST(agrees_with_plain_multiplication)
{
    static const double chances[] = { 0.001, 0.05, 0.25, 0.5, 0.9, 0.99, 0.999 };
    static const double alphas[] = { 1e-9, 1e-6, 0.001, 0.05, 0.4, 0.95 };
    for (uint64_t n = 0; n <= 120; n++) {
        for (size_t p = 0; p < sizeof chances / sizeof chances[0]; p++) {
            for (size_t a = 0; a < sizeof alphas / sizeof alphas[0]; a++) {
                ck_assert_uint_eq(muster__binomial_least(n, chances[p], alphas[a]),
                                  by_hand(n, chances[p], alphas[a]));
            }
        }
    }
}
END_TEST

START_TEST(edges)
{
    ck_assert_uint_eq(muster__binomial_least(0, 0.5, 1e-6), 0);
    ck_assert_uint_eq(muster__binomial_least(100, 0, 1e-6), 0);
    ck_assert_uint_eq(muster__binomial_least(100, 1, 1e-6), 100);
    /* One coin: no head has chance 1/2, which is more than alpha, or not. */
    ck_assert_uint_eq(muster__binomial_least(1, 0.5, 0.49), 0);
    ck_assert_uint_eq(muster__binomial_least(1, 0.5, 0.51), 1);
    ck_assert_uint_eq(muster__binomial_least(1000, 1e-12, 1e-6), 0);
    ck_assert_uint_eq(muster__binomial_least(1000, 1 - 1e-12, 1e-6), 1000);
    ck_assert_uint_eq(muster__binomial_least(30, 0.9, 1e-300), 0);
}
END_TEST

/* With so many trials the normal distribution is a fair judge: one in a million is 4.7534 deviations. */
START_TEST(large_counts_follow_the_normal_distribution)
{
    static const double chances[] = { 0.05, 0.5, 0.9 };
    for (size_t p = 0; p < sizeof chances / sizeof chances[0]; p++) {
        double n = 1e7;
        double deviation = sqrt(n * chances[p] * (1 - chances[p]));
        double expected = n * chances[p] - 4.753424 * deviation;
        double found = (double)muster__binomial_least(10000000, chances[p], 1e-6);
        ck_assert_double_lt(fabs(found - expected), 10);
    }
}
END_TEST

START_TEST(large_counts_with_extreme_chances)
{
    /* Close to Poisson: P(X < 1) = e^-10 = 4.5e-5, P(X < 2) = 11 e^-10 = 5e-4. */
    ck_assert_uint_eq(muster__binomial_least(10000000, 1e-6, 1e-4), 1);
    /* Losses instead: P(losses > 27) is the first below a millionth for a mean of 10. */
    ck_assert_uint_eq(muster__binomial_least(10000000, 1 - 1e-6, 1e-6), 10000000 - 28);
}
END_TEST

static Suite *binomial_suite(void)
{
    Suite *suite = suite_create("binomial");
    TCase *tcase = tcase_create("binomial");
    tcase_add_test(tcase, agrees_with_plain_multiplication);
    tcase_add_test(tcase, edges);
    tcase_add_test(tcase, large_counts_follow_the_normal_distribution);
    tcase_add_test(tcase, large_counts_with_extreme_chances);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(binomial_suite);
