/* The Compose file of a run, as JSON. */
#ifndef MUSTER_RUNNERS_COMPOSE_PROJECT_H
#define MUSTER_RUNNERS_COMPOSE_PROJECT_H

#include <jansson.h>

#include "muster/runner.h"

/* The volume of a run, as every container sees it: the nodes' files, each node's below its service name,
 * where it works. One for all, so that all files are there in one call. */
#define COMPOSE_VOLUME "nodes"
#define COMPOSE_NODES_DIRECTORY "/nodes"
#define COMPOSE_NAME_BYTES 96u

/** Names: "muster-<run id>", "muster-<run id>-node-<i>", and "node-<i>" within the network. */
void compose__project_name(const char *run_id, char name[COMPOSE_NAME_BYTES]);
void compose__container_name(const char *run_id, uint32_t node, char name[COMPOSE_NAME_BYTES]);
void compose__service_name(uint32_t node, char name[COMPOSE_NAME_BYTES]);

/** Which node a container is; MUSTER_NO_NODE when its name is none of this run's. */
uint32_t compose__container_node(const char *run_id, const char *name, uint32_t node_count);

/* What all services share. */
struct compose_common {
    const char *run_id;
    const char *image;
    const char *publish; /* "127.0.0.1::18080": the engine picks the host's port. */
    uint32_t grace_ms;
};

/** A project with its private network and no services. NULL without memory. */
json_t *compose__project_new(const struct compose_common *common);

/** Adds the service of a node. MUSTER_OK; MUSTER_EINVAL, an argument or variable is not UTF-8; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc compose__project_add(json_t *project, const struct compose_common *common,
                                                    uint32_t node, const struct muster_rendering *rendering,
                                                    struct muster_error *err);

/** How the API's port is published for clients that reach it at `host`: a loopback address is bound as it
 * is; any other host is an engine elsewhere, which knows itself by another name, so all its interfaces are.
 */
void compose__publish(const char *host, uint16_t port, char publish[64]);

#endif
