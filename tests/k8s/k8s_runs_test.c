/* Whole runs on pods: several at once, beside a stranger's objects, killed in the middle, left up, and with a
 * pod that is taken away from outside. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"
#include "support/cluster.h"
#include "support/program.h"

#define AT_ONCE 4
#define REMOVE "  remove: "
#define COMMAND_MS 60000u
#define GONE_MS 60000u
#define NOTICED_MS 60000u /* The window alone would be 90 s. */

static struct program_result result;
static char space[64]; /* Of a stranger. */
static char in_space[128];
static char stranger_before[4096];

static const char *run_with(const char *scenario, const char *first, const char *second)
{
    char run_root[128];
    char selected[64];
    const char *root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(selected, sizeof selected, "CK_RUN_CASE=%s", scenario);
    const char *environment[] = { run_root, selected, "MUSTER_RUNNER=k8s", first, second, NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    return root;
}

static void assert_green(const struct program_result *of)
{
    ck_assert_msg(of->code == 0, "exit code %d:\n%s", of->code, of->output);
}

/* ---- The stranger ---- */

static const char stranger[] =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: strangers, labels: {muster.node: '0'}}, data: {a: "
    "b}}\n"
    "---\n"
    "{apiVersion: v1, kind: Service, metadata: {name: strangers, labels: {muster.node: '0'}}, "
    "spec: {ports: [{port: 80}]}}\n";

/* All that is the stranger's, and its namespace, as they are now. */
static void describe_stranger(char ret[4096])
{
    const char *objects =
        cluster_ask(NULL, "get", "configmap,service", "strangers", "-n", space, "-o", "json", NULL);
    size_t used = (size_t)snprintf(ret, 4096, "%.3000s", objects == NULL ? "" : objects);
    ck_assert_ptr_nonnull(objects);
    const char *itself = cluster_ask(NULL, "get", "namespace", space, "-o", "json", NULL);
    snprintf(ret + used, 4096 - used, "%s", itself == NULL ? "" : itself);
    ck_assert_ptr_nonnull(itself);
}

static void make_stranger(void)
{
    const char *complaint = NULL;
    ck_assert_msg(cluster_ask(&complaint, "create", "namespace", space, NULL) != NULL, "%s", complaint);
    complaint = cluster_create(space, stranger);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    describe_stranger(stranger_before);
}

static void remove_stranger(void)
{
    cluster_ask(NULL, "delete", "namespace", space, "--ignore-not-found", "--wait=false", NULL);
}

static void assert_stranger_is_untouched(void)
{
    char now[4096];
    describe_stranger(now);
    ck_assert_str_eq(now, stranger_before);
}

/* ---- At once ---- */

static int run_one(const char *setting, struct program_result *ret)
{
    run_with("three_nodes", setting, "SLOW_TEST_ENV=1");
    memcpy(ret, &result, sizeof result);
    return program_left_nothing() ? 0 : 1;
}

/* A machine of the cluster, for NodePorts. */
static void name_host(char setting[128])
{
    const char *address =
        cluster_ask(NULL, "get", "nodes", "-o",
                    "jsonpath={.items[0].status.addresses[?(@.type==\"InternalIP\")].address}", NULL);
    ck_assert(address != NULL && address[0] != '\0');
    snprintf(setting, 128, "K8S_RUNNER_NODE_HOST=%.100s", address);
}

START_TEST(several_runs_at_once_do_not_collide)
{
    char host[128];
    pid_t pids[AT_ONCE];
    const char *settings[AT_ONCE] = { "MUSTER_LOG=warn", host, in_space, in_space };
    struct program_result *results =
        mmap(NULL, AT_ONCE * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(results, MAP_FAILED);
    name_host(host);
    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _exit(run_one(settings[i], &results[i]));
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        assert_green(&results[i]);
        ck_assert_msg(status == 0, "something was left:\n%s", results[i].output);
    }
    const char *left =
        cluster_ask(NULL, "get", "all,configmaps", "-n", space, "-l", "muster.run", "-o", "name", NULL);
    ck_assert_ptr_nonnull(left);
    ck_assert_str_eq(left, "");
    assert_stranger_is_untouched();
}
END_TEST

/* ---- Killed ---- */

static void await_gone(const char *run_id)
{
    uint64_t deadline_ms = muster_clock_ms() + GONE_MS;
    int left = cluster_has_of_run(run_id);
    while (left != 0 && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 250);
        left = cluster_has_of_run(run_id);
    }
    ck_assert_int_eq(left, 0);
}

/* The guardian closes its ledger as the last thing; until then a sweep leaves the run to it. */
static void await_guardian(const char *root)
{
    char run_root[128];
    uint64_t deadline_ms = muster_clock_ms() + GONE_MS;
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, NULL };
    do {
        program_run(MUSTER_TEST_BIN_DIR, "muster", "sweep", environment, &result);
        poll(NULL, 0, 100);
    } while (strstr(result.output, "goes on") != NULL && muster_clock_left_ms(deadline_ms) > 0);
}

START_TEST(what_is_killed_leaves_nothing_beside_a_stranger)
{
    char run_id[64];
    const char *root = run_with("killed", in_space, NULL);
    ck_assert_msg(result.code == 128 + SIGKILL, "exit code %d:\n%s", result.code, result.output);
    ck_assert(program_run_id(root, run_id));
    await_gone(run_id);
    await_guardian(root);
    assert_stranger_is_untouched();
    program_discard();
}
END_TEST

/* ---- A pod that is deleted from outside ---- */

static const char *const deletions[] = { "POD_DELETE=--grace-period=30", "POD_DELETE=--force" };

START_TEST(a_pod_that_is_deleted_is_an_unasked_exit)
{
    char run_id[64];
    uint64_t began_ms = muster_clock_ms();
    const char *root = run_with("pod_deleted", deletions[_i], in_space);
    uint64_t took_ms = muster_clock_ms() - began_ms;
    ck_assert_msg(result.code == 1, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(
        program_says(&result, "cause: .*node-1 lost its pod, which was deleted from outside.*, unasked"),
        "%s", result.output);
    ck_assert_msg(took_ms < NOTICED_MS, "it took %.1f s", (double)took_ms / 1000.0);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(cluster_has_of_run(run_id), 0);
    program_discard();
}
END_TEST

START_TEST(streams_that_are_ended_come_back)
{
    char run_id[64];
    const char *root = run_with("streams_lost", deletions[0], in_space);
    ck_assert_msg(result.code == 1, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(program_says(&result, "cause: .*node-1 lost its pod, which was deleted from outside"), "%s",
                  result.output);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(cluster_has_of_run(run_id), 0);
    program_discard();
}
END_TEST

/* ---- A restarted node ---- */

START_TEST(a_restarted_node_has_its_data)
{
    run_with("restarted", in_space, NULL);
    assert_green(&result);
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

/* ---- Preserve ---- */

/* The printed command after a title. */
static char *printed_command(const char *title)
{
    const char *line = strstr(result.output, title);
    ck_assert_msg(line != NULL, "no '%s' in:\n%s", title, result.output);
    line += strlen(title);
    return strndup(line, strcspn(line, "\n"));
}

/* As the user would: a printed command is for a shell. */
static void assert_works(const char *title, const char *says)
{
    char *command = printed_command(title);
    const char *argv[] = { "/bin/sh", "-c", command, NULL };
    struct muster_tool tool = { .argv = argv };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, COMMAND_MS, NULL), MUSTER_OK);
    ck_assert_msg(muster_tool_succeeded(&tool), "'%s': %s", command, tool.complaint);
    ck_assert_msg(strstr(tool.output, says) != NULL, "'%s' said:\n%s", command, tool.output);
    muster_tool_fini(&tool);
    free(command);
}

START_TEST(what_is_preserved_can_be_used_and_removed_as_printed)
{
    char run_id[64];
    struct stat status;
    const char *root = run_with("two_nodes", "K8S_RUNNER_PRESERVE=1", _i == 0 ? NULL : in_space);
    if (result.code != 0) {
        assert_works(REMOVE, "");
    }
    assert_green(&result);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_gt(cluster_has_of_run(run_id), 0);
    assert_works("  look:   ", "node-0");
    assert_works("  logs:   ", " INFO chain "); /* Its end alone is shown: not what a node says first. */
    assert_works("  why:    ", "node-0");
    assert_works(REMOVE, "");
    ck_assert_int_eq(cluster_has_of_run(run_id), 0);
    ck_assert_msg(program_left_nothing(), "the run directory is left");
    ck_assert_int_ne(stat(root, &status), 0);
    assert_stranger_is_untouched();
}
END_TEST

int main(void)
{
    int missing = cluster_missing();
    if (missing != 0) {
        return missing;
    }
    snprintf(space, sizeof space, "muster-test-%ld", (long)getpid());
    snprintf(in_space, sizeof in_space, "K8S_RUNNER_NAMESPACE=%s", space);
    Suite *suite = suite_create("k8s_runs");
    TCase *tcase = tcase_create("k8s_runs");
    tcase_set_timeout(tcase, 250);
    tcase_add_unchecked_fixture(tcase, make_stranger, remove_stranger);
    tcase_add_test(tcase, several_runs_at_once_do_not_collide);
    tcase_add_test(tcase, what_is_killed_leaves_nothing_beside_a_stranger);
    tcase_add_loop_test(tcase, a_pod_that_is_deleted_is_an_unasked_exit, 0,
                        sizeof deletions / sizeof deletions[0]);
    tcase_add_test(tcase, streams_that_are_ended_come_back);
    tcase_add_test(tcase, a_restarted_node_has_its_data);
    tcase_add_loop_test(tcase, what_is_preserved_can_be_used_and_removed_as_printed, 0, 2);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
