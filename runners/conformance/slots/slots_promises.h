/* What every runner promises. */
#ifndef MUSTER_CONFORMANCE_SLOTS_PROMISES_H
#define MUSTER_CONFORMANCE_SLOTS_PROMISES_H

#include "slots/slots_run.h"

struct slots_promise {
    const char *name;
    bool needs_control; /* Skipped where the runner has no node control. */
    void (*check)(const struct slots_subject *subject, const struct muster_runner *runner,
                  struct complaint *ret);
};

/* Each ends with an entry that has no name. */
extern const struct slots_promise slots_promises[];
extern const struct slots_promise
    slots_failures[]; /* slots_failures.c: a slot fails, and nothing is left all the same. */

#endif
