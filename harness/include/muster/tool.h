/* External programs, run by argument vector and never by a shell, each with a deadline. For who has nobody to
 * outlive: a probe, the guardian, `muster sweep`. What a test starts must die with the test, so a test starts
 * its tools with muster_deployment_spawn(). */
#ifndef MUSTER_TOOL_H
#define MUSTER_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/result.h"
#include "muster/runner.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_TOOL_OUTPUT_MAX (4u * 1024u * 1024u) /* Kept of each stream; the rest is read and dropped. */

struct muster_tool {
    const char *const *argv; /* NULL-terminated; argv[0] is a path. */
    const char *const *env; /* NULL-terminated "NAME=value", or "NAME" to leave it out; NULL: our own. */
    const char *stdout_path; /* Appended to; NULL: kept in `output`. */
    const char *stderr_path; /* Appended to; NULL: kept in `complaint`. */

    /* Filled by the call; muster_tool_fini() frees the texts. */
    enum muster_rc rc; /* MUSTER_OK: it ran and ended by itself, whatever its exit code. */
    struct muster_exit exit;
    char *output; /* NUL-terminated; never NULL where rc is MUSTER_OK and no path was given. */
    size_t output_bytes;
    char *complaint;
    bool output_cut; /* There was more. */
};
void muster_tool_fini(struct muster_tool *tool);

/**
 * Runs all of them, at most `at_once` at a time, and waits until the last has ended. A tool and what it
 * started is killed once the deadline has passed, and with the thread that called. One thread at a time; the
 * caller blocks no signal for it.
 *
 * @return MUSTER_OK, when every rc is; else the first that is not: MUSTER_ENODE, it could not be executed;
 *         MUSTER_ETIMEDOUT, the deadline passed; MUSTER_EINFRA; MUSTER_ENOMEM. err names the program.
 */
MUSTER_MUST_USE enum muster_rc muster_tool_run(struct muster_tool *tools, size_t count, unsigned at_once,
                                               uint32_t timeout_ms, struct muster_error *err);

/** Whether it ran and exited with 0. */
bool muster_tool_succeeded(const struct muster_tool *tool);

/** Finds a program in PATH. True with its absolute path. */
bool muster_tool_find(const char *program, char path[4096]);

/** What a tool complained about, as one line for a sentence of ours: the last line that begins with "error"
 * or has "error:", else the last one; printable, at most 400 bytes; "it said nothing" where it did not.
 * Returns `line`. */
const char *muster_tool_complaint(const char *complaint, char line[512]);

#ifdef __cplusplus
}
#endif
#endif
