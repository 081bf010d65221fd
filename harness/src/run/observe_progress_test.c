/* Nodes of a system that is no chain, pretended: what a run sees of how far they are. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/observe.h"
#include "run/run_json.h"

#include "muster/chain.h"
#include "testing/cluster.h"
#include "testing/unit_test.h"

#define WAIT_MS 20000u

static struct muster_scenario *plain_scenario(int64_t duration_ms)
{
    struct muster_scenario *s = muster_scenario_create("fake", "plain");
    muster_system(s, &fake_plain);
    muster_topology(s, &(struct muster_topology){ .nodes = 3 });
    muster_pace(s, 100);
    muster_run_duration(s, duration_ms);
    return s;
}

/* Else they grow no further than blocks are fetched. */
static void let_nodes_grow(void)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster.fetched = CLUSTER_BLOCKS_MAX;
    pthread_mutex_unlock(&cluster.mutex);
}

/* Waits until node-1 is seen as `failing` says. */
static struct muster_node_view await_view(struct muster_run *run, bool failing)
{
    uint64_t deadline_ms = muster_clock_ms() + WAIT_MS;
    uint64_t changes = 0;
    struct muster_node_view view;
    do {
        muster_node_view(run, 1, &view);
        ck_assert_msg(muster_clock_left_ms(deadline_ms) > 0, "node-1 is still seen as %s", view.failing_text);
        muster__run_wait(run, muster_clock_ms() + 10, &changes);
    } while ((view.failing_since_ms != 0) != failing);
    return view;
}

START_TEST(heights_are_seen_to_grow)
{
    struct muster_error err = { 0 };
    struct muster_run *run = cluster_start(plain_scenario(500), 3.0);
    let_nodes_grow();
    struct muster_node_view before;
    struct muster_progress best;
    muster_node_view(run, 2, &before);
    ck_assert_uint_ne(before.answered_ms, 0);
    ck_assert_int_eq(before.state, MUSTER_NODE_RUNNING);
    ck_assert_int_eq(muster_node_wait_height(run, 2, before.progress.height + 3, WAIT_MS, &err), MUSTER_OK);
    ck_assert_int_eq(cluster_execute(&err), MUSTER_OK);
    muster__run_best(run, &best);
    ck_assert_uint_ge(best.height, before.progress.height + 3);
    ck_assert(!muster__run_has_branches(run));
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(bad_answers_are_seen_and_told)
{
    struct muster_run *run = cluster_start(plain_scenario(500), 3.0);
    atomic_store(&cluster.nodes[1].garbage, true);
    struct muster_node_view view = await_view(run, true);
    ck_assert_ptr_nonnull(strstr(view.failing_text, "no progress in"));
    ck_assert(cluster_told("node_failing", "\"node\":1"));
    atomic_store(&cluster.nodes[1].garbage, false);
    view = await_view(run, false);
    ck_assert_str_eq(view.failing_text, "");
    ck_assert(cluster_told("node_answers", "\"node\":1"));
    cluster_finish(NULL);
}
END_TEST

START_TEST(a_node_that_never_says_how_far_it_is_ends_it)
{
    struct muster_error err = { 0 };
    struct muster_run *run = cluster_deploy(plain_scenario(500), 0.2);
    atomic_store(&cluster.nodes[1].garbage, true);
    ck_assert_int_eq(muster__run_capture(run, &err), MUSTER_ETIMEDOUT);
    ck_assert_says(err, "node-1 did not say how far it is within 1.0 s: no progress in");
    muster__run_fail(run, &err);
    cluster_assert_finish(MUSTER_ETIMEDOUT);
}
END_TEST

START_TEST(there_is_no_feed)
{
    struct muster_error err = { 0 };
    struct muster_feed_subscription *blocks = NULL;
    struct muster_feed_stats stats;
    struct muster_run *run = cluster_start(plain_scenario(500), 3.0);
    ck_assert_int_eq(muster_feed_subscribe(run, 0, &blocks, &err), MUSTER_ESTATE);
    ck_assert_says(err, "their system has no blocks");
    muster_feed_stats(run, &stats);
    ck_assert_uint_eq(stats.blocks_seen, 0);
    cluster_finish(NULL);
}
END_TEST

/* What run.json says of a plan without a chain, and of one with. */
START_TEST(a_plan_without_a_chain_has_no_word_of_one)
{
    static const char *const words[] = { "slot", "wallet", "block", "consensus", "chain", "transaction" };
    struct muster_run *run = cluster_start(plain_scenario(500), 3.0);
    json_t *json = muster__run_to_json(run);
    char *text = json_dumps(json, 0);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        ck_assert_msg(strcasestr(text, words[i]) == NULL, "'%s' in %s", words[i], text);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "plan"), "pace_ms")), 100);
    free(text);
    json_decref(json);
    cluster_finish(NULL);
}
END_TEST

static Suite *observe_progress_suite(void)
{
    Suite *suite = suite_create("observe_progress");
    TCase *tcase = tcase_create("observe_progress");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, heights_are_seen_to_grow);
    tcase_add_test(tcase, bad_answers_are_seen_and_told);
    tcase_add_test(tcase, a_node_that_never_says_how_far_it_is_ends_it);
    tcase_add_test(tcase, there_is_no_feed);
    tcase_add_test(tcase, a_plan_without_a_chain_has_no_word_of_one);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(observe_progress_suite);
