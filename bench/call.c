/* Bare programs, which are a floor. */
#include <string.h>

#include "bench.h"
#include "muster/clock.h"
#include "muster/tool.h"

#define CALL_MS 180000u

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

enum muster_rc bench_call(const struct runner_argv *argv, double *took_ms, struct muster_error *err)
{
    char line[512];
    struct muster_tool tool = { .argv = argv->args };
    uint64_t began_us = muster_clock_us();
    enum muster_rc rc = muster_tool_run(&tool, 1, 1, CALL_MS, err);
    *took_ms = (double)(muster_clock_us() - began_us) / 1000.0;
    if (rc == MUSTER_OK && !muster_tool_succeeded(&tool)) {
        rc = muster_error_set(err, MUSTER_EINFRA, "bare %s failed: %s", name_of(argv->args[0]),
                              muster_tool_complaint(tool.complaint, line));
    }
    muster_tool_fini(&tool);
    return rc;
}
