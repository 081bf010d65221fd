/* Orders to the keepers of many pods. One `kubectl exec` costs as much as the start of a node, so the first
 * keeper of a group passes the order on to the others; those that it does not reach are told one by one. */
#ifndef MUSTER_RUNNERS_K8S_ORDERS_H
#define MUSTER_RUNNERS_K8S_ORDERS_H

#include "k8s/cluster.h"
#include "k8s/objects.h"
#include "muster/runner.h"

/* Whom an order goes to, and what came back. */
struct k8s_member {
    const char *space;
    const char *pod;
    const char *address; /* The pod's; "": it is told alone. */
    char answer[512]; /* The keeper's; "no: …" where it could not, or could not be asked. */
};

/* What one call of kubectl said; the strings are freed by whoever asked. */
struct k8s_said {
    char *output;
    char *complaint;
};

/** Runs calls of kubectl, side by side, and waits. What could not be run has said nothing. */
typedef enum muster_rc k8s_calls_fn(void *context, const struct runner_argv *argvs, struct k8s_said *said,
                                    size_t count, struct muster_error *err);

/** One call of kubectl that gives an order to one pod. */
struct runner_argv k8s__order(const struct k8s_cluster *cluster, const char *space, const char *pod,
                              const char *action);

/** Gives an order to all members, which are of one namespace. After MUSTER_OK each has an answer.
 * MUSTER_ENOMEM; else what `run` returned: then some may have been told. */
MUSTER_MUST_USE enum muster_rc k8s__order_all(const struct k8s_cluster *cluster, const char *action,
                                              struct k8s_member *members, size_t count, k8s_calls_fn *run,
                                              void *context, struct muster_error *err);

#endif
