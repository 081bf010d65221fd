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

/* The suite program takes its test along: then the test's end is not the cause. Of the two the test may be
 * seen to end first: its socket closes before it has ended, and the suite program has ended once the last of
 * its threads has, while the kernel ends the test with the thread that forked it. */
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
    /* Gone before the line above, which did not notice. As our parent it is there, even with its first thread
     * ended. */
    if (getppid() != session->suite_pid && !muster__process_runs(session->suite_pid, session->suite_start)) {
        raise(SIGKILL);
    }
}
