/* The promise that down may run in a later process, and twice. */
#ifndef MUSTER_CONFORMANCE_SLOTS_LATER_H
#define MUSTER_CONFORMANCE_SLOTS_LATER_H

#include "slots/slots_run.h"

/** The test and the guardian are killed; then down is called twice from here. */
void slots_down_in_a_later_process(const struct slots_subject *subject, const struct muster_runner *runner,
                                   struct complaint *ret);

#endif
