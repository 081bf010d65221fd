/* The argument vectors and environments of the programs that runners call. */
#ifndef MUSTER_RUNNERS_SHARED_ARGV_H
#define MUSTER_RUNNERS_SHARED_ARGV_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "muster/result.h"

#define RUNNER_ARGS_MAX 32u
#define RUNNER_ENV_MAX 16u

/* A NULL-terminated argument vector; borrows all its strings. */
struct runner_argv {
    const char *args[RUNNER_ARGS_MAX + 1];
    size_t count;
};

/** Appends; more than RUNNER_ARGS_MAX are dropped, which only a bug does. */
void runner__argv_add(struct runner_argv *argv, const char *arg);
/** Appends all, up to NULL. */
void runner__argv_add_all(struct runner_argv *argv, va_list arguments);

/* ---- Environments: written into the ledger, so that the guardian and a later sweep call the same backend
 * ---- */

/* "NAME=value", or "NAME" for a variable that is left out; NULL-terminated, as muster_tool takes it. */
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

/* ---- As a shell takes them ---- */

/** Prints a command with the variables in front that name the backend: another shell may have others. HOME is
 * left out. */
void runner__print_command(FILE *out, const struct runner_env *env, const struct runner_argv *argv);
/** Prints one word, quoted where a shell needs that. */
void runner__print_word(FILE *out, const char *word);

#endif
