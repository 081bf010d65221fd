/* Argument vectors of the programs that runners call. */
#ifndef MUSTER_RUNNERS_SHARED_ARGV_H
#define MUSTER_RUNNERS_SHARED_ARGV_H

#include <stdarg.h>
#include <stddef.h>

#define RUNNER_ARGS_MAX 32u

/* A NULL-terminated argument vector; borrows all its strings. */
struct runner_argv {
    const char *args[RUNNER_ARGS_MAX + 1];
    size_t count;
};

/** Appends; more than RUNNER_ARGS_MAX are dropped, which only a bug does. */
void runner__argv_add(struct runner_argv *argv, const char *arg);
/** Appends all, up to NULL. */
void runner__argv_add_all(struct runner_argv *argv, va_list arguments);

#endif
