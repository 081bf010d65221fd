/* The external runner: nodes that someone else runs, reached by URL. It creates nothing and removes nothing.
 */
#ifndef MUSTER_RUNNERS_EXTERNAL_H
#define MUSTER_RUNNERS_EXTERNAL_H

#include "muster/runner.h"

extern const struct muster_runner muster_external_runner;

#endif
