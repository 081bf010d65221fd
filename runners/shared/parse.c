#include "shared/parse.h"

#include <stdbool.h>

#include "muster/clock.h"

#define SIGNAL_EXIT 128

struct muster_exit runner__exit(int exit_code)
{
    bool by_signal = exit_code > SIGNAL_EXIT && exit_code <= SIGNAL_EXIT + RUNNER_SIGNAL_MAX;
    return (struct muster_exit){ .code = by_signal ? -1 : exit_code,
                                 .signal = by_signal ? exit_code - SIGNAL_EXIT : 0,
                                 .signal_inferred = by_signal,
                                 .at_ms = muster_clock_ms() };
}

enum muster_rc runner__not_understood(const char *whose, const char *what, const char *answer, size_t bytes,
                                      struct muster_error *err)
{
    char shown[64];
    size_t used = 0;
    for (; used < bytes && used < sizeof shown - 1; used++) {
        shown[used] = answer[used] >= ' ' && answer[used] < 0x7f ? answer[used] : '?';
    }
    shown[used] = '\0';
    return muster_error_set(err, MUSTER_EREPLY, "%s answer about %s was not understood: '%s'", whose, what,
                            shown);
}
