/* Loopback addresses that no other run gets. */
#ifndef MUSTER_SRC_LEASE_H
#define MUSTER_SRC_LEASE_H

#include "muster/result.h"

/** Leases 127.a.b.0/24 by an abstract socket's name, which the kernel frees with its last owner. */
MUSTER_MUST_USE enum muster_rc muster__lease_take(int *ret_fd, char prefix[16], struct muster_error *err);

#endif
