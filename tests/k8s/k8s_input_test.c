/* Bad input to the k8s runner: one sentence that names the thing and the remedy, soon, and nothing left. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "support/cluster.h"
#include "support/program.h"

#define SOON_MS 60000u /* Of a deployment's 180 s. */
#define PROBE_MS 25000u
#define HELD "muster.test/held"

static struct program_result result;
static const char *root;
static char space[64]; /* Of this test, and there before each run. */
static char config_path[96];

static void run_with(const char *first, const char *second)
{
    char run_root[128];
    char chosen[128];
    root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(chosen, sizeof chosen, "K8S_RUNNER_NAMESPACE=%s", space);
    const char *environment[] = { run_root, chosen, "MUSTER_RUNNER=k8s", "CK_RUN_CASE=three_nodes", first,
                                  second,   NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
}

static void assert_said(int code, const char *text)
{
    ck_assert_msg(result.code == code, "exit code %d instead of %d:\n%s", result.code, code, result.output);
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

/* Refused before anything was created: not even a run directory. */
static void assert_refused(int code, const char *text)
{
    assert_said(code, text);
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
}

/* It came as far as the cluster, which has nothing of it any more. */
static void assert_failed(int code, const char *text)
{
    char run_id[64];
    assert_said(code, text);
    ck_assert_msg(program_run_id(root, run_id), "no run directory:\n%s", result.output);
    ck_assert_int_eq(cluster_has_of_run(run_id), 0);
    program_discard();
}

/* ---- Variables ---- */

static const struct bad_variable {
    const char *setting;
    const char *said;
} bad_variables[] = {
    { "K8S_RUNNER_NAMESPACE=My_Space", "K8S_RUNNER_NAMESPACE is 'My_Space', which Kubernetes does not take" },
    { "K8S_RUNNER_RELEASE=-a", "K8S_RUNNER_RELEASE is '-a', which Kubernetes does not take for a name" },
    { "K8S_RUNNER_RELEASE=2024",
      "K8S_RUNNER_RELEASE is '2024', which Kubernetes does not take for a service" },
    { "K8S_RUNNER_STORAGE=lots", "K8S_RUNNER_STORAGE is 'lots', which is no size; give one such as 1Gi" },
    { "K8S_RUNNER_NODE_HOST=127.0.0.999",
      "K8S_RUNNER_NODE_HOST is '127.0.0.999'; give a host name or an address, without a port" },
    { "K8S_RUNNER_NODE_HOST=http://127.0.0.1",
      "K8S_RUNNER_NODE_HOST is 'http://127.0.0.1'; give a host name" },
    { "LOGOS_BLOCKCHAIN_TESTNET_IMAGE_PULL_POLICY=never",
      "LOGOS_BLOCKCHAIN_TESTNET_IMAGE_PULL_POLICY is 'never'; use Always, IfNotPresent or Never" },
};

START_TEST(a_bad_variable_is_named_before_anything_starts)
{
    run_with(bad_variables[_i].setting, NULL);
    assert_refused(1, bad_variables[_i].said);
}
END_TEST

/* ---- No cluster ---- */

START_TEST(without_kubectl_it_is_skipped_or_failed_as_asked)
{
    run_with("PATH=/nonexistent", "MUSTER_REQUIRE_RUNNERS");
    assert_refused(
        77, "skip: containers.three_nodes on k8s: the k8s runner needs the program 'kubectl', which is "
            "not in PATH; install it");
    run_with("PATH=/nonexistent", "MUSTER_REQUIRE_RUNNERS=local,k8s");
    assert_refused(
        1, "MUSTER_REQUIRE_RUNNERS asks for runner 'k8s', which cannot run here: the k8s runner needs");
}
END_TEST

START_TEST(without_a_context_it_is_skipped)
{
    run_with("KUBECONFIG=/dev/null", "MUSTER_REQUIRE_RUNNERS");
    assert_refused(77,
                   "skip: containers.three_nodes on k8s: kubectl has no current context, so no cluster is "
                   "chosen; set KUBECONFIG, or choose one with `kubectl config use-context`");
}
END_TEST

/* With a kubeconfig of the test's own. */
static void run_at(const char *server, const char *token, const char *setting)
{
    char config[128];
    bool written = cluster_write_config(config_path, server, token);
    snprintf(config, sizeof config, "KUBECONFIG=%s", config_path);
    ck_assert(written);
    run_with(config, setting);
    unlink(config_path);
}

static void run_at_proxy(enum proxy_kind kind, bool gone)
{
    struct proxy proxy;
    struct proxy_end at = { .bytes = 0 };
    char url[64];
    ck_assert(cluster_proxy_start(&proxy, kind, &at));
    cluster_proxy_url(&at, url);
    if (gone) {
        proxy_cut(&proxy);
    }
    uint64_t began_ms = muster_clock_ms();
    run_at(url, NULL, "MUSTER_REQUIRE_RUNNERS");
    uint64_t took_ms = muster_clock_ms() - began_ms;
    proxy_cut(&proxy);
    ck_assert_msg(took_ms < PROBE_MS, "it took %.1f s", (double)took_ms / 1000.0);
}

START_TEST(a_server_that_is_down_is_told_soon)
{
    run_at_proxy(PROXY_FORWARDS, true);
    assert_refused(77, "skip: containers.three_nodes on k8s: the cluster of kubectl's context '");
    ck_assert(program_says(&result, "' cannot be used: .*refused.*; start it, or choose another context"));
}
END_TEST

START_TEST(a_server_that_hangs_is_told_in_time)
{
    run_at_proxy(PROXY_HANGS, false);
    assert_refused(77, "did not answer within 10.0 s; start it, or choose another context");
}
END_TEST

/* ---- Rights ---- */

/* An account that may do what a run does, but for one thing. */
static const char poor_account[] =
    "{apiVersion: v1, kind: ServiceAccount, metadata: {name: poor}}\n---\n"
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: poor}, rules: ["
    "{apiGroups: [''], resources: [services, configmaps, persistentvolumeclaims], verbs: ['*']}, "
    "{apiGroups: [''], resources: [pods, pods/log, pods/exec, pods/proxy], verbs: [get, list, watch, "
    "create]}]}\n"
    "---\n"
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: poor}, "
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: poor}, "
    "subjects: [{kind: ServiceAccount, name: poor}]}\n";

/* Who may make and remove a namespace, but not see that it is gone. */
static void make_blind(void)
{
    char manifest[1024];
    snprintf(manifest, sizeof manifest,
             "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %s}, rules: ["
             "{apiGroups: [''], resources: [namespaces], verbs: [create, delete, get]}]}\n"
             "---\n"
             "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %s}, "
             "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}, "
             "subjects: [{kind: ServiceAccount, name: poor, namespace: %s}]}\n",
             space, space, space, space);
    const char *complaint = cluster_create(NULL, manifest);
    ck_assert_msg(complaint == NULL, "%s", complaint);
}

static void remove_blind(void)
{
    cluster_ask(NULL, "delete", "clusterrole,clusterrolebinding", space, "--ignore-not-found", NULL);
}

static char *token_of_poor(void)
{
    char path[256];
    char request[sizeof config_path + 8];
    snprintf(request, sizeof request, "%s.json", config_path);
    snprintf(path, sizeof path, "/api/v1/namespaces/%s/serviceaccounts/poor/token", space);
    json_auto_t *body = json_pack("{s:s, s:s, s:{}}", "apiVersion", "authentication.k8s.io/v1", "kind",
                                  "TokenRequest", "spec");
    ck_assert_int_eq(json_dump_file(body, request, 0), 0);
    const char *complaint = NULL;
    const char *answer = cluster_ask(&complaint, "create", "--raw", path, "-f", request, NULL);
    unlink(request);
    ck_assert_msg(answer != NULL, "%s", complaint);
    json_auto_t *json = json_loads(answer, 0, NULL);
    const char *token = json_string_value(json_object_get(json_object_get(json, "status"), "token"));
    ck_assert_ptr_nonnull(token);
    return strdup(token);
}

START_TEST(a_right_that_is_missing_is_named)
{
    char said[256];
    const char *complaint = cluster_create(space, poor_account);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    char *token = token_of_poor();
    run_at(NULL, token, NULL);
    snprintf(said, sizeof said,
             "forbidden to delete pods in namespace %s, which a run needs; ask for that right", space);
    assert_refused(1, said);
    run_at(NULL, token, "K8S_RUNNER_NAMESPACE");
    assert_refused(1,
                   "forbidden to create namespaces, which a run needs; ask for that right, or choose another "
                   "namespace with K8S_RUNNER_NAMESPACE");
    make_blind();
    run_at(NULL, token, "K8S_RUNNER_NAMESPACE");
    remove_blind();
    assert_refused(1, "forbidden to list namespaces, which a run needs");
    free(token);
}
END_TEST

/* ---- What cannot start ---- */

#define ABSENT "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=absent.invalid/none:1"

static const struct no_start {
    const char *settings[2];
    const char *manifest; /* Of what is in the namespace; NULL: nothing. */
    const char *said; /* Regular expression. */
} no_starts[] = {
    { { ABSENT, "LOGOS_BLOCKCHAIN_TESTNET_IMAGE_PULL_POLICY=Never" },
      NULL,
      "the pod of node-[0-2] cannot start: ErrImageNeverPull: .*absent.invalid/none:1.*; its events: .*; "
      "push "
      "the image .* or name another with LOGOS_BLOCKCHAIN_TESTNET_IMAGE" },
    { { ABSENT, "LOGOS_BLOCKCHAIN_TESTNET_IMAGE_PULL_POLICY=IfNotPresent" },
      NULL,
      "the pod of node-[0-2] cannot start: (ErrImagePull|ImagePullBackOff): .*absent.invalid.*; its "
      "events: " },
    { { "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=No Image!", NULL },
      NULL,
      "the pod of node-[0-2] cannot start: InvalidImageName: .*No Image!.* or name another with "
      "LOGOS_BLOCKCHAIN_" },
    { { NULL, NULL },
      "{apiVersion: v1, kind: ResourceQuota, metadata: {name: limit}, spec: {hard: {pods: '1'}}}",
      "creating the pods: kubectl .*pods .* is forbidden: exceeded quota: limit, " },
    { { NULL, NULL },
      "{apiVersion: v1, kind: LimitRange, metadata: {name: limit}, spec: {limits: [{type: Container, "
      "maxLimitRequestRatio: {memory: '1'}}]}}",
      "creating the pods: kubectl .*pods .* is forbidden: .*memory max limit to request ratio per "
      "Container" },
    { { NULL, NULL },
      "{apiVersion: v1, kind: LimitRange, metadata: {name: limit}, spec: {limits: [{type: Container, "
      "default: {memory: 1000Ti}, defaultRequest: {memory: 1000Ti}}]}}",
      "the pod of node-[0-2] cannot start: Unschedulable: .*Insufficient memory" },
};

START_TEST(what_cannot_start_fails_at_once_with_the_reason)
{
    const struct no_start *it = &no_starts[_i];
    const char *complaint = it->manifest == NULL ? NULL : cluster_create(space, it->manifest);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    uint64_t began_ms = muster_clock_ms();
    run_with(it->settings[0] == NULL ? "MUSTER_LOG=warn" : it->settings[0], it->settings[1]);
    uint64_t took_ms = muster_clock_ms() - began_ms;
    cluster_ask(NULL, "delete", "resourcequota,limitrange", "limit", "-n", space, "--ignore-not-found", NULL);
    assert_failed(99, "cause: deploying 'containers.three_nodes' on k8s: ");
    ck_assert_msg(program_says(&result, it->said), "not '%s':\n%s", it->said, result.output);
    ck_assert_msg(took_ms < SOON_MS, "it took %.1f s", (double)took_ms / 1000.0);
}
END_TEST

/* ---- A namespace that goes ---- */

static void name_held(char held[96])
{
    snprintf(held, 96, "%s-held", space);
}

static void let_go(void)
{
    char held[96];
    name_held(held);
    cluster_ask(NULL, "patch", "namespace", held, "--type=merge", "-p",
                "{\"metadata\":{\"finalizers\":null}}", NULL);
}

START_TEST(a_namespace_that_is_terminating_is_refused)
{
    char held[96];
    char setting[256];
    char said[256];
    name_held(held);
    snprintf(setting, sizeof setting,
             "{apiVersion: v1, kind: Namespace, metadata: {name: %s, finalizers: [%s]}}", held, HELD);
    const char *complaint = cluster_create(NULL, setting);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    ck_assert_ptr_nonnull(cluster_ask(NULL, "delete", "namespace", held, "--wait=false", NULL));
    snprintf(setting, sizeof setting, "K8S_RUNNER_NAMESPACE=%s", held);
    run_with(setting, NULL);
    let_go();
    snprintf(said, sizeof said,
             "the namespace '%s' is terminating; wait until it is gone, or choose another with "
             "K8S_RUNNER_NAMESPACE",
             held);
    assert_refused(1, said);
}
END_TEST

/* ---- The namespace of the test ---- */

static void make_space(void)
{
    const char *complaint = NULL;
    ck_assert_msg(cluster_ask(&complaint, "create", "namespace", space, NULL) != NULL, "%s", complaint);
}

static void remove_space(void)
{
    let_go();
    remove_blind();
    cluster_ask(NULL, "delete", "namespace", space, "--ignore-not-found", "--wait=false", NULL);
    unlink(config_path);
}

static Suite *input_suite(void)
{
    Suite *suite = suite_create("k8s_input");
    TCase *tcase = tcase_create("k8s_input");
    tcase_set_timeout(tcase, 150);
    tcase_add_unchecked_fixture(tcase, make_space, remove_space);
    tcase_add_loop_test(tcase, a_bad_variable_is_named_before_anything_starts, 0,
                        sizeof bad_variables / sizeof bad_variables[0]);
    tcase_add_test(tcase, without_kubectl_it_is_skipped_or_failed_as_asked);
    tcase_add_test(tcase, without_a_context_it_is_skipped);
    tcase_add_test(tcase, a_server_that_is_down_is_told_soon);
    tcase_add_test(tcase, a_server_that_hangs_is_told_in_time);
    tcase_add_test(tcase, a_right_that_is_missing_is_named);
    tcase_add_loop_test(tcase, what_cannot_start_fails_at_once_with_the_reason, 0,
                        sizeof no_starts / sizeof no_starts[0]);
    tcase_add_test(tcase, a_namespace_that_is_terminating_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    int missing = cluster_missing();
    if (missing != 0) {
        return missing;
    }
    snprintf(space, sizeof space, "muster-test-%ld", (long)getpid());
    snprintf(config_path, sizeof config_path, "/tmp/%.60s.kubeconfig", space);
    SRunner *srunner = srunner_create(input_suite());
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
