/* Whether a system's table is whole. */
#ifndef MUSTER_PLAN_SYSTEM_CHECK_H
#define MUSTER_PLAN_SYSTEM_CHECK_H

#include "muster/system.h"

/** MUSTER_OK; MUSTER_EINVAL names the system and the slot that is missing or cannot be used. */
MUSTER_MUST_USE enum muster_rc muster__system_check(const struct muster_system *system,
                                                    struct muster_error *err);

#endif
