/* Descendants that left their process group. The guardian is a subreaper, so it becomes their parent when
 * their own parent ends. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "guardian/guardian.h"
#include "host/process.h"
#include "ledger/audit.h"
#include "ledger/strays.h"
#include "muster/clock.h"

#define LOOK_INTERVAL_MS 10

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Only we reap our children, and not now, so the pid cannot belong to another process. */
static void kill_child(void *context, pid_t pid)
{
    (void)context;
    kill(pid, SIGKILL);
}

/* Count zombies too: a zombie that we cannot reap has a thread that does not end, or a tracer. */
static void child_stays(void *context, pid_t pid)
{
    muster_audit_found(context, "process %d, which was killed but is not gone", (int)pid);
}

void muster__strays_end(struct muster__guardian *guardian)
{
    uint64_t deadline_ms = muster_clock_ms() + MUSTER__KILL_TIMEOUT_MS;
    muster__kill_strays(guardian->session->run_id);
    muster__children_reap(guardian);
    while (has_children() && muster_clock_left_ms(deadline_ms) > 0) {
        /* Kill children whatever their environment says. When one ends, its children become ours. */
        muster__process_each_child(kill_child, NULL);
        muster__kill_strays(guardian->session->run_id);
        poll(NULL, 0, LOOK_INTERVAL_MS);
        muster__children_reap(guardian);
    }
    muster__process_each_child(child_stays, &guardian->strays);
}
