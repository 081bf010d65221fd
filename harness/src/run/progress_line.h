/* One line on stderr that says how a run gets on. Used by the test's thread alone. */
#ifndef MUSTER_SRC_PROGRESS_LINE_H
#define MUSTER_SRC_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/internal.h"

#define MUSTER__PROGRESS_BYTES 512u
#define MUSTER__PROGRESS_NODES_MAX 12u /* More are shown as lowest to highest. */

struct muster__progress_facts {
    const char *name; /* The scenario's. */
    const char *phase;
    double elapsed_s; /* Of the phase. */
    double total_s;
    uint32_t node_count;
    const uint64_t *heights; /* By node. */
    const bool *running; /* By node. */
    const char *parts; /* Their words; "" or NULL: none. */
    uint64_t restarts;
};

/** Formats the line without control characters, at most `width` columns. Returns text. */
const char *muster__progress_format(const struct muster__progress_facts *facts, size_t width,
                                    char text[MUSTER__PROGRESS_BYTES]);

struct muster__progress_line {
    bool terminal;
    bool shown; /* A live line stands on the terminal. */
    uint64_t phase_began_ms;
    uint64_t phase_total_ms;
    uint64_t next_ms; /* Monotonic: when to write again. */
};

void muster__progress_begin(struct muster__progress_line *line, uint64_t phase_total_ms);
/** Writes the line if it is due. */
void muster__progress_update(struct muster__progress_line *line, struct muster_run *run);
/** Wipes the live line off. */
void muster__progress_end(struct muster__progress_line *line);

#endif
