/* What the API server says, read from bytes that are not trusted. */
#ifndef MUSTER_RUNNERS_K8S_ANSWERS_H
#define MUSTER_RUNNERS_K8S_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/objects.h"
#include "muster/runner.h"

enum k8s_pod_stage {
    K8S_POD_COMES, /* Nothing is wrong; `why` says what it waits for. */
    K8S_POD_STUCK, /* It will not run: `why`. */
    K8S_POD_RUNS,
    K8S_POD_ENDED,
};

struct k8s_pod {
    char name[K8S_NAME_BYTES];
    enum k8s_pod_stage stage;
    bool deleted; /* Somebody has told it to go. */
    char address[64]; /* "": it has none yet. */
    struct muster_exit exit; /* Of ENDED; at_ms is when it was read. */
    char why[512]; /* A reason, and its message if there is one; "". */
};

/** Reads a Pod. MUSTER_OK or MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc k8s__read_pod(const json_t *json, struct k8s_pod *ret,
                                             struct muster_error *err);

enum k8s_event {
    K8S_EVENT_CHANGED, /* Or is there. */
    K8S_EVENT_GONE,
    K8S_EVENT_OTHER,
};

/** Reads a line of a watch of pods. `pod` is set unless the event is OTHER. MUSTER_OK or MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc k8s__read_event(const char *line, size_t bytes, enum k8s_event *ret,
                                               struct k8s_pod *pod, struct muster_error *err);

/* Where a service is. */
struct k8s_service {
    char name[K8S_NAME_BYTES];
    char address[64]; /* Its ClusterIP. */
    uint16_t node_port; /* Of its first port; 0: none. */
};

/** Reads a Service. MUSTER_OK or MUSTER_EREPLY; one without an address is not understood. */
MUSTER_MUST_USE enum muster_rc k8s__read_service(const json_t *json, struct k8s_service *ret,
                                                 struct muster_error *err);

/* Of a run's services and its namespace, as they are once they were created. */
struct k8s_created {
    const char *run_id;
    const char *prefix;
    struct k8s_service *services; /* By node: filled in. */
    uint32_t node_count;
};

/** Reads objects that follow each other, or a List of them. MUSTER_OK, each node has its service;
 * MUSTER_EREPLY; MUSTER_EINFRA: one has none, or the namespace is another run's. */
MUSTER_MUST_USE enum muster_rc k8s__read_created(const char *text, const struct k8s_created *created,
                                                 struct muster_error *err);

/** Takes the next of several JSON texts that follow each other; NULL at the end, or where they are none. The
 * caller owns it. `text` moves on. */
json_t *k8s__next_object(const char **text);

/* How the keeper answered to stop and kill. */
struct k8s_ended {
    struct muster_exit exit;
    bool forced; /* It ignored SIGTERM. */
};
/** MUSTER_OK or MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc k8s__read_ended(const char *answer, struct k8s_ended *ret,
                                               struct muster_error *err);

#endif
