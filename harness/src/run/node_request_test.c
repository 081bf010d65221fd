/* muster_node_request(): what comes back is given to the caller whatever it is; what does not come back is
 * named. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "testing/cluster.h"

#define WINDOW_MS 300

static struct muster_request request;
static struct muster_reply reply;
static struct muster_error err;

static struct muster_run *start(struct muster_scenario *s)
{
    return cluster_start(s, 1.0);
}

static enum muster_rc ask(uint32_t node, const char *method, const char *path, const char *body,
                          uint32_t timeout_ms, size_t reply_bytes_max)
{
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    reply = (struct muster_reply){ 0 };
    err = (struct muster_error){ 0 };
    ck_assert_int_eq(muster_request_init(&request, method, path, body, NULL), MUSTER_OK);
    request.timeout_ms = timeout_ms;
    request.reply_bytes_max = reply_bytes_max;
    return muster_node_request(cluster.run, node, &request, &reply, &err);
}

static void finish(void)
{
    struct muster_error ignored = { 0 };
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    ck_assert_int_eq(muster_run_execute(cluster.run, &ignored), MUSTER_OK);
    ck_assert_int_eq(muster_run_evaluate(cluster.run, &ignored), MUSTER_OK);
    ck_assert_msg(cluster_finish(&ignored) == MUSTER_OK, "%s", ignored.text);
}

static const int statuses[] = { 200, 201, 301, 400, 404, 422, 429, 500, 503 };

START_TEST(any_status_is_an_answer)
{
    start(cluster_scenario(2, WINDOW_MS));
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "/status/%d", statuses[i]);
        ck_assert_msg(ask(1, "GET", path, NULL, 0, 0) == MUSTER_OK, "%s", err.text);
        ck_assert_int_eq(reply.status, statuses[i]);
        ck_assert_str_eq(reply.body, "said");
        ck_assert_uint_eq(reply.body_bytes, 4);
        ck_assert_str_eq(err.text, "");
    }
    finish();
}
END_TEST

START_TEST(it_goes_to_the_node_it_is_for_with_its_body)
{
    start(cluster_scenario(2, WINDOW_MS));
    atomic_store(&cluster.nodes[1].refuses, true);
    ck_assert_int_eq(ask(0, "POST", "/submit", "t0", 0, 0), MUSTER_OK);
    ck_assert_int_eq(reply.status, 200);
    pthread_mutex_lock(&cluster.mutex);
    ck_assert_uint_eq(cluster.pool_count, 1);
    ck_assert_str_eq(cluster.pool[0].text, "t0");
    pthread_mutex_unlock(&cluster.mutex);
    ck_assert_int_eq(ask(1, "POST", "/submit", "t1", 0, 0), MUSTER_OK);
    ck_assert_int_eq(reply.status, 422);
    finish();
}
END_TEST

START_TEST(an_answer_that_does_not_end_is_given_up)
{
    start(cluster_scenario(2, WINDOW_MS));
    uint64_t began_ms = muster_clock_ms();
    ck_assert_int_eq(ask(1, "GET", "/half", NULL, 200, 0), MUSTER_ETIMEDOUT);
    ck_assert_uint_ge(muster_clock_ms() - began_ms, 190);
    ck_assert_says(err, "node-1: ");
    ck_assert_int_eq(err.rc, MUSTER_ETIMEDOUT);
    ck_assert_ptr_null(reply.body);
    finish();
}
END_TEST

START_TEST(no_usable_answer_is_named)
{
    start(cluster_scenario(2, WINDOW_MS));
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 0, 3), MUSTER_EHTTP);
    ck_assert_says(err, "node-1: ");
    atomic_store(&cluster.nodes[1].away, true);
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 0, 0), MUSTER_EHTTP);
    ck_assert_says(err, "node-1: ");
    atomic_store(&cluster.nodes[1].away, false);
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 0, 0), MUSTER_OK);
    finish();
}
END_TEST

START_TEST(a_node_that_is_down_is_not_asked)
{
    start(cluster_scenario(2, WINDOW_MS));
    ck_assert_int_eq(muster_node_stop(cluster.run, 1, &err), MUSTER_OK);
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 0, 0), MUSTER_ENODE);
    ck_assert_str_eq(err.text, "node-1 is stopped");
    ck_assert_int_eq(ask(2, "GET", "/status/200", NULL, 0, 0), MUSTER_EINVAL);
    ck_assert_says(err, "there is no node-2: the scenario has 2");
    ck_assert_int_eq(muster_node_start(cluster.run, 1, &err), MUSTER_OK);
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 0, 0), MUSTER_OK);
    finish();
}
END_TEST

/* A paused node takes connections, so it is asked; that it does not answer is what the caller learns. */
START_TEST(a_paused_node_is_asked)
{
    start(cluster_scenario(2, WINDOW_MS));
    ck_assert_int_eq(muster_node_pause(cluster.run, 1, &err), MUSTER_OK);
    ck_assert_int_eq(ask(1, "GET", "/status/200", NULL, 500, 0), MUSTER_EHTTP);
    ck_assert_int_eq(muster_node_resume(cluster.run, 1, &err), MUSTER_OK);
    finish();
}
END_TEST

static enum muster_rc ask_in_turn(struct muster_run *run, void *context, struct muster_error *cause)
{
    unsigned *answers = context;
    struct muster_request own = { 0 };
    enum muster_rc rc = muster_request_init(&own, "GET", "/status/503", NULL, cause);
    while (rc == MUSTER_OK) {
        struct muster_reply got = { 0 };
        rc = muster_node_request(run, *answers % 2, &own, &got, cause);
        *answers += rc == MUSTER_OK && got.status == 503;
        muster_reply_fini(&got);
        rc = rc == MUSTER_OK ? muster_run_sleep(run, 10) : rc;
    }
    muster_request_fini(&own);
    return rc;
}

START_TEST(workloads_ask_from_threads_of_their_own)
{
    unsigned answers[2] = { 0, 0 };
    struct muster_scenario *s = cluster_scenario(2, WINDOW_MS);
    muster_workload(s, &(struct muster_workload){ .name = "a", .run = ask_in_turn, .context = &answers[0] });
    muster_workload(s, &(struct muster_workload){ .name = "b", .run = ask_in_turn, .context = &answers[1] });
    start(s);
    finish();
    ck_assert_uint_gt(answers[0], 0);
    ck_assert_uint_gt(answers[1], 0);
}
END_TEST

static enum muster_rc waited = MUSTER_OK;

static enum muster_rc wait_for_ever(struct muster_run *run, void *context, struct muster_error *cause)
{
    (void)context;
    waited = muster_node_wait_height(run, 1, UINT64_MAX, 60000, cause);
    return waited;
}

START_TEST(a_wait_for_a_height_ends_with_the_window)
{
    struct muster_scenario *s = cluster_scenario(2, WINDOW_MS);
    muster_workload(s, &(struct muster_workload){ .name = "wait", .run = wait_for_ever });
    start(s);
    finish();
    ck_assert_int_eq(waited, MUSTER_ESTOPPED);
}
END_TEST

/* ---- What else workloads and expectations of others stand on ---- */

static uint64_t sleep_ms = 100;
static uint64_t slept_ms;

static enum muster_rc sleep_in_evaluation(struct muster_run *run, void *context, struct muster_report *report,
                                          struct muster_error *cause)
{
    (void)context;
    (void)report;
    (void)cause;
    uint64_t began_ms = muster_clock_ms();
    enum muster_rc rc = muster_run_sleep(run, sleep_ms);
    slept_ms = muster_clock_ms() - began_ms;
    return rc;
}

static enum muster_rc give_up(struct muster_run *run, void *context, struct muster_error *cause)
{
    (void)run;
    (void)context;
    return muster_error_set(cause, MUSTER_EWORKLOAD, "enough");
}

static void add_sleeper(struct muster_scenario *s)
{
    muster_expectation(s, &(struct muster_expectation){ .name = "sleeper", .evaluate = sleep_in_evaluation });
}

START_TEST(an_expectation_can_wait_after_the_window)
{
    struct muster_scenario *s = cluster_scenario(2, WINDOW_MS);
    add_sleeper(s);
    start(s);
    finish();
    ck_assert_uint_ge(slept_ms, 100);
}
END_TEST

START_TEST(it_does_not_wait_once_the_run_has_failed)
{
    struct muster_scenario *s = cluster_scenario(2, WINDOW_MS);
    sleep_ms = 40000;
    add_sleeper(s);
    muster_workload(s, &(struct muster_workload){ .name = "give_up", .run = give_up });
    start(s);
    ck_assert_int_eq(muster_run_execute(cluster.run, &err), MUSTER_EWORKLOAD);
    err = (struct muster_error){ 0 };
    ck_assert_int_ne(muster_run_evaluate(cluster.run, &err), MUSTER_OK);
    ck_assert_uint_lt(slept_ms, sleep_ms);
    ck_assert_int_ne(cluster_finish(&err), MUSTER_OK);
}
END_TEST

START_TEST(a_view_says_when_the_node_was_taken_down)
{
    struct muster_node_view view;
    start(cluster_scenario(2, WINDOW_MS));
    muster_node_view(cluster.run, 1, &view);
    ck_assert_uint_eq(view.down_ms, 0);
    uint64_t before_ms = muster_clock_ms();
    ck_assert_int_eq(muster_node_pause(cluster.run, 1, &err), MUSTER_OK);
    muster_node_view(cluster.run, 1, &view);
    ck_assert_uint_ge(view.down_ms, before_ms);
    ck_assert_uint_le(view.down_ms, muster_clock_ms());
    uint64_t down_ms = view.down_ms;
    ck_assert_int_eq(muster_node_resume(cluster.run, 1, &err), MUSTER_OK);
    muster_node_view(cluster.run, 1, &view);
    ck_assert_uint_eq(view.down_ms, down_ms);
    muster_node_view(cluster.run, 0, &view);
    ck_assert_uint_eq(view.down_ms, 0);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("node_request");
    TCase *tcase = tcase_create("node_request");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, any_status_is_an_answer);
    tcase_add_test(tcase, it_goes_to_the_node_it_is_for_with_its_body);
    tcase_add_test(tcase, an_answer_that_does_not_end_is_given_up);
    tcase_add_test(tcase, no_usable_answer_is_named);
    tcase_add_test(tcase, a_node_that_is_down_is_not_asked);
    tcase_add_test(tcase, a_paused_node_is_asked);
    tcase_add_test(tcase, workloads_ask_from_threads_of_their_own);
    tcase_add_test(tcase, a_wait_for_a_height_ends_with_the_window);
    tcase_add_test(tcase, an_expectation_can_wait_after_the_window);
    tcase_add_test(tcase, it_does_not_wait_once_the_run_has_failed);
    tcase_add_test(tcase, a_view_says_when_the_node_was_taken_down);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
