/* What all victims of one driver share. */
#ifndef MUSTER_CONFORMANCE_SETTINGS_H
#define MUSTER_CONFORMANCE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/run.h"
#include "muster/runner.h"

struct settings {
    const char *suite_program; /* Absolute paths. */
    const char *muster_program;
    const char *ctest_program;
    const struct muster_runner *runner;
    char work[256]; /* A directory of the driver's own. */
    const char *const *dropped; /* See victim_start(). */
    unsigned nodes; /* Of each victim. */
    uint64_t clear_ms; /* From the injection until nothing may be left. */
    uint64_t seed;
    double slowdown; /* Factor for all deadlines; clear_ms is stretched already. */
    bool skipped; /* The runner's backend is absent. */
    uint64_t phase_ms[MUSTER_PHASE_COUNT]; /* How long each takes; measured on a healthy run. */
};

#endif
