/* The watch, between its files. */
#ifndef MUSTER_RUNNERS_K8S_WATCH_INTERNAL_H
#define MUSTER_RUNNERS_K8S_WATCH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "k8s/internal.h"

struct watched_pod {
    bool runs;
    bool ended; /* Reported. */
    bool stuck;
    bool listed; /* Was in the list that is being read. */
    char address[64]; /* "": not known yet. */
    char why[1024]; /* What it waits for, or why it is stuck. */
};

struct k8s_watch {
    struct k8s *k8s;
    struct runner_stream *stream;
    char path[512]; /* Of the list in the API. */
    char watch_path[768];
    _Atomic uint64_t away_seen_ms; /* When the API server was last found to be away; 0: never. */
    pthread_mutex_t lock; /* All below. */
    pthread_cond_t changed;
    struct watched_pod *pods;
    bool lost; /* Nothing more will be seen. */
};

/** Takes what was seen of a pod: `gone`, it is there no more. In the stream's thread. */
void k8s__watch_take(struct k8s_watch *watch, uint32_t node, const struct k8s_pod *pod, bool gone);

#endif
