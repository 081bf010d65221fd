#include "k8s/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/record.h"

#define AT_ONCE 8u
#define KINDS "namespaces,pods,services,configmaps,persistentvolumeclaims"
#define COLUMNS                                                                                              \
    "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name,P:.status.phase,A:.status.podIP"

enum muster_rc k8s__record_read(const struct muster_ledger_view *view, struct k8s_record *ret,
                                struct muster_error *err)
{
    const struct muster_ledger_entry *entry = runner__ledger_find(view, K8S_LEDGER_NAMESPACE);
    if (entry == NULL) {
        return MUSTER_ENOTFOUND;
    }
    json_auto_t *detail = json_loads(entry->detail, 0, NULL);
    const char *logs = json_string_value(json_object_get(detail, "logs"));
    const char *prefix = json_string_value(json_object_get(detail, "prefix"));
    json_int_t nodes = json_integer_value(json_object_get(detail, "nodes"));
    memset(ret, 0, sizeof *ret);
    if (nodes < 0 || nodes > UINT32_MAX || !k8s__is_name(entry->id) || prefix == NULL ||
        !k8s__is_name(prefix) || strlen(view->run_id) > 32) {
        return muster_error_set(err, MUSTER_EREPLY, "the ledger of '%s' does not describe a k8s run",
                                view->directory);
    }
    ret->node_count = (uint32_t)nodes;
    ret->end_code = (int)json_integer_value(json_object_get(detail, "end_code"));
    ret->owns_space = json_is_true(json_object_get(detail, "owned"));
    ret->debug = json_is_true(json_object_get(detail, "debug"));
    ret->up_unfinished = runner__ledger_find(view, K8S_LEDGER_UP) != NULL;
    snprintf(ret->space, sizeof ret->space, "%s", entry->id);
    snprintf(ret->prefix, sizeof ret->prefix, "%s", prefix);
    snprintf(ret->selector, sizeof ret->selector, K8S_LABEL "=%.32s", view->run_id);
    snprintf(ret->log_directory, sizeof ret->log_directory, "%s", logs == NULL ? "" : logs);
    return k8s__cluster_from_json(json_object_get(detail, "cluster"), &ret->cluster, err);
}

enum muster_rc k8s__tools(const struct k8s_record *record, const struct runner_argv *argvs,
                          struct muster_tool *tools, size_t count, uint32_t timeout_ms,
                          struct muster_error *err)
{
    for (size_t i = 0; i < count; i++) {
        tools[i].argv = argvs[i].args;
        tools[i].env = runner__env_items(&record->cluster.env);
        if (record->debug) {
            k8s__log_call(&argvs[i]);
        }
    }
    enum muster_rc rc = muster_tool_run(tools, count, AT_ONCE, timeout_ms, err);
    for (size_t i = 0; i < count; i++) {
        tools[i].argv = NULL;
    }
    return rc;
}

/* ---- Looking ---- */

static bool take_thing(const char *line, struct k8s_thing *ret)
{
    char space[K8S_NAME_BYTES];
    memset(ret, 0, sizeof *ret);
    if (sscanf(line, "%31s %63s %63s %31s %63s", ret->kind, space, ret->name, ret->phase, ret->address) !=
        5) {
        return false;
    }
    snprintf(ret->space, sizeof ret->space, "%s", strcmp(space, "<none>") == 0 ? "" : space);
    ret->phase[0] = strcmp(ret->phase, "<none>") == 0 ? '\0' : ret->phase[0];
    ret->address[0] = strcmp(ret->address, "<none>") == 0 ? '\0' : ret->address[0];
    return true;
}

static enum muster_rc take_things(char *list, struct k8s_thing **ret, size_t *count, struct muster_error *err)
{
    char *rest = NULL;
    for (char *line = strtok_r(list, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        struct k8s_thing *grown = reallocarray(*ret, *count + 1, sizeof *grown);
        if (grown == NULL) {
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for what is left");
        }
        *ret = grown;
        *count += take_thing(line, &grown[*count]);
    }
    return MUSTER_OK;
}

/* A complaint is about each kind; what is told besides it is told anyway. */
static bool is_forbidden(const struct muster_tool *tool)
{
    return tool->rc == MUSTER_OK && tool->exit.code != 0 && tool->complaint != NULL &&
           strstr(tool->complaint, "(Forbidden)") != NULL && !k8s__is_unreached(tool->complaint);
}

static enum muster_rc look_by(const struct k8s_record *record, const struct runner_argv *argv,
                              bool *forbidden, struct k8s_thing **ret, size_t *count,
                              struct muster_error *err)
{
    char line[512];
    struct muster_tool tool = { .argv = NULL };
    enum muster_rc rc = k8s__tools(record, argv, &tool, 1, K8S_CALL_MS, err);
    *forbidden = is_forbidden(&tool);
    if (rc == MUSTER_OK && tool.exit.code != 0 && !*forbidden) {
        rc = muster_error_set(err, MUSTER_EINFRA, "the API server does not say: %s",
                              muster_tool_complaint(tool.complaint, line));
    }
    if (rc == MUSTER_OK) {
        rc = take_things(tool.output, ret, count, err);
    }
    muster_tool_fini(&tool);
    return rc == MUSTER_OK ? rc
                           : muster_error_context(err, MUSTER_EINFRA, "asking what is left in namespace %s",
                                                  record->space);
}

enum muster_rc k8s__look(const struct k8s_record *record, struct k8s_thing **ret, size_t *count,
                         struct muster_error *err)
{
    bool forbidden;
    const struct runner_argv everywhere = k8s__kubectl(&record->cluster, "get", KINDS, "-A", "-l",
                                                       record->selector, "-o", COLUMNS, "--no-headers", NULL);
    const struct runner_argv here =
        k8s__kubectl(&record->cluster, "get", "pods,services,configmaps,persistentvolumeclaims", "-n",
                     record->space, "-l", record->selector, "-o", COLUMNS, "--no-headers", NULL);
    *ret = NULL;
    *count = 0;
    enum muster_rc rc = look_by(record, &everywhere, &forbidden, ret, count, err);
    if (rc == MUSTER_OK && forbidden) {
        *count = 0;
        rc = look_by(record, &here, &forbidden, ret, count, err);
        if (rc == MUSTER_OK && forbidden) {
            rc = muster_error_set(err, MUSTER_EINFRA,
                                  "this user may not list what the run created in namespace %s",
                                  record->space);
        }
    }
    if (rc != MUSTER_OK) {
        free(*ret);
        *ret = NULL;
    }
    return rc;
}

/* ---- Audit ---- */

enum muster_rc k8s__audit(const struct muster_ledger_view *view, struct muster_audit *audit,
                          struct muster_error *err)
{
    struct k8s_record record;
    struct k8s_thing *things = NULL;
    size_t count = 0;
    enum muster_rc rc = k8s__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = k8s__look(&record, &things, &count, err);
    for (size_t i = 0; i < count && rc == MUSTER_OK; i++) {
        const struct k8s_thing *thing = &things[i];
        muster_audit_found(audit, "%s %s%s%s%s%s%s", thing->kind, thing->name,
                           thing->space[0] == '\0' ? "" : " in namespace ", thing->space,
                           thing->phase[0] == '\0' ? "" : " (", thing->phase,
                           thing->phase[0] == '\0' ? "" : ")");
    }
    free(things);
    k8s__cluster_fini(&record.cluster);
    return rc;
}
