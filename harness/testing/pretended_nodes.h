/* Pretended nodes. One HTTP server plays them all: a chain that grows by the clock, but never away from who
 * follows it, with a mempool, and nodes that misbehave as told. */
#ifndef MUSTER_TESTING_PRETENDED_NODES_H
#define MUSTER_TESTING_PRETENDED_NODES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "muster/muster.h"
#include "run/internal.h"
#include "testing/http_server.h"

#define CLUSTER_SLOT_MS 50u
#define CLUSTER_BLOCKS_BEFORE 5u
#define CLUSTER_BLOCKS_MAX 4096u
#define CLUSTER_POOL_MAX 8192u

struct cluster_node {
    atomic_ullong stuck_at; /* Its height never gets higher; 0: it does. */
    atomic_bool garbage; /* Answers nonsense to everything. */
    atomic_bool refuses; /* Transactions. */
    atomic_bool drops; /* Accepts transactions and forgets them. */
    atomic_bool busy; /* Asks to try again. */
    atomic_bool away; /* Killed, stopped or paused: it answers nothing. */
    atomic_bool deaf; /* To control: it says that it was done, and nothing was. */
    atomic_bool broken; /* Its backend refuses to control it. */
    atomic_bool lame; /* Never answers again once it was away. */
    atomic_uint controls; /* How often it was controlled. */
};

struct cluster {
    struct test_server *server;
    uint32_t slot_ms;
    uint64_t origin_ms;
    atomic_ullong stalled_at; /* No block above this; 0: there are. */
    atomic_bool twice; /* Each transaction goes into two blocks. */
    uint64_t blocks_before; /* There when the run begins; 0: CLUSTER_BLOCKS_BEFORE. */
    uint32_t block_ms; /* What a node takes to answer for a block. */
    struct cluster_node nodes[MUSTER_NODES_MAX];
    pthread_mutex_t mutex;
    uint64_t height;
    uint64_t fetched; /* The highest block that was asked for. */
    uint64_t hole_from; /* These blocks nobody has; 0: there is no hole. */
    uint64_t hole_to;
    size_t included[CLUSTER_BLOCKS_MAX]; /* So much of the pool lies in blocks up to this. */
    size_t pool_count;
    struct muster_id pool[CLUSTER_POOL_MAX];
    atomic_uint built; /* Transactions. */

    const char *events_path; /* NULL: in the run directory. */
    struct muster_variables *variables;
    struct muster_plan *plan;
    struct muster_session session;
    struct muster_run *run;
};

extern struct cluster cluster;

/* No block from now on, but for `blocks` more. */
void cluster_stall_after(uint64_t blocks);

/* All nodes go over to a chain that is so much higher, and nobody has what is between. */
void cluster_make_hole(uint64_t blocks);

bool cluster_answer(void *context, int fd, const struct test_request *request);

#endif
