/* What the answers of docker mean. */
#include <string.h>

#include "compose/internal.h"
#include "muster/tool.h"

#define CHECK_MS 10000u

bool compose__is_engine_gone(const char *complaint)
{
    static const char *const signs[] = { "Cannot connect to the Docker daemon",
                                         "error during connect",
                                         "Couldn't connect to Docker daemon",
                                         "connection refused",
                                         "Connection refused",
                                         "unexpected EOF",
                                         "failed to connect to the docker API",
                                         "Error while fetching server API version" };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strstr(complaint, signs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

enum muster_rc compose__judge(const struct runner_command *command, enum muster_rc rc, const char *what,
                              struct muster_error *err)
{
    char line[512];
    const char *complaint = command->complaint == NULL ? "" : command->complaint;
    if (command->exit.code == 0) {
        return MUSTER_OK;
    }
    if (compose__is_engine_gone(complaint)) {
        return muster_error_set(err, MUSTER_EINFRA, "the Docker engine went away: %s: %s", what,
                                muster_tool_complaint(complaint, line));
    }
    char how[96];
    return muster_error_set(err, rc, "%s: docker %s: %s", what, muster_exit_describe(&command->exit, how),
                            muster_tool_complaint(complaint, line));
}

/* An engine that hangs is as gone as one that does not answer at all. */
enum muster_rc compose__check(void *state, struct muster_error *err)
{
    struct compose *compose = state;
    struct runner_command command = { .argv = compose__docker(&compose->engine, "version", "--format",
                                                              "{{.Server.Version}}", NULL) };
    enum muster_rc rc = runner__run(&compose->programs, &command, 1, CHECK_MS, err);
    rc = rc != MUSTER_OK ? muster_error_context(err, MUSTER_EINFRA, "the Docker engine does not answer")
                         : compose__judge(&command, MUSTER_EINFRA, "asking whether the engine is there", err);
    runner__command_fini(&command);
    return rc;
}

enum muster_rc compose__do(struct compose *compose, struct runner_argv argv, uint32_t timeout_ms,
                           enum muster_rc rc, const char *what, struct muster_error *err)
{
    struct runner_command command = { .argv = argv };
    enum muster_rc result = runner__run(&compose->programs, &command, 1, timeout_ms, err);
    result = result != MUSTER_OK ? muster_error_context(err, result, "%s", what)
                                 : compose__judge(&command, rc, what, err);
    runner__command_fini(&command);
    return result;
}
