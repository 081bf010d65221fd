/* Texts that backends take. */
#ifndef MUSTER_RUNNERS_SHARED_TEXT_H
#define MUSTER_RUNNERS_SHARED_TEXT_H

#include <jansson.h>
#include <stdint.h>

#include "muster/runner.h"

/** "http://host:port", an IPv6 address in brackets. */
void runner__url(const char *host, uint16_t port, char url[512]);

/** Whether a variable holds what can become part of URLs: a name or an address, and nothing else. MUSTER_OK
 * or MUSTER_EINVAL, also where it is empty. */
MUSTER_MUST_USE enum muster_rc runner__check_host(const struct muster_variables *variables,
                                                  enum muster_variable variable, struct muster_error *err);

/** A JSON string in which each "$" is doubled, which Compose and Kubernetes read as a plain one: they replace
 * names after a "$". NULL: not UTF-8, or no memory. */
json_t *runner__json_literal(const char *text);

/** Which of `count` nodes an object "<prefix>-node-<i>" is for; MUSTER_NO_NODE when that is not its name. */
uint32_t runner__node_of_name(const char *prefix, const char *name, uint32_t count);

#endif
