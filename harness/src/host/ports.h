/* Who listens on this host's loopback networks. */
#ifndef MUSTER_SRC_PORTS_H
#define MUSTER_SRC_PORTS_H

#include <stddef.h>

/** Counts TCP listeners on addresses that begin with `prefix` ("127.64.3."), from /proc/net/tcp, and writes
 * "127.64.3.1:3000, …" into `text` (size 0: not). */
size_t muster__ports_listening(const char *prefix, char *text, size_t size);

#endif
