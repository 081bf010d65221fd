#include "k8s/cluster.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/tool.h"

#define KUBECONFIG "KUBECONFIG="

/* Where the cluster is, and what credential plugins need to find themselves and their accounts; no secrets.
 */
static const char *const kept_variables[] = {
    "KUBECONFIG",
    "HOME",
    "PATH",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "AWS_PROFILE",
    "AWS_REGION",
    "CLOUDSDK_CONFIG",
    "AZURE_CONFIG_DIR",
};

/* KUBECONFIG may list files relative to here, and kubectl is run elsewhere. */
static char *absolute_list(const char *list)
{
    char here[4096];
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = getcwd(here, sizeof here) == NULL ? NULL : open_memstream(&text, &bytes);
    if (out == NULL) {
        return NULL;
    }
    fputs(KUBECONFIG, out);
    for (;;) {
        size_t length = strcspn(list, ":");
        bool relative = length > 0 && list[0] != '/';
        fprintf(out, "%s%s%.*s", relative ? here : "", relative ? "/" : "", (int)length, list);
        if (list[length] == '\0') {
            break;
        }
        fputc(':', out);
        list += length + 1;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

enum muster_rc k8s__cluster_find(struct k8s_cluster *cluster, struct muster_error *err)
{
    *cluster = (struct k8s_cluster){ .context = "" };
    if (!muster_tool_find("kubectl", cluster->kubectl)) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "the k8s runner needs the program 'kubectl', which is not in PATH; install it");
    }
    enum muster_rc rc = runner__env_keep(&cluster->env, kept_variables,
                                         sizeof kept_variables / sizeof kept_variables[0], err);
    const char *list = getenv("KUBECONFIG");
    if (rc == MUSTER_OK && list != NULL) {
        char *absolute = absolute_list(list);
        if (absolute == NULL) {
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for the environment of kubectl");
        }
        free(cluster->env.items[0]);
        cluster->env.items[0] = absolute;
    }
    return rc;
}

void k8s__cluster_fini(struct k8s_cluster *cluster)
{
    runner__env_fini(&cluster->env);
}

enum muster_rc k8s__cluster_choose(struct k8s_cluster *cluster, const char *current_context,
                                   struct muster_error *err)
{
    size_t length = current_context == NULL ? 0 : strcspn(current_context, "\n");
    if (length >= sizeof cluster->context) {
        return muster_error_set(err, MUSTER_EINVAL, "the name of kubectl's context is longer than %zu bytes",
                                sizeof cluster->context - 1);
    }
    memcpy(cluster->context, length == 0 ? "" : current_context, length);
    cluster->context[length] = '\0';
    if (length == 0 && getenv("KUBERNETES_SERVICE_HOST") == NULL) {
        return muster_error_set(err, MUSTER_ESKIP,
                                "kubectl has no current context, so no cluster is chosen; set KUBECONFIG, or "
                                "choose one with `kubectl config use-context`");
    }
    return MUSTER_OK;
}

/* ---- The ledger ---- */

json_t *k8s__cluster_to_json(const struct k8s_cluster *cluster)
{
    return json_pack("{s:s, s:s, s:o}", "kubectl", cluster->kubectl, "context", cluster->context, "env",
                     runner__env_to_json(&cluster->env));
}

static bool read_text(const json_t *json, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL && snprintf(ret, size, "%s", text) < (int)size;
}

enum muster_rc k8s__cluster_from_json(const json_t *json, struct k8s_cluster *ret, struct muster_error *err)
{
    *ret = (struct k8s_cluster){ .context = "" };
    if (!read_text(json, "kubectl", ret->kubectl, sizeof ret->kubectl) ||
        !read_text(json, "context", ret->context, sizeof ret->context) || ret->kubectl[0] != '/') {
        return muster_error_set(err, MUSTER_EREPLY, "the ledger does not say which cluster the run used");
    }
    return runner__env_from_json(json_object_get(json, "env"), &ret->env, err);
}

/* ---- Argument vectors ---- */

struct runner_argv k8s__kubectl(const struct k8s_cluster *cluster, ...)
{
    struct runner_argv argv = { .count = 0 };
    runner__argv_add(&argv, cluster->kubectl);
    if (cluster->context[0] != '\0') {
        runner__argv_add(&argv, "--context");
        runner__argv_add(&argv, cluster->context);
    }
    va_list arguments;
    va_start(arguments, cluster);
    runner__argv_add_all(&argv, arguments);
    va_end(arguments);
    return argv;
}
