/* What the run asks of its parts, other than their workloads and expectations. */
#ifndef MUSTER_SRC_RUN_PARTS_H
#define MUSTER_SRC_RUN_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "muster/run.h"

#define MUSTER__PART_TEXT_BYTES 256u

/** Whether nothing more is to come of any part. Sets *height to the one that every node must have reached. */
bool muster__parts_settled(struct muster_run *run, uint64_t *height);

/** Has every part let go of what it holds of the run. */
void muster__parts_end(struct muster_run *run);

/** Writes the parts' words for the progress line, separated by " | "; "" where they have none. */
void muster__parts_progress(struct muster_run *run, char text[MUSTER__PART_TEXT_BYTES]);

/** Writes the parts' lines of the summary. */
void muster__parts_summary(struct muster_run *run, FILE *out);

/** Adds each part's section, by its name. */
void muster__parts_add_to_json(struct muster_run *run, json_t *object);

#endif
