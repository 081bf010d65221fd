/* The two gates of a deploy, against fake nodes that come up when the test says so. */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodes/ready.h"

#include "muster/clock.h"
#include "testing/http_server.h"

#define NODES 12u

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool up[NODES];
    bool hangs[NODES];
    unsigned peers[NODES];
    unsigned asked[NODES];
} fake;

static struct test_server *server;
static struct muster_http *http;
static struct muster_nodes *nodes;
static struct muster_plan *plan;

static enum muster_rc request_ready(const void *state, struct muster_request *out, struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/ready", NULL, err);
}

static enum muster_rc parse_ready(const void *state, const struct muster_reply *reply,
                                  struct muster_error *err)
{
    (void)state;
    return reply->status == 200 ? MUSTER_OK
                                : muster_error_set(err, MUSTER_EREPLY, "GET /ready: answered %ld \"%.64s\"",
                                                   reply->status, reply->body);
}

static enum muster_rc request_peers(const void *state, struct muster_request *out, struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/peers", NULL, err);
}

static enum muster_rc parse_peers(const void *state, const struct muster_reply *reply, uint32_t *peers,
                                  struct muster_error *err)
{
    (void)state;
    return sscanf(reply->body, "%u", peers) == 1 ? MUSTER_OK
                                                 : muster_error_set(err, MUSTER_EREPLY, "no number");
}

static const struct muster_system with_peers = {
    .request_ready = request_ready,
    .parse_ready = parse_ready,
    .request_peers = request_peers,
    .parse_peers = parse_peers,
};
static const struct muster_system without_peers = { .request_ready = request_ready,
                                                    .parse_ready = parse_ready };

static bool handle(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    int used = 0;
    char text[32];
    (void)context;
    if (sscanf(request->path, "/node-%u%n", &index, &used) != 1 || index >= NODES) {
        return false;
    }
    (void)pthread_mutex_lock(&fake.mutex);
    bool up = fake.up[index];
    bool hangs = fake.hangs[index];
    unsigned peers = fake.peers[index];
    fake.asked[index]++;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
    if (hangs) {
        return test_hang(fd);
    }
    if (!up) {
        return test_reply(fd, 503, "starting");
    }
    (void)snprintf(text, sizeof(text), "%u", peers);
    return test_reply(fd, 200, text);
}

static void set_up(void)
{
    struct muster_error err = { 0 };
    memset(&fake, 0, sizeof(fake));
    (void)pthread_mutex_init(&fake.mutex, NULL);
    (void)pthread_cond_init(&fake.changed, NULL);
    server = test_server_start(handle, NULL);
    plan = calloc(1, sizeof(*plan));
    plan->system = &with_peers;
    plan->layout = MUSTER_STAR;
    plan->node_count = 3;
    ck_assert_int_eq(muster__http_create(&http, &err), MUSTER_OK);
    ck_assert_int_eq(muster__nodes_create(NODES, "/nonexistent", muster_clock_ms(), &nodes, &err), MUSTER_OK);
    for (uint32_t i = 0; i < NODES; i++) {
        char prefix[16];
        (void)snprintf(prefix, sizeof(prefix), "/node-%u", i);
        struct muster_endpoint endpoint = test_endpoint(server, prefix);
        muster__nodes_set_endpoint(nodes, i, &endpoint);
        muster__nodes_set_state(nodes, i, MUSTER_NODE_RUNNING);
        fake.up[i] = true;
        fake.peers[i] = NODES;
    }
}

static void tear_down(void)
{
    muster__http_destroy(http);
    muster__nodes_destroy(nodes);
    test_server_stop(server);
    free(plan);
}

static enum muster_rc wait(uint32_t node, uint32_t timeout_ms, struct muster_error *err)
{
    enum muster__ready_peers peers =
        node == MUSTER_EVERY_NODE ? MUSTER__PEERS_OF_LAYOUT : MUSTER__PEERS_IF_ANY_RUNS;
    return muster__ready_wait(plan, http, nodes, node, peers, muster_clock_ms() + timeout_ms, err);
}

static void check_text(const struct muster_error *err, const char *part)
{
    ck_assert_msg(strstr(err->text, part) != NULL, "\"%s\" lacks \"%s\"", err->text, part);
}

START_TEST(nodes_that_are_up_are_ready)
{
    struct muster_error err = { 0 };
    ck_assert_msg(wait(MUSTER_EVERY_NODE, 20000, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_ge(fake.asked[2], 2);
    ck_assert_int_eq(wait(1, 20000, &err), MUSTER_OK);
}
END_TEST

/* Lets node 1 come up, and its peers connect, each after it was asked a few times. */
static void *come_up(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&fake.mutex);
    while (fake.asked[1] < 5) {
        (void)pthread_cond_wait(&fake.changed, &fake.mutex);
    }
    fake.up[1] = true;
    while (fake.asked[0] < 8) {
        (void)pthread_cond_wait(&fake.changed, &fake.mutex);
    }
    fake.peers[0] = 2;
    (void)pthread_mutex_unlock(&fake.mutex);
    return NULL;
}

START_TEST(nodes_that_come_up_late_are_waited_for)
{
    struct muster_error err = { 0 };
    pthread_t thread;
    fake.up[1] = false;
    fake.peers[0] = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, come_up, NULL), 0);
    ck_assert_msg(wait(MUSTER_EVERY_NODE, 20000, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(who_is_not_ready_is_named_with_its_answer)
{
    struct muster_error err = { 0 };
    fake.up[1] = false;
    fake.peers[0] = 1;
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 1500, &err), MUSTER_ETIMEDOUT);
    check_text(&err, "1 of 3 nodes ready after ");
    check_text(&err, "node-0 has 1 of 2 peers since ");
    check_text(&err, "node-1 is not ready: GET /ready: answered 503 \"starting\" since ");
    ck_assert_ptr_null(strstr(err.text, "node-2"));
}
END_TEST

START_TEST(a_node_that_hangs_is_named)
{
    struct muster_error err = { 0 };
    fake.hangs[1] = true;
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 1500, &err), MUSTER_ETIMEDOUT);
    check_text(&err, "node-1 is not ready: no answer to GET http://127.0.0.1:");
    check_text(&err, "/node-1/ready since ");
}
END_TEST

START_TEST(a_node_that_refuses_is_named)
{
    struct muster_error err = { 0 };
    struct muster_endpoint nowhere = { .base_url = "http://127.0.0.1:1" };
    muster__nodes_set_endpoint(nodes, 2, &nowhere);
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 1000, &err), MUSTER_ETIMEDOUT);
    check_text(&err, "node-2 is not ready: GET http://127.0.0.1:1/ready: connection refused since ");
}
END_TEST

START_TEST(the_list_is_bounded)
{
    struct muster_error err = { 0 };
    plan->node_count = NODES;
    memset(fake.up, 0, sizeof(fake.up));
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 1000, &err), MUSTER_ETIMEDOUT);
    check_text(&err, "0 of 12 nodes ready");
    check_text(&err, "; and 4 more");
}
END_TEST

static void *end_node(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&fake.mutex);
    while (fake.asked[1] < 3) {
        (void)pthread_cond_wait(&fake.changed, &fake.mutex);
    }
    (void)pthread_mutex_unlock(&fake.mutex);
    struct muster_exit exited = { .code = 3, .at_ms = muster_clock_ms() };
    muster__nodes_ended(nodes, 1, &exited);
    return NULL;
}

START_TEST(a_node_that_ends_ends_the_wait)
{
    struct muster_error err = { 0 };
    pthread_t thread;
    fake.up[1] = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, end_node, NULL), 0);
    uint64_t began_ms = muster_clock_ms();
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 60000, &err), MUSTER_ENODE);
    ck_assert_uint_lt(muster_clock_ms() - began_ms, 30000);
    check_text(&err, "node-1");
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(one_node_needs_but_one_peer)
{
    struct muster_error err = { 0 };
    fake.peers[0] = 1;
    ck_assert_msg(wait(0, 20000, &err) == MUSTER_OK, "%s", err.text);
    fake.peers[0] = 0;
    ck_assert_int_eq(wait(0, 1000, &err), MUSTER_ETIMEDOUT);
    check_text(&err, "node-0 has 0 of 1 peers");
}
END_TEST

START_TEST(where_the_layout_is_not_known_one_peer_will_do)
{
    struct muster_error err = { 0 };
    uint64_t soon_ms = muster_clock_ms() + 20000;
    fake.peers[0] = fake.peers[1] = fake.peers[2] = 1;
    ck_assert_int_eq(
        muster__ready_wait(plan, http, nodes, MUSTER_EVERY_NODE, MUSTER__PEERS_OF_OTHERS, soon_ms, &err),
        MUSTER_OK);
    fake.peers[2] = 0;
    ck_assert_int_eq(muster__ready_wait(plan, http, nodes, MUSTER_EVERY_NODE, MUSTER__PEERS_OF_OTHERS,
                                        muster_clock_ms() + 1000, &err),
                     MUSTER_ETIMEDOUT);
    check_text(&err, "2 of 3 nodes ready");
    check_text(&err, "node-2 has 0 of 1 peers since ");
    check_text(&err, "(GET http://127.0.0.1:");
    plan->node_count = 1;
    fake.peers[0] = 0;
    ck_assert_int_eq(muster__ready_wait(plan, http, nodes, MUSTER_EVERY_NODE, MUSTER__PEERS_OF_OTHERS,
                                        muster_clock_ms() + 20000, &err),
                     MUSTER_OK);
}
END_TEST

START_TEST(one_whose_peers_are_all_down_needs_none)
{
    struct muster_error err = { 0 };
    fake.peers[0] = fake.peers[1] = 0;
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_STOPPED);
    ck_assert_msg(wait(1, 20000, &err) == MUSTER_OK, "%s", err.text);
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    muster__nodes_set_state(nodes, 1, MUSTER_NODE_PAUSED);
    ck_assert_int_eq(wait(0, 300, &err), MUSTER_ETIMEDOUT); /* There is node-2. */
    muster__nodes_set_state(nodes, 2, MUSTER_NODE_STOPPED);
    muster_error_clear(&err);
    ck_assert_msg(wait(0, 20000, &err) == MUSTER_OK, "%s", err.text);
}
END_TEST

START_TEST(a_node_alone_needs_no_peer)
{
    struct muster_error err = { 0 };
    plan->node_count = 1;
    fake.peers[0] = 0;
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 20000, &err), MUSTER_OK);
    plan->node_count = 3;
    plan->system = &without_peers;
    ck_assert_int_eq(wait(MUSTER_EVERY_NODE, 20000, &err), MUSTER_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ready");
    TCase *cases = tcase_create("ready");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, nodes_that_are_up_are_ready);
    tcase_add_test(cases, nodes_that_come_up_late_are_waited_for);
    tcase_add_test(cases, who_is_not_ready_is_named_with_its_answer);
    tcase_add_test(cases, a_node_that_hangs_is_named);
    tcase_add_test(cases, a_node_that_refuses_is_named);
    tcase_add_test(cases, the_list_is_bounded);
    tcase_add_test(cases, a_node_that_ends_ends_the_wait);
    tcase_add_test(cases, one_node_needs_but_one_peer);
    tcase_add_test(cases, where_the_layout_is_not_known_one_peer_will_do);
    tcase_add_test(cases, one_whose_peers_are_all_down_needs_none);
    tcase_add_test(cases, a_node_alone_needs_no_peer);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
