/* The compose runner: nodes are containers of one Compose project on a Docker engine, local or remote. */
#ifndef MUSTER_RUNNERS_COMPOSE_H
#define MUSTER_RUNNERS_COMPOSE_H

#include "muster/runner.h"

extern const struct muster_runner muster_compose_runner;

#endif
