/* The suite program, whose end is that of its test, too. */
#ifndef MUSTER_SRC_SUITE_H
#define MUSTER_SRC_SUITE_H

#include <stdbool.h>

#include "guardian/guardian.h"

/** False once the suite program has ended. */
bool muster__guardian_suite_runs(const struct muster__guardian *guardian);
/** Whether the suite program is what ended, and its test with it. Waits for a test and a suite program that
 * are about to end, 5 s each at most. */
bool muster__guardian_lost_suite(const struct muster__guardian *guardian);

/** In the test's process: from now on the kernel ends it with the suite program, and at once if that is gone
 * already. Without this, a test that hangs would outlive a suite program and a guardian that were both
 * killed, and no sweep could touch its run. Nothing where both are one process (CK_FORK=no). */
void muster__session_end_with_suite(const struct muster_session *session);

#endif
