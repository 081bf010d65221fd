/* The local runner: nodes are processes of this host, each on a loopback address of its own. */
#ifndef MUSTER_RUNNERS_LOCAL_H
#define MUSTER_RUNNERS_LOCAL_H

#include "muster/runner.h"

extern const struct muster_runner muster_local_runner;

#endif
