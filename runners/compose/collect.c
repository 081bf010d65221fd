/* Evidence before down, and what the ledger says of a run. In the guardian. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose/internal.h"
#include "muster/tool.h"
#include "shared/record.h"

#define COLLECT_MS 60000u /* Logs that are a flood take their time. */
#define AT_ONCE 8u
#define FLOOD_BYTES                                                                                          \
    48000000u /* Somewhat below what the engine keeps of a log at least, as that is estimated here. */
#define LINE_RECORD_BYTES 69u /* {"log":"\n","stream":"stderr","time":"2026-01-01T00:00:00.000000000Z"} */

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
    ret->end_code = (int)json_integer_value(json_object_get(detail, "end_code"));
    ret->up_unfinished = runner__ledger_find(view, COMPOSE_LEDGER_UP) != NULL;
    snprintf(ret->project, sizeof ret->project, "%s", entry->id);
    snprintf(ret->label, sizeof ret->label, "label=" COMPOSE_LABEL "=%s", view->run_id);
    snprintf(ret->log_directory, sizeof ret->log_directory, "%s", logs == NULL ? "" : logs);
    return rc;
}

/* ---- Evidence ---- */

#define STREAMS 2

static const char *const log_names[STREAMS] = { "stdout.log", "stderr.log" };

static void place_log(const struct muster_ledger_view *view, const struct compose_record *record,
                      uint32_t node, int stream, char path[RUNNER_LOG_PATH_BYTES])
{
    runner__log_path(view, record->log_directory, node, log_names[stream], path);
}

/* A node's log while the engine gives it. */
struct node_log {
    char container[COMPOSE_NAME_BYTES];
    char part[STREAMS][RUNNER_LOG_PATH_BYTES];
};

static void place_parts(const struct muster_ledger_view *view, const struct compose_record *record,
                        uint32_t node, struct node_log *log)
{
    static const char *const names[STREAMS] = { "stdout.log.part", "stderr.log.part" };
    compose__container_name(view->run_id, node, log->container);
    for (int i = 0; i < STREAMS; i++) {
        runner__log_path(view, record->log_directory, node, names[i], log->part[i]);
        unlink(log->part[i]);
    }
}

static bool has_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}

/* In place of what was saved before: of an engine that is gone, the end that a failure quoted is all there
 * is. Its complaint is not the node's; what came of a log until the time was up is. */
static void keep_log(const struct muster_ledger_view *view, const struct compose_record *record,
                     uint32_t node, const struct node_log *log, const struct muster_tool *tool)
{
    bool came = muster_tool_succeeded(tool) ||
                (tool->rc == MUSTER_ETIMEDOUT && (has_bytes(log->part[0]) || has_bytes(log->part[1])));
    for (int i = 0; i < STREAMS; i++) {
        char path[RUNNER_LOG_PATH_BYTES];
        place_log(view, record, node, i, path);
        if (!came || rename(log->part[i], path) != 0) {
            unlink(log->part[i]);
        }
    }
}

enum muster_rc compose__save_logs(const struct muster_ledger_view *view, const struct compose_record *record,
                                  uint32_t first, uint32_t count, struct muster_error *err)
{
    struct node_log *logs = calloc(count, sizeof *logs);
    struct runner_argv *argvs = calloc(count, sizeof *argvs);
    struct muster_tool *tools = calloc(count, sizeof *tools);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (logs == NULL || argvs == NULL || tools == NULL) {
        muster_error_set(err, rc, "no memory for the logs of %u nodes", count);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            place_parts(view, record, first + i, &logs[i]);
            argvs[i] = compose__docker(&record->engine, "logs", logs[i].container, NULL);
            tools[i] = (struct muster_tool){ .argv = argvs[i].args,
                                             .env = runner__env_items(&record->engine.env),
                                             .stdout_path = logs[i].part[0],
                                             .stderr_path = logs[i].part[1] };
        }
        rc = muster_tool_run(tools, count, AT_ONCE, COLLECT_MS, err);
        for (uint32_t i = 0; i < count; i++) {
            keep_log(view, record, first + i, &logs[i], &tools[i]);
            muster_tool_fini(&tools[i]);
        }
    }
    free(logs);
    free(argvs);
    free(tools);
    return rc;
}

/* What the engine's own record of a log takes, which is bounded: each line has its time and stream beside it.
 */
static uint64_t recorded_bytes(const char *path)
{
    uint64_t bytes = 0;
    char block[16384];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    while (fd >= 0 && (got = read(fd, block, sizeof block)) > 0) {
        bytes += (uint64_t)got;
        for (const char *at = block; (at = memchr(at, '\n', (size_t)(block + got - at))) != NULL; at++) {
            bytes += LINE_RECORD_BYTES;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return bytes;
}

enum muster_rc compose__judge_logs(const struct muster_ledger_view *view, const struct compose_record *record,
                                   struct muster_error *err)
{
    for (uint32_t i = 0; i < record->node_count; i++) {
        uint64_t bytes = 0;
        for (int stream = 0; stream < STREAMS; stream++) {
            char path[RUNNER_LOG_PATH_BYTES];
            place_log(view, record, i, stream, path);
            bytes += recorded_bytes(path);
        }
        if (bytes >= FLOOD_BYTES) {
            return muster_error_set(err, MUSTER_ENODE,
                                    "node-%u floods its log: the engine holds %.1f MB of it, and drops what "
                                    "is older before its disk fills",
                                    i, (double)bytes / 1e6);
        }
    }
    return MUSTER_OK;
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
    /* Logs may take long; so first what does not, unless the engine hangs. */
    if (rc == MUSTER_OK) {
        rc = save_states(view, &record, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__save_logs(view, &record, 0, record.node_count, err);
    }
    compose__engine_fini(&record.engine);
    return rc;
}
