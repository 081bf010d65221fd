/* Calls of docker that take many things each. In the guardian, or in a later process. */
#ifndef MUSTER_RUNNERS_COMPOSE_CALLS_H
#define MUSTER_RUNNERS_COMPOSE_CALLS_H

#include "internal.h"
#include "muster/tool.h"

/* The first words of a list's lines. Zeroed: none. */
struct compose_names {
    char *text;
    const char **items; /* Into text. */
    size_t count;
};

/** Reads a list of names, or of names and states with a tab between; of that only what runs, where asked so. Without
 * memory there are none. */
void compose__names_read(struct compose_names *ret, const char *list, bool running_only);
void compose__names_fini(struct compose_names *names);

/* Zeroed, but for `record`. */
struct compose_calls {
    const struct compose_record *record;
    size_t count;
    struct runner_argv *argvs;
    struct muster_tool *tools;
};

/** Adds `argv` with the names behind it, as many calls as that takes. Borrows the names. False without memory. */
bool compose__calls_add(struct compose_calls *calls, struct runner_argv argv,
                        const struct compose_names *names);

/** Runs all, side by side, and waits. What fails is found by the next look; `said` gets the last complaint. */
void compose__calls_run(struct compose_calls *calls, uint32_t timeout_ms, char said[512]);

/** After it the calls are as zeroed. */
void compose__calls_fini(struct compose_calls *calls);

/* ---- ends.c ---- */

/**
 * Judges how nodes ended that were told to, by the answers of inspect calls in COMPOSE_STATE_FORMAT.
 *
 * @param killed_after_ms  When what still ran was killed; 0: that was not needed.
 * @param ret              The wrong node of the lowest number, of which err tells; else MUSTER_NO_NODE.
 *
 * @return MUSTER_OK or MUSTER_ENODE.
 */
MUSTER_MUST_USE enum muster_rc compose__judge_ends(const struct compose_record *record,
                                                   const struct muster_tool *answers, size_t count,
                                                   uint32_t killed_after_ms, uint32_t *ret,
                                                   struct muster_error *err);

#endif
