/* The watch, between its files. */
#ifndef MUSTER_RUNNERS_COMPOSE_WATCH_INTERNAL_H
#define MUSTER_RUNNERS_COMPOSE_WATCH_INTERNAL_H

#include <pthread.h>

#include "compose/internal.h"
#include "shared/stream.h"

struct watched_node {
    bool created;
    bool runs; /* Until its end has been reported. */
    bool end_asked;
    bool out_of_memory;
    struct muster_exit exit;
};

struct compose_watch {
    struct compose *compose;
    struct runner_stream *stream; /* `docker events` */
    pthread_mutex_t lock; /* All below. */
    pthread_cond_t changed;
    bool live;
    struct watched_node *nodes;
};

/** Saves the end of a node's log below the run directory, where a failure's sentence quotes it, and notes
 * whether its memory was not enough. MUSTER_EINFRA: the engine is gone. */
MUSTER_MUST_USE enum muster_rc compose__watch_save_log(struct compose_watch *watch, uint32_t node,
                                                       struct muster_error *err);

#endif
