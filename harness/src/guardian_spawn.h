/* Starting one process: the part between fork() and exec(). */
#ifndef MUSTER_SRC_GUARDIAN_SPAWN_H
#define MUSTER_SRC_GUARDIAN_SPAWN_H

#include <sys/types.h>

#include "muster/result.h"

struct muster__launch {
    char **argv;
    char **env;
    const char *directory;
    const char *stdout_path; /* NULL: discarded. */
    const char *stderr_path;
};

/**
 * Forks a process in a group of its own, which dies with its parent. `record` is called with its pid before
 * it may exec; when it fails, the process is ended without having run anything.
 *
 * @return MUSTER_OK, exec succeeded; MUSTER_ENODE, it failed: program and reason in err, the process is reaped;
 *         MUSTER_EINFRA; what `record` returned.
 */
MUSTER_MUST_USE enum muster_rc muster__launch(const struct muster__launch *launch,
                                              enum muster_rc (*record)(void *context, pid_t pid,
                                                                       struct muster_error *err),
                                              void *context, pid_t *ret, struct muster_error *err);

#endif
