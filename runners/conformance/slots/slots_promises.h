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

/* Both end with one without a name. */
extern const struct slots_promise slots_promises[];
extern const struct slots_promise slots_failures[]; /* A slot fails, and all is clean all the same. */

/* slots_later.c */
void slots_down_in_a_later_process(const struct slots_subject *subject, const struct muster_runner *runner,
                                   struct complaint *ret);

#endif
