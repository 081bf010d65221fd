/* Starting one process: the part between fork() and exec(). */
#ifndef MUSTER_SRC_GUARDIAN_SPAWN_H
#define MUSTER_SRC_GUARDIAN_SPAWN_H

#include <sys/types.h>

#include "muster/result.h"

struct muster__launch {
    const char *program; /* A path. */
    char **argv;
    char **env;
    const char *directory;
    const char *stdout_path; /* NULL: discarded. */
    const char *stderr_path;
};

typedef enum muster_rc muster__record(void *context, struct muster_error *err);

/**
 * Forks a process in a group of its own, which dies with its parent. `record` is called in it before it may exec;
 * when that fails, nothing is run. NULL: nothing to record. A parent with more than one thread records nothing.
 *
 * @param ret_report  Readable once it is known whether exec succeeded; for muster__launch_end().
 *
 * @return MUSTER_OK, it was forked, whatever becomes of it; MUSTER_EINFRA.
 */
MUSTER_MUST_USE enum muster_rc muster__launch_begin(const struct muster__launch *launch,
                                                    muster__record *record, void *context, pid_t *ret,
                                                    int *ret_report, struct muster_error *err);

/**
 * Waits until it is known, and closes `report`. Does not reap: a process that could not exec has ended, or is about
 * to.
 *
 * @return MUSTER_OK, exec succeeded; MUSTER_ENODE, it failed: program and reason in err; MUSTER_EINFRA; what `record`
 *         returned.
 */
MUSTER_MUST_USE enum muster_rc muster__launch_end(const struct muster__launch *launch, int report,
                                                  struct muster_error *err);

/** Both, with nothing to record; reaps it after a failure. */
MUSTER_MUST_USE enum muster_rc muster__launch(const struct muster__launch *launch, pid_t *ret,
                                              struct muster_error *err);

#endif
