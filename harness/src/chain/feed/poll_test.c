/* Observation: nodes that hang, fail, lie or lack blocks, and streams where there are any. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "muster/chain.h"
#include "testing/feed_fixture.h"

START_TEST(a_node_that_hangs_holds_up_no_other)
{
    feed_add_chain("a", 1, 4, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_flag(&feed_fake.nodes[0].hangs, true);
    feed_set_tip(6, "a3", 3);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    struct muster_node_view view = feed_wait_view(0, feed_fails);
    ck_assert_msg(strstr(view.failing_text, "no answer within") != NULL, "%s", view.failing_text);
    ck_assert_uint_gt(view.answered_ms, 0);
    ck_assert_uint_eq(view.progress.height, 1);
    feed_set_flag(&feed_fake.nodes[0].hangs, false);
    view = feed_wait_view(0, feed_answers);
    ck_assert_str_eq(view.failing_text, "");
    ck_assert_uint_eq(feed_count_events("\"node_failing\"", "no answer within"), 1);
    ck_assert_uint_eq(feed_count_events("\"node_answers\"", "\"failed_ms\""), 1);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_bad_answer_is_observed_with_its_reason)
{
    feed_set_flag(&feed_fake.nodes[1].fails, true);
    feed_start();
    struct muster_node_view view = feed_wait_view(1, feed_fails);
    ck_assert_str_eq(view.failing_text, "answered 500 \"it is broken\"");
    ck_assert_int_eq(view.state, MUSTER_NODE_RUNNING);
    ck_assert_uint_eq(view.answered_ms, 0);
    (void)feed_wait_view(2, feed_answers);
}
END_TEST

START_TEST(a_block_that_one_node_lacks_comes_from_another)
{
    feed_add("a1", "g", 1, "-", 7);
    feed_add("a2", "a1", 2, "-", 4); /* Nodes 0 and 1 name it, or what stands on it, but have it not. */
    feed_add("a3", "a2", 3, "-", 1);
    feed_set_tip(1, "a3", 3);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_block_that_nobody_has_becomes_a_gap)
{
    feed_add("a1", "g", 1, "-", 7);
    feed_add("a3", "a2", 3, "-", 7);
    feed_add("a4", "a3", 4, "-", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    struct muster_id a1 = { "a1" };
    struct muster_id a4 = { "a4" };
    uint64_t height = 0;
    feed_expect_block(all, "a1", 1);
    feed_set_tip(7, "a4", 4);
    feed_expect_block(all, "a3", 3);
    feed_expect_block(all, "a4", 4);
    ck_assert_int_eq(muster__feed_common_height(tested_feed, &a1, &a4, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 1);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_tip_without_a_block_is_not_the_best)
{
    feed_add_chain("a", 1, 3, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    feed_set_tip(2, "zz", 900);
    feed_wait_asked(&feed_fake.nodes[1].blocks_asked, 2);
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_tip(5, "a3", 3);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    struct muster_feed_stats stats;
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_str_eq(stats.best_tip.text, "a3");
    muster_feed_unsubscribe(all);
}
END_TEST

static void check_best(const char *id)
{
    struct muster_feed_stats stats;
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_str_eq(stats.best_tip.text, id);
}

/* So high that a gap would bridge it, and so high that nothing would. */
static const unsigned lies[] = { 1000, 4000000000u };

START_TEST(a_block_on_nothing_takes_no_chain_over)
{
    feed_add_chain("a", 1, 4, "g", 7);
    feed_add("x", "nothing", 900, "-", 2);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_tip(2, "x", lies[_i]);
    struct muster_node_view view = feed_wait_view(1, feed_fails);
    ck_assert_msg(strstr(view.failing_text, "has block x at height ") != NULL, "%s", view.failing_text);
    feed_set_tip(5, "a3", 3);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    feed_wait_asked(&feed_fake.nodes[1].asked, 3);
    check_best("a3");
    (void)feed_wait_view(0, feed_answers);
    (void)feed_wait_view(2, feed_answers);
    ck_assert_uint_eq(feed_count_events("\"node_failing\"", "\"node\":1"), 1);
    ck_assert_uint_eq(feed_count_events("\"node_answers\"", "\"node\":1"), 0);
    ck_assert_int_eq(muster__feed_loss(tested_feed, NULL), MUSTER_OK);
    feed_set_tip(7, "a4", 4);
    feed_expect_block(all, "a4", 4);
    (void)feed_wait_view(1, feed_answers);
    muster_feed_unsubscribe(all);
}
END_TEST

/* The parent turns up once the height was said: the block does not stand that high above it. */
START_TEST(a_height_that_does_not_fit_takes_no_chain_over)
{
    feed_add_chain("a", 1, 3, "g", 7);
    feed_add("x", "y", 900, "-", 2);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_tip(2, "x", lies[_i]);
    (void)feed_wait_view(1, feed_fails);
    feed_add("y", "a1", 4, "-", 2);
    feed_set_tip(2, "y", 2);
    feed_expect_block(all, "y", 2);
    feed_set_tip(2, "x", lies[_i]);
    (void)feed_wait_view(1, feed_fails);
    check_best("y");
    feed_set_tip(5, "a3", 3);
    feed_expect_reorg(all, 1);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_lie_that_was_first_gives_way_to_most)
{
    feed_add_chain("a", 1, 3, "g", 7);
    feed_add("x", "nothing", 900, "-", 2);
    feed_set_flag(&feed_fake.nodes[0].fails, true);
    feed_set_flag(&feed_fake.nodes[2].fails, true);
    feed_set_tip(2, "x", lies[_i]);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "x", lies[_i]);
    feed_set_tip(5, "a2", 2);
    feed_set_flag(&feed_fake.nodes[0].fails, false);
    feed_set_flag(&feed_fake.nodes[2].fails, false);
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    struct muster_error err = { 0 };
    while (muster__feed_loss(tested_feed, &err) == MUSTER_OK) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    ck_assert_msg(strstr(err.text, "most nodes went over to block a") != NULL, "%s", err.text);
    (void)feed_wait_view(1, feed_fails);
    muster_feed_unsubscribe(all);
    all = feed_subscribe(UINT64_MAX);
    feed_set_tip(5, "a3", 3);
    feed_expect_block(all, "a3", 3);
    check_best("a3");
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(most_nodes_may_cross_a_gap)
{
    feed_add("a1", "g", 1, "-", 7);
    feed_add_chain("c", 8, 9, "nothing", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_tip(1, "c8", 8);
    (void)feed_wait_view(0, feed_fails); /* Nobody else has it yet. */
    check_best("a1");
    feed_set_tip(4, "c9", 9);
    feed_expect_block(all, "c8", 8);
    feed_expect_block(all, "c9", 9);
    (void)feed_wait_view(0, feed_answers);
    (void)feed_wait_view(2, feed_answers);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(blocks_that_name_each_other_do_no_harm)
{
    feed_add_chain("a", 1, 2, "g", 7);
    feed_add("x", "y", 8, "-", 2);
    feed_add("y", "x", 9, "-", 2);
    feed_add("z", "z", 9, "-", 2);
    feed_set_tip(5, "a1", 1);
    feed_set_tip(2, "x", 5);
    feed_start();
    feed_wait_asked(&feed_fake.nodes[1].asked, 3);
    feed_set_tip(2, "z", 7);
    feed_wait_asked(&feed_fake.nodes[1].asked, 3);
    feed_set_tip(5, "a2", 2);
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_expect_block(all, "a2", 2);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_stream_brings_blocks_at_once)
{
    feed_add_chain("a", 1, 2, "g", 7);
    feed_set_tip(7, "a2", 2);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_expect_block(all, "a2", 2);
    for (unsigned i = 0; i < FEED_NODES; i++) {
        feed_wait_asked(&feed_fake.nodes[i].asked, 1); /* By now the streams are open. */
    }
    feed_bring("s3 a2 6 L1");
    feed_expect_block(all, "s3", 3);
    feed_bring("this is no block");
    feed_bring("s4 s3 8 L1");
    feed_expect_block(all, "s4", 4);
    struct muster_node_view view;
    muster__feed_view(tested_feed, 0, &view);
    struct muster_feed_stats stats;
    muster__feed_get_stats(tested_feed, &stats);
    ck_assert_str_eq(stats.best_tip.text, "s4");
    muster_feed_unsubscribe(all);
}
END_TEST

static bool is_at_three(const struct muster_node_view *view)
{
    return view->progress.height == 3;
}

START_TEST(a_streamed_block_is_the_nodes_tip)
{
    feed_add_chain("a", 1, 2, "g", 7);
    feed_set_tip(7, "a2", 2);
    feed_start();
    for (unsigned i = 0; i < FEED_NODES; i++) {
        feed_wait_asked(&feed_fake.nodes[i].asked, 1);
    }
    feed_bring("s3 a2 6 L1");
    for (unsigned i = 0; i < FEED_NODES; i++) {
        struct muster_node_view view = feed_wait_view(i, is_at_three);
        ck_assert_str_eq(view.progress.tip.text, "s3");
        ck_assert_uint_eq(view.progress.slot, 6);
        ck_assert_uint_gt(view.changed_ms, 0);
    }
    ck_assert_uint_gt(muster__feed_propagation_p99_ms(tested_feed), 0);
}
END_TEST

START_TEST(a_streamed_block_on_nothing_is_no_tip)
{
    feed_add_chain("a", 1, 2, "g", 7);
    feed_add("x", "nothing", 900, "-", 2);
    feed_set_tip(7, "a2", 2);
    feed_start();
    for (unsigned i = 0; i < FEED_NODES; i++) {
        feed_wait_asked(&feed_fake.nodes[i].asked, 1);
    }
    feed_set_tip(2, "x", 1000);
    (void)feed_wait_view(1, feed_fails); /* Now it has its height. */
    feed_bring("x nothing 900 -");
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    while (feed_count_events("\"node_failing\"", "\"node\":0") == 0) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    struct muster_node_view view;
    muster__feed_view(tested_feed, 0, &view);
    ck_assert_uint_eq(view.progress.height, 2);
    check_best("a2");
}
END_TEST

START_TEST(a_node_without_a_stream_is_polled)
{
    for (unsigned i = 0; i < FEED_NODES; i++) {
        feed_fake.nodes[i].has_stream = false;
    }
    feed_add_chain("a", 1, 3, "g", 7);
    feed_set_tip(7, "a1", 1);
    feed_start();
    struct muster_feed_subscription *all = feed_subscribe(0);
    feed_expect_block(all, "a1", 1);
    feed_set_tip(7, "a3", 3);
    feed_expect_block(all, "a2", 2);
    feed_expect_block(all, "a3", 3);
    feed_wait_asked(&feed_fake.nodes[0].asked, 20);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    ck_assert_uint_eq(feed_fake.nodes[0].streams_asked, 1);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_stream_that_breaks_is_opened_again)
{
    feed_start();
    feed_wait_asked(&feed_fake.nodes[0].asked, 1);
    feed_set_flag(&feed_fake.nodes[0].has_stream, false);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    unsigned before = feed_fake.nodes[0].streams_asked;
    feed_fake.nodes[0].has_stream = true;
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    ck_assert_uint_eq(before, 1);
    /* The server may not have noticed; break it for certain. */
    feed_set_flag(&feed_fake.nodes[0].has_stream, false);
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    for (bool closed = false; !closed;) {
        (void)pthread_mutex_lock(&tested_feed->mutex);
        closed = tested_feed->node[0].stream == 0;
        (void)pthread_mutex_unlock(&tested_feed->mutex);
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    feed_set_flag(&feed_fake.nodes[0].has_stream, true);
    feed_wait_asked(&feed_fake.nodes[0].streams_asked, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_node");
    TCase *polled_cases = tcase_create("polled");
    tcase_add_checked_fixture(polled_cases, feed_make_polled, feed_tear_down);
    tcase_set_timeout(polled_cases, 120);
    tcase_add_test(polled_cases, a_node_that_hangs_holds_up_no_other);
    tcase_add_test(polled_cases, a_bad_answer_is_observed_with_its_reason);
    tcase_add_test(polled_cases, a_block_that_one_node_lacks_comes_from_another);
    tcase_add_test(polled_cases, a_block_that_nobody_has_becomes_a_gap);
    tcase_add_test(polled_cases, a_tip_without_a_block_is_not_the_best);
    tcase_add_loop_test(polled_cases, a_block_on_nothing_takes_no_chain_over, 0, 2);
    tcase_add_loop_test(polled_cases, a_height_that_does_not_fit_takes_no_chain_over, 0, 2);
    tcase_add_loop_test(polled_cases, a_lie_that_was_first_gives_way_to_most, 0, 2);
    tcase_add_test(polled_cases, most_nodes_may_cross_a_gap);
    tcase_add_test(polled_cases, blocks_that_name_each_other_do_no_harm);
    suite_add_tcase(suite, polled_cases);
    TCase *streamed_cases = tcase_create("streamed");
    tcase_add_checked_fixture(streamed_cases, feed_make_streamed, feed_tear_down);
    tcase_set_timeout(streamed_cases, 120);
    tcase_add_test(streamed_cases, a_stream_brings_blocks_at_once);
    tcase_add_test(streamed_cases, a_streamed_block_is_the_nodes_tip);
    tcase_add_test(streamed_cases, a_streamed_block_on_nothing_is_no_tip);
    tcase_add_test(streamed_cases, a_node_without_a_stream_is_polled);
    tcase_add_test(streamed_cases, a_stream_that_breaks_is_opened_again);
    suite_add_tcase(suite, streamed_cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
