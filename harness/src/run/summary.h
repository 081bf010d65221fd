/* The end of a run in a few lines on stderr. */
#ifndef MUSTER_SRC_SUMMARY_H
#define MUSTER_SRC_SUMMARY_H

#include <stdio.h>

#include "run/internal.h"

/** Writes the summary; after a failure it ends with the cause. */
void muster__summary_write(struct muster_run *run, FILE *out);
/** The same to stderr, in one piece. */
void muster__summary_print(struct muster_run *run);

#endif
