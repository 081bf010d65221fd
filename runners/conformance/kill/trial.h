/* One victim: started, struck at a random moment of the phase it was given, and looked over afterwards.
 * Whoever strikes from outside does it there; a time limit is set, and the victim stays in the phase until it
 * has passed. */
#ifndef MUSTER_CONFORMANCE_MOMENT_H
#define MUSTER_CONFORMANCE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kill/complaint.h"
#include "kill/methods.h"
#include "kill/trace.h"
#include "muster/runner.h"

/* What all victims of one driver share. */
struct settings {
    const char *suite_program; /* Absolute paths. */
    const char *muster_program;
    const char *ctest_program;
    const struct muster_runner *runner;
    char work[256]; /* A directory of the driver's own. */
    const char *const *dropped; /* See victim_start(). */
    unsigned nodes; /* Of a victim. */
    uint64_t clear_ms; /* From the blow until nothing may be left. */
    uint64_t seed;
    double slowdown; /* Of all deadlines; clear_ms is stretched already. */
    bool skipped; /* The runner's backend is absent. */
    uint64_t phase_ms[MUSTER_PHASE_COUNT]; /* How long each takes; measured on a healthy run. */
};

struct moment {
    const struct method *method;
    unsigned index;
    struct fate fate;

    bool struck; /* In its phase or a later one; else every attempt missed it. */
    unsigned attempts;
    unsigned early; /* Of these, time limits that passed before the phase had begun. */
    enum muster_phase phase; /* In which it was struck. */
    uint64_t clear_ms; /* From the blow until nothing was left. */
    struct complaint complaint;
    char directory[TRACE_PATH_BYTES]; /* Kept when there is a complaint. */
};

/** Blocks until it is over; several threads may do so at once. */
void moment_run(const struct settings *settings, struct moment *moment);

/** A healthy run that nobody disturbs: it must pass and leave nothing. Measures settings->phase_ms; sets
 * skipped when the victim was. */
void moment_measure(struct settings *settings, struct complaint *ret);

#endif
