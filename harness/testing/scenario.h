/* Scenarios to build, with parts that count how often they are destroyed. */
#ifndef MUSTER_TESTING_SCENARIO_H
#define MUSTER_TESTING_SCENARIO_H

#include "muster/run.h"
#include "muster/scenario.h"
#include "muster/system.h"

/* How many parts were destroyed since scenario_create(). */
extern int scenario_destroyed;

void scenario_destroy_counted(void *context);

/* Parts that do nothing and are counted when they are destroyed. */
struct muster_workload scenario_workload_named(const char *name);

struct muster_expectation scenario_expectation_named(const char *name);

struct muster_scenario *scenario_create(void);

/* The scenario's first mistake; s is destroyed. */
void scenario_check_mistake(struct muster_scenario *s, const char *expected);

#endif
