/* What is wrong with what a victim left, in words; empty when nothing is. */
#ifndef MUSTER_CONFORMANCE_COMPLAINT_H
#define MUSTER_CONFORMANCE_COMPLAINT_H

#include <stdbool.h>

#include "muster/result.h"

struct complaint {
    char text[3072];
};

/** Adds one, after "; " where it is not the first. */
void complain(struct complaint *complaint, const char *format, ...) MUSTER_PRINTF(2, 3);

bool complained(const struct complaint *complaint);

#endif
