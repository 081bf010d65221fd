/* How few successes still are plausible. */
#ifndef MUSTER_SRC_BINOMIAL_H
#define MUSTER_SRC_BINOMIAL_H

#include <stdint.h>

/**
 * The largest k with P(X < k) <= alpha for X binomial(n, p): a healthy window has fewer than k with a
 * chance of alpha at most. Summed exactly with lgamma (log of the binomial coefficient).
 *
 * @param n  Up to 10 million.
 * @param p  In [0, 1].  @param alpha  In (0, 1).
 */
uint64_t muster__binomial_least(uint64_t n, double p, double alpha);

#endif
