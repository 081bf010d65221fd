/* The feed: the best chain as subscribers see it. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "chain/feed/feed.h"

#include "muster/chain.h"
#include "testing/feed_fixture.h"

START_TEST(a_chain_grows)
{
    feed_add_chain("a", 1, 20, "g", 7);
    feed_set_tip(7, "a5", 5);
    feed_start();
    /* The baseline is there once the start returned. */
    struct muster_feed_stats stats;
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_uint_eq(stats.best_height, 5);
    ck_assert_str_eq(stats.best_tip.text, "a5");
    struct muster_feed_subscription *all = feed_subscribe(0);
    struct muster_feed_subscription *some = feed_subscribe(4);
    struct muster_feed_subscription *fresh = feed_subscribe(UINT64_MAX);
    feed_expect_nothing(fresh);
    for (unsigned i = 1; i <= 5; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "a%u", i);
        feed_expect_block(all, id, i);
    }
    feed_set_tip(2, "a7", 7); /* Node 1 is ahead, and two blocks at once. */
    feed_expect_block(all, "a6", 6);
    feed_expect_block(all, "a7", 7);
    feed_expect_block(some, "a4", 4);
    feed_expect_block(some, "a5", 5);
    feed_expect_block(some, "a6", 6);
    feed_expect_block(fresh, "a6", 6);
    feed_expect_block(fresh, "a7", 7);
    feed_expect_nothing(all);
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_uint_eq(stats.blocks_seen, 7);
    ck_assert_uint_eq(stats.slots_won, 7);
    ck_assert_uint_eq(stats.reorgs, 0);
    ck_assert_uint_eq(muster__feed_slots_won(tested_feed, 3, 8), 3);
    ck_assert_uint_eq(muster__feed_slots_won(tested_feed, 0, UINT64_MAX), 7);
    ck_assert_uint_eq(muster__feed_slots_won(tested_feed, 8, 3), 0);
    muster_feed_unsubscribe(all);
    muster_feed_unsubscribe(some);
    muster_feed_unsubscribe(fresh);
}
END_TEST

START_TEST(a_reorg_is_told_in_order)
{
    feed_add_chain("a", 1, 4, "g", 7);
    feed_add_chain("b", 3, 6, "a2", 4);
    feed_set_tip(7, "a4", 4);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(3);
    struct muster_id a4 = { "a4" };
    struct muster_id b6 = { "b6" };
    uint64_t height = 0;
    feed_expect_block(all, "a3", 3);
    feed_expect_block(all, "a4", 4);
    ck_assert_int_eq(muster__feed_common_height(tested_feed, &a4, &b6, &height), MUSTER_ENOTFOUND);
    feed_set_tip(4, "b4", 4); /* As high as ours, but seen later: nothing changes. */
    feed_wait_asked(&feed_fake.nodes[2].asked, 3);
    feed_expect_nothing(all);
    feed_set_tip(4, "b6", 6);
    feed_expect_reorg(all, 2);
    feed_expect_block(all, "b3", 3);
    feed_expect_block(all, "b4", 4);
    feed_expect_block(all, "b5", 5);
    feed_expect_block(all, "b6", 6);
    struct muster_feed_stats stats;
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_uint_eq(stats.reorgs, 1);
    ck_assert_uint_eq(stats.deepest_reorg, 2);
    ck_assert_uint_eq(stats.best_height, 6);
    ck_assert_int_eq(muster__feed_common_height(tested_feed, &a4, &b6, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 2);
    ck_assert_int_eq(muster__feed_common_height(tested_feed, &a4, &a4, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 4);
    ck_assert_uint_eq(feed_count_events("\"reorg\"", "\"removed\":2"), 1);
    ck_assert_uint_eq(feed_count_events("\"block\"", "\"height\""), 8);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(equivocation_names_the_node)
{
    struct muster_error err = { 0 };
    feed_add("a1", "g", 1, "L1", 7);
    feed_add("a2", "a1", 2, "L1", 7);
    feed_add("c2", "a1", 2, "L2", 7);
    feed_add("b2", "a1", 2, "L1", 2);
    feed_set_tip(5, "a2", 2);
    feed_set_tip(2, "c2", 2);
    feed_start();
    ck_assert_int_eq(muster__feed_equivocation(tested_feed, &err), MUSTER_OK);
    feed_set_tip(2, "b2", 2);
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    while (muster__feed_equivocation(tested_feed, NULL) == MUSTER_OK) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    ck_assert_int_eq(muster__feed_equivocation(tested_feed, &err), MUSTER_EEXPECT);
    ck_assert_msg(strstr(err.text, "node-1 made two blocks for slot 2, a2 and b2, ") == err.text, "%s",
                  err.text);
}
END_TEST

START_TEST(history_has_a_bound)
{
    struct muster_error err = { 0 };
    struct muster_feed_subscription *none = NULL;
    struct muster_feed_event event;
    tested_feed->blocks_max = 8;
    feed_add_chain("a", 1, 30, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *slow = feed_subscribe(0);
    struct muster_feed_subscription *quick = feed_subscribe(0);
    feed_expect_block(slow, "a1", 1);
    feed_expect_block(quick, "a1", 1);
    for (unsigned i = 2; i <= 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "a%u", i);
        feed_set_tip(7, id, i);
        feed_expect_block(quick, id, i);
    }
    ck_assert_uint_le(tested_feed->entry_count, 8);
    ck_assert_int_eq(muster_feed_next(slow, FEED_WAIT_MS, &event), MUSTER_ENOTFOUND);
    ck_assert_int_eq(muster__feed_subscribe(tested_feed, 2, &none, &err), MUSTER_ENOTFOUND);
    ck_assert_msg(strstr(err.text, "history starts at 23") != NULL, "%s", err.text);
    muster_feed_unsubscribe(slow);
    muster_feed_unsubscribe(quick);
}
END_TEST

static void withhold_block(const char *id)
{
    (void)pthread_mutex_lock(&feed_fake.mutex);
    (void)snprintf(feed_fake.withheld, sizeof(feed_fake.withheld), "%s", id);
    (void)pthread_cond_broadcast(&feed_fake.changed);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
}

static void await_blocks(uint64_t count)
{
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    struct muster_feed_stats stats = { 0 };
    while (stats.blocks_seen < count) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
        muster__feed_get_stats(tested_feed, &stats);
    }
}

/* The walk down has come to a20, and the answer takes its time, as each does where nodes are slow. */
START_TEST(history_begins_where_the_walk_has_come_to)
{
    struct muster_feed_stats stats;
    struct muster_error err = { 0 };
    struct muster_feed_subscription *none = NULL;
    feed_add_chain("a", 1, 32, "g", 7);
    feed_set_tip(7, "a30", 30);
    withhold_block("a20");
    feed_start();
    await_blocks(10);
    struct muster_feed_subscription *all = feed_subscribe(21);
    feed_expect_nothing(all);
    muster__feed_begin_history(tested_feed);
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_uint_eq(stats.best_height, 30);
    ck_assert_uint_eq(stats.blocks_seen, 10);
    struct muster_feed_subscription *fresh = feed_subscribe(UINT64_MAX);
    feed_expect_nothing(fresh);
    withhold_block("a19"); /* a20 comes after all: it is in its place, and nobody asks for what is below. */
    await_blocks(11);
    feed_expect_block(all, "a21", 21);
    feed_set_tip(7, "a31", 31);
    feed_expect_block(fresh, "a31", 31);
    feed_set_tip(7, "a32", 32);
    feed_expect_block(fresh, "a32", 32);
    ck_assert_int_eq(muster__feed_subscribe(tested_feed, 19, &none, &err), MUSTER_ENOTFOUND);
    ck_assert_uint_eq(feed_count_events("\"block_missing\"", "\"node\""), 0);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    unsigned asked = feed_fake.withheld_asked;
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    ck_assert_uint_le(asked, FEED_NODES); /* All of them for a20. */
    muster_feed_unsubscribe(fresh);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_subscriber_reads_to_the_end_when_the_feed_stops)
{
    struct muster_feed_event event;
    feed_add_chain("a", 1, 1, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *first = feed_subscribe(0);
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(first, "a1", 1); /* The feed has it. */
    muster__feed_stop(tested_feed);
    feed_expect_block(all, "a1", 1);
    ck_assert_int_eq(muster_feed_next(all, FEED_WAIT_MS, &event), MUSTER_ESTOPPED);
    muster_feed_unsubscribe(all);
    muster_feed_unsubscribe(first);
}
END_TEST

START_TEST(a_node_that_stopped_is_left_alone_until_it_is_back)
{
    feed_add_chain("a", 1, 2, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    muster__nodes_set_state(feed_nodes, 0, MUSTER_NODE_STOPPED);
    muster__feed_node_changed(tested_feed, 0);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    unsigned asked = feed_fake.nodes[0].asked;
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    feed_wait_asked(&feed_fake.nodes[1].asked, 5);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    ck_assert_uint_le(feed_fake.nodes[0].asked, asked + 1); /* One may have been on its way. */
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    muster__nodes_set_state(feed_nodes, 0, MUSTER_NODE_RUNNING);
    feed_set_tip(1, "a2", 2);
    muster__feed_node_changed(tested_feed, 0);
    (void)feed_wait_view(0, feed_is_at_two);
}
END_TEST

/* The test holds the lock, so that the engine's thread comes to a halt in the middle of its look. */
static void hold_armed(uint32_t node)
{
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    (void)pthread_mutex_lock(&tested_feed->mutex);
    while (tested_feed->node[node].asking || tested_feed->node[node].armed_ms == 0) {
        (void)pthread_mutex_unlock(&tested_feed->mutex);
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 1);
        (void)pthread_mutex_lock(&tested_feed->mutex);
    }
}

static void make_recursive(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_destroy(mutex);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

START_TEST(a_node_that_is_back_while_it_is_looked_at_is_observed)
{
    make_recursive(&tested_feed->mutex);
    for (uint32_t i = 1; i < FEED_NODES; i++) { /* The engine's thread looks at node 0 alone. */
        muster__nodes_set_state(feed_nodes, i, MUSTER_NODE_STOPPED);
    }
    feed_start();
    hold_armed(0);
    muster__nodes_set_state(feed_nodes, 0, MUSTER_NODE_STOPPED);
    while (muster_clock_ms() < tested_feed->node[0].armed_ms + 300) { /* Time to see it stopped. */
        (void)poll(NULL, 0, 10);
    }
    muster__nodes_set_state(feed_nodes, 0, MUSTER_NODE_RUNNING);
    muster__feed_node_changed(tested_feed, 0);
    (void)pthread_mutex_unlock(&tested_feed->mutex);
    feed_wait_asked(&feed_fake.nodes[0].asked, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *polled_cases = tcase_create("polled");
    tcase_add_checked_fixture(polled_cases, feed_make_polled, feed_tear_down);
    tcase_set_timeout(polled_cases, 120);
    tcase_add_test(polled_cases, a_chain_grows);
    tcase_add_test(polled_cases, a_reorg_is_told_in_order);
    tcase_add_test(polled_cases, equivocation_names_the_node);
    tcase_add_test(polled_cases, history_has_a_bound);
    tcase_add_test(polled_cases, history_begins_where_the_walk_has_come_to);
    tcase_add_test(polled_cases, a_subscriber_reads_to_the_end_when_the_feed_stops);
    tcase_add_test(polled_cases, a_node_that_stopped_is_left_alone_until_it_is_back);
    tcase_add_test(polled_cases, a_node_that_is_back_while_it_is_looked_at_is_observed);
    suite_add_tcase(suite, polled_cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
