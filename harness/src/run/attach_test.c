/* Nodes of one network are told from those of another, by what they have and what they say. */
#include "run/attach.h"

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/muster.h"
#include "run/internal.h"
#include "testing/http_server.h"
#include "testing/unit_test.h"

#define NODES 3u
#define DEPTH 10u

/* Has blocks <chain>1 to <chain><height>; the first, <chain>0, is not stored. */
static struct {
    atomic_char chain;
    atomic_uint height;
    atomic_uint grows_at; /* It is at 50 once it was asked that often; 0: never. */
    atomic_uint asked;
    const char *network;
    bool gone; /* Hangs up. */
} fake[NODES];

static struct test_server *server;
static struct muster_plan plan;
static struct muster_session session;
static struct muster_run *run;
static struct muster_error err;

/* ---- The nodes ---- */

static bool answer_progress(int fd, unsigned index)
{
    char body[128];
    unsigned asked = atomic_fetch_add(&fake[index].asked, 1) + 1;
    unsigned grows_at = atomic_load(&fake[index].grows_at);
    if (grows_at != 0 && asked >= grows_at) {
        atomic_store(&fake[index].height, 50);
    }
    char chain = atomic_load(&fake[index].chain);
    unsigned height = atomic_load(&fake[index].height);
    snprintf(body, sizeof body, "%c%u %c%u %u %s", chain, height, chain, height > DEPTH ? height - DEPTH : 0,
             height, fake[index].network);
    return test_reply(fd, 200, body);
}

static bool answer(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    char rest[900] = "";
    unsigned height = 0;
    (void)context;
    if (sscanf(request->path, "/n%u/%899s", &index, rest) != 2 || index >= NODES || fake[index].gone) {
        return false;
    }
    if (strcmp(rest, "progress") == 0) {
        return answer_progress(fd, index);
    }
    bool has = rest[6] == atomic_load(&fake[index].chain) && sscanf(rest + 7, "%u", &height) == 1 &&
               height > 0 && height <= atomic_load(&fake[index].height);
    return test_reply(fd, has ? 200 : 404, "");
}

/* ---- The system ---- */

static enum muster_rc request_progress(const void *state, struct muster_request *out,
                                       struct muster_error *error)
{
    (void)state;
    return muster_request_init(out, "GET", "/progress", NULL, error);
}

static enum muster_rc parse_progress(const void *state, const struct muster_reply *reply,
                                     struct muster_progress *out, struct muster_error *error)
{
    unsigned long long height = 0;
    (void)state;
    (void)error;
    int fields = sscanf(reply->body, "%71s %71s %llu %71s", out->tip.text, out->final.text, &height,
                        out->network.text);
    out->height = height;
    return fields >= 3 ? MUSTER_OK : MUSTER_EREPLY;
}

static enum muster_rc request_block(const void *state, const struct muster_id *id, struct muster_request *out,
                                    struct muster_error *error)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "/block/%s", id->text);
    return muster_request_init(out, "GET", path, NULL, error);
}

static enum muster_rc parse_block(const void *state, const struct muster_id *id,
                                  const struct muster_reply *reply, struct muster_block *out,
                                  struct muster_error *error)
{
    (void)state;
    (void)error;
    *out = (struct muster_block){ .id = *id };
    return reply->status == 200 ? MUSTER_OK : MUSTER_ENOTFOUND;
}

static const struct muster_chain chain = { .request_block = request_block, .parse_block = parse_block };
static const struct muster_system with_blocks = { .name = "fake",
                                                  .request_progress = request_progress,
                                                  .parse_progress = parse_progress,
                                                  .observer = &muster_chain_observer,
                                                  .chain = &chain };
static const struct muster_system without_blocks = { .name = "fake",
                                                     .request_progress = request_progress,
                                                     .parse_progress = parse_progress };

/* ---- Tests ---- */

static void set_up(void)
{
    server = test_server_start(answer, NULL);
    plan = (struct muster_plan){ .system = &with_blocks, .node_count = NODES };
    session = (struct muster_session){ .plan = &plan, .began_ms = muster_clock_ms(), .test_fd = -1 };
    run = muster__run_create(&session);
    ck_assert_ptr_nonnull(run);
    ck_assert_int_eq(muster__http_create(&run->http, &err), MUSTER_OK);
    ck_assert_int_eq(muster__nodes_create(NODES, "/nonexistent", session.began_ms, &run->nodes, &err),
                     MUSTER_OK);
    for (uint32_t i = 0; i < NODES; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "/n%u", i);
        struct muster_endpoint endpoint = test_endpoint(server, prefix);
        muster__nodes_set_endpoint(run->nodes, i, &endpoint);
        muster__nodes_set_state(run->nodes, i, MUSTER_NODE_RUNNING);
        atomic_store(&fake[i].chain, 'a');
        atomic_store(&fake[i].height, 50);
        fake[i].network = "";
    }
}

static void tear_down(void)
{
    muster__http_destroy(run->http);
    muster__nodes_destroy(run->nodes);
    muster__run_destroy(run);
    test_server_stop(server);
}

/* Over as soon as all belong: as much time as it takes. */
static void assert_one(void)
{
    plan.slowdown = 20;
    enum muster_rc rc = muster__network_check(run, &err);
    ck_assert_msg(rc == MUSTER_OK, "%s", err.text);
}

static void assert_apart(const char *part)
{
    plan.slowdown = 1;
    ck_assert_int_eq(muster__network_check(run, &err), MUSTER_EINVAL);
    ck_assert_msg(strstr(err.text, part) != NULL, "no '%s' in '%s'", part, err.text);
}

START_TEST(nodes_that_share_blocks_are_of_one_network)
{
    assert_one();
    atomic_store(&fake[1].height, 2); /* It lags, and so does node 0 below. */
    assert_one();
    atomic_store(&fake[0].height, 1);
    assert_one();
    for (unsigned i = 0; i < NODES; i++) {
        atomic_store(&fake[i].height, 0);
    }
    assert_one();
}
END_TEST

START_TEST(a_node_that_has_nothing_yet_is_waited_for)
{
    atomic_store(&fake[2].height, 0);
    atomic_store(&fake[2].grows_at, 2);
    assert_one();
    ck_assert_uint_ge(atomic_load(&fake[2].asked), 2);
}
END_TEST

START_TEST(a_node_of_another_network_is_named_with_its_address)
{
    char says[600];
    atomic_store(&fake[2].chain, 'b');
    struct muster_endpoint at = test_endpoint(server, "/n2");
    snprintf(says, sizeof says, "node-2 at %s: not of one network with node-0 at http://", at.base_url);
    assert_apart(says);
    ck_assert_ptr_null(strstr(err.text, "node-1"));
}
END_TEST

START_TEST(the_first_node_may_be_the_odd_one)
{
    atomic_store(&fake[0].chain, 'b');
    assert_apart("node-0 at http://");
    ck_assert_ptr_nonnull(strstr(err.text, "is not of one network with any other node"));
}
END_TEST

START_TEST(two_new_networks_are_told_apart)
{
    for (unsigned i = 0; i < NODES; i++) {
        atomic_store(&fake[i].height, 0);
    }
    atomic_store(&fake[1].chain, 'b');
    assert_apart("node-1 at http://");
}
END_TEST

START_TEST(what_a_network_is_called_decides)
{
    fake[0].network = fake[1].network = fake[2].network = "4711";
    atomic_store(&fake[1].chain, 'b');
    assert_one();
    fake[2].network = "4712";
    assert_apart("/n0: they say so themselves; name nodes of one network");
    muster_error_clear(&err);
    plan.system = &without_blocks;
    assert_apart("node-2 at http://");
}
END_TEST

START_TEST(without_blocks_and_name_nothing_can_be_said)
{
    plan.system = &without_blocks;
    atomic_store(&fake[1].chain, 'b');
    assert_one();
}
END_TEST

START_TEST(a_node_that_went_away_is_told_apart_from_a_stranger)
{
    fake[1].gone = true;
    assert_apart(" (which did not answer): not of one network with node-0 at ");
}
END_TEST

static Suite *network_suite(void)
{
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, nodes_that_share_blocks_are_of_one_network);
    tcase_add_test(tests, a_node_that_has_nothing_yet_is_waited_for);
    tcase_add_test(tests, a_node_of_another_network_is_named_with_its_address);
    tcase_add_test(tests, the_first_node_may_be_the_odd_one);
    tcase_add_test(tests, two_new_networks_are_told_apart);
    tcase_add_test(tests, what_a_network_is_called_decides);
    tcase_add_test(tests, without_blocks_and_name_nothing_can_be_said);
    tcase_add_test(tests, a_node_that_went_away_is_told_apart_from_a_stranger);
    suite_add_tcase(suite, tests);
    return suite;
}

UNIT_TEST_MAIN(network_suite);
