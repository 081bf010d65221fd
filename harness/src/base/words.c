/* Names of what is written down: phases, verdicts, states of nodes. */
#include "base/words.h"

#include "muster/run.h"
#include "muster/session.h"

const char *muster_phase_name(enum muster_phase phase)
{
    static const char *const names[MUSTER_PHASE_COUNT] = {
        [MUSTER_BUILD] = "build",       [MUSTER_PROBE] = "probe",       [MUSTER_DEPLOY] = "deploy",
        [MUSTER_CAPTURE] = "capture",   [MUSTER_EXECUTE] = "execute",   [MUSTER_SETTLE] = "settle",
        [MUSTER_EVALUATE] = "evaluate", [MUSTER_CLEAN_UP] = "clean_up",
    };
    return (unsigned)phase < MUSTER_PHASE_COUNT ? names[phase] : "unknown";
}

const char *muster_verdict_name(enum muster_verdict verdict)
{
    switch (verdict) {
    case MUSTER_PASS:
        return "pass";
    case MUSTER_FAIL:
        return "fail";
    case MUSTER_SKIP:
        return "skip";
    case MUSTER_INFRA:
        return "infra";
    case MUSTER_LEAK:
        return "leak";
    }
    return "none";
}

enum muster_verdict muster__verdict_of(enum muster_rc rc)
{
    switch (rc) {
    case MUSTER_OK:
        return MUSTER_PASS;
    case MUSTER_EINFRA:
    case MUSTER_EIO:
    case MUSTER_ENOMEM:
        return MUSTER_INFRA;
    case MUSTER_ELEAK:
        return MUSTER_LEAK;
    default:
        return MUSTER_FAIL;
    }
}

const char *muster__node_state_name(enum muster_node_state state)
{
    static const char *const names[] = {
        [MUSTER_NODE_ABSENT] = "absent",   [MUSTER_NODE_RUNNING] = "running", [MUSTER_NODE_PAUSED] = "paused",
        [MUSTER_NODE_STOPPED] = "stopped", [MUSTER_NODE_EXITED] = "exited",
    };
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}
