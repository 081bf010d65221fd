#include "shared/argv.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void runner__argv_add(struct runner_argv *argv, const char *arg)
{
    assert(argv->count < RUNNER_ARGS_MAX);
    if (argv->count < RUNNER_ARGS_MAX) {
        argv->args[argv->count++] = arg;
    }
}

void runner__argv_add_all(struct runner_argv *argv, va_list arguments)
{
    const char *arg;
    while ((arg = va_arg(arguments, const char *)) != NULL) {
        runner__argv_add(argv, arg);
    }
}

/* ---- Environments ---- */

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

/* ---- As a shell takes them ---- */

void runner__print_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (const char *at = word; *at != '\0'; at++) {
        fputs(*at == '\'' ? "'\\''" : (char[]){ *at, '\0' }, out);
    }
    fputc('\'', out);
}

void runner__print_command(FILE *out, const struct runner_env *env, const struct runner_argv *argv)
{
    bool has_env = false;
    for (size_t i = 0; env->items[i] != NULL; i++) {
        if (strchr(env->items[i], '=') != NULL && strncmp(env->items[i], "HOME=", 5) != 0) {
            fputs(has_env ? " " : "env ", out);
            runner__print_word(out, env->items[i]);
            has_env = true;
        }
    }
    for (size_t i = 0; i < argv->count; i++) {
        fputs(i > 0 || has_env ? " " : "", out);
        runner__print_word(out, argv->args[i]);
    }
}
