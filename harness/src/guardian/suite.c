#include "guardian/suite.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/process.h"

bool muster__guardian_suite_runs(const struct muster__guardian *guardian)
{
    struct pollfd ended = { .fd = guardian->parent_pidfd, .events = POLLIN };
    return guardian->parent_pidfd >= 0 && poll(&ended, 1, 0) == 0;
}

/* The test may be seen to end before the suite program, although the suite program is the cause: the test's
 * socket closes before the test has ended; and the kernel kills the test when the thread that forked it ends,
 * while the suite program has ended only when its last thread has. */
bool muster__guardian_lost_suite(const struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    struct pollfd test = { .fd = guardian->test_pidfd, .events = POLLIN };
    struct pollfd suite = { .fd = guardian->parent_pidfd, .events = POLLIN };
    if (!muster__guardian_suite_runs(guardian)) {
        return true;
    }
    if (guardian->test_pidfd >= 0) {
        poll(&test, 1, (int)MUSTER__KILL_TIMEOUT_MS);
    }
    return !muster__process_runs(session->suite_pid, session->suite_start) &&
           poll(&suite, 1, (int)MUSTER__KILL_TIMEOUT_MS) != 0;
}

void muster__session_end_with_suite(const struct muster_session *session)
{
    if (getppid() == session->suite_pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    /* prctl() does not notice a suite program that ended before it. A suite program whose first thread has
     * ended does not count as running, but it is still our parent. */
    if (getppid() != session->suite_pid && !muster__process_runs(session->suite_pid, session->suite_start)) {
        raise(SIGKILL);
    }
}
