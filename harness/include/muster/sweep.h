/* Sweeping: removing what runs left whose guardian was killed. */
#ifndef MUSTER_SWEEP_H
#define MUSTER_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "muster/runner.h"
#include "muster/variables.h"

#ifdef __cplusplus
extern "C" {
#endif

struct muster_sweep_options {
    const struct muster_runner *const *runners; /* NULL-terminated: who may have made the runs. */
    const char *const *directories; /* Run directories. None: all below the run root. */
    size_t directory_count;
    bool evidence; /* Also remove the directories of runs that are over. */
    bool preserved; /* Also take down what was preserved. */
    /* Told of each run directory and what was done with it; may be NULL. */
    void (*step)(void *context, const char *directory, const char *what);
    void *context;
};

/**
 * Sweeps each run: what its ledger names and nothing else. Runs that go on are left alone. One that fails
 * does not keep the others from being swept. Empty directories of runs that were killed before they had a
 * ledger are removed too. A directory that another user owns, or others may write to, is passed over below
 * the run root and refused when it was named.
 *
 * @return MUSTER_OK; MUSTER_ELEAK, something could not be removed or was refused (err has the first);
 * MUSTER_ENOTFOUND, a directory that was named has no ledger; MUSTER_EIO, the run root cannot be read.
 */
MUSTER_MUST_USE enum muster_rc muster_sweep(const struct muster_variables *variables,
                                            const struct muster_sweep_options *options,
                                            struct muster_error *err);

#ifdef __cplusplus
}
#endif
#endif
