/* Scenarios for the tests of the runners whose nodes are containers. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "muster/check.h"
#include "support/cluster.h"
#include "support/engine.h"
#include "support/program.h"

#define HEIGHT 40u /* Some seconds of blocks: more than a node without its data could make up for. */
#define HEIGHT_MS 30000u

static void one_node(struct muster_scenario *s)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = 1 });
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 100, .active_slot_coeff = 0.9, .security_depth = 30 });
    muster_run_duration(s, MUSTER_SECONDS(3));
}

/* ---- The backend goes away in mid-run ---- */

/* The group that is between the run and its backend is named by the environment. */
static enum muster_rc cut_off(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    const char *text = getenv("BACKEND_PROXY");
    pid_t group = text == NULL ? 0 : (pid_t)strtol(text, NULL, 10);
    enum muster_rc rc = muster_run_sleep(run, 500);
    if (rc == MUSTER_OK && (group <= 1 || kill(-group, SIGKILL) != 0)) {
        rc = muster_error_set(err, MUSTER_EINVAL, "there is no proxy to cut off: BACKEND_PROXY is '%s'",
                              text == NULL ? "" : text);
    }
    return rc;
}

/* What is between the run and its backend goes on to take connections, and passes nothing on. */
static enum muster_rc stall(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    const char *text = getenv("BACKEND_PROXY");
    pid_t group = text == NULL ? 0 : (pid_t)strtol(text, NULL, 10);
    enum muster_rc rc = muster_run_sleep(run, 500);
    if (rc == MUSTER_OK && (group <= 1 || kill(-group, SIGSTOP) != 0)) {
        rc = muster_error_set(err, MUSTER_EINVAL, "there is no proxy to stop: BACKEND_PROXY is '%s'",
                              text == NULL ? "" : text);
    }
    return rc == MUSTER_OK ? muster_node_kill(run, 0, err) : rc;
}

static void stalled(struct muster_scenario *s)
{
    one_node(s);
    muster_require(s, MUSTER_NODE_CONTROL);
    muster_workload(s, &(struct muster_workload){ .name = "stall", .run = stall });
    muster_run_duration(s, MUSTER_SECONDS(90));
}

static void cut(struct muster_scenario *s)
{
    one_node(s);
    muster_expect_consensus_liveness(s, NULL);
    muster_workload(s, &(struct muster_workload){ .name = "cut_off", .run = cut_off });
    muster_run_duration(s, MUSTER_SECONDS(90));
}

START_TEST(is_judged)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

START_TEST(asserts_first)
{
    muster_execute(muster_run());
    ck_abort_msg("an assertion of the test's own");
}
END_TEST

/* ---- A restarted node ---- */

/* Where the engine publishes the node's API; 0: nowhere. */
static uint16_t published_port(struct muster_run *run)
{
    char container[128];
    snprintf(container, sizeof container, "muster-%s-node-0", muster_run_id(run));
    const char *answer = engine_ask(NULL, "port", container, NULL);
    const char *colon = answer == NULL ? NULL : strrchr(answer, ':');
    return colon == NULL ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

/* Takes a port, so that it can't be published there again. */
static int occupy(uint16_t port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int reuse = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

/* Alone, so that nobody could give it back what it lost. */
static void kill_and_start(struct muster_run *run)
{
    muster_ck_wait_height(run, 0, HEIGHT, HEIGHT_MS);
    uint64_t height_before = muster_ck_height(run, 0);
    muster_ck_kill(run, 0);
    muster_ck_start(run, 0);
    ck_assert_uint_ge(muster_ck_height(run, 0), height_before);
}

static void judge_whole_chain(struct muster_run *run)
{
    struct muster_feed_stats stats;
    muster_execute(run);
    muster_feed_stats(run, &stats);
    ck_assert_uint_eq(stats.reorgs, 0);
    muster_ck_assert_expectations(run);
}

START_TEST(keeps_its_data)
{
    kill_and_start(muster_run());
    judge_whole_chain(muster_run());
}
END_TEST

/* A port can't be taken while the engine publishes there, so the node is killed a second time. */
START_TEST(is_found_elsewhere)
{
    struct muster_run *run = muster_run();
    uint16_t port_before = published_port(run);
    ck_assert_uint_ne(port_before, 0);
    muster_ck_kill(run, 0);
    int occupied_fd = occupy(port_before);
    muster_ck_start(run, 0);
    ck_assert_uint_ne(published_port(run), 0);
    ck_assert_uint_ne(published_port(run), port_before);
    kill_and_start(run);
    judge_whole_chain(run);
    close(occupied_fd);
}
END_TEST

static void restarted(struct muster_scenario *s)
{
    one_node(s);
    muster_expect_consensus_liveness(s, NULL);
    muster_require(s, MUSTER_NODE_CONTROL);
}

/* At a pace at which containers on a busy machine hear of each other's blocks in time. */
static void three_nodes(struct muster_scenario *s)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_FULL, .nodes = 3 });
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 200, .active_slot_coeff = 0.5, .security_depth = 30 });
    muster_expect_consensus_liveness(s, NULL);
    muster_run_duration(s, MUSTER_SECONDS(5));
}

static void two_nodes(struct muster_scenario *s)
{
    one_node(s);
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_FULL, .nodes = 2 });
    muster_run_duration(s, MUSTER_SECONDS(1));
}

/* ---- Nodes that misbehave ---- */

static void bad_exit(struct muster_scenario *s)
{
    two_nodes(s);
    muster_node_env(s, 1, "DEVNODE_MISBEHAVE", "bad-exit");
}

static void crash_at_term(struct muster_scenario *s)
{
    two_nodes(s);
    muster_node_env(s, 1, "DEVNODE_MISBEHAVE", "crash-at-term");
}

static void ignore_term(struct muster_scenario *s)
{
    two_nodes(s);
    muster_node_env(s, 1, "DEVNODE_MISBEHAVE", "ignore-term");
    muster_deadlines(s, &(struct muster_deadlines){ .grace_ms = 700 });
}

/* ---- From outside ---- */

/* What kubectl is told besides to delete the pod of node-1, which the environment says. */
static enum muster_rc delete_pod(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    char selector[96];
    const char *complaint = NULL;
    const char *how = getenv("POD_DELETE");
    snprintf(selector, sizeof selector, "muster.run=%s,muster.node=1", muster_run_id(run));
    enum muster_rc rc = muster_run_sleep(run, 500);
    if (rc == MUSTER_OK && (how == NULL || cluster_ask(&complaint, "delete", "pod", "-A", "-l", selector,
                                                       "--wait=false", how, NULL) == NULL)) {
        rc = muster_error_set(err, MUSTER_EINVAL, "the pod was not deleted: %s",
                              complaint == NULL ? "POD_DELETE is not set" : complaint);
    }
    return rc;
}

static void pod_deleted(struct muster_scenario *s)
{
    three_nodes(s);
    muster_workload(s, &(struct muster_workload){ .name = "delete_pod", .run = delete_pod });
    muster_run_duration(s, MUSTER_SECONDS(90));
}

/* What the run learns of its backend by, each named by an argument: ended from outside. */
static enum muster_rc lose(struct muster_run *run, const char *argument, struct muster_error *err)
{
    return program_kill(muster_run_id(run), argument) > 0
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINVAL, "the run has no process with '%s'", argument);
}

static enum muster_rc lose_events(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    enum muster_rc rc = muster_run_sleep(run, 500);
    return rc == MUSTER_OK ? lose(run, "events", err) : rc;
}

static void events_lost(struct muster_scenario *s)
{
    one_node(s);
    muster_workload(s, &(struct muster_workload){ .name = "lose_events", .run = lose_events });
    muster_run_duration(s, MUSTER_SECONDS(90));
}

/* Both come back by themselves, and what happens from then on is seen. */
static enum muster_rc lose_streams(struct muster_run *run, void *context, struct muster_error *err)
{
    enum muster_rc rc = muster_run_sleep(run, 500);
    if (rc == MUSTER_OK) {
        rc = lose(run, "--raw", err);
    }
    if (rc == MUSTER_OK) {
        rc = lose(run, "proxy", err);
    }
    return rc == MUSTER_OK ? delete_pod(run, context, err) : rc;
}

static void streams_lost(struct muster_scenario *s)
{
    three_nodes(s);
    muster_workload(s, &(struct muster_workload){ .name = "lose_streams", .run = lose_streams });
    muster_run_duration(s, MUSTER_SECONDS(90));
}

/* First the suite program, then this test: nobody of them is left to clean up. */
static enum muster_rc die(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    enum muster_rc rc = muster_run_sleep(run, 500);
    if (rc == MUSTER_OK) {
        kill(getppid(), SIGKILL);
        kill(getpid(), SIGKILL);
    }
    return rc;
}

static void killed(struct muster_scenario *s)
{
    three_nodes(s);
    muster_workload(s, &(struct muster_workload){ .name = "die", .run = die });
    muster_run_duration(s, MUSTER_SECONDS(30));
}

static void flooded(struct muster_scenario *s)
{
    one_node(s);
    muster_node_env(s, 0, "DEVNODE_MISBEHAVE", "flood-log:3");
    muster_run_duration(s, MUSTER_SECONDS(15));
}

static Suite *containers_suite(void)
{
    Suite *suite = suite_create("containers");
    muster_add_scenario(suite, "three_nodes", three_nodes, is_judged, NULL);
    muster_add_scenario(suite, "cut", cut, is_judged, NULL);
    muster_add_scenario(suite, "stalled", stalled, is_judged, NULL);
    muster_add_scenario(suite, "cut_and_asserted", cut, asserts_first, NULL);
    muster_add_scenario(suite, "restarted", restarted, keeps_its_data, NULL);
    muster_add_scenario(suite, "two_nodes", two_nodes, is_judged, NULL);
    muster_add_scenario(suite, "bad_exit", bad_exit, is_judged, NULL);
    muster_add_scenario(suite, "crash_at_term", crash_at_term, is_judged, NULL);
    muster_add_scenario(suite, "ignore_term", ignore_term, is_judged, NULL);
    muster_add_scenario(suite, "moved", restarted, is_found_elsewhere, NULL);
    muster_add_scenario(suite, "pod_deleted", pod_deleted, is_judged, NULL);
    muster_add_scenario(suite, "events_lost", events_lost, is_judged, NULL);
    muster_add_scenario(suite, "streams_lost", streams_lost, is_judged, NULL);
    muster_add_scenario(suite, "killed", killed, is_judged, NULL);
    muster_add_scenario(suite, "flooded", flooded, is_judged, NULL);
    return suite;
}
MUSTER_MAIN(containers_suite)
