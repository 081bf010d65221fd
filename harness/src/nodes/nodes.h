/* What is known of each node: where it answers, whether it runs, how it ended. Any thread. */
#ifndef MUSTER_SRC_NODES_H
#define MUSTER_SRC_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/run.h"
#include "muster/runner.h"

struct muster_nodes;

/** `directory`: the run directory, for the tails of logs. `began_ms`: time 0 of messages. */
MUSTER_MUST_USE enum muster_rc muster__nodes_create(uint32_t count, const char *directory, uint64_t began_ms,
                                                    struct muster_nodes **ret, struct muster_error *err);
void muster__nodes_destroy(struct muster_nodes *nodes);

/** Where its output goes when that is not <directory>/nodes/node-<i>/{stdout,stderr}.log. */
void muster__nodes_set_log(struct muster_nodes *nodes, uint32_t node, const char *log_path,
                           const char *error_log_path);

void muster__nodes_set_endpoint(struct muster_nodes *nodes, uint32_t node,
                                const struct muster_endpoint *endpoint);

/** MUSTER_OK; MUSTER_ENODE when the node is not there to be asked (absent, stopped, exited). */
MUSTER_MUST_USE enum muster_rc muster__nodes_endpoint(struct muster_nodes *nodes, uint32_t node,
                                                      struct muster_endpoint *ret, struct muster_error *err);
enum muster_node_state muster__nodes_state(struct muster_nodes *nodes, uint32_t node);
uint32_t muster__nodes_restarts(struct muster_nodes *nodes, uint32_t node);

/** How its last process ended. False when none has. */
bool muster__nodes_exit(struct muster_nodes *nodes, uint32_t node, struct muster_exit *ret);

/** The node was started (again), paused, resumed. */
void muster__nodes_set_state(struct muster_nodes *nodes, uint32_t node, enum muster_node_state state);

/** From here until the node ended, its end is as asked. `asked` false takes it back. */
void muster__nodes_ask_end(struct muster_nodes *nodes, uint32_t node, bool asked);

/** All ends from here on are as asked: the run is being taken down. */
void muster__nodes_ask_all(struct muster_nodes *nodes);
bool muster__nodes_all_asked(struct muster_nodes *nodes);

/** The node's process or container ended. Unasked: the first one becomes the failure. */
void muster__nodes_ended(struct muster_nodes *nodes, uint32_t node, const struct muster_exit *exit);

/** The same of a process that nobody had told to end yet: it is unasked, also while it is about to be told.
 */
void muster__nodes_died(struct muster_nodes *nodes, uint32_t node, const struct muster_exit *exit);

/** Something outside the nodes failed for good (guardian or backend gone): becomes the failure. */
void muster__nodes_fail(struct muster_nodes *nodes, enum muster_rc rc, const char *format, ...)
    MUSTER_PRINTF(3, 4);

/** MUSTER_OK while all is well; else the first failure: MUSTER_ENODE with the node, how it ended, when,
 * and the last lines of its log; or what muster__nodes_fail() was given. */
enum muster_rc muster__nodes_failure(struct muster_nodes *nodes, struct muster_error *err);

/** Called, from any thread, whenever a node ended or a failure was recorded. At most one; NULL: none. */
void muster__nodes_on_change(struct muster_nodes *nodes, void (*changed)(void *context), void *context);

#endif
