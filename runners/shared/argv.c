#include "argv.h"

#include <assert.h>

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
