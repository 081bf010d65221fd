/* Nodes whose data is on a volume of the cluster's. The test gives it one, in a directory of this machine; so
 * it can only run where this machine is the cluster's. */
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "muster/tool.h"
#include "support/cluster.h"
#include "support/program.h"

static struct program_result result;
static char directory[] = "/tmp/muster-test-volume-XXXXXX";
static char volume[64];

/* Writable for whoever the node runs as: the group that owns a pod's volumes is not given this kind. */
static void make_volume(void)
{
    char manifest[512];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chmod(directory, 0777), 0);
    snprintf(manifest, sizeof manifest,
             "{apiVersion: v1, kind: PersistentVolume, metadata: {name: %s}, spec: {capacity: {storage: "
             "64Mi}, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, hostPath: {path: "
             "%s, type: Directory}}}",
             volume, directory);
    const char *complaint = cluster_create(NULL, manifest);
    ck_assert_msg(complaint == NULL, "%s", complaint);
}

static void remove_volume(void)
{
    cluster_ask(NULL, "delete", "persistentvolume", volume, "--ignore-not-found", "--wait=false", NULL);
    program_remove(directory);
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *opened = opendir(directory);
    const struct dirent *entry;
    ck_assert_ptr_nonnull(opened);
    while ((entry = readdir(opened)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(opened);
    return count;
}

/* The scenario itself asks that a restarted node has its chain. */
START_TEST(a_claim_holds_the_data_and_goes_with_the_run)
{
    char run_root[128];
    const char *root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, "CK_RUN_CASE=restarted", "MUSTER_RUNNER=k8s",
                                  "K8S_RUNNER_STORAGE=64Mi", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    ck_assert_msg(result.code == 0, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
    const char *phase =
        cluster_ask(NULL, "get", "persistentvolume", volume, "-o", "jsonpath={.status.phase}", NULL);
    ck_assert_ptr_nonnull(phase);
    ck_assert_str_eq(phase, "Released");
    ck_assert_uint_gt(count_files(), 0);
}
END_TEST

/* One may bind to an address of one's own machine alone. */
static bool is_here(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *text =
        cluster_ask(NULL, "get", "nodes", "-o",
                    "jsonpath={.items[*].status.addresses[?(@.type==\"InternalIP\")].address}", NULL);
    bool one = text != NULL && inet_pton(AF_INET, text, &address.sin_addr) == 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool here = one && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return here;
}

/* Where the test bed makes the cluster, which takes root and an engine's program, it is here; a developer's
 * may be anywhere. */
static int say_elsewhere(void)
{
    char dockerd[4096];
    bool must_be_here = program_requires("k8s") && geteuid() == 0 && muster_tool_find("dockerd", dockerd);
    fprintf(stderr, "%s: the cluster is not this machine alone\n", must_be_here ? "error" : "skip");
    return must_be_here ? EXIT_FAILURE : 77;
}

int main(void)
{
    int missing = cluster_missing();
    if (missing != 0) {
        return missing;
    }
    if (!is_here()) {
        return say_elsewhere();
    }
    snprintf(volume, sizeof volume, "muster-test-%ld", (long)getpid());
    Suite *suite = suite_create("k8s_storage");
    TCase *tcase = tcase_create("k8s_storage");
    tcase_set_timeout(tcase, 250);
    tcase_add_unchecked_fixture(tcase, make_volume, remove_volume);
    tcase_add_test(tcase, a_claim_holds_the_data_and_goes_with_the_run);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
