/* A runner of one's own. */
#ifndef PLAIN_RUNNER_H
#define PLAIN_RUNNER_H

#include <muster/runner.h>

extern const struct muster_runner plain_runner;

#endif
