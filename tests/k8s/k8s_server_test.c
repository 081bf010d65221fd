/* The API server goes away under a run and comes back: the verdict is the environment's, in time, and a sweep
 * does what the run could not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "support/cluster.h"
#include "support/program.h"

#define VERDICT_MS 75000u /* The window alone would be 90 s. */

static struct program_result result;
static char config_path[96];

static void assert_said(const char *text)
{
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

static void run_cut_off(const struct proxy *proxy, const char *root)
{
    char run_root[128];
    char config[128];
    char group[64];
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(config, sizeof config, "KUBECONFIG=%s", config_path);
    snprintf(group, sizeof group, "BACKEND_PROXY=%d", (int)proxy->pid);
    const char *environment[] = { run_root, config, group, "CK_RUN_CASE=cut", "MUSTER_RUNNER=k8s", NULL };
    uint64_t began_ms = muster_clock_ms();
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    uint64_t took_ms = muster_clock_ms() - began_ms;
    ck_assert_msg(took_ms < VERDICT_MS, "it took %.1f s:\n%s", (double)took_ms / 1000.0, result.output);
}

static void sweep(const char *root, int code)
{
    char run_root[128];
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, NULL };
    program_run(MUSTER_TEST_BIN_DIR, "muster", "sweep", environment, &result);
    ck_assert_msg(result.code == code, "the sweep ended with %d:\n%s", result.code, result.output);
}

START_TEST(a_server_that_goes_away_is_the_environments_fault)
{
    char run_id[64];
    char url[64];
    struct proxy proxy;
    struct proxy_end at = { .bytes = 0 };
    const char *root = program_run_root();
    ck_assert(cluster_proxy_start(&proxy, PROXY_FORWARDS, &at));
    cluster_proxy_url(&at, url);
    ck_assert(cluster_write_config(config_path, url, NULL));
    run_cut_off(&proxy, root);
    proxy_cut(&proxy); /* What is left of it is reaped. */
    ck_assert_msg(result.code == 99, "exit code %d:\n%s", result.code, result.output);
    assert_said("containers.cut on k8s: infra");
    assert_said("the API server of the cluster went away");
    assert_said("`muster sweep` removes it once the API server is back");
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_gt(cluster_has_of_run(run_id), 0);
    sweep(root, 1);
    ck_assert(cluster_proxy_start(&proxy, PROXY_FORWARDS, &at));
    sweep(root, 0);
    ck_assert_int_eq(cluster_has_of_run(run_id), 0);
    proxy_cut(&proxy);
    program_discard();
}
END_TEST

int main(void)
{
    int missing = cluster_missing();
    if (missing != 0) {
        return missing;
    }
    snprintf(config_path, sizeof config_path, "/tmp/muster-test-%ld.kubeconfig", (long)getpid());
    Suite *suite = suite_create("k8s_server");
    TCase *tcase = tcase_create("k8s_server");
    tcase_set_timeout(tcase, 250);
    tcase_add_test(tcase, a_server_that_goes_away_is_the_environments_fault);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    unlink(config_path);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
