/* The environment that says which backend a program speaks to, kept so that a sweep from another shell speaks
 * to the same one. */
#ifndef MUSTER_RUNNERS_SHARED_ENVIRONMENT_H
#define MUSTER_RUNNERS_SHARED_ENVIRONMENT_H

#include <jansson.h>

#include "muster/result.h"

#define RUNNER_ENV_MAX 16u

/* "NAME=value", or "NAME" for one that is to be left out; NULL-terminated, as muster_tool takes it. */
struct runner_env {
    char *items[RUNNER_ENV_MAX + 1];
};

static inline const char *const *runner__env_items(const struct runner_env *env)
{
    return (const char *const *)env->items;
}

/** Takes over the variables of these names, at most RUNNER_ENV_MAX. MUSTER_OK or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc runner__env_keep(struct runner_env *env, const char *const *names,
                                                size_t count, struct muster_error *err);
void runner__env_fini(struct runner_env *env);

/** For the ledger. NULL without memory, or where a value is not UTF-8. */
json_t *runner__env_to_json(const struct runner_env *env);
/** Back from there. MUSTER_EREPLY: that is no environment; `ret` is empty then. */
MUSTER_MUST_USE enum muster_rc runner__env_from_json(const json_t *json, struct runner_env *ret,
                                                     struct muster_error *err);

#endif
