/* How a process ended, in words. */
#include <stdio.h>
#include <string.h>

#include "muster/runner.h"

const char *muster_exit_describe(const struct muster_exit *exit, char text[96])
{
    const char *name = exit->signal == 0 ? NULL : sigabbrev_np(exit->signal);
    if (exit->signal_inferred) {
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
