/* The verdict in run.json when the test could not write it. The guardian or a sweep writes it then. */
#ifndef MUSTER_SRC_EVIDENCE_AMEND_H
#define MUSTER_SRC_EVIDENCE_AMEND_H

#include <stdbool.h>
#include <stdint.h>

struct muster__amendment {
    const char *directory; /* The run's. */
    const char *run_id;
    const char *suite; /* NULL if not known. */
    const char *name; /* The scenario's. NULL if not known. */
    const char *verdict;
    const char *cause;
    /* Phase in which the test died. NULL if not known: the file's phases then stay as they are. */
    const char *phase;
    uint64_t gone_ms; /* Milliseconds from the run's start until the test was found dead. */
    uint64_t cleaned_up_ms; /* Milliseconds from the run's start until all was down. */
};

/** Writes verdict and cause into run.json, and ends its phases if `phase` is known. A file that is missing or
 * torn is made anew. Failures are ignored: a full disk must not stop a clean-up. */
void muster__amend(const struct muster__amendment *amendment);

/** True if run.json does not say how the run failed: it is missing or torn, or its verdict is "running" or
 * "pass". */
bool muster__amend_is_due(const char *directory);

#endif
