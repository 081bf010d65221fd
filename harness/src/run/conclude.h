/* From the first cause to the verdict. */
#ifndef MUSTER_SRC_CONCLUDE_H
#define MUSTER_SRC_CONCLUDE_H

#include "run/internal.h"

/** After a failure: if the backend is gone, that becomes the cause, and what failed comes after it. */
void muster__run_blame_backend(struct muster_run *run);

/** Settles the verdict by the first cause: tells the guardian, writes run.json, sums up a failure. */
void muster__run_conclude(struct muster_run *run);

#endif
