/* MUSTER_EXTERNAL_NODES as the runner takes it: one URL for each node. */
#ifndef MUSTER_RUNNERS_EXTERNAL_URLS_H
#define MUSTER_RUNNERS_EXTERNAL_URLS_H

#include <stddef.h>

#include "muster/runner.h"

struct external_urls {
    size_t count;
    char url[MUSTER_NODES_MAX][sizeof((struct muster_endpoint *)NULL)->base_url]; /* Without a final slash. */
};

/** Reads a list of URLs with commas between them; blanks around them do not count. `ret` is filled on
 * MUSTER_OK only. MUSTER_EINVAL: the entry, what is wrong with it and how it should be. */
MUSTER_MUST_USE enum muster_rc external__read_urls(const char *list, struct external_urls *ret,
                                                   struct muster_error *err);

#endif
