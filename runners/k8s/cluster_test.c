#include "k8s/cluster.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/internal.h"

/* A directory with a program `kubectl` in it, as all of PATH. */
static char directory[] = "/tmp/muster-cluster-test-XXXXXX";

static void make_kubectl(void)
{
    char path[128];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/kubectl", directory);
    ck_assert_int_eq(symlink("/bin/true", path), 0);
    setenv("PATH", directory, 1);
}

static void remove_kubectl(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/kubectl", directory);
    unlink(path);
    rmdir(directory);
}

START_TEST(a_cluster_survives_the_ledger)
{
    struct k8s_cluster cluster;
    struct k8s_cluster back;
    setenv("KUBECONFIG", "/a/b", 1);
    ck_assert_int_eq(k8s__cluster_find(&cluster, NULL), MUSTER_OK);
    ck_assert_int_eq(k8s__cluster_choose(&cluster, "far\n", NULL), MUSTER_OK);
    json_t *json = k8s__cluster_to_json(&cluster);
    ck_assert_int_eq(k8s__cluster_from_json(json, &back, NULL), MUSTER_OK);
    ck_assert_str_eq(back.kubectl, cluster.kubectl);
    ck_assert_str_eq(back.context, "far");
    ck_assert_str_eq(back.env.items[0], "KUBECONFIG=/a/b");
    struct runner_argv argv = k8s__kubectl(&back, "get", "pods", NULL);
    ck_assert_uint_eq(argv.count, 5);
    ck_assert_str_eq(argv.args[1], "--context");
    ck_assert_str_eq(argv.args[2], "far");
    ck_assert_str_eq(argv.args[4], "pods");
    ck_assert_ptr_null(argv.args[5]);
    json_decref(json);
    k8s__cluster_fini(&cluster);
    k8s__cluster_fini(&back);
}
END_TEST

START_TEST(relative_files_are_found_from_elsewhere)
{
    struct k8s_cluster cluster;
    char here[4096];
    char expected[3 * 4096];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    setenv("KUBECONFIG", "one:/two::three/four", 1);
    ck_assert_int_eq(k8s__cluster_find(&cluster, NULL), MUSTER_OK);
    snprintf(expected, sizeof expected, "KUBECONFIG=%s/one:/two::%s/three/four", here, here);
    ck_assert_str_eq(cluster.env.items[0], expected);
    k8s__cluster_fini(&cluster);
    unsetenv("KUBECONFIG");
    ck_assert_int_eq(k8s__cluster_find(&cluster, NULL), MUSTER_OK);
    ck_assert_str_eq(cluster.env.items[0], "KUBECONFIG");
    k8s__cluster_fini(&cluster);
}
END_TEST

START_TEST(without_kubectl_or_context_it_is_a_skip)
{
    struct k8s_cluster cluster;
    struct muster_error err = { 0 };
    unsetenv("KUBERNETES_SERVICE_HOST");
    ck_assert_int_eq(k8s__cluster_find(&cluster, NULL), MUSTER_OK);
    ck_assert_int_eq(k8s__cluster_choose(&cluster, NULL, &err), MUSTER_ESKIP);
    ck_assert_ptr_nonnull(strstr(err.text, "current context"));
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    ck_assert_int_eq(k8s__cluster_choose(&cluster, NULL, NULL), MUSTER_OK);
    ck_assert_str_eq(k8s__kubectl(&cluster, "get", NULL).args[1], "get");
    k8s__cluster_fini(&cluster);
    setenv("PATH", "/nonexistent", 1);
    muster_error_clear(&err);
    ck_assert_int_eq(k8s__cluster_find(&cluster, &err), MUSTER_ESKIP);
    ck_assert_ptr_nonnull(strstr(err.text, "kubectl"));
    k8s__cluster_fini(&cluster);
}
END_TEST

START_TEST(a_ledger_that_makes_no_sense_is_refused)
{
    static const char *const texts[] = { "null", "{}",
                                         "{\"kubectl\":\"kubectl\",\"context\":\"\",\"env\":[]}",
                                         "{\"kubectl\":\"/k\",\"context\":7,\"env\":[]}",
                                         "{\"kubectl\":\"/k\",\"context\":\"\",\"env\":[7]}" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct k8s_cluster cluster;
        json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        ck_assert_int_eq(k8s__cluster_from_json(json, &cluster, NULL), MUSTER_EREPLY);
        json_decref(json);
    }
}
END_TEST

START_TEST(names_that_kubernetes_takes)
{
    ck_assert(k8s__is_name("a"));
    ck_assert(k8s__is_name("muster-7c41f09a2b"));
    ck_assert(!k8s__is_name(""));
    ck_assert(!k8s__is_name("-a"));
    ck_assert(!k8s__is_name("a-"));
    ck_assert(!k8s__is_name("A"));
    ck_assert(!k8s__is_name("a.b"));
    ck_assert(!k8s__is_name("a/b"));
    ck_assert(!k8s__is_name("a234567890123456789012345678901234567890123456789012345678901234"));
}
END_TEST

START_TEST(lost_connections_are_told_from_refusals)
{
    ck_assert(k8s__is_unreached(
        "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"));
    ck_assert(k8s__is_unreached("Unable to connect to the server: dial tcp 192.0.2.1:6443: i/o timeout"));
    ck_assert(!k8s__is_unreached("Error from server (Forbidden): pods is forbidden: User \"x\" cannot create "
                                 "resource \"pods\" in API group \"\" in the namespace \"y\""));
    ck_assert(!k8s__is_unreached("Error from server (NotFound): pods \"x\" not found"));
    ck_assert(!k8s__is_unreached(""));
}
END_TEST

START_TEST(sizes_are_told_from_other_words)
{
    static const char *const good[] = { "1", "1000", "1Gi", "0.5G", "12.25Mi", "3k", "1.Ei" };
    static const char *const bad[] = { "", "lots", "Gi", "1 Gi", "-1Gi", "1gi", ".5Gi", "1GiB", "1e3x" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(k8s__is_quantity(good[i]), "'%s'", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!k8s__is_quantity(bad[i]), "'%s'", bad[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cluster");
    TCase *tests = tcase_create("cluster");
    tcase_add_checked_fixture(tests, make_kubectl, remove_kubectl);
    tcase_add_test(tests, sizes_are_told_from_other_words);
    tcase_add_test(tests, a_cluster_survives_the_ledger);
    tcase_add_test(tests, relative_files_are_found_from_elsewhere);
    tcase_add_test(tests, without_kubectl_or_context_it_is_a_skip);
    tcase_add_test(tests, a_ledger_that_makes_no_sense_is_refused);
    tcase_add_test(tests, names_that_kubernetes_takes);
    tcase_add_test(tests, lost_connections_are_told_from_refusals);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
