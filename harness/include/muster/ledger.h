/* The ledger: what a run created, written down before it exists. */
#ifndef MUSTER_LEDGER_H
#define MUSTER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/result.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_LEDGER_FILE "ledger.jsonl"

struct muster_ledger; /* One file; lines are appended whole. Any thread, and across fork(). */

/**
 * Records that `kind` (such as "process", "directory", "compose_project", "namespace") is about to be
 * created. Call it before creating.
 *
 * @param id      Unique within the kind: how to find the thing again.
 * @param detail  More of it as a JSON object text, or NULL.
 * @return MUSTER_OK; MUSTER_EIO: nothing may be created then.
 */
MUSTER_MUST_USE enum muster_rc muster_ledger_created(struct muster_ledger *ledger, const char *kind,
                                                     const char *id, const char *detail,
                                                     struct muster_error *err);

/** Records that the thing is known to be gone. */
MUSTER_MUST_USE enum muster_rc muster_ledger_removed(struct muster_ledger *ledger, const char *kind,
                                                     const char *id, struct muster_error *err);

/* One thing that was created and is not recorded as removed. */
struct muster_ledger_entry {
    char *kind;
    char *id;
    char *detail; /* JSON object text; "{}" where none was given. */
};

/* What a ledger says, for whoever cleans up: the guardian, or `muster sweep` in a later process. */
struct muster_ledger_view {
    char *directory; /* The run directory, absolute. */
    char *run_id;
    char *runner; /* Its name. */
    pid_t guardian_pid;
    uint64_t guardian_start; /* When it started, in clock ticks since boot (proc(5), stat field 22). */
    bool closed; /* Cleaned up in full; what is there is evidence. */
    bool preserved; /* Left up on purpose. */
    size_t entry_count;
    struct muster_ledger_entry *entries; /* In order of creation. */
};

/**
 * Reads the ledger of a run directory. A torn last line (the writer was killed) is left out.
 *
 * @return MUSTER_OK; MUSTER_ENOTFOUND, no ledger there; MUSTER_EREPLY, not a ledger; MUSTER_EIO;
 * MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster_ledger_read(const char *run_directory, struct muster_ledger_view **ret,
                                                  struct muster_error *err);
void muster_ledger_view_destroy(struct muster_ledger_view *view);
MUSTER_DEFINE_CLEANUP(muster_ledger_view_destroy, struct muster_ledger_view *);

/* What an audit found: things that still exist and should not. */
struct muster_audit;

/** Adds a thing that was left, in words: "container muster-7c41-node-0 (running)". */
void muster_audit_found(struct muster_audit *audit, const char *format, ...) MUSTER_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
