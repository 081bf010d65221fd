/* Refuses a runner's table that would be a crash in the middle of a run. */
#include "muster/runner.h"

/* What every runner needs. */
static const char *missing_slot(const struct muster_runner *runner)
{
    return runner->capabilities == NULL ? "capabilities"
           : runner->ready_ms == NULL   ? "ready_ms"
           : runner->up == NULL         ? "up"
           : runner->endpoint == NULL   ? "endpoint"
           : runner->detach == NULL     ? "detach"
                                        : NULL;
}

static enum muster_rc half(const struct muster_runner *runner, const char *there, const char *missing,
                           struct muster_error *err)
{
    return muster_error_set(err, MUSTER_EINVAL, "the runner '%s' has %s without %s; give both or neither",
                            runner->name, there, missing);
}

static enum muster_rc check_pairs(const struct muster_runner *runner, struct muster_error *err)
{
    if (runner->down == NULL && runner->audit != NULL) {
        return half(runner, "audit", "down", err);
    }
    if (runner->down != NULL && runner->audit == NULL) {
        return half(runner, "down", "audit", err);
    }
    if (runner->preserve == NULL && runner->print_preserved != NULL) {
        return half(runner, "print_preserved", "preserve", err);
    }
    if (runner->preserve != NULL && runner->print_preserved == NULL) {
        return half(runner, "preserve", "print_preserved", err);
    }
    return MUSTER_OK;
}

enum muster_rc muster_runner_check(const struct muster_runner *runner,
                                   const struct muster_variables *variables, struct muster_error *err)
{
    if (runner->name == NULL || runner->name[0] == '\0') {
        return muster_error_set(err, MUSTER_EINVAL, "the runner has no name; give it one");
    }
    const char *missing = missing_slot(runner);
    if (missing != NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "the runner '%s' has no %s, which every runner needs",
                                runner->name, missing);
    }
    if (runner->control == NULL && (runner->capabilities(variables) & MUSTER_NODE_CONTROL) != 0) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "the runner '%s' says that it has node control, but has no control",
                                runner->name);
    }
    return check_pairs(runner, err);
}
