#include "k8s/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/keeper_image.h"
#include "shared/text.h"

#define GRACE_MARGIN_S 2u /* The keeper enforces the grace; the kubelet would do so in whole seconds. */
#define USER_ID 65532 /* Any but 0 will do. */

void k8s__node_name(const char *prefix, uint32_t node, char name[K8S_NAME_BYTES])
{
    snprintf(name, K8S_NAME_BYTES, "%.52s-node-%u", prefix, node);
}

uint32_t k8s__node_of(const char *prefix, const char *name, uint32_t node_count)
{
    return runner__node_of_name(prefix, name, node_count);
}

json_t *k8s__list_new(void)
{
    return json_pack("{s:s, s:s, s:[]}", "apiVersion", "v1", "kind", "List", "items");
}

static json_t *metadata_of(const struct k8s_common *common, const char *name)
{
    return json_pack("{s:s, s:{s:s}}", "name", name, "labels", K8S_LABEL, common->run_id);
}

static json_t *node_metadata(const struct k8s_common *common, uint32_t node)
{
    char name[K8S_NAME_BYTES];
    char number[16];
    k8s__node_name(common->prefix, node, name);
    snprintf(number, sizeof number, "%u", node);
    return json_pack("{s:s, s:{s:s, s:s}}", "name", name, "labels", K8S_LABEL, common->run_id, "muster.node",
                     number);
}

json_t *k8s__namespace_object(const struct k8s_common *common, const char *name)
{
    return json_pack("{s:s, s:s, s:o}", "apiVersion", "v1", "kind", "Namespace", "metadata",
                     metadata_of(common, name));
}

json_t *k8s__keeper_object(const struct k8s_common *common)
{
    char name[K8S_NAME_BYTES];
    size_t bytes;
    const char *image = k8s__keeper_base64(&bytes);
    snprintf(name, sizeof name, "%.52s-keeper", common->prefix);
    return json_pack("{s:s, s:s, s:o, s:b, s:{s:s%}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata",
                     metadata_of(common, name), "immutable", 1, "binaryData", "keeper", image, bytes);
}

/* ---- Service and claim ---- */

json_t *k8s__service_object(const struct k8s_common *common, uint32_t node)
{
    char number[16];
    json_t *ports = json_array();
    snprintf(number, sizeof number, "%u", node);
    for (size_t i = 0; i < common->port_count; i++) {
        json_array_append_new(ports, json_pack("{s:s, s:i, s:s}", "name", common->ports[i].name, "port",
                                               common->ports[i].number, "protocol", "TCP"));
    }
    return json_pack("{s:s, s:s, s:o, s:{s:s, s:{s:s, s:s}, s:o}}", "apiVersion", "v1", "kind", "Service",
                     "metadata", node_metadata(common, node), "spec", "type",
                     common->node_ports ? "NodePort" : "ClusterIP", "selector", K8S_LABEL, common->run_id,
                     "muster.node", number, "ports", ports);
}

json_t *k8s__claim_object(const struct k8s_common *common, uint32_t node)
{
    return json_pack("{s:s, s:s, s:o, s:{s:[s], s:{s:{s:s}}}}", "apiVersion", "v1", "kind",
                     "PersistentVolumeClaim", "metadata", node_metadata(common, node), "spec", "accessModes",
                     "ReadWriteOnce", "resources", "requests", "storage", common->storage);
}

/* ---- Files ---- */

/* A file's name may have slashes, and a key may not. */
static void file_key(size_t index, char key[32])
{
    snprintf(key, 32, "file-%zu", index);
}

static json_t *files_object(const struct k8s_common *common, uint32_t node,
                            const struct muster_rendering *rendering)
{
    json_t *data = json_object();
    for (size_t i = 0; i < rendering->file_count; i++) {
        char key[32];
        file_key(i, key);
        if (json_object_set_new(data, key, json_string(rendering->files[i].text)) != 0) {
            json_decref(data);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "ConfigMap", "metadata",
                     node_metadata(common, node), "data", data);
}

/* ---- Pod ---- */

static json_t *mount(const char *volume, const char *path)
{
    return json_pack("{s:s, s:s}", "name", volume, "mountPath", path);
}

static json_t *mounts_of(const struct muster_rendering *rendering)
{
    json_t *mounts = json_pack("[o, o, o, o]", mount("keeper", "/muster"), mount("tmp", "/tmp"),
                               mount("node", K8S_NODE_DIRECTORY), mount("data", K8S_NODE_DIRECTORY "/data"));
    for (size_t i = 0; i < rendering->file_count; i++) {
        char key[32];
        char path[4096 + 16];
        file_key(i, key);
        snprintf(path, sizeof path, K8S_NODE_DIRECTORY "/%s", rendering->files[i].name);
        json_t *file = mount("files", path);
        json_object_set_new(file, "subPath", json_string(key));
        json_object_set_new(file, "readOnly", json_true());
        json_array_append_new(mounts, file);
    }
    return mounts;
}

static json_t *volumes_of(const struct k8s_common *common, const char *name)
{
    char keeper[K8S_NAME_BYTES];
    snprintf(keeper, sizeof keeper, "%.52s-keeper", common->prefix);
    json_t *data = common->storage[0] == '\0' ? json_pack("{s:s, s:{}}", "name", "data", "emptyDir")
                                              : json_pack("{s:s, s:{s:s}}", "name", "data",
                                                          "persistentVolumeClaim", "claimName", name);
    return json_pack("[{s:s, s:{s:s, s:i}}, {s:s, s:{s:s}}, {s:s, s:{}}, {s:s, s:{}}, o]", "name", "keeper",
                     "configMap", "name", keeper, "defaultMode", 0555, "name", "files", "configMap", "name",
                     name, "name", "node", "emptyDir", "name", "tmp", "emptyDir", data);
}

static json_t *command_of(const struct k8s_common *common, const struct muster_rendering *rendering)
{
    char grace[32];
    snprintf(grace, sizeof grace, "%u", common->grace_ms);
    json_t *command =
        json_pack("[s, s, s, o]", K8S_KEEPER, "run", grace, runner__json_literal(common->program));
    for (size_t i = 0; i < rendering->arg_count; i++) {
        if (json_array_append_new(command, runner__json_literal(rendering->args[i])) != 0) {
            json_decref(command);
            return NULL;
        }
    }
    return command;
}

static json_t *environment_of(const struct muster_rendering *rendering)
{
    json_t *environment = json_array();
    for (size_t i = 0; i < rendering->env_count; i++) {
        const char *text = rendering->env[i];
        size_t name_bytes = strcspn(text, "=");
        json_t *value = runner__json_literal(text[name_bytes] == '\0' ? "" : text + name_bytes + 1);
        json_t *item = json_pack("{s:s%, s:o}", "name", text, name_bytes, "value", value);
        if (item == NULL || json_array_append_new(environment, item) != 0) {
            json_decref(environment);
            return NULL;
        }
    }
    return environment;
}

/* What a namespace with the restricted Pod Security Standard accepts. */
static json_t *container_of(const struct k8s_common *common, const struct muster_rendering *rendering)
{
    json_t *command = command_of(common, rendering);
    json_t *environment = environment_of(rendering);
    if (command == NULL || environment == NULL) {
        json_decref(command);
        json_decref(environment);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:{s:b, s:b, s:{s:[s]}}}", "name", K8S_CONTAINER,
                     "image", common->image, "imagePullPolicy", common->pull_policy, "workingDir",
                     K8S_NODE_DIRECTORY, "command", command, "env", environment, "volumeMounts",
                     mounts_of(rendering), "securityContext", "allowPrivilegeEscalation", 0,
                     "readOnlyRootFilesystem", 1, "capabilities", "drop", "ALL");
}

static json_t *pod_object(const struct k8s_common *common, uint32_t node,
                          const struct muster_rendering *rendering)
{
    char name[K8S_NAME_BYTES];
    json_t *container = container_of(common, rendering);
    if (container == NULL) {
        return NULL;
    }
    k8s__node_name(common->prefix, node, name);
    json_t *security =
        json_pack("{s:b, s:i, s:i, s:i, s:{s:s}}", "runAsNonRoot", 1, "runAsUser", USER_ID, "runAsGroup",
                  USER_ID, "fsGroup", USER_ID, "seccompProfile", "type", "RuntimeDefault");
    json_t *spec = json_pack("{s:s, s:s, s:i, s:b, s:b, s:o, s:[o], s:o}", "restartPolicy", "Never",
                             "dnsPolicy", "Default", "terminationGracePeriodSeconds",
                             (int)((common->grace_ms + 999u) / 1000u + GRACE_MARGIN_S),
                             "automountServiceAccountToken", 0, "enableServiceLinks", 0, "securityContext",
                             security, "containers", container, "volumes", volumes_of(common, name));
    return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
                     node_metadata(common, node), "spec", spec);
}

enum muster_rc k8s__add_node(json_t *items, const struct k8s_common *common, uint32_t node,
                             const struct muster_rendering *rendering, struct muster_error *err)
{
    /* The claim first: a scheduler that sees a pod before its claim gives up for a while. */
    if (common->storage[0] != '\0' && json_array_append_new(items, k8s__claim_object(common, node)) != 0) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the objects of node-%u", node);
    }
    if (json_array_append_new(items, files_object(common, node, rendering)) != 0 ||
        json_array_append_new(items, pod_object(common, node, rendering)) != 0) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "a file, argument or variable of node-%u, or the image's name, is not UTF-8",
                                node);
    }
    return MUSTER_OK;
}
