/* One attempt at a victim; between the files that carry it out. */
#ifndef MUSTER_CONFORMANCE_ATTEMPT_H
#define MUSTER_CONFORMANCE_ATTEMPT_H

#include "kill/trace.h"
#include "kill/trial.h"
#include "kill/victim.h"

struct attempt {
    const struct settings *settings;
    const struct method *method;
    struct fate fate;
    uint64_t delay_ms; /* Of the blow, from the phase's begin. */
    uint64_t limit_ms; /* Of Check or ctest, where that is what strikes; else 0. */
    bool held; /* From then on the victim stays where it is. */
    char directory[TRACE_PATH_BYTES]; /* What it has on disk: root/, output.log. */
    struct trace trace;
    struct victim victim;
    bool struck;
    uint64_t struck_ms; /* Monotonic. */
    enum muster_phase phase; /* When it was struck. */
};

/* attempt.c */

/** Makes its directory and starts the victim. */
MUSTER_MUST_USE enum muster_rc attempt_start(struct attempt *attempt, struct muster_error *err);

/** Lets a victim that is held go on. */
void attempt_go_on(const struct attempt *attempt, struct complaint *ret);

/** How long a victim may take that nobody strikes. */
uint64_t attempt_life_ms(const struct attempt *attempt);

/** What it and its suite program said; the caller frees it. NULL when it cannot be read. */
char *attempt_output(const struct attempt *attempt, struct complaint *ret);

/** Runs `muster sweep` on the victim's run root. */
void attempt_sweep(const struct attempt *attempt, struct complaint *ret);

/* strike.c */

/** Waits for the moment and strikes, or watches it die; sets what is known of that. */
void attempt_strike(struct attempt *attempt, struct complaint *ret);

/* aftermath.c */

/** Waits until nothing is left, and complains of what is there at the deadline. Returns how long it took. */
uint64_t aftermath_await(struct attempt *attempt, struct complaint *ret);

/** Exit code and evidence of a victim that was struck. */
void aftermath_check(const struct attempt *attempt, struct complaint *ret);

/** The same for a victim that nobody disturbed: it must have passed. */
void aftermath_check_passed(const struct attempt *attempt, struct complaint *ret);

/** The same for a victim that was over before the blow fell: it passed, or failed for a reason of its own (a
 * node that ignores TERM, a busy machine). */
void aftermath_check_missed(const struct attempt *attempt, struct complaint *ret);

#endif
