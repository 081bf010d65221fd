/* The suite program. When it ends, its test ends too. */
#ifndef MUSTER_SRC_GUARDIAN_SUITE_H
#define MUSTER_SRC_GUARDIAN_SUITE_H

#include <stdbool.h>

#include "guardian/guardian.h"

/** False once the suite program has ended. */
bool muster__guardian_suite_runs(const struct muster__guardian *guardian);
/** True if the suite program ended and took its test along. Waits up to MUSTER__KILL_TIMEOUT_MS for the test
 * and then for the suite program, because either may be seen to end first. */
bool muster__guardian_lost_suite(const struct muster__guardian *guardian);

/** Call it in the test's process. From then on the kernel kills the test when the suite program ends; a test
 * whose suite program is gone already is killed at once. Without this, a hanging test would outlive a killed
 * suite program and a killed guardian, and no sweep could touch its run. Does nothing if the test and the
 * suite program are one process (CK_FORK=no). */
void muster__session_end_with_suite(const struct muster_session *session);

#endif
