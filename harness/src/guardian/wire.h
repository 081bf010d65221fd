/* The protocol between guardian and test: one JSON object in each packet on a SOCK_SEQPACKET pair.
 *
 * Requests {"op":…, "seq":n, …} are answered by {"re":n, "rc":0, "text":"", …}; events are
 * {"event":"ended"|"flooded", …}. The guardian also has a pipe to the process that forked it. It writes two
 * lines there: first {"pid":…}, last the outcome. */
#ifndef MUSTER_SRC_GUARDIAN_WIRE_H
#define MUSTER_SRC_GUARDIAN_WIRE_H

#include <jansson.h>
#include <stdint.h>

#include "muster/result.h"
#include "muster/runner.h"

#define MUSTER__PACKET_BYTES (128u * 1024u)

/** Sends a packet, blocking until deadline_ms at most. Steals `message`.
 *
 * @return MUSTER_OK
 *         MUSTER_EINFRA: the other side is gone.
 *         MUSTER_EINVAL: the message is larger than MUSTER__PACKET_BYTES.
 *         MUSTER_ENOMEM
 *         MUSTER_ETIMEDOUT: deadline_ms passed.
 */
MUSTER_MUST_USE enum muster_rc muster__wire_send(int fd, json_t *message, uint64_t deadline_ms,
                                                 struct muster_error *err);

/** Takes a packet that poll() announced. Returns NULL if there is none, or if it is not a JSON object. Sets
 * *closed to true at end-of-file, else to false. `buffer` has MUSTER__PACKET_BYTES. */
json_t *muster__wire_receive(int fd, char *buffer, bool *closed);

json_t *muster__wire_exit_to_json(const struct muster_exit *exit);
struct muster_exit muster__wire_exit_from_json(const json_t *json);

#endif
