/* Ends a victim as its method says. */
#ifndef MUSTER_CONFORMANCE_INJECT_H
#define MUSTER_CONFORMANCE_INJECT_H

#include "kill/attempt.h"

/** Waits for the phase and the delay, then sends the method's signal. Where the victim ends by itself or by a
 * time limit, waits for that. Sets injected, injected_ms and phase of the attempt. */
void attempt_inject(struct attempt *attempt, struct complaint *ret);

#endif
