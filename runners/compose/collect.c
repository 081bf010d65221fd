/* Evidence before down, and what the ledger says of a run. In the guardian. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "muster/tool.h"
#include "shared/record.h"

#define COLLECT_MS 20000u
#define AT_ONCE 8u

/* ---- The ledger ---- */

enum muster_rc compose__record_read(const struct muster_ledger_view *view, struct compose_record *ret,
                                    struct muster_error *err)
{
    const struct muster_ledger_entry *entry = runner__ledger_find(view, COMPOSE_LEDGER_PROJECT);
    if (entry == NULL) {
        return MUSTER_ENOTFOUND;
    }
    json_auto_t *detail = json_loads(entry->detail, 0, NULL);
    const char *logs = json_string_value(json_object_get(detail, "logs"));
    json_int_t nodes = json_integer_value(json_object_get(detail, "nodes"));
    memset(ret, 0, sizeof *ret);
    if (nodes < 0 || nodes > UINT32_MAX || strlen(entry->id) >= sizeof ret->project ||
        strlen(view->run_id) > 32) {
        return muster_error_set(err, MUSTER_EREPLY, "the ledger of '%s' does not describe a Compose project",
                                view->directory);
    }
    enum muster_rc rc = compose__engine_from_json(json_object_get(detail, "engine"), &ret->engine, err);
    ret->node_count = (uint32_t)nodes;
    ret->up_unfinished = runner__ledger_find(view, COMPOSE_LEDGER_UP) != NULL;
    snprintf(ret->project, sizeof ret->project, "%s", entry->id);
    snprintf(ret->label, sizeof ret->label, "label=" COMPOSE_LABEL "=%s", view->run_id);
    snprintf(ret->log_directory, sizeof ret->log_directory, "%s", logs == NULL ? "" : logs);
    return rc;
}

/* ---- Evidence ---- */

struct log_paths {
    char container[COMPOSE_NAME_BYTES];
    char path[2][RUNNER_LOG_PATH_BYTES];
};

static void place_logs(const struct muster_ledger_view *view, const struct compose_record *record,
                       uint32_t node, struct log_paths *logs)
{
    static const char *const names[2] = { "stdout.log", "stderr.log" };
    compose__container_name(view->run_id, node, logs->container);
    for (int i = 0; i < 2; i++) {
        runner__log_path(view, record->log_directory, node, names[i], logs->path[i]);
        unlink(logs->path[i]); /* The end of it that a failure quoted. */
    }
}

static enum muster_rc save_logs(const struct muster_ledger_view *view, const struct compose_record *record,
                                struct muster_error *err)
{
    struct log_paths *logs = calloc(record->node_count, sizeof *logs);
    struct runner_argv *argvs = calloc(record->node_count, sizeof *argvs);
    struct muster_tool *tools = calloc(record->node_count, sizeof *tools);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (logs == NULL || argvs == NULL || tools == NULL) {
        muster_error_set(err, rc, "no memory for the logs of %u nodes", record->node_count);
    } else {
        for (uint32_t i = 0; i < record->node_count; i++) {
            place_logs(view, record, i, &logs[i]);
            argvs[i] = compose__docker(&record->engine, "logs", logs[i].container, NULL);
            tools[i] = (struct muster_tool){ .argv = argvs[i].args,
                                             .env = runner__env_items(&record->engine.env),
                                             .stdout_path = logs[i].path[0],
                                             .stderr_path = logs[i].path[1] };
        }
        rc = muster_tool_run(tools, record->node_count, AT_ONCE, COLLECT_MS, err);
        for (uint32_t i = 0; i < record->node_count; i++) {
            if (!muster_tool_succeeded(&tools[i])) { /* The engine's complaint is not the node's. */
                unlink(logs[i].path[0]);
                unlink(logs[i].path[1]);
            }
            muster_tool_fini(&tools[i]);
        }
    }
    free(logs);
    free(argvs);
    free(tools);
    return rc;
}

/* The states of all containers, a line each, as the engine gives them. */
static enum muster_rc save_states(const struct muster_ledger_view *view, const struct compose_record *record,
                                  struct muster_error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%.4000s/containers.jsonl", view->directory);
    enum muster_rc rc = MUSTER_OK;
    char names[RUNNER_ARGS_MAX][COMPOSE_NAME_BYTES];
    uint32_t next = 0;
    while (next < record->node_count && rc == MUSTER_OK) {
        struct runner_argv argv = compose__docker(&record->engine, "inspect", "--type", "container",
                                                  "--format", COMPOSE_STATE_FORMAT, NULL);
        for (size_t i = 0; next < record->node_count && argv.count < RUNNER_ARGS_MAX; i++) {
            compose__container_name(view->run_id, next++, names[i]);
            runner__argv_add(&argv, names[i]);
        }
        struct muster_tool tool = { .argv = argv.args,
                                    .env = runner__env_items(&record->engine.env),
                                    .stdout_path = path };
        rc = muster_tool_run(&tool, 1, 1, COMPOSE_CALL_MS, err);
        muster_tool_fini(&tool);
    }
    return rc;
}

enum muster_rc compose__collect(const struct muster_ledger_view *view, struct muster_error *err)
{
    struct compose_record record;
    enum muster_rc rc = compose__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = runner__log_directory_make(view, record.log_directory, err);
    if (rc == MUSTER_OK) {
        rc = save_logs(view, &record, err);
    }
    if (rc == MUSTER_OK) {
        rc = save_states(view, &record, err);
    }
    compose__engine_fini(&record.engine);
    return rc;
}
