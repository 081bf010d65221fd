/* How a process ended: in words, and whether that was right. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "muster/runner.h"

#define BY_SIGNAL 128 /* A shell and a container engine add a signal to it, for an exit code. */

const char *muster_exit_describe(const struct muster_exit *exit, char text[96])
{
    const char *name = exit->signal == 0 ? NULL : sigabbrev_np(exit->signal);
    if (exit->reason[0] != '\0') {
        snprintf(text, 96, "%s", exit->reason);
    } else if (exit->signal_inferred) {
        snprintf(text, 96, "exited with code %d (as after SIG%s)", 128 + exit->signal,
                 name == NULL ? "?" : name);
    } else if (exit->signal != 0) {
        snprintf(text, 96, "was ended by SIG%s%s%s", name == NULL ? "?" : name,
                 exit->core_dumped ? " (core dumped)" : "", exit->out_of_memory ? " (out of memory)" : "");
    } else {
        snprintf(text, 96, "exited with code %d", exit->code);
    }
    return text;
}

static bool ended_as_told(const struct muster_exit *exit, int end_code)
{
    int signal = exit->signal != 0 ? exit->signal : exit->code - BY_SIGNAL;
    if (exit->out_of_memory) {
        return false; /* That KILL was not ours. */
    }
    return signal == SIGTERM || signal == SIGKILL ||
           (exit->signal == 0 && (exit->code == 0 || exit->code == end_code));
}

enum muster_rc muster_exit_judge(const struct muster_exit *exit, int end_code, uint32_t node,
                                 struct muster_error *err)
{
    char how[96];
    return ended_as_told(exit, end_code)
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_ENODE, "node-%u %s while it was taken down", node,
                                  muster_exit_describe(exit, how));
}
