/* The ways in which a test can end before its time, and what must follow from each. */
#ifndef MUSTER_CONFORMANCE_METHODS_H
#define MUSTER_CONFORMANCE_METHODS_H

#include <stdbool.h>

#include "muster/run.h"

enum injection {
    INJECT_SUITE, /* A signal to the suite program. */
    INJECT_TEST, /* SIGKILL of the process that Check forked for the test. */
    INJECT_GUARDIAN, /* SIGKILL of the guardian. */
    INJECT_GUARDIAN_AND_SUITE, /* Both at once: only `muster sweep` is left. */
    INJECT_CHECK, /* Check's own time limit. */
    INJECT_CTEST, /* ctest's own time limit. */
    INJECT_NONE, /* The test ends by itself. */
};

#define ANY_EXIT (-1)

struct method {
    const char *name;
    enum injection injection;
    int signal;
    unsigned trials; /* By default. */
    int exit_code; /* Of the suite program, if it outlives the injection; ANY_EXIT: not checked. */
    const char *verdict; /* In run.json; NULL: anything but a pass. */
};

/* Where and how one victim is to end. */
struct fate {
    const char *scenario;
    enum muster_phase phase; /* MUSTER_BUILD: before deploy. */
    bool no_fork; /* CK_FORK=no */
    bool dies_in_deploy; /* Its nodes do not all come up. */
};

extern const struct method methods[];

/** NULL: there is none of that name. */
const struct method *methods_find(const char *name);

/** The fate of victim number `index`: phases take turns, and so do the fork modes where both make sense. */
struct fate methods_fate(const struct method *method, unsigned index);

/** "setup", or the phase's own name. */
const char *methods_phase_name(enum muster_phase phase);

#endif
