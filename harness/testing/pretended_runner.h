/* A runner whose nodes are the pretended ones: it starts no process. */
#ifndef MUSTER_TESTING_PRETENDED_RUNNER_H
#define MUSTER_TESTING_PRETENDED_RUNNER_H

#include <stdint.h>

#include "muster/runner.h"
#include "testing/pretended_nodes.h"

enum muster_rc fake_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                             struct muster_error *err);

extern const struct muster_runner fake_runner;

#endif
