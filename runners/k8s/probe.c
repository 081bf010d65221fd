/* Can this plan run here? Nothing is created: what is asked for are reviews, which the API server does not
 * keep. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "k8s/internal.h"
#include "muster/tool.h"

#define PROBE_MS 10000u
#define UNNAMED_SPACE "muster-probe" /* Stands for one that a run would make. */

/* All that a run does, so that none begins that could not end. */
static const struct right {
    const char *verb;
    const char *resource;
    const char *subresource; /* NULL: none. */
    enum { ALWAYS, WITH_OWN_SPACE, WITH_PROXY, WITH_CLAIM } when;
} rights[] = {
    { "create", "namespaces", NULL, WITH_OWN_SPACE },
    { "delete", "namespaces", NULL, WITH_OWN_SPACE },
    { "list", "namespaces", NULL, WITH_OWN_SPACE },
    { "create", "services", NULL, ALWAYS },
    { "delete", "services", NULL, ALWAYS },
    { "list", "services", NULL, ALWAYS },
    { "create", "configmaps", NULL, ALWAYS },
    { "delete", "configmaps", NULL, ALWAYS },
    { "list", "configmaps", NULL, ALWAYS },
    { "create", "pods", NULL, ALWAYS },
    { "delete", "pods", NULL, ALWAYS },
    { "get", "pods", NULL, ALWAYS },
    { "list", "pods", NULL, ALWAYS },
    { "watch", "pods", NULL, ALWAYS },
    { "get", "pods", "log", ALWAYS },
    { "create", "pods", "exec", ALWAYS },
    { "get", "pods", "proxy", WITH_PROXY },
    { "create", "pods", "proxy", WITH_PROXY },
    { "list", "persistentvolumeclaims", NULL, ALWAYS },
    { "create", "persistentvolumeclaims", NULL, WITH_CLAIM },
    { "delete", "persistentvolumeclaims", NULL, ALWAYS },
};

enum question { ASK_VERSION, ASK_SPACE, ASK_RIGHTS, QUESTION_COUNT };

/* ---- Rights ---- */

static bool applies(const struct right *right, const struct muster_variables *variables, bool own_space)
{
    switch (right->when) {
    case WITH_OWN_SPACE:
        return own_space;
    case WITH_PROXY:
        return muster_variable_text(variables, MUSTER_VAR_K8S_NODE_HOST)[0] == '\0';
    case WITH_CLAIM:
        return muster_variable_text(variables, MUSTER_VAR_K8S_STORAGE)[0] != '\0';
    case ALWAYS:
        break;
    }
    return true;
}

static json_t *review_of(const struct right *right, const char *space)
{
    json_t *attributes = json_pack("{s:s, s:s, s:s}", "verb", right->verb, "resource", right->resource,
                                   "namespace", strcmp(right->resource, "namespaces") == 0 ? "" : space);
    if (right->subresource != NULL) {
        json_object_set_new(attributes, "subresource", json_string(right->subresource));
    }
    return json_pack("{s:s, s:s, s:{s:o}}", "apiVersion", "authorization.k8s.io/v1", "kind",
                     "SelfSubjectAccessReview", "spec", "resourceAttributes", attributes);
}

/* The reviews as a file that has no place on disk; -1: it could not be made. */
static int write_reviews(const struct muster_variables *variables, const char *space)
{
    json_t *list = k8s__list_new();
    bool own_space = muster_variable_text(variables, MUSTER_VAR_K8S_NAMESPACE)[0] == '\0';
    int failed = 0;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        if (applies(&rights[i], variables, own_space)) {
            failed |= json_array_append_new(json_object_get(list, "items"), review_of(&rights[i], space));
        }
    }
    int fd = failed != 0 ? -1 : memfd_create("muster-reviews", MFD_CLOEXEC);
    if (fd >= 0 && json_dumpfd(list, fd, JSON_COMPACT) != 0) {
        close(fd);
        fd = -1;
    }
    json_decref(list);
    return fd;
}

static enum muster_rc judge_rights(const char *output, const char *space, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    json_t *review;
    while (rc == MUSTER_OK && (review = k8s__next_object(&output)) != NULL) {
        const json_t *attributes = json_object_get(json_object_get(review, "spec"), "resourceAttributes");
        const char *verb = json_string_value(json_object_get(attributes, "verb"));
        const char *resource = json_string_value(json_object_get(attributes, "resource"));
        const char *subresource = json_string_value(json_object_get(attributes, "subresource"));
        const char *where = strcmp(resource == NULL ? "" : resource, "namespaces") == 0 ? "" : space;
        const json_t *allowed = json_object_get(json_object_get(review, "status"), "allowed");
        if (verb != NULL && resource != NULL && json_is_false(allowed)) {
            rc = muster_error_set(err, MUSTER_EINVAL,
                                  "the user of kubectl's context is forbidden to %s %s%s%s%s%s, which a run "
                                  "needs; ask for that right, or choose another namespace with %s",
                                  verb, resource, subresource == NULL ? "" : "/",
                                  subresource == NULL ? "" : subresource,
                                  where[0] == '\0' ? "" : " in namespace ", where,
                                  muster_variable_info(MUSTER_VAR_K8S_NAMESPACE)->name);
        }
        json_decref(review);
    }
    return rc;
}

/* ---- The cluster ---- */

static enum muster_rc judge_version(const struct muster_tool *tool, const struct k8s_cluster *cluster,
                                    struct muster_error *err)
{
    char line[512];
    const char *context = cluster->context[0] == '\0' ? "of this pod" : cluster->context;
    if (tool->rc == MUSTER_ETIMEDOUT) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "the cluster of kubectl's context '%s' did not answer within %.1f s; start it, "
            "or choose another context",
            context, PROBE_MS / 1000.0);
    }
    return muster_tool_succeeded(tool)
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_ESKIP,
                                  "the cluster of kubectl's context '%s' cannot be used: %s; start it, or "
                                  "choose another context",
                                  context, muster_tool_complaint(tool->complaint, line));
}

static enum muster_rc judge_space(const struct muster_tool *tool, const char *space, struct muster_error *err)
{
    return !muster_tool_succeeded(tool) || strstr(tool->output, "Terminating") == NULL
               ? MUSTER_OK
               : muster_error_set(
                     err, MUSTER_EINVAL,
                     "the namespace '%s' is terminating; wait until it is gone, or choose another "
                     "with %s",
                     space, muster_variable_info(MUSTER_VAR_K8S_NAMESPACE)->name);
}

static enum muster_rc judge(const struct k8s_cluster *cluster, const struct muster_tool *tools,
                            const char *space, struct muster_error *err)
{
    enum muster_rc rc = judge_version(&tools[ASK_VERSION], cluster, err);
    if (rc == MUSTER_OK) {
        rc = judge_space(&tools[ASK_SPACE], space, err);
    }
    /* Where rights cannot be reviewed the first thing that is forbidden says so itself. */
    const struct muster_tool *reviews = &tools[ASK_RIGHTS];
    return rc == MUSTER_OK && muster_tool_succeeded(reviews) ? judge_rights(reviews->output, space, err) : rc;
}

static enum muster_rc ask_cluster(const struct k8s_cluster *cluster, const struct muster_variables *variables,
                                  struct muster_error *err)
{
    char path[64];
    const char *chosen = muster_variable_text(variables, MUSTER_VAR_K8S_NAMESPACE);
    const char *space = chosen[0] == '\0' ? UNNAMED_SPACE : chosen;
    int fd = write_reviews(variables, space);
    /* kubectl opens it where we have it open. */
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
    const struct runner_argv argvs[QUESTION_COUNT] = {
        [ASK_VERSION] = k8s__kubectl(cluster, "get", "--raw", "/version", NULL),
        [ASK_SPACE] =
            k8s__kubectl(cluster, "get", "namespace", space, "-o", "jsonpath={.status.phase}", NULL),
        [ASK_RIGHTS] = k8s__kubectl(cluster, "create", "--validate=false", "-f", path, "-o", "json", NULL),
    };
    struct muster_tool tools[QUESTION_COUNT] = { { .argv = NULL } };
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        tools[i].argv = argvs[i].args;
        tools[i].env = runner__env_items(&cluster->env);
        if (muster_variable_flag(variables, MUSTER_VAR_K8S_DEBUG)) {
            k8s__log_call(&argvs[i]);
        }
    }
    struct muster_error failure = { 0 };
    enum muster_rc rc = muster_tool_run(tools, QUESTION_COUNT, QUESTION_COUNT, PROBE_MS, &failure);
    rc = rc == MUSTER_OK || rc == MUSTER_ETIMEDOUT
             ? judge(cluster, tools, space, err)
             : muster_error_set(err, MUSTER_ESKIP, "kubectl cannot be run here: %s", failure.text);
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        tools[i].argv = NULL;
        muster_tool_fini(&tools[i]);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static enum muster_rc find_context(struct k8s_cluster *cluster, struct muster_error *err)
{
    const struct runner_argv argv = k8s__kubectl(cluster, "config", "current-context", NULL);
    struct muster_tool tool = { .argv = argv.args, .env = runner__env_items(&cluster->env) };
    enum muster_rc rc = muster_tool_run(&tool, 1, 1, PROBE_MS, NULL);
    rc = rc != MUSTER_OK
             ? muster_error_set(err, MUSTER_ESKIP, "kubectl cannot be run here")
             : k8s__cluster_choose(cluster, muster_tool_succeeded(&tool) ? tool.output : NULL, err);
    tool.argv = NULL;
    muster_tool_fini(&tool);
    return rc;
}

enum muster_rc k8s__probe(const struct muster_plan *plan, const struct muster_variables *variables,
                          struct muster_error *err)
{
    struct k8s_cluster cluster;
    const char *image;
    enum muster_rc rc = muster_image_find(plan->system, variables, &image, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = k8s__cluster_find(&cluster, err);
    if (rc == MUSTER_OK) {
        rc = find_context(&cluster, err);
    }
    if (rc == MUSTER_OK) {
        rc = k8s__check_plan(plan, variables, err);
    }
    if (rc == MUSTER_OK) {
        rc = ask_cluster(&cluster, variables, err);
    }
    k8s__cluster_fini(&cluster);
    return rc;
}
