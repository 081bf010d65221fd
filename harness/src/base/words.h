/* Names of what is written down, other than those in the public headers. */
#ifndef MUSTER_SRC_WORDS_H
#define MUSTER_SRC_WORDS_H

#include "muster/run.h"
#include "muster/session.h"

/** What a cause makes of a run: MUSTER_OK is a pass, a failure of the environment is infra. */
enum muster_verdict muster__verdict_of(enum muster_rc rc);

/** "absent", "running", "paused", "stopped" or "exited". */
const char *muster__node_state_name(enum muster_node_state state);

#endif
