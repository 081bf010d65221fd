/* The two gates of a deploy: each node answers its probe, then the cluster's peers are connected. */
#ifndef MUSTER_SRC_READY_H
#define MUSTER_SRC_READY_H

#include <stdint.h>

#include "http/http.h"
#include "nodes/nodes.h"

/* How many peers the second gate asks for. */
enum muster__ready_peers {
    MUSTER__PEERS_OF_LAYOUT, /* All that the layout gives a node. */
    MUSTER__PEERS_IF_ANY_RUNS, /* One, where the layout gives it any that runs. */
    MUSTER__PEERS_OF_OTHERS, /* One, where there are other nodes: the layout is not known. */
};

/**
 * Waits until every node (or one) is ready, all at once, in short polls; a node's unasked exit, or any other
 * failure of muster__nodes_failure(), ends the wait at once.
 *
 * @param node  One node, or MUSTER_EVERY_NODE.
 * @return MUSTER_OK; MUSTER_ETIMEDOUT: names each node that is not ready, its last answer and since when;
 *         MUSTER_ENODE; MUSTER_EINFRA.
 */
MUSTER_MUST_USE enum muster_rc muster__ready_wait(const struct muster_plan *plan, struct muster_http *http,
                                                  struct muster_nodes *nodes, uint32_t node,
                                                  enum muster__ready_peers peers, uint64_t deadline_ms,
                                                  struct muster_error *err);

#endif
