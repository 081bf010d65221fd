/* The end of a run in a few lines on stderr. */
#ifndef MUSTER_SRC_SUMMARY_H
#define MUSTER_SRC_SUMMARY_H

#include <stdio.h>

#include "run_internal.h"

/** Writes the summary; after a failure its last line is the command that repeats the run. */
void muster__summary_write(struct muster_run *run, FILE *out);
/** The same to stderr, in one piece. */
void muster__summary_print(struct muster_run *run);
/** "MUSTER_SEED=… MUSTER_RUNNER=… CK_RUN_CASE=… program", quoted for a shell, and a newline. */
void muster__summary_command(struct muster_run *run, FILE *out);

#endif
