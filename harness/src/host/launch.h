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

/**
 * Starts a process in a group of its own, which dies with its parent, and waits for its exec. `record` is
 * called in that process before the exec, while its parent stands still and shares its memory: it must
 * neither allocate nor lock. When it fails, nothing is run. It may be NULL.
 *
 * @param ret  Also after a failure: who is to be reaped, and ends by itself; -1 when there is nobody.
 *
 * @return MUSTER_OK, exec succeeded; MUSTER_ENODE, it failed: program and reason in err; MUSTER_EINFRA; what
 * `record` returned.
 */
MUSTER_MUST_USE enum muster_rc muster__launch(const struct muster__launch *launch,
                                              enum muster_rc (*record)(void *context,
                                                                       struct muster_error *err),
                                              void *context, pid_t *ret, struct muster_error *err);

#endif
