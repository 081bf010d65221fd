/* Which cluster a run is in, and how kubectl is called for it. */
#ifndef MUSTER_RUNNERS_K8S_CLUSTER_H
#define MUSTER_RUNNERS_K8S_CLUSTER_H

#include <jansson.h>

#include "muster/result.h"
#include "shared/argv.h"

#define K8S_CALL_MS 20000u /* A call that has one thing to do. */

struct k8s_cluster {
    char kubectl[4096];
    char context[256]; /* "": what a pod of the cluster itself uses. */
    struct runner_env env; /* The same cluster also from another shell or directory. */
};

/** Finds kubectl in PATH and takes over the environment that says where the cluster is; the context is left
 * "". MUSTER_OK; MUSTER_ESKIP, there is no kubectl; MUSTER_ENOMEM. The caller calls k8s__cluster_fini() in
 * every case. */
MUSTER_MUST_USE enum muster_rc k8s__cluster_find(struct k8s_cluster *cluster, struct muster_error *err);
void k8s__cluster_fini(struct k8s_cluster *cluster);

/** Takes what `kubectl config current-context` answered; NULL: it failed. MUSTER_ESKIP: no cluster is chosen.
 */
MUSTER_MUST_USE enum muster_rc k8s__cluster_choose(struct k8s_cluster *cluster, const char *current_context,
                                                   struct muster_error *err);

/** For the ledger, and back from there. NULL without memory, or where a path is not UTF-8. */
json_t *k8s__cluster_to_json(const struct k8s_cluster *cluster);
MUSTER_MUST_USE enum muster_rc k8s__cluster_from_json(const json_t *json, struct k8s_cluster *ret,
                                                      struct muster_error *err);

/** kubectl with its context and the arguments that follow, up to NULL. */
struct runner_argv k8s__kubectl(const struct k8s_cluster *cluster, ...) __attribute__((sentinel));

#endif
