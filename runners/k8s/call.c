/* Calls of kubectl in the test's process. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "k8s/internal.h"
#include "muster/clock.h"
#include "muster/tool.h"

#define PATIENCE_MS 15000u /* For an API server that comes back. */
#define PAUSE_MS 250

static bool did_not_reach(const struct runner_command *command)
{
    return command->done && command->exit.code != 0 && command->complaint != NULL &&
           k8s__is_unreached(command->complaint);
}

/* Nobody signals a thread here: the pause is a wait for nothing. */
static void pause_a_moment(void)
{
    poll(NULL, 0, PAUSE_MS);
}

/* One that did not reach the API server did nothing. */
static enum muster_rc run_again(struct k8s *k8s, struct runner_command *command, uint64_t deadline_ms,
                                struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    while (rc == MUSTER_OK && did_not_reach(command)) {
        char line[512];
        if (muster_clock_left_ms(deadline_ms) <= PAUSE_MS) {
            return muster_error_set(err, MUSTER_EINFRA,
                                    "the API server of the cluster was not reached: kubectl: %s",
                                    muster_tool_complaint(command->complaint, line));
        }
        runner__command_fini(command);
        pause_a_moment();
        rc = runner__run(&k8s->programs, command, 1, (uint32_t)muster_clock_left_ms(deadline_ms), err);
    }
    return rc;
}

enum muster_rc k8s__run(struct k8s *k8s, struct runner_command *commands, size_t count, uint32_t timeout_ms,
                        struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(k8s->deployment);
    uint64_t patient_ms = muster_clock_ms() + (uint64_t)(PATIENCE_MS * plan->slowdown);
    for (size_t i = 0; i < count && k8s->debug; i++) {
        k8s__log_call(&commands[i].argv);
    }
    enum muster_rc rc = runner__run(&k8s->programs, commands, count, timeout_ms, err);
    for (size_t i = 0; i < count && rc == MUSTER_OK; i++) {
        rc = run_again(k8s, &commands[i], patient_ms, err);
    }
    return rc;
}

enum muster_rc k8s__judge(const struct runner_command *command, enum muster_rc rc, const char *what,
                          struct muster_error *err)
{
    char line[512];
    char how[96];
    if (command->exit.code == 0) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, rc, "%s: kubectl %s: %s", what, muster_exit_describe(&command->exit, how),
        muster_tool_complaint(command->complaint == NULL ? "" : command->complaint, line));
}
