#include "k8s/orders.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/tool.h"

#define GROUP_MAX 16u /* As many addresses as a call has room for. */
#define UNANSWERED "no: the keeper does not answer"

struct runner_argv k8s__order(const struct k8s_cluster *cluster, const char *space, const char *pod,
                              const char *action)
{
    return k8s__kubectl(cluster, "exec", "-n", space, pod, "-c", K8S_CONTAINER, "--", K8S_KEEPER, action,
                        NULL);
}

/* The first of a group passes the order on, also to itself. */
static struct runner_argv group_order(const struct k8s_cluster *cluster, const char *action,
                                      struct k8s_member *const *group, size_t count)
{
    struct runner_argv argv = k8s__order(cluster, group[0]->space, group[0]->pod, action);
    for (size_t i = 0; i < count && count > 1; i++) {
        runner__argv_add(&argv, group[i]->address);
    }
    return argv;
}

/* A line for each; kubectl says on its other stream why there is none. */
static void take_answers(const struct k8s_said *said, struct k8s_member *const *group, size_t count)
{
    const char *output = said->output == NULL ? "" : said->output;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strcspn(output, "\n");
        char line[512];
        if (bytes > 0) {
            snprintf(group[i]->answer, sizeof group[i]->answer, "%.*s", bytes < 500 ? (int)bytes : 500,
                     output);
        } else {
            muster_tool_complaint(said->complaint == NULL ? "" : said->complaint, line);
            snprintf(group[i]->answer, sizeof group[i]->answer, UNANSWERED ": kubectl exec: %.400s", line);
        }
        output += bytes + (output[bytes] == '\n');
    }
}

static enum muster_rc ask(const struct k8s_cluster *cluster, const char *action,
                          struct k8s_member *const *asked, size_t count, size_t group_size, k8s_calls_fn *run,
                          void *context, struct muster_error *err)
{
    size_t call_count = (count + group_size - 1) / group_size;
    struct runner_argv *argvs = calloc(call_count + 1, sizeof *argvs);
    struct k8s_said *said = calloc(call_count + 1, sizeof *said);
    enum muster_rc rc = argvs == NULL || said == NULL
                            ? muster_error_set(err, MUSTER_ENOMEM, "no memory for %zu orders", call_count)
                            : MUSTER_OK;
    for (size_t i = 0; i < call_count && rc == MUSTER_OK; i++) {
        size_t first = i * group_size;
        argvs[i] = group_order(cluster, action, asked + first,
                               count - first < group_size ? count - first : group_size);
    }
    if (rc == MUSTER_OK && call_count > 0) {
        rc = run(context, argvs, said, call_count, err);
    }
    for (size_t i = 0; i < call_count && said != NULL; i++) {
        size_t first = i * group_size;
        take_answers(&said[i], asked + first, count - first < group_size ? count - first : group_size);
        free(said[i].output);
        free(said[i].complaint);
    }
    free(argvs);
    free(said);
    return rc;
}

static bool is_unanswered(const struct k8s_member *member)
{
    return member->answer[0] == '\0' || strncmp(member->answer, UNANSWERED, sizeof UNANSWERED - 1) == 0;
}

enum muster_rc k8s__order_all(const struct k8s_cluster *cluster, const char *action,
                              struct k8s_member *members, size_t count, k8s_calls_fn *run, void *context,
                              struct muster_error *err)
{
    struct k8s_member **asked = calloc(count + 1, sizeof *asked);
    size_t asked_count = 0;
    if (asked == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %zu orders", count);
    }
    for (size_t i = 0; i < count; i++) {
        members[i].answer[0] = '\0';
        if (members[i].address[0] != '\0') {
            asked[asked_count++] = &members[i];
        }
    }
    enum muster_rc rc = ask(cluster, action, asked, asked_count, GROUP_MAX, run, context, err);
    asked_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_unanswered(&members[i])) {
            asked[asked_count++] = &members[i];
        }
    }
    if (rc == MUSTER_OK) {
        rc = ask(cluster, action, asked, asked_count, 1, run, context, err);
    }
    free(asked);
    return rc;
}
