/* What the ledger says of a run in a cluster, and what of it is there. In the guardian, or in a later
 * process. */
#ifndef MUSTER_RUNNERS_K8S_RECORD_H
#define MUSTER_RUNNERS_K8S_RECORD_H

#include "k8s/internal.h"
#include "muster/tool.h"

struct k8s_record {
    struct k8s_cluster cluster;
    char space[K8S_NAME_BYTES];
    bool owns_space;
    bool debug;
    bool up_unfinished;
    char prefix[K8S_NAME_BYTES];
    char selector[K8S_SELECTOR_BYTES]; /* "muster.run=<run id>" */
    uint32_t node_count;
    int end_code; /* Of the system: see muster_exit_judge(). */
    char log_directory[4096]; /* "" for the nodes' own. */
};

/** MUSTER_OK; MUSTER_ENOTFOUND, the run never got as far; MUSTER_EREPLY. The caller calls k8s__cluster_fini()
 * of the cluster after MUSTER_OK. */
MUSTER_MUST_USE enum muster_rc k8s__record_read(const struct muster_ledger_view *view, struct k8s_record *ret,
                                                struct muster_error *err);

/** Runs kubectl as muster_tool_run() does. A tool's argv need not last longer than this call. */
MUSTER_MUST_USE enum muster_rc k8s__tools(const struct k8s_record *record, const struct runner_argv *argvs,
                                          struct muster_tool *tools, size_t count, uint32_t timeout_ms,
                                          struct muster_error *err);

/** Saves the whole logs of `count` nodes from `first`, in place of what was saved of them. */
MUSTER_MUST_USE enum muster_rc k8s__save_logs(const struct muster_ledger_view *view,
                                              const struct k8s_record *record, uint32_t first, uint32_t count,
                                              struct muster_error *err);

/* One thing that bears the run's label. */
struct k8s_thing {
    char kind[32]; /* "Pod" */
    char space[K8S_NAME_BYTES]; /* "" for a namespace. */
    char name[K8S_NAME_BYTES];
    char phase[32]; /* "Running"; "" */
    char address[64]; /* Of a pod; "" */
};

/** Everything that bears the run's label, in every namespace; where that may not be asked for, in the run's
 * own. The caller frees *ret. MUSTER_OK; MUSTER_EINFRA, the API server does not say. */
MUSTER_MUST_USE enum muster_rc k8s__look(const struct k8s_record *record, struct k8s_thing **ret,
                                         size_t *count, struct muster_error *err);

#endif
