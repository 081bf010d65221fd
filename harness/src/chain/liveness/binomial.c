/* The lower tail of the binomial distribution. */
#include "chain/liveness/binomial.h"

#include <assert.h>
#include <math.h>

/* The logarithm of P(X = k). lgamma_r, since lgamma writes a global. */
static double log_probability(double n, double k, double log_p, double log_q)
{
    int sign = 0;
    double ways = lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
    return ways + k * log_p + (n - k) * log_q;
}

/* Where summing may begin: by Chernoff's bound P(X <= mean - t) <= exp(-t^2 / (2 mean)), all that lies
 * below is less than a millionth of a millionth of alpha. */
static uint64_t first_that_counts(double mean, double alpha)
{
    double distance = sqrt(2 * mean * (log(1e12) - log(alpha)));
    return mean > distance ? (uint64_t)(mean - distance) : 0;
}

uint64_t muster__binomial_least(uint64_t n, double p, double alpha)
{
    assert(p >= 0 && p <= 1 && alpha > 0 && alpha < 1);
    if (p <= 0) {
        return 0;
    }
    if (p >= 1) {
        return n;
    }
    double log_p = log(p);
    double log_q = log1p(-p);
    double below = 0; /* P(X < k) */
    uint64_t k = first_that_counts((double)n * p, alpha);
    while (k < n) {
        below += exp(log_probability((double)n, (double)k, log_p, log_q));
        if (below > alpha) {
            break;
        }
        k++;
    }
    return k;
}
