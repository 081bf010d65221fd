#include "k8s/objects.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct muster_port ports[] = { { "api", 18080 }, { "p2p", 3000 } };
static const struct k8s_common common = { .run_id = "7c41f09a2b",
                                          .prefix = "muster-7c41f09a2b",
                                          .image = "img:tag",
                                          .pull_policy = "Never",
                                          .program = "a-node",
                                          .storage = "",
                                          .ports = ports,
                                          .port_count = 2,
                                          .grace_ms = 1500 };

/* What is at a path such as "spec.containers.0.name"; NULL: nothing. */
static const json_t *at(const json_t *json, const char *path)
{
    char copy[256];
    char *rest = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *step = strtok_r(copy, ".", &rest); step != NULL; step = strtok_r(NULL, ".", &rest)) {
        json =
            json_is_array(json) ? json_array_get(json, strtoul(step, NULL, 10)) : json_object_get(json, step);
    }
    return json;
}

static const char *text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(at(json, path));
    return text == NULL ? "(none)" : text;
}

static json_t *items_of(const struct k8s_common *with, const char *arg, const char *value)
{
    struct muster_rendering rendering = { 0 };
    json_t *items = json_array();
    ck_assert_int_eq(muster_rendering_file(&rendering, "node.yaml", "x: $y\n", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_file(&rendering, "keys/key", "k", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_arg(&rendering, arg, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_env(&rendering, "LEVEL", value, NULL), MUSTER_OK);
    ck_assert_int_eq(k8s__add_node(items, with, 12, &rendering, NULL), MUSTER_OK);
    muster_rendering_fini(&rendering);
    return items;
}

/* The mount whose path is that; NULL: there is none. */
static const json_t *mount_at(const json_t *pod, const char *path)
{
    const json_t *mounts = at(pod, "spec.containers.0.volumeMounts");
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        if (strcmp(text_at(json_array_get(mounts, i), "mountPath"), path) == 0) {
            return json_array_get(mounts, i);
        }
    }
    return NULL;
}

START_TEST(a_pod_has_all_that_it_takes)
{
    json_t *items = items_of(&common, "node.yaml", "debug");
    ck_assert_uint_eq(json_array_size(items), 2);
    const json_t *pod = json_array_get(items, 1);
    ck_assert_str_eq(text_at(pod, "kind"), "Pod");
    ck_assert_str_eq(text_at(pod, "metadata.name"), "muster-7c41f09a2b-node-12");
    ck_assert_str_eq(json_string_value(json_object_get(at(pod, "metadata.labels"), "muster.run")),
                     "7c41f09a2b");
    ck_assert_str_eq(text_at(pod, "spec.restartPolicy"), "Never");
    ck_assert_int_eq(json_integer_value(at(pod, "spec.terminationGracePeriodSeconds")), 4);
    const json_t *container = at(pod, "spec.containers.0");
    ck_assert_str_eq(text_at(container, "image"), "img:tag");
    ck_assert_str_eq(text_at(container, "imagePullPolicy"), "Never");
    ck_assert_str_eq(text_at(container, "workingDir"), "/node");
    static const char *const command[] = { "/muster/keeper", "run", "1500", "a-node", "node.yaml" };
    ck_assert_uint_eq(json_array_size(at(container, "command")), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(json_string_value(json_array_get(at(container, "command"), i)), command[i]);
    }
    ck_assert_str_eq(text_at(container, "env.0.name"), "LEVEL");
    ck_assert_str_eq(text_at(container, "env.0.value"), "debug");
    json_decref(items);
}
END_TEST

START_TEST(files_of_any_name_are_where_the_node_looks)
{
    json_t *items = items_of(&common, "a", "b");
    const json_t *files = json_array_get(items, 0);
    const json_t *pod = json_array_get(items, 1);
    ck_assert_str_eq(text_at(files, "kind"), "ConfigMap");
    const json_t *plain = mount_at(pod, "/node/node.yaml");
    const json_t *deep = mount_at(pod, "/node/keys/key");
    ck_assert_ptr_nonnull(plain);
    ck_assert_ptr_nonnull(deep);
    ck_assert_str_eq(json_string_value(json_object_get(at(files, "data"), text_at(plain, "subPath"))),
                     "x: $y\n");
    ck_assert_str_eq(json_string_value(json_object_get(at(files, "data"), text_at(deep, "subPath"))), "k");
    ck_assert_ptr_nonnull(mount_at(pod, "/node/data"));
    json_decref(items);
}
END_TEST

/* Kubernetes reads "$(NAME)" in commands and variables, and "$$" as "$". */
START_TEST(dollars_stay_dollars)
{
    json_t *items = items_of(&common, "$(HOME)", "$$x");
    const json_t *container = at(json_array_get(items, 1), "spec.containers.0");
    ck_assert_str_eq(text_at(container, "command.4"), "$$(HOME)");
    ck_assert_str_eq(text_at(container, "env.0.value"), "$$$$x");
    json_decref(items);
}
END_TEST

START_TEST(a_restricted_namespace_takes_the_pod)
{
    json_t *items = items_of(&common, "a", "b");
    const json_t *pod = json_array_get(items, 1);
    ck_assert(json_is_true(at(pod, "spec.securityContext.runAsNonRoot")));
    ck_assert_int_gt(json_integer_value(at(pod, "spec.securityContext.runAsUser")), 0);
    ck_assert_str_eq(text_at(pod, "spec.securityContext.seccompProfile.type"), "RuntimeDefault");
    ck_assert(json_is_false(at(pod, "spec.automountServiceAccountToken")));
    const json_t *security = at(pod, "spec.containers.0.securityContext");
    ck_assert(json_is_false(at(security, "allowPrivilegeEscalation")));
    ck_assert(json_is_true(at(security, "readOnlyRootFilesystem")));
    ck_assert_str_eq(text_at(security, "capabilities.drop.0"), "ALL");
    const json_t *volumes = at(pod, "spec.volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        ck_assert(json_object_get(volume, "emptyDir") != NULL ||
                  json_object_get(volume, "configMap") != NULL);
    }
    json_decref(items);
}
END_TEST

START_TEST(storage_makes_a_claim)
{
    struct k8s_common with = common;
    with.storage = "1Gi";
    json_t *items = items_of(&with, "a", "b");
    ck_assert_uint_eq(json_array_size(items), 3);
    const json_t *claim = json_array_get(items, 0);
    ck_assert_str_eq(text_at(claim, "kind"), "PersistentVolumeClaim");
    ck_assert_str_eq(text_at(claim, "spec.resources.requests.storage"), "1Gi");
    const json_t *volumes = at(json_array_get(items, 2), "spec.volumes");
    const json_t *data = json_array_get(volumes, json_array_size(volumes) - 1);
    ck_assert_str_eq(text_at(data, "name"), "data");
    ck_assert_str_eq(text_at(data, "persistentVolumeClaim.claimName"), text_at(claim, "metadata.name"));
    json_decref(items);
}
END_TEST

START_TEST(a_service_finds_its_pod)
{
    struct k8s_common with = common;
    json_t *service = k8s__service_object(&with, 3);
    json_t *items = items_of(&common, "a", "b");
    ck_assert_str_eq(text_at(service, "metadata.name"), "muster-7c41f09a2b-node-3");
    ck_assert_str_eq(text_at(service, "spec.type"), "ClusterIP");
    ck_assert_int_eq(json_integer_value(at(service, "spec.ports.0.port")), 18080);
    ck_assert_int_eq(json_integer_value(at(service, "spec.ports.1.port")), 3000);
    const json_t *selector = at(service, "spec.selector");
    ck_assert_str_eq(json_string_value(json_object_get(selector, "muster.run")), "7c41f09a2b");
    ck_assert_str_eq(json_string_value(json_object_get(selector, "muster.node")), "3");
    const json_t *labels = at(json_array_get(items, 1), "metadata.labels");
    ck_assert_str_eq(json_string_value(json_object_get(labels, "muster.node")), "12");
    json_decref(service);
    json_decref(items);
    with.node_ports = true;
    service = k8s__service_object(&with, 3);
    ck_assert_str_eq(text_at(service, "spec.type"), "NodePort");
    json_decref(service);
}
END_TEST

START_TEST(what_is_not_utf8_is_refused)
{
    struct muster_rendering rendering = { 0 };
    struct muster_error err = { 0 };
    json_t *items = json_array();
    ck_assert_int_eq(muster_rendering_arg(&rendering, "\xff", NULL), MUSTER_OK);
    ck_assert_int_eq(k8s__add_node(items, &common, 4, &rendering, &err), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "node-4"));
    muster_rendering_fini(&rendering);
    json_decref(items);
}
END_TEST

START_TEST(only_own_names_are_nodes)
{
    static const struct {
        const char *name;
        uint32_t node;
    } cases[] = { { "muster-a-node-0", 0 },
                  { "muster-a-node-2", 2 },
                  { "muster-a-node-3", MUSTER_NO_NODE },
                  { "muster-a-node-02", MUSTER_NO_NODE },
                  { "muster-a-node-", MUSTER_NO_NODE },
                  { "muster-a-node-x", MUSTER_NO_NODE },
                  { "muster-b-node-1", MUSTER_NO_NODE },
                  { "muster-a-keeper", MUSTER_NO_NODE },
                  { "", MUSTER_NO_NODE } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(k8s__node_of("muster-a", cases[i].name, 3) == cases[i].node, "%s", cases[i].name);
    }
}
END_TEST

START_TEST(the_keeper_is_in_its_object)
{
    json_t *object = k8s__keeper_object(&common);
    const char *base64 = json_string_value(at(object, "binaryData.keeper"));
    ck_assert_ptr_nonnull(base64);
    /* An ELF file, and less than what an object may have: 1 MiB, of which base64 makes a third more. */
    ck_assert_int_eq(strncmp(base64, "f0VMR", 5), 0);
    ck_assert_uint_lt(strlen(base64), 1024 * 1024 / 3 * 4);
    ck_assert_uint_eq(strlen(base64) % 4, 0);
    json_decref(object);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("objects");
    TCase *tests = tcase_create("objects");
    tcase_add_test(tests, a_pod_has_all_that_it_takes);
    tcase_add_test(tests, files_of_any_name_are_where_the_node_looks);
    tcase_add_test(tests, dollars_stay_dollars);
    tcase_add_test(tests, a_restricted_namespace_takes_the_pod);
    tcase_add_test(tests, storage_makes_a_claim);
    tcase_add_test(tests, a_service_finds_its_pod);
    tcase_add_test(tests, what_is_not_utf8_is_refused);
    tcase_add_test(tests, only_own_names_are_nodes);
    tcase_add_test(tests, the_keeper_is_in_its_object);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
