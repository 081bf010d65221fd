/* What guardian and test say to each other: one JSON object a packet on a SOCK_SEQPACKET pair.
 *
 * Requests {"op":…, "seq":n, …} are answered by {"re":n, "rc":0, "text":"", …}; events are
 * {"event":"ended"|"flooded", …}. The guardian also has a pipe to the process that forked it: first its
 * pid ("{"pid":…,"start":…}"), last the outcome, one line each. */
#ifndef MUSTER_SRC_GUARDIAN_WIRE_H
#define MUSTER_SRC_GUARDIAN_WIRE_H

#include <jansson.h>
#include <stdint.h>

#include "muster/result.h"
#include "muster/runner.h"

#define MUSTER__PACKET_BYTES (128u * 1024u)

/** Sends a packet without blocking longer than until deadline_ms. Steals `message`. MUSTER_EINFRA: the other
 * side is gone; MUSTER_EINVAL: too large; MUSTER_ETIMEDOUT. */
MUSTER_MUST_USE enum muster_rc muster__wire_send(int fd, json_t *message, uint64_t deadline_ms,
                                                 struct muster_error *err);

/** Takes a packet that poll() announced. NULL: nothing there. *closed is set at end of file. A packet
 * that is no JSON object counts as nothing. `buffer` has MUSTER__PACKET_BYTES. */
json_t *muster__wire_receive(int fd, char *buffer, bool *closed);

json_t *muster__wire_exit_to_json(const struct muster_exit *exit);
struct muster_exit muster__wire_exit_from_json(const json_t *json);

#endif
