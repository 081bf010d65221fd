/* Systems that speak with the pretended nodes. */
#ifndef MUSTER_TESTING_PRETENDED_SYSTEM_H
#define MUSTER_TESTING_PRETENDED_SYSTEM_H

#include "muster/system.h"
#include "testing/pretended_nodes.h"

extern const struct muster_system fake_system;

/* The same nodes, known by how far they say they are alone. */
extern const struct muster_system fake_plain;

/* Its nodes have streams of blocks, too. */
extern const struct muster_system fake_streamed;

#endif
