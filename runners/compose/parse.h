/* What the engine says: containers' states and events, read from bytes that are not trusted. */
#ifndef MUSTER_RUNNERS_COMPOSE_ANSWERS_H
#define MUSTER_RUNNERS_COMPOSE_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose/project.h"
#include "muster/runner.h"

/* The format that compose__read_state() reads, one line for each container. */
#define COMPOSE_STATE_FORMAT                                                                                 \
    "{\"name\":{{json .Name}},\"state\":{{json .State}},\"ports\":{{json .NetworkSettings.Ports}}}"

struct compose_state {
    char name[COMPOSE_NAME_BYTES];
    char status[16]; /* "running", "exited", … */
    char error[256]; /* Why the engine could not start it; "". */
    bool running;
    uint16_t port; /* The host's, where the API is published; 0: not published now. */
    struct muster_exit exit; /* Where it does not run. */
};

/** Reads one line. `api_port`: the container's port whose published number is wanted. MUSTER_OK or
 * MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc compose__read_state(const char *line, size_t bytes, uint16_t api_port,
                                                   struct compose_state *ret, struct muster_error *err);

enum compose_event_kind {
    COMPOSE_OTHER_EVENT,
    COMPOSE_DIED,
    COMPOSE_OUT_OF_MEMORY,
    COMPOSE_CREATED,
    COMPOSE_COPIED, /* Files were copied into it: a proof that the stream is live. */
};

struct compose_event {
    enum compose_event_kind kind;
    char name[COMPOSE_NAME_BYTES];
    int exit_code; /* Of DIED. */
};

/** Reads a line of `docker events --format {{json .}}`. MUSTER_OK or MUSTER_EREPLY. */
MUSTER_MUST_USE enum muster_rc compose__read_event(const char *line, size_t bytes, struct compose_event *ret,
                                                   struct muster_error *err);

/** How a container ended by its exit code: the engine gives 128 + n for signal n, and for a program that
 * exits with 128 + n. */
struct muster_exit compose__exit(int exit_code, bool out_of_memory);

#endif
