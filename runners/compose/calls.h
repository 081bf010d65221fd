/* Calls of docker that take many things each. In the guardian, or in a later process. */
#ifndef MUSTER_RUNNERS_COMPOSE_CALLS_H
#define MUSTER_RUNNERS_COMPOSE_CALLS_H

#include "compose/internal.h"
#include "muster/tool.h"

/* The first words of a list's lines. Zeroed: none. */
struct compose_names {
    char *text;
    const char **items; /* Into text. */
    size_t count;
};

/** Reads a list of names, or of names and states with a tab between; of that only what runs, where asked so.
 * Without memory there are none. */
void compose__names_read(struct compose_names *ret, const char *list, bool running_only);
void compose__names_fini(struct compose_names *names);

/* Zeroed, but for `record`. */
struct compose_calls {
    const struct compose_record *record;
    size_t count;
    struct runner_argv *argvs;
    struct muster_tool *tools;
};

/** Adds `argv` with the names behind it, as many calls as that takes. Borrows the names. False without
 * memory. */
bool compose__calls_add(struct compose_calls *calls, struct runner_argv argv,
                        const struct compose_names *names);

/** Runs all, side by side, and waits. What fails is found by the next look; `said` gets the last complaint.
 */
void compose__calls_run(struct compose_calls *calls, uint32_t timeout_ms, char said[512]);

/** After it the calls are as zeroed. */
void compose__calls_fini(struct compose_calls *calls);

#endif
