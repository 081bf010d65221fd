/* The engine goes away under a run and comes back: the verdict is the environment's, in time, and a sweep
 * does what the run could not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "support/engine.h"
#include "support/program.h"

#define VERDICT_MS 85000u /* The window alone would be 90 s. */

static struct program_result result;
static char socket_path[128];

static void assert_said(const char *text)
{
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

static void run_cut_off(struct proxy *proxy, const char *root, const char *scenario)
{
    char run_root[128];
    char host[160];
    char group[64];
    char selected[64];
    snprintf(socket_path, sizeof socket_path, "%s.sock", root);
    ck_assert(engine_proxy_start(proxy, PROXY_FORWARDS, socket_path));
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(host, sizeof host, "DOCKER_HOST=unix://%s", socket_path);
    snprintf(group, sizeof group, "BACKEND_PROXY=%d", (int)proxy->pid);
    snprintf(selected, sizeof selected, "CK_RUN_CASE=%s", scenario);
    const char *environment[] = { run_root, host, group, selected, "MUSTER_RUNNER=compose", NULL };
    uint64_t began_ms = muster_clock_ms();
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    ck_assert_uint_lt(muster_clock_ms() - began_ms, VERDICT_MS);
    proxy_cut(proxy); /* What is left of it is reaped. */
}

static void sweep(const char *root)
{
    char run_root[128];
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, NULL };
    program_run(MUSTER_TEST_BIN_DIR, "muster", "sweep", environment, &result);
}

/* The run's own engine, by the path that the ledger names. */
static void assert_sweep_finishes(struct proxy *proxy, const char *root)
{
    char run_id[64];
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_gt(engine_has_of_run(run_id), 0);
    sweep(root);
    ck_assert_msg(result.code == 1, "a sweep without an engine ended with %d:\n%s", result.code,
                  result.output);
    ck_assert(engine_proxy_start(proxy, PROXY_FORWARDS, socket_path));
    sweep(root);
    ck_assert_msg(result.code == 0, "the sweep ended with %d:\n%s", result.code, result.output);
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    proxy_cut(proxy);
    unlink(socket_path);
    program_discard();
}

START_TEST(an_engine_that_goes_away_is_the_environments_fault)
{
    struct proxy proxy;
    const char *root = program_run_root();
    run_cut_off(&proxy, root, "cut");
    ck_assert_msg(result.code == 99, "exit code %d:\n%s", result.code, result.output);
    assert_said("containers.cut on compose: infra");
    assert_said("the engine went away");
    assert_said("nothing was removed; `muster sweep` does it once the engine is back");
    assert_sweep_finishes(&proxy, root);
}
END_TEST

/* Its CLI waits for an answer then, until the runner has no more patience. */
START_TEST(an_engine_that_hangs_is_the_environments_fault)
{
    struct proxy proxy;
    const char *root = program_run_root();
    run_cut_off(&proxy, root, "stalled");
    ck_assert_msg(result.code == 99, "exit code %d:\n%s", result.code, result.output);
    assert_said("containers.stalled on compose: infra");
    assert_said("the Docker engine does not answer");
    assert_sweep_finishes(&proxy, root);
}
END_TEST

/* Not the engine, but what tells of it: from then on no end would be seen. */
START_TEST(an_event_stream_that_is_ended_is_told)
{
    char run_id[64];
    char run_root[128];
    const char *root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, "CK_RUN_CASE=events_lost", "MUSTER_RUNNER=compose", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    ck_assert_msg(result.code == 99, "exit code %d:\n%s", result.code, result.output);
    assert_said("the Docker engine's event stream broke off (docker events was ended by SIGKILL)");
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    program_discard();
}
END_TEST

/* The test ends by itself then, and only the guardian finds that the engine is gone. */
START_TEST(what_could_not_be_removed_is_told_after_an_assertion_too)
{
    struct proxy proxy;
    const char *root = program_run_root();
    run_cut_off(&proxy, root, "cut_and_asserted");
    assert_said("an assertion of the test's own");
    assert_said("containers.cut_and_asserted: infra: ");
    assert_said("nothing was removed; `muster sweep` does it once the engine is back");
    assert_sweep_finishes(&proxy, root);
}
END_TEST

int main(void)
{
    int missing = engine_missing();
    if (missing != 0) {
        return missing;
    }
    Suite *suite = suite_create("compose_engine");
    TCase *tcase = tcase_create("compose_engine");
    tcase_set_timeout(tcase, 250);
    tcase_add_test(tcase, an_engine_that_goes_away_is_the_environments_fault);
    tcase_add_test(tcase, an_engine_that_hangs_is_the_environments_fault);
    tcase_add_test(tcase, an_event_stream_that_is_ended_is_told);
    tcase_add_test(tcase, what_could_not_be_removed_is_told_after_an_assertion_too);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
