/* muster: multi-node scenario tests. This header includes all of the harness that a scenario uses. */
#ifndef MUSTER_MUSTER_H
#define MUSTER_MUSTER_H

#include "muster/chain.h"
#include "muster/clock.h"
#include "muster/log.h"
#include "muster/random.h"
#include "muster/result.h"
#include "muster/run.h"
#include "muster/scenario.h"
#include "muster/system.h"
#include "muster/variables.h"

#endif
