/* Node control: each action is one `kubectl exec` of the keeper, which does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/internal.h"
#include "k8s/orders.h"
#include "muster/clock.h"
#include "muster/tool.h"

#define REPORT_MS 10000u /* From a pod's end until the watch has told it. */

/* What the keeper answered, or why it could not be asked. */
static enum muster_rc take_answer(const struct runner_command *command, const char *action, char answer[256],
                                  struct muster_error *err)
{
    char line[512];
    snprintf(answer, 256, "%.*s", (int)strcspn(command->output, "\n"), command->output);
    if (strncmp(answer, "no: ", 4) == 0) {
        return muster_error_set(err, MUSTER_ENODE, "%s: %s", action, answer + 4);
    }
    return command->exit.code == 0 ? MUSTER_OK
                                   : muster_error_set(err, MUSTER_ENODE, "%s: kubectl exec: %s", action,
                                                      muster_tool_complaint(command->complaint, line));
}

static enum muster_rc ask(struct k8s *k8s, uint32_t node, const char *action, uint32_t timeout_ms,
                          char answer[256], struct muster_error *err)
{
    struct runner_command command = { .argv = k8s__order(&k8s->cluster, k8s->space, k8s->nodes[node].name,
                                                         action) };
    enum muster_rc rc = k8s__run(k8s, &command, 1, timeout_ms, err);
    if (rc == MUSTER_OK) {
        rc = take_answer(&command, action, answer, err);
    }
    runner__command_fini(&command);
    return rc;
}

static enum muster_rc simple(struct k8s *k8s, uint32_t node, const char *action, struct muster_error *err)
{
    char answer[256];
    return ask(k8s, node, action, K8S_CALL_MS, answer, err);
}

/* ---- All at once ---- */

struct calls {
    struct k8s *k8s;
    uint32_t timeout_ms;
};

static enum muster_rc run_calls(void *context, const struct runner_argv *argvs, struct k8s_said *said,
                                size_t count, struct muster_error *err)
{
    const struct calls *calls = context;
    struct runner_command *commands = calloc(count, sizeof *commands);
    if (commands == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %zu calls of kubectl", count);
    }
    for (size_t i = 0; i < count; i++) {
        commands[i].argv = argvs[i];
    }
    enum muster_rc rc = k8s__run(calls->k8s, commands, count, calls->timeout_ms, err);
    for (size_t i = 0; i < count; i++) {
        said[i] = (struct k8s_said){ .output = commands[i].output, .complaint = commands[i].complaint };
    }
    free(commands);
    return rc;
}

static enum muster_rc judge_answers(const struct k8s_member *members, uint32_t count,
                                    struct muster_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strncmp(members[i].answer, "no: ", 4) == 0) {
            return muster_error_set(err, MUSTER_ENODE, "node-%u: start: %s", i, members[i].answer + 4);
        }
    }
    return MUSTER_OK;
}

enum muster_rc k8s__start_all(struct k8s *k8s, uint32_t timeout_ms, struct muster_error *err)
{
    struct calls calls = { .k8s = k8s, .timeout_ms = timeout_ms };
    struct k8s_member *members = calloc(k8s->node_count, sizeof *members);
    char(*addresses)[64] = calloc(k8s->node_count, sizeof *addresses);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (members == NULL || addresses == NULL) {
        muster_error_set(err, rc, "no memory for %u nodes", k8s->node_count);
    } else {
        for (uint32_t i = 0; i < k8s->node_count; i++) {
            k8s__watch_address(k8s->watch, i, addresses[i]);
            members[i] = (struct k8s_member){ .space = k8s->space,
                                              .pod = k8s->nodes[i].name,
                                              .address = addresses[i] };
        }
        rc = k8s__order_all(&k8s->cluster, "start", members, k8s->node_count, run_calls, &calls, err);
        rc = rc == MUSTER_OK ? judge_answers(members, k8s->node_count, err) : rc;
    }
    free(members);
    free(addresses);
    return rc;
}

/* ---- One node ---- */

/* One that ended by itself at this very moment took its pod with it: that is reported by the watch. */
static enum muster_rc end(struct k8s *k8s, uint32_t node, const char *action, struct muster_error *err)
{
    uint32_t grace_ms = muster_deployment_plan(k8s->deployment)->grace_ms;
    char answer[256];
    struct k8s_ended ended;
    struct muster_error cause = { 0 };
    enum muster_rc rc = ask(k8s, node, action, grace_ms + K8S_CALL_MS, answer, &cause);
    if (rc == MUSTER_OK) {
        rc = k8s__read_ended(answer, &ended, &cause);
    } else if (rc == MUSTER_ENODE && k8s__watch_ended(k8s->watch, node, REPORT_MS)) {
        return MUSTER_OK;
    }
    if (rc != MUSTER_OK) {
        return muster_error_set(err, rc, "%s", cause.text);
    }
    muster_deployment_node_ended(k8s->deployment, node, &ended.exit);
    return !ended.forced ? MUSTER_OK
                         : muster_error_set(err, MUSTER_ENODE, "it ignored SIGTERM for %.1f s and was killed",
                                            grace_ms / 1000.0);
}

enum muster_rc k8s__control(void *state, uint32_t node, enum muster_action action, struct muster_error *err)
{
    struct k8s *k8s = state;
    switch (action) {
    case MUSTER_START:
        return simple(k8s, node, "start", err);
    case MUSTER_STOP:
        return end(k8s, node, "stop", err);
    case MUSTER_KILL:
        return end(k8s, node, "kill", err);
    case MUSTER_PAUSE:
        return simple(k8s, node, "pause", err);
    case MUSTER_RESUME:
        return simple(k8s, node, "resume", err);
    }
    return muster_error_set(err, MUSTER_EINVAL, "the k8s runner knows no action %d", (int)action);
}
