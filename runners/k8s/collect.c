/* Evidence before down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "shared/record.h"

#define COLLECT_MS 20000u
#define DESCRIBED_MAX 50u /* More pods than that take too long, and say the same. */

struct node_log {
    char pod[K8S_NAME_BYTES];
    char path[RUNNER_LOG_PATH_BYTES];
};

/* Of a pod that is gone the end that a failure quoted is all there is. */
static void keep_log(const struct muster_ledger_view *view, const struct k8s_record *record, uint32_t node,
                     const struct node_log *log, const struct muster_tool *tool)
{
    char path[RUNNER_LOG_PATH_BYTES];
    runner__log_path(view, record->log_directory, node, "stdout.log", path);
    if (!muster_tool_succeeded(tool) || rename(log->path, path) != 0) {
        unlink(log->path);
    }
}

/* A pod's two streams are one in its log. */
enum muster_rc k8s__save_logs(const struct muster_ledger_view *view, const struct k8s_record *record,
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
            k8s__node_name(record->prefix, first + i, logs[i].pod);
            runner__log_path(view, record->log_directory, first + i, "stdout.log.part", logs[i].path);
            unlink(logs[i].path);
            argvs[i] = k8s__kubectl(&record->cluster, "logs", "-n", record->space, logs[i].pod, NULL);
            tools[i] = (struct muster_tool){ .stdout_path = logs[i].path };
        }
        rc = k8s__tools(record, argvs, tools, count, COLLECT_MS, err);
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

/* How the pods stood: as data, and as kubectl tells it, with their events. */
static enum muster_rc save_states(const struct muster_ledger_view *view, const struct k8s_record *record,
                                  struct muster_error *err)
{
    char paths[2][4200];
    const struct runner_argv argvs[2] = {
        k8s__kubectl(&record->cluster, "get", "pods", "-n", record->space, "-l", record->selector, "-o",
                     "json", NULL),
        k8s__kubectl(&record->cluster, "describe", "pods", "-n", record->space, "-l", record->selector, NULL),
    };
    snprintf(paths[0], sizeof paths[0], "%.4000s/pods-state.json", view->directory);
    snprintf(paths[1], sizeof paths[1], "%.4000s/pods-state.txt", view->directory);
    struct muster_tool tools[2] = { { .stdout_path = paths[0] }, { .stdout_path = paths[1] } };
    size_t count = record->node_count <= DESCRIBED_MAX ? 2 : 1;
    enum muster_rc rc = k8s__tools(record, argvs, tools, count, COLLECT_MS, err);
    for (size_t i = 0; i < count; i++) {
        muster_tool_fini(&tools[i]);
    }
    return rc;
}

enum muster_rc k8s__collect(const struct muster_ledger_view *view, struct muster_error *err)
{
    struct k8s_record record;
    enum muster_rc rc = k8s__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = runner__log_directory_make(view, record.log_directory, err);
    if (rc == MUSTER_OK) {
        rc = k8s__save_logs(view, &record, 0, record.node_count, err);
    }
    if (rc == MUSTER_OK) {
        rc = save_states(view, &record, err);
    }
    k8s__cluster_fini(&record.cluster);
    return rc;
}
