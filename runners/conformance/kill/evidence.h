/* What a run must leave: everything to read after a failure, nothing after a pass. */
#ifndef MUSTER_CONFORMANCE_EVIDENCE_H
#define MUSTER_CONFORMANCE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "kill/complaint.h"
#include "kill/trace.h"

/* What is expected of the run directory. */
struct evidence {
    bool must_be_kept; /* False: it may be gone; if it is there, it must be complete. */
    const char *verdict; /* "fail" or "infra"; NULL: either. */
    uint32_t nodes_with_logs; /* How many nodes must have a log that is not empty. */
};

void evidence_check(const struct trace *trace, const struct evidence *expected, struct complaint *ret);

/** After a pass: nothing at all below the run root. */
void evidence_check_gone(const struct trace *trace, struct complaint *ret);

/** Whether the run directory's ledger says that nothing but evidence is left. */
bool evidence_is_closed(const struct trace *trace);

#endif
