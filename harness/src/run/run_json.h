/* run.json: what a run was, and how it went. */
#ifndef MUSTER_SRC_RUN_RUN_JSON_H
#define MUSTER_SRC_RUN_RUN_JSON_H

#include <jansson.h>

#include "muster/run.h"

/** All of the plan that is data. NULL when memory is out. */
json_t *muster__plan_to_json(const struct muster_plan *plan);
/** The whole of run.json as it stands; NULL when memory is out. */
json_t *muster__run_to_json(struct muster_run *run);
/** Writes run.json into the run directory. MUSTER_OK, MUSTER_EIO or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster__run_save(struct muster_run *run, struct muster_error *err);

#endif
