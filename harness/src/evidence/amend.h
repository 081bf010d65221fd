/* The last word in run.json, for whoever is left to say it: the guardian, or a sweep. */
#ifndef MUSTER_SRC_AMEND_H
#define MUSTER_SRC_AMEND_H

#include <stdbool.h>
#include <stdint.h>

/* What is known without the file. */
struct muster__amendment {
    const char *directory; /* The run's. */
    const char *run_id;
    const char *suite; /* NULL, and name too: not known. */
    const char *name;
    const char *verdict;
    const char *cause;
    /* Of a test that is gone; the times are milliseconds of the run. NULL: not known, its phases stay as they
     * are. */
    const char *phase; /* In which it went. */
    uint64_t gone_ms;
    uint64_t cleaned_up_ms; /* Since when all is down. */
};

/** Puts verdict and cause into run.json, and the end of the phase and the clean-up where they are known. One
 * that is not there, or not whole, is made anew. Best effort: a full disk must not stop a clean-up. */
void muster__amend(const struct muster__amendment *amendment);

/** Whether run.json does not say how the run failed: it is not there, not whole, or has the run pass or go
 * on. */
bool muster__amend_is_due(const char *directory);

#endif
