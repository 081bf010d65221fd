/* Bad input to the compose runner: one sentence that names the thing and the remedy, and nothing left. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>

#include "support/engine.h"
#include "support/program.h"

#define EMPTY_ARCHIVE_BYTES 10240 /* Of zeroes. */

static struct program_result result;
static const char *root;

static void run_with(const char *first, const char *second)
{
    char run_root[128];
    root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root,
                                  "MUSTER_RUNNER=compose",
                                  "CK_RUN_CASE=three_nodes",
                                  first != NULL ? first : "MUSTER_LOG=warn",
                                  second,
                                  NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
}

static void assert_said(int code, const char *text)
{
    ck_assert_msg(result.code == code, "exit code %d instead of %d:\n%s", result.code, code, result.output);
    ck_assert_msg(strstr(result.output, text) != NULL, "'%s' is not in:\n%s", text, result.output);
}

/* Refused before anything was created: not even a run directory. */
static void assert_refused(int code, const char *text)
{
    assert_said(code, text);
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
}

/* It came as far as the engine, which has nothing of it any more. */
static void assert_failed(int code, const char *text)
{
    char run_id[64];
    assert_said(code, text);
    ck_assert_msg(program_run_id(root, run_id), "no run directory:\n%s", result.output);
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    program_discard();
}

/* ---- Variables ---- */

static const struct bad_variable {
    const char *setting;
    const char *said;
} bad_variables[] = {
    { "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=no-such-image:nowhere",
      "the engine has no image 'no-such-image:nowhere', which LOGOS_BLOCKCHAIN_TESTNET_IMAGE names; it is "
      "not "
      "pulled: pull or build it first" },
    { "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=No Image!",
      "LOGOS_BLOCKCHAIN_TESTNET_IMAGE is 'No Image!', which cannot be the name of an image; give one such as "
      "'" ENGINE_NODE_IMAGE "'" },
    { "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=--help",
      "LOGOS_BLOCKCHAIN_TESTNET_IMAGE is '--help', which cannot be the name of an image" },
    { "COMPOSE_RUNNER_HOST=127.0.0.999",
      "COMPOSE_RUNNER_HOST is '127.0.0.999'; give a host name or an address, without a port" },
    { "COMPOSE_RUNNER_HOST=localhost:8080", "COMPOSE_RUNNER_HOST is 'localhost:8080'; give a host name" },
    { "COMPOSE_RUNNER_HOST=my host", "COMPOSE_RUNNER_HOST is 'my host'; give a host name" },
    { "COMPOSE_RUNNER_HOST=http://127.0.0.1", "COMPOSE_RUNNER_HOST is 'http://127.0.0.1'; give a host name" },
};

START_TEST(a_bad_variable_is_named_before_anything_starts)
{
    run_with(bad_variables[_i].setting, NULL);
    assert_refused(1, bad_variables[_i].said);
}
END_TEST

/* The engine publishes on all addresses then, and this one is nobody's (RFC 5737). */
START_TEST(a_host_that_is_not_the_engines_is_told_in_time)
{
    run_with("COMPOSE_RUNNER_HOST=192.0.2.7", "COMPOSE_RUNNER_HTTP_TIMEOUT_SECS=3");
    assert_failed(1, "0 of 3 nodes ready");
    ck_assert_msg(strstr(result.output, "http://192.0.2.7:") != NULL, "no address in:\n%s", result.output);
}
END_TEST

/* ---- The engine ---- */

START_TEST(without_an_engine_it_is_skipped_or_failed_as_asked)
{
    static const char host[] = "DOCKER_HOST=unix:///nonexistent/engine.sock";
    run_with(host, "MUSTER_REQUIRE_RUNNERS");
    assert_refused(77, "skip: containers.three_nodes on compose: there is no Docker engine (");
    ck_assert_ptr_nonnull(strstr(result.output, "); start one, or name one with DOCKER_HOST"));
    run_with(host, "MUSTER_REQUIRE_RUNNERS=local,compose");
    assert_refused(1, "MUSTER_REQUIRE_RUNNERS asks for runner 'compose', which cannot run here: there is no "
                      "Docker engine (");
}
END_TEST

static void run_behind(enum proxy_kind kind, mode_t mode)
{
    struct proxy proxy;
    char path[64];
    char host[160];
    snprintf(path, sizeof path, "/tmp/muster-test-%d.sock", (int)getpid());
    ck_assert(engine_proxy_start(&proxy, kind, path));
    ck_assert_int_eq(chmod(path, mode), 0);
    snprintf(host, sizeof host, "DOCKER_HOST=unix://%s", path);
    run_with(host, "MUSTER_REQUIRE_RUNNERS");
    proxy_cut(&proxy);
    unlink(path);
}

START_TEST(an_engine_that_refuses_is_told)
{
    run_behind(PROXY_REFUSES, 0600);
    assert_refused(77,
                   "skip: containers.three_nodes on compose: the Docker engine refuses to serve this user (");
    ck_assert_ptr_nonnull(strstr(result.output, "this user is not permitted"));
}
END_TEST

/* Root may pass every mode, unless what it executes may not have that right. */
START_TEST(a_socket_without_permission_is_told)
{
    if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0) {
        ck_abort_msg("cannot give the right up to pass file modes: %s", strerror(errno));
    }
    run_behind(PROXY_FORWARDS, 0000);
    assert_refused(77, "skip: containers.three_nodes on compose: this user may not use the Docker engine (");
    ck_assert_ptr_nonnull(strstr(result.output, "); add the user to the group docker"));
}
END_TEST

/* ---- Images ---- */

static void run_image(const char *image)
{
    char setting[128];
    snprintf(setting, sizeof setting, "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=%s", image);
    run_with(setting, NULL);
    ck_assert_ptr_nonnull(engine_ask(NULL, "image", "rm", "--force", image, NULL));
}

static void run_changed(const char *image, const char *change)
{
    const char *complaint = engine_make_image(image, change, NULL);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    run_image(image);
}

/* Imported from an empty archive, which has no settings. */
START_TEST(an_image_without_an_entry_point_is_refused)
{
    static const char image[] = "muster-test-no-entry:1";
    char path[] = "/tmp/muster-image-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, EMPTY_ARCHIVE_BYTES), 0);
    close(fd);
    ck_assert_ptr_nonnull(engine_ask(NULL, "import", path, image, NULL));
    unlink(path);
    run_image(image);
    assert_refused(1, "the image 'muster-test-no-entry:1' has no entry point, so there is no node in it to "
                      "start; build it with ENTRYPOINT");
}
END_TEST

START_TEST(an_entry_point_that_is_missing_is_told)
{
    run_changed("muster-test-missing-entry:1", "ENTRYPOINT [\"/no/such/program\"]");
    assert_failed(1, "/no/such/program");
    assert_said(1, "exited with code 127");
}
END_TEST

START_TEST(an_entry_point_that_exits_at_once_is_told)
{
    run_changed("muster-test-exits:1", "ENTRYPOINT [\"/usr/bin/muster-devnode\", \"--help\"]");
    assert_failed(1, "exited with code 1 at ");
    assert_said(1, ", unasked");
}
END_TEST

static Suite *input_suite(void)
{
    Suite *suite = suite_create("compose_input");
    TCase *tcase = tcase_create("compose_input");
    tcase_set_timeout(tcase, 150);
    tcase_add_loop_test(tcase, a_bad_variable_is_named_before_anything_starts, 0,
                        sizeof bad_variables / sizeof bad_variables[0]);
    tcase_add_test(tcase, a_host_that_is_not_the_engines_is_told_in_time);
    tcase_add_test(tcase, without_an_engine_it_is_skipped_or_failed_as_asked);
    tcase_add_test(tcase, an_engine_that_refuses_is_told);
    tcase_add_test(tcase, a_socket_without_permission_is_told);
    tcase_add_test(tcase, an_image_without_an_entry_point_is_refused);
    tcase_add_test(tcase, an_entry_point_that_is_missing_is_told);
    tcase_add_test(tcase, an_entry_point_that_exits_at_once_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    int missing = engine_missing();
    if (missing != 0) {
        return missing;
    }
    SRunner *srunner = srunner_create(input_suite());
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
