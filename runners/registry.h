/* Every runner there is. Adding one is a line in registry.c. */
#ifndef MUSTER_RUNNERS_REGISTRY_H
#define MUSTER_RUNNERS_REGISTRY_H

#include "muster/runner.h"

/** All runners, NULL-terminated; static storage. */
const struct muster_runner *const *muster_runners(void);

/** The runner of this name or alias ("local", "host"); NULL when there is none. */
const struct muster_runner *muster_runner_find(const char *name);

#endif
