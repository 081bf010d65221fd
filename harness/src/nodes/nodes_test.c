#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/clock.h"
#include "nodes/nodes.h"
#include "testing/unit_test.h"

static char directory[64];
static struct muster_nodes *nodes;

static void make_nodes(void)
{
    snprintf(directory, sizeof directory, "/tmp/nodes_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(muster__nodes_create(3, directory, muster_clock_ms(), &nodes, NULL), MUSTER_OK);
}

static void remove_nodes(void)
{
    muster__nodes_destroy(nodes);
    ck_assert_int_eq(muster__directory_remove(directory, NULL), MUSTER_OK);
}

static void count_change(void *context)
{
    (*(unsigned *)context)++;
}

static void end_node(uint32_t node)
{
    muster__nodes_ended(nodes, node, &(struct muster_exit){ .code = 3, .at_ms = muster_clock_ms() });
}

START_TEST(an_unasked_end_is_the_failure_with_the_last_words)
{
    char path[256];
    struct muster_error err = { 0 };
    unsigned changes = 0;
    snprintf(path, sizeof path, "%s/nodes/node-1", directory);
    ck_assert_int_eq(muster__directory_make(path, 0700, NULL), MUSTER_OK);
    snprintf(path, sizeof path, "%s/nodes/node-1/stderr.log", directory);
    ck_assert_int_eq(muster__file_write(path, "one\ntwo: no such luck\n", 22, NULL), MUSTER_OK);
    muster__nodes_on_change(nodes, count_change, &changes);
    muster__nodes_set_state(nodes, 1, MUSTER_NODE_RUNNING);
    end_node(1);
    ck_assert_uint_eq(changes, 1);
    ck_assert_int_eq(muster__nodes_failure(nodes, &err), MUSTER_ENODE);
    ck_assert_ptr_nonnull(strstr(err.text, "node-1 exited with code 3 at 0."));
    ck_assert_ptr_nonnull(strstr(err.text, "two: no such luck"));
    ck_assert_int_eq(muster__nodes_state(nodes, 1), MUSTER_NODE_EXITED);
}
END_TEST

START_TEST(an_end_that_was_asked_for_is_no_failure)
{
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    muster__nodes_ask_end(nodes, 0, true);
    end_node(0);
    ck_assert_int_eq(muster__nodes_state(nodes, 0), MUSTER_NODE_STOPPED);
    ck_assert_int_eq(muster__nodes_failure(nodes, NULL), MUSTER_OK);
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    ck_assert_uint_eq(muster__nodes_restarts(nodes, 0), 1);
    end_node(0); /* The asking was for one end only. */
    ck_assert_int_eq(muster__nodes_failure(nodes, NULL), MUSTER_ENODE);
}
END_TEST

START_TEST(a_resumed_node_was_not_restarted)
{
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_PAUSED);
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    ck_assert_uint_eq(muster__nodes_restarts(nodes, 0), 0);
}
END_TEST

START_TEST(the_first_failure_stays)
{
    struct muster_error err = { 0 };
    muster__nodes_fail(nodes, MUSTER_EINFRA, "the guardian is gone");
    end_node(2);
    ck_assert_int_eq(muster__nodes_failure(nodes, &err), MUSTER_EINFRA);
    ck_assert_str_eq(err.text, "the guardian is gone");
}
END_TEST

START_TEST(only_a_node_that_is_there_can_be_asked)
{
    struct muster_endpoint endpoint = { .base_url = "http://127.64.0.1:18080" };
    struct muster_endpoint got;
    struct muster_error err = { 0 };
    muster__nodes_set_endpoint(nodes, 0, &endpoint);
    ck_assert_int_eq(muster__nodes_endpoint(nodes, 0, &got, &err), MUSTER_ENODE);
    ck_assert_str_eq(err.text, "node-0 is not started yet");
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    ck_assert_int_eq(muster__nodes_endpoint(nodes, 0, &got, NULL), MUSTER_OK);
    ck_assert_str_eq(got.base_url, endpoint.base_url);
    muster__nodes_ask_all(nodes);
    end_node(0);
    ck_assert_int_eq(muster__nodes_failure(nodes, NULL), MUSTER_OK);
    ck_assert_int_eq(muster__nodes_endpoint(nodes, 0, &got, NULL), MUSTER_ENODE);
}
END_TEST

START_TEST(who_dies_before_it_was_told_was_not_asked)
{
    struct muster_error err = { 0 };
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    muster__nodes_ask_all(nodes);
    muster__nodes_died(nodes, 0, &(struct muster_exit){ .code = -1, .signal = 6, .at_ms = 1 });
    ck_assert_int_eq(muster__nodes_failure(nodes, &err), MUSTER_ENODE);
    ck_assert_ptr_nonnull(strstr(err.text, "node-0 was ended by SIGABRT"));
    ck_assert_int_eq(muster__nodes_state(nodes, 0), MUSTER_NODE_EXITED);
}
END_TEST

static Suite *nodes_suite(void)
{
    Suite *suite = suite_create("nodes");
    TCase *tcase = tcase_create("states");
    tcase_add_checked_fixture(tcase, make_nodes, remove_nodes);
    tcase_add_test(tcase, an_unasked_end_is_the_failure_with_the_last_words);
    tcase_add_test(tcase, an_end_that_was_asked_for_is_no_failure);
    tcase_add_test(tcase, a_resumed_node_was_not_restarted);
    tcase_add_test(tcase, the_first_failure_stays);
    tcase_add_test(tcase, who_dies_before_it_was_told_was_not_asked);
    tcase_add_test(tcase, only_a_node_that_is_there_can_be_asked);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(nodes_suite);
