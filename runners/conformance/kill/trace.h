/* What is known of a victim's run from outside, by its files alone. */
#ifndef MUSTER_CONFORMANCE_TRACE_H
#define MUSTER_CONFORMANCE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/run.h"

#define TRACE_PATH_BYTES 1024u

struct trace {
    char root[TRACE_PATH_BYTES]; /* MUSTER_RUN_ROOT of this victim alone. */
    char tag[96]; /* In the environment of all its processes; see tagged_processes.h. */

    char directory[TRACE_PATH_BYTES + 256]; /* The run directory; "" until there is one. */
    char run_id[64]; /* "" until there is a run directory. */
    bool has_ledger; /* True also once it is gone. A run without one has not begun. */
    char lease[16]; /* "127.64.3."; "" until the ledger names it. */
    pid_t guardian; /* 0 until the ledger names it. */
    uint64_t guardian_start;

    enum muster_phase phase; /* MUSTER_BUILD until its first phase was seen. */
    uint64_t entered_ms[MUSTER_PHASE_COUNT]; /* Monotonic, as seen here; 0: not entered. */
    off_t events_read;
};

/** `root` and `tag` are copied; nothing else is known yet. */
void trace_init(struct trace *trace, const char *root, const char *tag);

/** Looks for the run directory and for phases that began since the last call. */
void trace_look(struct trace *trace);

/** Whether the run directory, or what was in it, is gone again. It is when a run has passed. */
bool trace_is_removed(const struct trace *trace);

/** Takes run id, guardian and lease from the ledger, as far as it is written. */
void trace_read_ledger(struct trace *trace);

#endif
