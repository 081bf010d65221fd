/* A run on a cluster of pretended nodes, without guardian and processes. */
#ifndef MUSTER_TESTING_CLUSTER_H
#define MUSTER_TESTING_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/files.h"
#include "muster/muster.h"
#include "run/internal.h"
#include "run/observe.h"
#include "testing/pretended_nodes.h"
#include "testing/pretended_runner.h"
#include "testing/pretended_system.h"

/* A scenario of so many pretended nodes, to be added to. */
struct muster_scenario *cluster_scenario(uint32_t nodes, int64_t duration_ms);

/* Consumes the scenario; the nodes run. slowdown below 1 makes what ends badly end soon. */
struct muster_run *cluster_deploy(struct muster_scenario *s, double slowdown);

/* The same, and captured: its window may open. */
struct muster_run *cluster_start(struct muster_scenario *s, double slowdown);

/* Opens the window, and judges once it is closed. */
enum muster_rc cluster_execute(struct muster_error *err);

/* Finishes the run and frees all; returns what the finish said. */
enum muster_rc cluster_finish(struct muster_error *err);

void cluster_assert_finish(enum muster_rc expected);

/* Whether a line of events.jsonl holds both. */
bool cluster_told(const char *kind, const char *part);

uint64_t cluster_window_ms(void);

/* A number that an expectation reported; the test fails where it did not. */
double cluster_number(const char *expectation, const char *name);

#define ck_assert_says(err, part)                                                                            \
    ck_assert_msg(strstr((err).text, (part)) != NULL, "\"%s\" lacks \"%s\"", (err).text, (part))

#endif
