/* How a victim dies by itself: what the scenario's name says, in the phase and after the delay that the
 * environment says. */
#ifndef MUSTER_CONFORMANCE_CRASH_DEATH_H
#define MUSTER_CONFORMANCE_CRASH_DEATH_H

#include <stdint.h>

#include "muster/run.h"

/** Reads the environment. Call it first in main. */
void death_prepare(void);

uint64_t death_delay_ms(void);
double death_limit_ms(void); /* Of Check, for the scenario that hangs. */
void death_nap(uint64_t duration_ms);

/** A real one: writes where nothing may be written. */
void death_crash(void);

/** Called when the baseline is taken, in the test's thread: from here on a death at any moment is possible. */
void death_capture(struct muster_run *run);

/** Called in the test's thread, where `phase` has just begun or goes on (MUSTER_BUILD: before the window opens).
 * Dies of a failed assertion, if that is how and where it is to die. */
void death_in_test_at(struct muster_run *run, enum muster_phase phase);

/** A checked teardown: the scenario's own, which cleans up, comes next. */
void death_clean_up(void);

#endif
