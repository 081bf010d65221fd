/* Nodes that do wrong in containers turn the run red, each for its own reason, and are removed all the same.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "support/engine.h"
#include "support/program.h"

#define LIMIT_MS 60000u

static struct program_result result;

static const struct {
    const char *scenario;
    const char *pattern; /* An extended regular expression. */
    const char *last_words; /* That node-1 logged when it was told to end; or NULL. */
} cases[] = {
    { "bad_exit", "cause: .*node-1 exited with code 5 while it was taken down", "told to end by SIGTERM" },
    { "crash_at_term", "cause: .*node-1 exited with code 134 [(]as after SIGABRT[)] while it was taken down",
      "SIGTERM is a reason to crash" },
    { "ignore_term", "cause: .*node-1 ignored SIGTERM for 0[.]7 s and was killed", "SIGTERM is ignored" },
    { "flooded", "cause: .*node-0 floods its log: the engine holds [0-9.]+ MB", NULL },
};

/* Saved once more after its end, before the container was removed. */
static void assert_logged(const char *root, const char *run_id, const char *text)
{
    char path[256];
    char line[1024];
    bool found = false;
    snprintf(path, sizeof path, "%.100s/muster-%.60s/nodes/node-1/stdout.log", root, run_id);
    FILE *log = fopen(path, "re");
    ck_assert_msg(log != NULL, "there is no '%s'", path);
    while (!found && fgets(line, sizeof line, log) != NULL) {
        found = strstr(line, text) != NULL;
    }
    fclose(log);
    ck_assert_msg(found, "'%s' is not in '%s'", text, path);
}

START_TEST(is_red_for_its_own_reason)
{
    char run_root[128];
    char selected[64];
    char run_id[64];
    const char *root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(selected, sizeof selected, "CK_RUN_CASE=%s", cases[_i].scenario);
    const char *environment[] = { run_root, selected, "MUSTER_RUNNER=compose", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    ck_assert_msg(result.code == 1, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(program_says(&result, cases[_i].pattern), "nothing like '%s' in:\n%s", cases[_i].pattern,
                  result.output);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    if (cases[_i].last_words != NULL) {
        assert_logged(root, run_id, cases[_i].last_words);
    }
    program_discard();
}
END_TEST

/* ---- Out of memory ---- */

/* As soon as there are containers: from then on each has a little memory and no more. */
static void limit_memory(const char *root)
{
    char run_id[64] = "";
    char filter[96];
    uint64_t deadline_ms = muster_clock_ms() + LIMIT_MS;
    const char *limited = NULL;
    while (limited == NULL && muster_clock_left_ms(deadline_ms) > 0) {
        const char *first = NULL;
        char container[128] = "";
        if (program_run_id(root, run_id)) {
            snprintf(filter, sizeof filter, "label=muster.run=%s", run_id);
            first = engine_ask(NULL, "ps", "-q", "--filter", filter, NULL);
            snprintf(container, sizeof container, "%.64s", first == NULL ? "" : first);
            container[strcspn(container, "\n")] = '\0';
        }
        limited = container[0] == '\0' ? NULL
                                       : engine_ask(NULL, "update", "--memory", "32m", "--memory-swap", "32m",
                                                    container, NULL);
        poll(NULL, 0, limited == NULL ? 50 : 0);
    }
    _exit(limited == NULL ? 1 : 0);
}

START_TEST(a_node_that_takes_too_much_memory_is_told_so)
{
    static const char image[] = "muster-test-hungry:1";
    const char *complaint =
        engine_make_image(image, "ENTRYPOINT [\"/hungry_program\"]", MUSTER_TEST_BIN_DIR "/hungry_program");
    ck_assert_msg(complaint == NULL, "%s", complaint);
    const char *root = program_run_root();
    char run_root[128];
    int status = 1;
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, "CK_RUN_CASE=two_nodes", "MUSTER_RUNNER=compose",
                                  "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=muster-test-hungry:1", NULL };
    pid_t pid = fork();
    if (pid == 0) {
        limit_memory(root);
    }
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_ptr_nonnull(engine_ask(NULL, "image", "rm", "--force", image, NULL));
    ck_assert_msg(status == 0, "no container could be limited:\n%s", result.output);
    ck_assert_msg(strstr(result.output, "was ended by SIGKILL (out of memory) at ") != NULL, "%s",
                  result.output);
    program_discard();
}
END_TEST

int main(void)
{
    int missing = engine_missing();
    if (missing != 0) {
        return missing;
    }
    Suite *suite = suite_create("compose_red");
    TCase *tcase = tcase_create("compose_red");
    tcase_set_timeout(tcase, 250);
    tcase_add_loop_test(tcase, is_red_for_its_own_reason, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tcase, a_node_that_takes_too_much_memory_is_told_so);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
