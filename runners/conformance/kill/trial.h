/* A trial ends one victim at a random time within a given phase and checks what is left. A victim that is
 * over too early is replaced: a trial takes several attempts. A signal is sent from outside at that time. A
 * time limit is set before the start instead, and the victim stays in the phase until it has passed. */
#ifndef MUSTER_CONFORMANCE_TRIAL_H
#define MUSTER_CONFORMANCE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kill/complaint.h"
#include "kill/methods.h"
#include "kill/settings.h"
#include "kill/trace.h"

struct trial {
    const struct method *method;
    unsigned index;
    struct fate fate;

    bool injected; /* In its phase or a later one; false: every attempt missed it. */
    unsigned attempts;
    unsigned early; /* Attempts whose time limit passed before the phase had begun. */
    enum muster_phase phase; /* In which the victim was hit. */
    uint64_t clear_ms; /* From the injection until nothing was left. */
    struct complaint complaint;
    char directory[TRACE_PATH_BYTES]; /* Kept when there is a complaint. */
};

/** Blocks until the trial is over. Several threads may run trials at once. */
void trial_run(const struct settings *settings, struct trial *trial);

/** Runs a healthy victim undisturbed: it must pass and leave nothing. Measures settings->phase_ms. Sets
 * settings->skipped when the victim was skipped. */
void trial_measure(struct settings *settings, struct complaint *ret);

#endif
