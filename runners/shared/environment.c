#include "environment.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum muster_rc runner__env_keep(struct runner_env *env, const char *const *names, size_t count,
                                struct muster_error *err)
{
    assert(count <= RUNNER_ENV_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        int length = value == NULL ? asprintf(&env->items[i], "%s", names[i])
                                   : asprintf(&env->items[i], "%s=%s", names[i], value);
        if (length < 0) {
            env->items[i] = NULL;
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for the environment of programs");
        }
    }
    return MUSTER_OK;
}

void runner__env_fini(struct runner_env *env)
{
    for (size_t i = 0; i <= RUNNER_ENV_MAX; i++) {
        free(env->items[i]);
        env->items[i] = NULL;
    }
}

json_t *runner__env_to_json(const struct runner_env *env)
{
    json_t *json = json_array();
    for (size_t i = 0; env->items[i] != NULL; i++) {
        if (json_array_append_new(json, json_string(env->items[i])) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

enum muster_rc runner__env_from_json(const json_t *json, struct runner_env *ret, struct muster_error *err)
{
    size_t count = json_array_size(json);
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < count && i < RUNNER_ENV_MAX; i++) {
        const char *text = json_string_value(json_array_get(json, i));
        ret->items[i] = text == NULL ? NULL : strdup(text);
        if (ret->items[i] == NULL) {
            count = SIZE_MAX;
        }
    }
    if (count > RUNNER_ENV_MAX) {
        runner__env_fini(ret);
        return muster_error_set(err, MUSTER_EREPLY, "the ledger's environment of programs is not readable");
    }
    return MUSTER_OK;
}
