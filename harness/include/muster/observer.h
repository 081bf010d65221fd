/* How a run follows its nodes: a table, so that a system can bring what it takes. A run's own observer asks
 * each node again and again how far it is; muster_chain_observer follows blocks and branches. For authors of
 * systems. */
#ifndef MUSTER_OBSERVER_H
#define MUSTER_OBSERVER_H

#include <stdint.h>

#include "muster/run.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* jansson's. */

/* Whether two nodes are of one network. */
enum muster_kinship {
    MUSTER_KIN_UNKNOWN, /* One of them did not answer. */
    MUSTER_KIN_NONE,
    MUSTER_KIN_SHARED,
};

/* Slots are required, except where it says NULL. All but create, start and destroy may be called from any
 * thread. */
struct muster_observer {
    /* At build, when what the scenario gave is known, and before parts are made: fills in and checks what the
     * plan of such a system has, pace_ms included. MUSTER_OK; MUSTER_EINVAL, one sentence that names the
     * field, its value and the remedy. NULL: there is nothing. */
    enum muster_rc (*resolve)(struct muster_plan *plan, const struct muster_variables *variables,
                              struct muster_error *err);

    /* Nothing is asked of any node yet. *ret is `self` below; owned by the run. */
    enum muster_rc (*create)(struct muster_run *run, void **ret, struct muster_error *err);

    /* Every node is ready: begins, and returns once a baseline can be taken, bounded. MUSTER_OK;
     * MUSTER_ETIMEDOUT names the node that was not seen; the run's failure; MUSTER_ENOMEM. */
    enum muster_rc (*start)(struct muster_run *run, void *self, struct muster_error *err);

    /* No new requests; who waits for news is woken. */
    void (*stop)(void *self);

    /* After the engine of requests was destroyed. */
    void (*destroy)(void *self);

    /* A node was stopped, or started again, perhaps elsewhere. */
    void (*node_changed)(void *self, uint32_t node);

    /* What was last seen of a node; all but down_ms, which is the run's own. */
    void (*view)(void *self, uint32_t node, struct muster_node_view *ret);

    /* How far the cluster is: of what all nodes said, the best. */
    void (*best)(void *self, struct muster_progress *ret);

    /* The height up to which both are the same. MUSTER_ENOTFOUND: not known. NULL: there are no branches, and
     * heights are compared alone. */
    enum muster_rc (*common_height)(void *self, const struct muster_progress *a,
                                    const struct muster_progress *b, uint64_t *ret);

    /* For nodes that run already and do not name their network: is `node` of node 0's? Asks them. `first` and
     * `own` are what they said last. `apart`: why not, in words, such as "no block in common". NULL: all are.
     */
    enum muster_kinship (*compare)(struct muster_run *run, uint32_t node, const struct muster_progress *first,
                                   const struct muster_progress *own);
    const char *apart;

    /* Adds to run.json, and to its object "plan". NULL: nothing to add. */
    void (*add_to_run_json)(void *self, struct json_t *run);
    void (*add_to_plan_json)(const struct muster_plan *plan, struct json_t *object);
};

#ifdef __cplusplus
}
#endif
#endif
