/* Looking for what bears a run's label. */
#ifndef MUSTER_RUNNERS_COMPOSE_LOOK_H
#define MUSTER_RUNNERS_COMPOSE_LOOK_H

#include "compose/internal.h"
#include "muster/tool.h"

enum compose_kind { COMPOSE_CONTAINERS, COMPOSE_NETWORKS, COMPOSE_VOLUMES, COMPOSE_KIND_COUNT };

/* What one look found: the tools' outputs, one thing on each line. */
struct compose_found {
    struct muster_tool tools[COMPOSE_KIND_COUNT];
};

/** Asks for all kinds at once. `format` is for containers; the others are listed by name. The caller calls
 * compose__found_fini() also after a failure. MUSTER_OK or MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc compose__look(const struct compose_record *record, const char *format,
                                             struct compose_found *found, struct muster_error *err);
void compose__found_fini(struct compose_found *found);
bool compose__found_nothing(const struct compose_found *found);

#endif
