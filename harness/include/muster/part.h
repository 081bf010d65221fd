/* A part: a load, disturbance or judgement that a scenario is made of. For authors of parts; scenarios use
 * the functions that each part comes with, such as muster_chaos(). muster_workload() and muster_expectation()
 * are short forms for parts that need no more than one function or three. */
#ifndef MUSTER_PART_H
#define MUSTER_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* jansson's. */

/* One kind of part; static storage. Every slot may be NULL. `state` is what make() gave. */
struct muster_part {
    const char *name; /* [a-z0-9_]; a plan has a part of this name once. Its section of run.json. */
    const char *workload; /* The name of its workload. NULL: it has none, and `work` is not called. */
    const char *expectation; /* The name of its expectation. NULL: it has none, and nothing is judged. */
    uint32_t capabilities; /* What a runner must be able to do for it, or'ed. */
    size_t options_bytes; /* Of what muster_part() is given, and copies. */

    /* At build, when nodes, window, pace and deadlines of the plan are known, wallets and consensus included:
     * checks the options, fills in defaults. MUSTER_OK; MUSTER_EINVAL, one sentence that names the option,
     * its value and the remedy; MUSTER_ENOMEM. After a failure *state is not released. */
    enum muster_rc (*make)(const struct muster_plan *plan, const void *options, void **state,
                           struct muster_error *err);

    /* Milliseconds that nodes may take to come back after the window, with all that has to be waited for
     * then. */
    uint64_t (*recover_ms)(const struct muster_plan *plan, const void *state);

    /* The test's thread: the baseline, when every node is ready. Needs `expectation`. */
    enum muster_rc (*capture)(struct muster_run *run, void *state, struct muster_error *err);

    /* A thread of its own, while the window is open: see struct muster_workload. */
    enum muster_rc (*work)(struct muster_run *run, void *state, struct muster_error *err);

    /* The test's thread, about once a second in the window. A failure ends the window. Needs `expectation`.
     */
    enum muster_rc (*check)(struct muster_run *run, void *state, struct muster_error *err);

    /* The test's thread, after the window: is nothing more to come? Raises *height to the one that every node
     * must have reached for that. */
    bool (*settled)(struct muster_run *run, void *state, uint64_t *height);

    /* The test's thread: the judgement, see struct muster_expectation. Needs `expectation`. */
    enum muster_rc (*evaluate)(struct muster_run *run, void *state, struct muster_report *report,
                               struct muster_error *err);

    /* Any thread of the run, once for each run: lets go of what the part holds of the run, such as a
     * subscription. Called also when capture was not, or failed. */
    void (*end)(struct muster_run *run, void *state);

    /* The test's thread: the part's words in the progress line, and its line in the summary. Writes at most
     * `bytes`, the final NUL included. False: nothing to say. */
    bool (*progress)(struct muster_run *run, void *state, char *text, size_t bytes);
    bool (*summary)(struct muster_run *run, void *state, char *text, size_t bytes);

    /* The test's thread: its section of run.json, owned by the caller. NULL: none, or out of memory. */
    struct json_t *(*to_json)(struct muster_run *run, void *state);

    /* Frees the state, with the plan. */
    void (*release)(void *state);
};

/** Adds a part to a scenario, with a copy of `options` (part->options_bytes of them; NULL: all zero). One
 * that the scenario has already is a mistake. */
void muster_part(struct muster_scenario *s, const struct muster_part *part, const void *options);

/** Whether the scenario has this part. For parts that say in words of their own why they cannot be there
 * twice. */
bool muster_has_part(const struct muster_scenario *s, const struct muster_part *part);

#ifdef __cplusplus
}
#endif
#endif
