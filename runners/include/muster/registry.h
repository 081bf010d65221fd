/* Every runner that muster has. Adding one is a line in runners/registry.c. */
#ifndef MUSTER_REGISTRY_H
#define MUSTER_REGISTRY_H

#include "muster/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

/** All runners, NULL-terminated; static storage. */
const struct muster_runner *const *muster_runners(void);

/** The runner of this name or alias ("local", "host"); NULL when there is none. */
const struct muster_runner *muster_runner_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
