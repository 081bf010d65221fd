/* Before anything is created: which cluster, which namespace; and how objects are created. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/internal.h"
#include "muster/clock.h"

/* The context is named in every call from here on: switching it elsewhere must not split a run. */
enum muster_rc k8s__find_cluster(struct k8s *k8s, struct muster_error *err)
{
    enum muster_rc rc = k8s__cluster_find(&k8s->cluster, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    const char *kubeconfig = k8s->cluster.env.items[0];
    k8s->env[0] = strchr(kubeconfig, '=') == NULL ? NULL : kubeconfig;
    k8s->programs.env = k8s->env;
    struct runner_command command = { .argv =
                                          k8s__kubectl(&k8s->cluster, "config", "current-context", NULL) };
    rc = k8s__run(k8s, &command, 1, K8S_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = k8s__cluster_choose(&k8s->cluster, command.exit.code == 0 ? command.output : NULL, err);
    }
    runner__command_fini(&command);
    return rc;
}

/* One that may not be looked at is there: whoever may not see it may not make it either. */
static enum muster_rc is_there(struct k8s *k8s, bool *ret, struct muster_error *err)
{
    struct runner_command command = { .argv = k8s__kubectl(&k8s->cluster, "get", "namespace", k8s->space,
                                                           "--ignore-not-found", "-o", "name", NULL) };
    enum muster_rc rc = k8s__run(k8s, &command, 1, K8S_CALL_MS, err);
    if (rc == MUSTER_OK) {
        bool forbidden = command.exit.code != 0 && strstr(command.complaint, "Forbidden") != NULL;
        *ret = forbidden || command.output[0] != '\0';
        rc = forbidden ? MUSTER_OK : k8s__judge(&command, MUSTER_EINFRA, "looking for the namespace", err);
    }
    runner__command_fini(&command);
    return rc;
}

static enum muster_rc record(struct k8s *k8s, struct muster_error *err)
{
    const struct muster_variables *variables = muster_deployment_variables(k8s->deployment);
    json_t *detail =
        json_pack("{s:o, s:b, s:s, s:I, s:i, s:b, s:s}", "cluster", k8s__cluster_to_json(&k8s->cluster),
                  "owned", k8s->owns_space, "prefix", k8s->prefix, "nodes", (json_int_t)k8s->node_count,
                  "end_code", muster_deployment_plan(k8s->deployment)->system->end_code, "debug", k8s->debug,
                  "logs", muster_variable_text(variables, MUSTER_VAR_LOG_DIR));
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    enum muster_rc rc = text == NULL
                            ? muster_error_set(err, MUSTER_EINVAL, "PATH, HOME or KUBECONFIG is not UTF-8")
                            : muster_ledger_created(muster_deployment_ledger(k8s->deployment),
                                                    K8S_LEDGER_NAMESPACE, k8s->space, text, err);
    free(text);
    json_decref(detail);
    return rc;
}

enum muster_rc k8s__choose_space(struct k8s *k8s, struct muster_error *err)
{
    const char *chosen =
        muster_variable_text(muster_deployment_variables(k8s->deployment), MUSTER_VAR_K8S_NAMESPACE);
    bool there = false;
    enum muster_rc rc = MUSTER_OK;
    if (chosen[0] == '\0') {
        snprintf(k8s->space, sizeof k8s->space, "muster-%.32s", muster_deployment_run_id(k8s->deployment));
    } else {
        snprintf(k8s->space, sizeof k8s->space, "%.63s", chosen);
        rc = is_there(k8s, &there, err);
    }
    k8s->owns_space = !there;
    return rc == MUSTER_OK ? record(k8s, err) : rc;
}

static enum muster_rc write_list(const json_t *list, const char *path, struct muster_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && json_dumpfd(list, fd, JSON_COMPACT) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return written ? MUSTER_OK : muster_error_set(err, MUSTER_EINFRA, "cannot write '%s'", path);
}

/* A call whose answer was lost may have created some of it. */
static bool only_exist(const char *complaint)
{
    bool any = false;
    while (*complaint != '\0') {
        size_t bytes = strcspn(complaint, "\n");
        any = any || bytes > 0;
        if (bytes > 0 && memmem(complaint, bytes, "AlreadyExists", 13) == NULL) {
            return false;
        }
        complaint += bytes + (complaint[bytes] == '\n');
    }
    return any;
}

/* One call with the objects of a file. A first call whose answer was lost may have created some: then they
 * are there. */
static enum muster_rc create(struct k8s *k8s, const char *verb, const char *path, const char *format,
                             const char *what, char **output, bool *existed, struct muster_error *err)
{
    struct runner_command command = { .argv = k8s__kubectl(&k8s->cluster, verb, "-n", k8s->space, "-f", path,
                                                           "-o", format, NULL) };
    if (strcmp(verb, "create") == 0) {
        runner__argv_add(&command.argv, "--validate=false");
    }
    enum muster_rc rc = k8s__run(k8s, &command, 1, (uint32_t)muster_clock_left_ms(k8s->up_deadline_ms), err);
    *existed = rc == MUSTER_OK && command.exit.code != 0 && only_exist(command.complaint);
    if (rc == MUSTER_OK && !*existed) {
        rc = k8s__judge(&command, MUSTER_EINFRA, what, err);
    }
    *output = command.output;
    command.output = NULL;
    runner__command_fini(&command);
    return rc == MUSTER_ETIMEDOUT ? muster_error_context(err, rc, "%s", what) : rc;
}

enum muster_rc k8s__create(struct k8s *k8s, json_t *list, const char *file, const char *what, char **output,
                           struct muster_error *err)
{
    char path[4096 + 64];
    char *said = NULL;
    bool existed = false;
    snprintf(path, sizeof path, "%s/%s", muster_deployment_directory(k8s->deployment), file);
    enum muster_rc rc = write_list(list, path, err);
    if (rc == MUSTER_OK) {
        rc = create(k8s, "create", path, output == NULL ? "name" : "json", what, &said, &existed, err);
    }
    if (existed && output != NULL) {
        free(said);
        rc = create(k8s, "get", path, "json", what, &said, &existed, err);
    }
    if (rc == MUSTER_OK && output != NULL) {
        *output = said;
        said = NULL;
    }
    free(said);
    return rc;
}
