/* Evidence before down. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/record.h"
#include "shared/record.h"

#define COLLECT_MS 20000u
#define STATES 2
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

/* Calls of kubectl, all side by side: for each of `count` nodes from `first` its log; then the states of all.
 */
struct collection {
    const struct muster_ledger_view *view;
    const struct k8s_record *record;
    uint32_t first;
    uint32_t count;
    struct node_log *logs;
    char state_paths[STATES][4200];
    size_t call_count;
    struct runner_argv *argvs;
    struct muster_tool *tools;
};

static bool prepare(struct collection *collection)
{
    collection->logs = calloc(collection->count, sizeof *collection->logs);
    collection->argvs = calloc(collection->count + STATES, sizeof *collection->argvs);
    collection->tools = calloc(collection->count + STATES, sizeof *collection->tools);
    return collection->logs != NULL && collection->argvs != NULL && collection->tools != NULL;
}

static void add_call(struct collection *collection, struct runner_argv argv, const char *path)
{
    collection->argvs[collection->call_count] = argv;
    collection->tools[collection->call_count++] = (struct muster_tool){ .stdout_path = path };
}

/* A pod's two streams are one in its log. */
static void add_logs(struct collection *collection)
{
    const struct k8s_record *record = collection->record;
    for (uint32_t i = 0; i < collection->count; i++) {
        struct node_log *log = &collection->logs[i];
        k8s__node_name(record->prefix, collection->first + i, log->pod);
        runner__log_path(collection->view, record->log_directory, collection->first + i, "stdout.log.part",
                         log->path);
        unlink(log->path);
        add_call(collection, k8s__kubectl(&record->cluster, "logs", "-n", record->space, log->pod, NULL),
                 log->path);
    }
}

/* How the pods stood: as data, and as kubectl tells it, with their events. */
static void add_states(struct collection *collection)
{
    const struct k8s_record *record = collection->record;
    snprintf(collection->state_paths[0], sizeof collection->state_paths[0], "%.4000s/pods-state.json",
             collection->view->directory);
    snprintf(collection->state_paths[1], sizeof collection->state_paths[1], "%.4000s/pods-state.txt",
             collection->view->directory);
    add_call(collection,
             k8s__kubectl(&record->cluster, "get", "pods", "-n", record->space, "-l", record->selector, "-o",
                          "json", NULL),
             collection->state_paths[0]);
    if (record->node_count <= DESCRIBED_MAX) {
        add_call(collection,
                 k8s__kubectl(&record->cluster, "describe", "pods", "-n", record->space, "-l",
                              record->selector, NULL),
                 collection->state_paths[1]);
    }
}

static enum muster_rc collect(struct collection *collection, bool with_states, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_ENOMEM;
    if (!prepare(collection)) {
        muster_error_set(err, rc, "no memory for the logs of %u nodes", collection->count);
    } else {
        add_logs(collection);
        if (with_states) {
            add_states(collection);
        }
        rc = k8s__tools(collection->record, collection->argvs, collection->tools, collection->call_count,
                        COLLECT_MS, err);
        for (size_t i = 0; i < collection->call_count; i++) {
            if (i < collection->count) {
                keep_log(collection->view, collection->record, collection->first + (uint32_t)i,
                         &collection->logs[i], &collection->tools[i]);
            }
            muster_tool_fini(&collection->tools[i]);
        }
    }
    free(collection->logs);
    free(collection->argvs);
    free(collection->tools);
    return rc;
}

enum muster_rc k8s__save_logs(const struct muster_ledger_view *view, const struct k8s_record *record,
                              uint32_t first, uint32_t count, struct muster_error *err)
{
    struct collection collection = { .view = view, .record = record, .first = first, .count = count };
    return collect(&collection, false, err);
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
        struct collection collection = { .view = view, .record = &record, .count = record.node_count };
        rc = collect(&collection, true, err);
    }
    k8s__cluster_fini(&record.cluster);
    return rc;
}
