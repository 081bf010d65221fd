/* A suite program (or ctest around one) that is started to be killed. */
#ifndef MUSTER_CONFORMANCE_VICTIM_H
#define MUSTER_CONFORMANCE_VICTIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/result.h"

#define VICTIM_ENV_MAX 16u

struct victim {
    pid_t pid;
    bool ended; /* And was reaped. */
    int status; /* From waitpid(), once it has ended. */
    uint64_t ended_ms; /* Monotonic, as seen here. */
};

/**
 * Starts a program in a session of its own, its output going to a file.
 *
 * @param argv     NULL-terminated; argv[0] is a path.
 * @param env      NULL-terminated "NAME=value", at most VICTIM_ENV_MAX, on top of this process's environment,
 * from which what would steer a suite is taken out: Check's variables and ours, but those that tell where a
 * backend is.
 * @param dropped  NULL-terminated beginnings of more names to take out; NULL: none.
 */
MUSTER_MUST_USE enum muster_rc victim_start(struct victim *victim, const char *const *argv,
                                            const char *const *env, const char *const *dropped,
                                            const char *output_path, struct muster_error *err);

/** Reaps it if it has ended. Returns whether it has. */
bool victim_look(struct victim *victim);

/** Waits until it has ended; false when the deadline (monotonic) passes first. */
bool victim_wait(struct victim *victim, uint64_t deadline_ms);

/** "exited with code 1", "was ended by SIGTERM". Returns text. */
const char *victim_describe(const struct victim *victim, char text[96]);

#endif
