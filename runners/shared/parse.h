/* What backends of containers answer alike. */
#ifndef MUSTER_RUNNERS_SHARED_ANSWERS_H
#define MUSTER_RUNNERS_SHARED_ANSWERS_H

#include <stddef.h>

#include "muster/runner.h"

#define RUNNER_SIGNAL_MAX 64

/** How a container ended by its exit code: it is 128 + n for signal n, and for a program that exits with 128
 * + n, so that a signal is inferred. `at_ms` is now. */
struct muster_exit runner__exit(int exit_code);

/** Sets MUSTER_EREPLY and returns it, with the begin of what was answered: "the engine's answer about a
 * container was not understood: '...'". */
enum muster_rc runner__not_understood(const char *whose, const char *what, const char *answer, size_t bytes,
                                      struct muster_error *err);

#endif
