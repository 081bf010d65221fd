/* Checks what a victim left, and how its suite program ended. */
#ifndef MUSTER_CONFORMANCE_CHECK_AFTER_H
#define MUSTER_CONFORMANCE_CHECK_AFTER_H

#include "kill/attempt.h"

/** Waits until nothing is left. At the deadline complains of what still is, and kills it. Returns how long it
 * took, counted from the injection. */
uint64_t check_after_await(struct attempt *attempt, struct complaint *ret);

/** Checks exit code and evidence of a victim that was hit. */
void check_after_injection(const struct attempt *attempt, struct complaint *ret);

/** Checks an undisturbed victim: it must have passed. */
void check_after_pass(const struct attempt *attempt, struct complaint *ret);

/** Checks a victim that ended before the injection. It may have passed, or failed for a reason of its own,
 * such as a node that ignores SIGTERM or a busy machine. */
void check_after_miss(const struct attempt *attempt, struct complaint *ret);

#endif
