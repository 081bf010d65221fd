/* How a process ended, in words. */
#include <stdio.h>
#include <string.h>

#include "muster/runner.h"

const char *muster_exit_describe(const struct muster_exit *exit, char text[96])
{
    if (exit->signal != 0) {
        const char *name = sigabbrev_np(exit->signal);
        snprintf(text, 96, "was ended by SIG%s%s%s", name == NULL ? "?" : name,
                 exit->core_dumped ? " (core dumped)" : "",
                 exit->out_of_memory ? " (the kernel was out of memory)" : "");
    } else {
        snprintf(text, 96, "exited with code %d", exit->code);
    }
    return text;
}
