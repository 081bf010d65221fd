/* One victim of a trial, from its start to what it left. */
#ifndef MUSTER_CONFORMANCE_ATTEMPT_H
#define MUSTER_CONFORMANCE_ATTEMPT_H

#include "kill/complaint.h"
#include "kill/methods.h"
#include "kill/settings.h"
#include "kill/trace.h"
#include "kill/victim.h"

struct attempt {
    const struct settings *settings;
    const struct method *method;
    struct fate fate;
    uint64_t delay_ms; /* From the phase's begin to the injection. */
    uint64_t limit_ms; /* Time limit of Check or ctest, where the method is one; else 0. */
    bool held; /* The victim stays in the phase until attempt_go_on() or its time limit. */
    char directory[TRACE_PATH_BYTES]; /* What it has on disk: root/, output.log. */
    struct trace trace;
    struct victim victim;
    bool injected;
    uint64_t injected_ms; /* Monotonic. */
    enum muster_phase phase; /* In which the victim was hit. */
};

/** Makes its directory and starts the victim. */
MUSTER_MUST_USE enum muster_rc attempt_start(struct attempt *attempt, struct muster_error *err);

/** Lets a victim that is held go on. */
void attempt_go_on(const struct attempt *attempt, struct complaint *ret);

/** How long an undisturbed victim may take. */
uint64_t attempt_life_ms(const struct attempt *attempt);

/** What the victim and its suite program printed; the caller frees it. NULL when it cannot be read. */
char *attempt_output(const struct attempt *attempt, struct complaint *ret);

/** Runs `muster sweep` on the victim's run root. */
void attempt_sweep(const struct attempt *attempt, struct complaint *ret);

#endif
