/* The objects of a run, as JSON. */
#ifndef MUSTER_RUNNERS_K8S_OBJECTS_H
#define MUSTER_RUNNERS_K8S_OBJECTS_H

#include <jansson.h>

#include "muster/runner.h"

#define K8S_LABEL "muster.run"
#define K8S_NODE_DIRECTORY "/node" /* In a pod: working directory, where its files are. */
#define K8S_KEEPER "/muster/keeper" /* In a pod: the program that starts and ends the node. */
#define K8S_CONTAINER "node"
#define K8S_NAME_BYTES 64u /* Of an object or namespace. */

/* What all objects of a run share. */
struct k8s_common {
    const char *run_id;
    const char *prefix; /* Of the objects' names: "muster-7c41f09a2b". */
    const char *image;
    const char *pull_policy;
    const char *program; /* Of the node, looked up in the image's PATH. */
    const char *storage; /* Size of a claim for each node's data; "": an emptyDir. */
    const struct muster_port *ports; /* ports[0] is the API's. */
    size_t port_count;
    uint32_t grace_ms;
    bool node_ports; /* The API is to be reached at a port of the cluster's machines. */
};

/** "<prefix>-node-<i>": the pod, the service, the files and the claim of a node. */
void k8s__node_name(const char *prefix, uint32_t node, char name[K8S_NAME_BYTES]);
/** Which node an object of that name is for; MUSTER_NO_NODE when it is none of this run's. */
uint32_t k8s__node_of(const char *prefix, const char *name, uint32_t node_count);

/* Each is NULL without memory. */
json_t *k8s__namespace_object(const struct k8s_common *common, const char *name);
json_t *k8s__service_object(const struct k8s_common *common, uint32_t node);
json_t *k8s__claim_object(const struct k8s_common *common, uint32_t node);
/** The keeper as a ConfigMap: so it comes into a pod of any image. */
json_t *k8s__keeper_object(const struct k8s_common *common);

/** Appends what a node is made of: its files, its claim if it has one, its pod. MUSTER_OK; MUSTER_EINVAL, a
 * file, argument or variable is not UTF-8; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc k8s__add_node(json_t *items, const struct k8s_common *common, uint32_t node,
                                             const struct muster_rendering *rendering,
                                             struct muster_error *err);

/** An empty List; its items are the array "items". */
json_t *k8s__list_new(void);

#endif
