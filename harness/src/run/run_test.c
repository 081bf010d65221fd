/* A run's phases: the window's length, what ends it early, what is judged, what is written down. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence/run_json.h"
#include "testing/cluster.h"
#include "testing/unit_test.h"

#include "run/summary.h"

#define WINDOW_MS 400

static struct muster_run *start(struct muster_scenario *s)
{
    struct muster_run *run = cluster_start(s, 0.1);
    cluster.plan->settle_ms = 200;
    return run;
}

/* ---- Workloads ---- */

static enum muster_rc do_nothing(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)context;
    (void)err;
    return MUSTER_OK;
}

static enum muster_rc sleep_on(struct muster_run *run, void *context, struct muster_error *err)
{
    atomic_uint *rounds = context;
    if (!muster_run_active(run)) {
        return muster_error_set(err, MUSTER_ESTATE, "not active yet");
    }
    while (muster_run_sleep(run, 5) == MUSTER_OK) {
        atomic_fetch_add(rounds, 1);
    }
    return muster_run_active(run) ? muster_error_set(err, MUSTER_ESTATE, "still active") : MUSTER_ESTOPPED;
}

static enum muster_rc fail_soon(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    if (muster_run_sleep(run, 20) != MUSTER_OK) {
        return MUSTER_ESTOPPED;
    }
    return muster_error_set(err, MUSTER_EHTTP, "put of key 'a' was answered with 500");
}

static atomic_bool released;

static enum muster_rc never_listen(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)context;
    (void)err;
    while (!atomic_load(&released)) {
        const struct timespec moment = { .tv_nsec = 1000000 };
        clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
    }
    return MUSTER_OK;
}

static struct muster_scenario *scenario_with(int64_t duration_ms,
                                             enum muster_rc (*work)(struct muster_run *, void *,
                                                                    struct muster_error *),
                                             void *context)
{
    struct muster_scenario *s = cluster_scenario(2, duration_ms);
    if (work != NULL) {
        muster_workload(s, &(struct muster_workload){ .name = "load", .run = work, .context = context });
    }
    return s;
}

START_TEST(the_window_lasts_though_workloads_end_early)
{
    struct muster_error err = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, do_nothing, NULL));
    ck_assert_msg(muster_run_execute(run, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_ge(cluster_window_ms(), WINDOW_MS);
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_OK);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(workloads_stop_when_the_window_closes)
{
    struct muster_error err = { 0 };
    atomic_uint rounds = 0;
    struct muster_run *run = start(scenario_with(WINDOW_MS, sleep_on, &rounds));
    ck_assert_msg(muster_run_execute(run, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_ge(atomic_load(&rounds), 2);
    ck_assert_int_eq(muster_run_sleep(run, 1), MUSTER_ESTOPPED);
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_OK);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(a_workloads_error_ends_the_window_and_fails_the_run)
{
    struct muster_error err = { 0 };
    struct muster_error verdict = { 0 };
    struct muster_run *run = start(scenario_with(60000, fail_soon, NULL));
    ck_assert_int_eq(muster_run_execute(run, &err), MUSTER_EWORKLOAD);
    ck_assert_str_eq(err.text, "workload 'load': put of key 'a' was answered with 500");
    ck_assert_uint_lt(cluster_window_ms(), 60000);
    ck_assert_int_eq(muster_run_evaluate(run, &verdict), MUSTER_EWORKLOAD);
    ck_assert_str_eq(verdict.text, err.text);
    cluster_assert_finish(MUSTER_EWORKLOAD);
}
END_TEST

START_TEST(a_workload_that_does_not_stop_is_named)
{
    struct muster_error err = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, never_listen, NULL));
    ck_assert_int_eq(muster_run_execute(run, &err), MUSTER_EWORKLOAD);
    ck_assert_says(err, "workload 'load' did not stop within 0.5 s of the window's end");
    /* Its thread may still use the run: nothing is freed, and here nothing need be. */
    ck_assert_int_eq(muster_session_finish(&cluster.session, NULL), MUSTER_EWORKLOAD);
    ck_assert(run->worker_given_up);
    atomic_store(&released, true);
    ck_assert_int_eq(muster__directory_remove(cluster.session.directory, NULL), MUSTER_OK);
}
END_TEST

static enum muster_rc die(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    muster__nodes_ended(run->nodes, 1, &(struct muster_exit){ .code = 3, .at_ms = muster_clock_ms() });
    return muster_run_sleep(run, 60000);
}

START_TEST(a_nodes_end_ends_the_window_at_once)
{
    struct muster_error err = { 0 };
    struct muster_run *run = start(scenario_with(60000, die, NULL));
    ck_assert_int_eq(muster_run_execute(run, &err), MUSTER_ENODE);
    ck_assert_says(err, "node-1 exited with code 3");
    ck_assert_uint_lt(cluster_window_ms(), 60000);
    cluster_assert_finish(MUSTER_ENODE);
}
END_TEST

/* ---- Expectations ---- */

static enum muster_rc fail_third_check(struct muster_run *run, void *context, struct muster_error *err)
{
    unsigned *count = context;
    (void)run;
    return ++*count < 2 ? MUSTER_OK : muster_error_set(err, MUSTER_EEXPECT, "two leaders at once");
}

static enum muster_rc fail_evaluation(struct muster_run *run, void *context, struct muster_report *report,
                                      struct muster_error *err)
{
    (void)run;
    muster_report_number(report, "seen", 7);
    return muster_error_set(err, MUSTER_EEXPECT, "%s", (const char *)context);
}

static enum muster_rc pass_evaluation(struct muster_run *run, void *context, struct muster_report *report,
                                      struct muster_error *err)
{
    (void)run;
    (void)context;
    (void)report;
    (void)err;
    return MUSTER_OK;
}

START_TEST(a_failed_check_ends_the_window)
{
    struct muster_error err = { 0 };
    unsigned count = 0;
    struct muster_scenario *s = scenario_with(60000, NULL, NULL);
    muster_expectation(s, &(struct muster_expectation){ .name = "one_leader",
                                                        .check = fail_third_check,
                                                        .evaluate = pass_evaluation,
                                                        .context = &count });
    struct muster_run *run = start(s);
    ck_assert_int_eq(muster_run_execute(run, &err), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text, "expectation 'one_leader', while the window was open: two leaders at once");
    ck_assert_uint_lt(cluster_window_ms(), 60000);
    ck_assert_uint_eq(count, 2);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(all_that_failed_is_listed_first_cause_first)
{
    static char first[] = "nothing was sent";
    static char second[] = "nothing came back";
    struct muster_error err = { 0 };
    struct muster_error again = { 0 };
    struct muster_scenario *s = scenario_with(WINDOW_MS, NULL, NULL);
    muster_expectation(
        s, &(struct muster_expectation){ .name = "one", .evaluate = fail_evaluation, .context = first });
    muster_expectation(s, &(struct muster_expectation){ .name = "two", .evaluate = pass_evaluation });
    muster_expectation(
        s, &(struct muster_expectation){ .name = "three", .evaluate = fail_evaluation, .context = second });
    struct muster_run *run = start(s);
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_EEXPECT);
    ck_assert_str_eq(err.text, "expectation 'one': nothing was sent\nalso failed: three: nothing came back");
    ck_assert_int_eq(muster_run_evaluate(run, &again), MUSTER_EEXPECT);
    ck_assert_str_eq(again.text, err.text);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(expectations_are_judged_also_after_a_workload_failed)
{
    static char cause[] = "two keys are gone";
    struct muster_error err = { 0 };
    struct muster_scenario *s = scenario_with(60000, fail_soon, NULL);
    muster_expectation(
        s, &(struct muster_expectation){ .name = "kept", .evaluate = fail_evaluation, .context = cause });
    struct muster_run *run = start(s);
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_EWORKLOAD);
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_EWORKLOAD);
    ck_assert_str_eq(err.text, "workload 'load': put of key 'a' was answered with 500\n"
                               "also failed: kept: two keys are gone");
    cluster_assert_finish(MUSTER_EWORKLOAD);
}
END_TEST

START_TEST(a_test_that_never_judges_does_not_pass)
{
    struct muster_error err = { 0 };
    struct muster_scenario *s = scenario_with(WINDOW_MS, NULL, NULL);
    muster_expectation(s, &(struct muster_expectation){ .name = "one", .evaluate = pass_evaluation });
    struct muster_run *run = start(s);
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    ck_assert_int_eq(cluster_finish(&err), MUSTER_ESTATE);
    ck_assert_str_eq(err.text, "the test ended without muster_ck_assert_expectations()");
}
END_TEST

START_TEST(a_test_that_never_runs_does_not_pass)
{
    struct muster_error err = { 0 };
    struct muster_error unjudged = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, do_nothing, NULL));
    ck_assert_int_eq(muster_run_evaluate(run, &unjudged), MUSTER_ESTATE);
    ck_assert_says(unjudged, "call muster_execute() first");
    ck_assert_int_eq(cluster_finish(&err), MUSTER_ESTATE);
    ck_assert_says(err, "the test ended without muster_execute()");
}
END_TEST

START_TEST(a_run_has_one_window)
{
    struct muster_error err = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, NULL, NULL));
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_run_execute(run, &err), MUSTER_ESTATE);
    ck_assert_says(err, "each run has one window");
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

/* ---- What is written down ---- */

static json_t *load_run_json(void)
{
    char path[MUSTER__PATH_BYTES];
    ck_assert_int_eq(muster__path(path, NULL, "%s/run.json", cluster.session.directory), MUSTER_OK);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *string_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static enum muster_rc look_at_run_json(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)context;
    json_t *json = load_run_json();
    bool right = strcmp(string_at(json, "verdict"), "running") == 0;
    json_decref(json);
    return right ? MUSTER_OK : muster_error_set(err, MUSTER_ESTATE, "run.json does not say \"running\"");
}

START_TEST(run_json_tells_the_run)
{
    static char cause[] = "node-1 said \xff";
    struct muster_error err = { 0 };
    struct muster_scenario *s = scenario_with(WINDOW_MS, look_at_run_json, NULL);
    muster_expectation(
        s, &(struct muster_expectation){ .name = "one", .evaluate = fail_evaluation, .context = cause });
    struct muster_run *run = start(s);
    muster_run_event(run, "mine", "{s:i}", "answer", 42);
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_EEXPECT);

    json_t *json = load_run_json();
    ck_assert_int_eq(json_integer_value(json_object_get(json, "schema")), MUSTER__RUN_JSON_SCHEMA);
    ck_assert_str_eq(string_at(json, "scenario"), "fake.cluster");
    ck_assert_str_eq(string_at(json, "verdict"), "fail");
    ck_assert_str_eq(string_at(json, "cause"), "expectation 'one': node-1 said ?");
    json_int_t open_ms = json_integer_value(json_object_get(json_object_get(json, "window"), "duration_ms"));
    ck_assert_int_ge(open_ms, WINDOW_MS);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "nodes")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "phases")), 4);
    const json_t *expectation = json_array_get(json_object_get(json, "expectations"), 0);
    ck_assert_str_eq(string_at(expectation, "verdict"), "fail");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(expectation, "numbers"), "seen")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "plan"), "slot_ms")), 50);
    json_decref(json);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(the_summary_of_a_failure_names_seed_numbers_and_cause)
{
    static char cause[] = "3 lost";
    struct muster_scenario *s = scenario_with(WINDOW_MS, NULL, NULL);
    muster_expectation(
        s, &(struct muster_expectation){ .name = "one", .evaluate = fail_evaluation, .context = cause });
    setenv("MUSTER_SEED", "4711", 1);
    struct muster_run *run = start(s);
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_run_evaluate(run, &err), MUSTER_EEXPECT);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    muster__summary_write(run, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "muster: fake.cluster on fake: fail after "));
    ck_assert_ptr_nonnull(strstr(text, "  one: FAILED; seen=7\n"));
    ck_assert_ptr_nonnull(strstr(text, "  cause: expectation 'one': 3 lost\n"));
    ck_assert_ptr_nonnull(strstr(text, cluster.session.directory));
    ck_assert_ptr_nonnull(strstr(text, ", seed 4711\n"));
    free(text);
    cluster_assert_finish(MUSTER_EEXPECT);
}
END_TEST

START_TEST(a_full_disk_is_the_environments_failure)
{
    struct muster_error err = { 0 };
    cluster.events_path = "/dev/full";
    struct muster_run *run = start(scenario_with(WINDOW_MS, NULL, NULL));
    ck_assert_int_eq(muster_run_execute(run, NULL), MUSTER_OK);
    ck_assert_int_eq(cluster_finish(&err), MUSTER_EINFRA);
    ck_assert_says(err, "events.jsonl: No space left on device");
}
END_TEST

/* ---- Nodes ---- */

START_TEST(a_node_can_be_asked_and_waited_for)
{
    struct muster_error err = { 0 };
    struct muster_progress progress = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, NULL, NULL));
    ck_assert_int_eq(muster_node_progress(run, 1, &progress, &err), MUSTER_OK);
    ck_assert_uint_ge(progress.height, 5);
    ck_assert_int_eq(muster_node_wait_height(run, 1, progress.height + 2, 20000, &err), MUSTER_OK);
    atomic_store(&cluster.nodes[0].stuck_at, 4);
    ck_assert_int_eq(muster_node_wait_height(run, 0, 9, 100, &err), MUSTER_ETIMEDOUT);
    ck_assert_str_eq(err.text, "node-0 was at height 4 after 0.1 s, not at 9 or above");
    err = (struct muster_error){ 0 };
    ck_assert_int_eq(muster_node_progress(run, 2, &progress, &err), MUSTER_EINVAL);
    ck_assert_says(err, "there is no node-2: the scenario has 2");
    err = (struct muster_error){ 0 };
    atomic_store(&cluster.nodes[1].garbage, true);
    ck_assert_int_eq(muster_node_progress(run, 1, &progress, &err), MUSTER_EREPLY);
    ck_assert_str_eq(err.text, "node-1: GET /progress: no progress in \"}{\"");
    err = (struct muster_error){ 0 };
    ck_assert_int_eq(cluster_finish(&err), MUSTER_OK);
}
END_TEST

START_TEST(a_node_can_be_controlled)
{
    struct muster_error err = { 0 };
    struct muster_progress progress = { 0 };
    struct muster_run *run = start(scenario_with(WINDOW_MS, NULL, NULL));
    ck_assert_int_eq(muster_node_start(run, 1, &err), MUSTER_ESTATE);
    ck_assert_str_eq(err.text, "cannot start node-1: it is running");
    err = (struct muster_error){ 0 };
    ck_assert_msg(muster_node_stop(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(muster_node_progress(run, 1, &progress, &err), MUSTER_ENODE);
    ck_assert_says(err, "node-1 is stopped");
    err = (struct muster_error){ 0 };
    ck_assert_int_eq(muster_node_restart(run, 1, &err), MUSTER_ESTATE);
    err = (struct muster_error){ 0 };
    ck_assert_msg(muster_node_start(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_node_pause(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_int_eq(muster_node_pause(run, 1, &err), MUSTER_ESTATE);
    ck_assert_str_eq(err.text, "cannot pause node-1: it is paused");
    err = (struct muster_error){ 0 };
    ck_assert_msg(muster_node_resume(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_node_kill(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_node_start(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_node_restart(run, 1, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_uint_eq(muster__nodes_restarts(run->nodes, 1), 3);
    ck_assert_int_eq(muster_node_stop(run, 9, &err), MUSTER_EINVAL);
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

START_TEST(without_node_control_it_says_what_to_do)
{
    struct muster_error err = { 0 };
    struct muster_runner poor = fake_runner;
    poor.control = NULL;
    struct muster_run *run = start(scenario_with(WINDOW_MS, NULL, NULL));
    cluster.session.runner = &poor;
    ck_assert_int_eq(muster_node_kill(run, 0, &err), MUSTER_ESKIP);
    ck_assert_str_eq(err.text,
                     "cannot kill node-0: the runner 'fake' has no node control; use another runner");
    cluster_assert_finish(MUSTER_OK);
}
END_TEST

static TCase *window_case(void)
{
    TCase *tcase = tcase_create("window");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_window_lasts_though_workloads_end_early);
    tcase_add_test(tcase, workloads_stop_when_the_window_closes);
    tcase_add_test(tcase, a_workloads_error_ends_the_window_and_fails_the_run);
    tcase_add_test(tcase, a_workload_that_does_not_stop_is_named);
    tcase_add_test(tcase, a_nodes_end_ends_the_window_at_once);
    tcase_add_test(tcase, a_failed_check_ends_the_window);
    tcase_add_test(tcase, a_run_has_one_window);
    return tcase;
}

static TCase *verdict_case(void)
{
    TCase *tcase = tcase_create("verdict");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, all_that_failed_is_listed_first_cause_first);
    tcase_add_test(tcase, expectations_are_judged_also_after_a_workload_failed);
    tcase_add_test(tcase, a_test_that_never_judges_does_not_pass);
    tcase_add_test(tcase, a_test_that_never_runs_does_not_pass);
    tcase_add_test(tcase, run_json_tells_the_run);
    tcase_add_test(tcase, the_summary_of_a_failure_names_seed_numbers_and_cause);
    tcase_add_test(tcase, a_full_disk_is_the_environments_failure);
    return tcase;
}

static TCase *nodes_case(void)
{
    TCase *tcase = tcase_create("nodes");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_node_can_be_asked_and_waited_for);
    tcase_add_test(tcase, a_node_can_be_controlled);
    tcase_add_test(tcase, without_node_control_it_says_what_to_do);
    return tcase;
}

static Suite *run_suite(void)
{
    Suite *suite = suite_create("run");
    suite_add_tcase(suite, window_case());
    suite_add_tcase(suite, verdict_case());
    suite_add_tcase(suite, nodes_case());
    return suite;
}

UNIT_TEST_MAIN(run_suite);
