/* run.json: what a run was, and how it went, for machines. */
#include "run/run_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/json.h"
#include "evidence/run_json.h"
#include "muster/clock.h"
#include "run/internal.h"
#include "run/observe.h"
#include "run/parts.h"

#ifndef MUSTER_VERSION
#define MUSTER_VERSION "0.1.0"
#endif

/* ---- The plan ---- */

/* As text: a seed may be larger than JSON's integers are in many readers. */
static json_t *seed_to_json(uint64_t seed)
{
    return json_sprintf("%llu", (unsigned long long)seed);
}

static json_t *env_to_json(const struct muster_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->env_count; i++) {
        const struct muster_env *it = &plan->env[i];
        json_t *node = it->node == MUSTER_EVERY_NODE ? json_string("every") : json_integer(it->node);
        json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "node", node, "name", it->name, "value",
                                              muster__json_text(it->value)));
    }
    return list;
}

static json_t *workload_names(const struct muster_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->workload_count; i++) {
        json_array_append_new(list, json_string(plan->workloads[i].name));
    }
    return list;
}

static json_t *expectation_names(const struct muster_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->expectation_count; i++) {
        json_array_append_new(list, json_string(plan->expectations[i].name));
    }
    return list;
}

static json_t *capability_names(uint32_t capabilities)
{
    json_t *list = json_array();
    const struct muster_capability_info *row = NULL;
    for (size_t i = 0; (row = muster_capability_info(i)) != NULL; i++) {
        if ((capabilities & row->bit) != 0) {
            json_array_append_new(list, json_string(row->name));
        }
    }
    return list;
}

json_t *muster__plan_to_json(const struct muster_plan *plan)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:f, s:I, s:I, s:I, s:o, s:o, s:o}", "suite",
        plan->suite, "name", plan->name, "system", plan->system->name, "layout",
        muster_layout_name(plan->layout), "nodes", (json_int_t)plan->node_count, "pace_ms",
        (json_int_t)plan->pace_ms, "duration_ms", (json_int_t)plan->duration_ms, "capabilities",
        capability_names(plan->capabilities), "seed", seed_to_json(plan->seed), "slowdown", plan->slowdown,
        "ready_ms", (json_int_t)plan->ready_ms, "settle_ms", (json_int_t)plan->settle_ms, "grace_ms",
        (json_int_t)plan->grace_ms, "env", env_to_json(plan), "workloads", workload_names(plan),
        "expectations", expectation_names(plan));
    const struct muster_observer *observer = muster__observer_of(plan);
    if (object != NULL && observer->add_to_plan_json != NULL) {
        observer->add_to_plan_json(plan, object);
    }
    return object;
}

/* ---- The run ---- */

static json_int_t since_began(const struct muster_run *run, uint64_t monotonic_ms)
{
    return monotonic_ms < run->session->began_ms ? 0 : (json_int_t)(monotonic_ms - run->session->began_ms);
}

static json_t *phases_to_json(struct muster_run *run)
{
    json_t *list = json_array();
    pthread_mutex_lock(&run->mutex);
    for (unsigned i = 0; i < MUSTER_PHASE_COUNT; i++) {
        const struct muster__phase_times *it = &run->phases[i];
        char wall[MUSTER_TIMESTAMP_BYTES];
        if (it->began_ms == 0) {
            continue;
        }
        json_t *ended = it->ended_ms == 0 ? json_null() : json_integer(since_began(run, it->ended_ms));
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:s}", "name",
                                              muster_phase_name((enum muster_phase)i), "began_ms",
                                              since_began(run, it->began_ms), "ended_ms", ended, "wall",
                                              muster_clock_format(it->began_wall_ms, wall)));
    }
    pthread_mutex_unlock(&run->mutex);
    return list;
}

static json_t *window_to_json(struct muster_run *run)
{
    uint64_t opened_ms = atomic_load(&run->opened_ms);
    uint64_t closed_ms = atomic_load(&run->closed_ms);
    if (opened_ms == 0) {
        return json_null();
    }
    if (closed_ms == 0) {
        return json_pack("{s:I, s:n, s:n}", "opened_ms", since_began(run, opened_ms), "closed_ms",
                         "duration_ms");
    }
    return json_pack("{s:I, s:I, s:I}", "opened_ms", since_began(run, opened_ms), "closed_ms",
                     since_began(run, closed_ms), "duration_ms", (json_int_t)(closed_ms - opened_ms));
}

static json_t *expectations_to_json(struct muster_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        json_array_append_new(list, muster__report_to_json(&run->reports[i]));
    }
    return list;
}

static json_t *nodes_to_json(struct muster_run *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->plan->node_count && run->observation != NULL; i++) {
        struct muster_node_view view;
        char text[96] = "";
        struct muster_exit exit = { 0 };
        muster_node_view(run, i, &view);
        bool ended = muster__nodes_exit(run->nodes, i, &exit);
        json_t *how = ended ? json_string(muster_exit_describe(&exit, text)) : json_null();
        json_t *node =
            json_pack("{s:o, s:s, s:I, s:I, s:s, s:o}", "name", json_sprintf("node-%u", i), "state",
                      muster__node_state_name(muster__nodes_state(run->nodes, i)), "restarts",
                      (json_int_t)muster__nodes_restarts(run->nodes, i), "height",
                      (json_int_t)view.progress.height, "tip", view.progress.tip.text, "exit", how);
        if (node != NULL && muster__run_has_branches(run)) {
            json_object_set_new(node, "slot", json_integer((json_int_t)view.progress.slot));
        }
        json_array_append_new(list, node);
    }
    return list;
}

static json_t *variable_to_json(const struct muster_variables *variables, enum muster_variable id)
{
    switch (muster_variable_info(id)->type) {
    case MUSTER_TYPE_FLAG:
        return json_boolean(muster_variable_flag(variables, id));
    case MUSTER_TYPE_UINT:
        return json_sprintf("%llu", (unsigned long long)muster_variable_uint(variables, id));
    case MUSTER_TYPE_NUMBER:
        return json_real(muster_variable_number(variables, id));
    case MUSTER_TYPE_TEXT:
    case MUSTER_TYPE_PATH:
    case MUSTER_TYPE_LIST:
    case MUSTER_TYPE_LEVEL:
        return json_string(muster_variable_text(variables, id));
    }
    return json_null();
}

static json_t *environment_to_json(const struct muster_variables *variables)
{
    json_t *object = json_object();
    for (unsigned i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        enum muster_variable id = (enum muster_variable)i;
        if (muster_variable_is_set(variables, id)) {
            json_object_set_new(object, muster_variable_info(id)->name, variable_to_json(variables, id));
        }
    }
    return object;
}

static json_t *artifacts_to_json(const struct muster_run *run)
{
    return json_pack("{s:o, s:b, s:s, s:s, s:s}", "directory", muster__json_text(run->session->directory),
                     "kept", run->kept, "events", "events.jsonl", "ledger", MUSTER_LEDGER_FILE, "nodes",
                     "nodes");
}

static const char *verdict_text(const struct muster_run *run, enum muster_rc rc)
{
    if (rc != MUSTER_OK) {
        return muster_verdict_name(muster__verdict_of(rc));
    }
    /* Whether it passed is known when all has been taken down, not before. */
    return run->verdict == 0 ? "running" : muster_verdict_name(run->verdict);
}

json_t *muster__run_to_json(struct muster_run *run)
{
    struct muster_error cause = { 0 };
    enum muster_rc rc = muster__run_failure(run, &cause);
    const struct muster_session *session = run->session;
    char wall[MUSTER_TIMESTAMP_BYTES];
    json_t *object = json_pack(
        "{s:i, s:s, s:o, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
        MUSTER__RUN_JSON_SCHEMA, "muster_version", MUSTER_VERSION, "scenario",
        json_sprintf("%s.%s", run->plan->suite, run->plan->name), "runner", session->runner->name, "run_id",
        session->run_id, "began", muster_clock_format(session->began_wall_ms, wall), "seed",
        seed_to_json(run->plan->seed), "verdict", verdict_text(run, rc), "code",
        rc == MUSTER_OK ? "" : muster_rc_name(rc), "cause", muster__json_text(cause.text), "plan",
        muster__plan_to_json(run->plan), "phases", phases_to_json(run), "window", window_to_json(run),
        "expectations", expectations_to_json(run), "nodes", nodes_to_json(run), "artifacts",
        artifacts_to_json(run), "environment", environment_to_json(session->variables));
    const struct muster_observer *observer = muster__observer_of(run->plan);
    if (object != NULL && run->observation != NULL && observer->add_to_run_json != NULL) {
        observer->add_to_run_json(run->observation, object);
    }
    if (object != NULL) {
        muster__parts_add_to_json(run, object);
    }
    return object;
}

enum muster_rc muster__run_save(struct muster_run *run, struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(path, err, "%s/%s", run->session->directory, MUSTER__RUN_JSON);
    if (rc != MUSTER_OK) {
        return rc;
    }
    json_t *json = muster__run_to_json(run);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (text == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %s", MUSTER__RUN_JSON);
    }
    rc = muster__file_write(path, text, strlen(text), err);
    free(text);
    return rc;
}
