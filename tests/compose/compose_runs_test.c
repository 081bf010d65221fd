/* Whole runs on containers: several at once, one that is left up, a node that is restarted, another context
 * and another user. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/ledger.h"
#include "muster/tool.h"
#include "support/engine.h"
#include "support/program.h"

#define AT_ONCE 4
#define COMMAND_MS 60000u

static struct program_result result;

static const char *run_with(const char *scenario, const char *setting)
{
    char run_root[128];
    char selected[64];
    const char *root = program_run_root();
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    snprintf(selected, sizeof selected, "CK_RUN_CASE=%s", scenario);
    const char *environment[] = { run_root, selected, "MUSTER_RUNNER=compose", setting, NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
    return root;
}

static void assert_green(const struct program_result *of)
{
    ck_assert_msg(of->code == 0, "exit code %d:\n%s", of->code, of->output);
}

START_TEST(several_runs_at_once_do_not_collide)
{
    pid_t pids[AT_ONCE];
    struct program_result *results =
        mmap(NULL, AT_ONCE * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(results, MAP_FAILED);
    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            run_with("two_nodes", "SLOW_TEST_ENV=1");
            memcpy(&results[i], &result, sizeof result);
            _exit(program_left_nothing() ? 0 : 1);
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        assert_green(&results[i]);
        ck_assert_msg(status == 0, "something was left:\n%s", results[i].output);
    }
}
END_TEST

START_TEST(a_restarted_node_has_its_data_and_is_found_again)
{
    run_with("moved", NULL);
    assert_green(&result);
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

/* ---- A context ---- */

/* Old versions of Compose find contexts only beside a settings file. */
static void make_settings(char config[])
{
    char path[128];
    ck_assert_ptr_nonnull(mkdtemp(config));
    snprintf(path, sizeof path, "%s/config.json", config);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("{}\n", file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(setenv("DOCKER_CONFIG", config, 1), 0);
}

/* For the engine that serves it already, and chosen as a user would. */
static void choose_context(const char *name, char config[])
{
    char endpoint[192];
    const char *complaint = NULL;
    const char *host = engine_ask(NULL, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", NULL);
    ck_assert_ptr_nonnull(host);
    snprintf(endpoint, sizeof endpoint, "host=%.*s", (int)strcspn(host, "\n"), host);
    make_settings(config);
    ck_assert_msg(engine_ask(&complaint, "context", "create", name, "--docker", endpoint, NULL) != NULL, "%s",
                  complaint);
    ck_assert_int_eq(unsetenv("DOCKER_HOST"), 0); /* Which would have its way. */
    ck_assert_int_eq(setenv("DOCKER_CONTEXT", name, 1), 0);
}

/* The context that the ledger of the only run names. */
static void read_context(const char *root, char context[64])
{
    char run_id[64];
    char directory[192];
    struct muster_ledger_view *view = NULL;
    ck_assert(program_run_id(root, run_id));
    snprintf(directory, sizeof directory, "%.64s/muster-%s", root, run_id);
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_OK);
    context[0] = '\0';
    for (size_t i = 0; i < view->entry_count; i++) {
        if (strcmp(view->entries[i].kind, "compose_project") == 0) {
            json_auto_t *detail = json_loads(view->entries[i].detail, 0, NULL);
            const char *named =
                json_string_value(json_object_get(json_object_get(detail, "engine"), "context"));
            snprintf(context, 64, "%s", named == NULL ? "" : named);
        }
    }
    muster_ledger_view_destroy(view);
}

START_TEST(a_run_is_on_the_chosen_context_and_its_ledger_names_it)
{
    char config[] = "/tmp/muster-test-config-XXXXXX";
    char context[64];
    choose_context("muster-test", config);
    const char *root = run_with("two_nodes", "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS=1");
    program_remove(config);
    assert_green(&result);
    read_context(root, context);
    ck_assert_str_eq(context, "muster-test");
    program_discard();
}
END_TEST

/* Its files come as root's. */
START_TEST(an_image_of_another_user_than_root_runs)
{
    static const char image[] = "muster-test-user:1";
    const char *complaint = engine_make_image(image, "USER 65532", NULL);
    ck_assert_msg(complaint == NULL, "%s", complaint);
    run_with("two_nodes", "LOGOS_BLOCKCHAIN_TESTNET_IMAGE=muster-test-user:1");
    ck_assert_ptr_nonnull(engine_ask(NULL, "image", "rm", "--force", image, NULL));
    assert_green(&result);
    ck_assert_msg(program_left_nothing(), "something was left:\n%s", result.output);
}
END_TEST

/* ---- Preserve ---- */

/* The printed command after a title, up to the remark in brackets behind it. */
static char *printed_command(const char *title)
{
    const char *line = strstr(result.output, title);
    ck_assert_msg(line != NULL, "no '%s' in:\n%s", title, result.output);
    line += strlen(title);
    size_t length = strcspn(line, "\n");
    const char *remark = strstr(line, "  (");
    length = remark != NULL && (size_t)(remark - line) < length ? (size_t)(remark - line) : length;
    return strndup(line, length);
}

/* As the user would: a printed command is for a shell. */
static void assert_works(const char *title, const char *says)
{
    char *command = printed_command(title);
    const char *argv[] = { "/bin/sh", "-c", command, NULL };
    struct muster_tool tool = { .argv = argv };
    ck_assert_int_eq(muster_tool_run(&tool, 1, 1, COMMAND_MS, NULL), MUSTER_OK);
    ck_assert_msg(muster_tool_succeeded(&tool), "'%s': %s", command, tool.complaint);
    ck_assert_msg(strstr(tool.output, says) != NULL, "'%s' said:\n%s", command, tool.output);
    muster_tool_fini(&tool);
    free(command);
}

static const char *const preserving[] = { "COMPOSE_RUNNER_PRESERVE=1", "TESTNET_RUNNER_PRESERVE=yes" };

START_TEST(what_is_preserved_can_be_used_and_removed_as_printed)
{
    char run_id[64];
    struct stat status;
    const char *root = run_with("two_nodes", preserving[_i]);
    assert_green(&result);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(engine_has_of_run(run_id), 2 + 1 + 1); /* Containers, a network, a volume. */
    assert_works("  logs:   ", "node-0");
    assert_works("  exec:   ", "usage: ");
    assert_works("  remove: ", "");
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    ck_assert_msg(program_left_nothing(), "the run directory is left");
    ck_assert_int_ne(stat(root, &status), 0);
}
END_TEST

int main(void)
{
    int missing = engine_missing();
    if (missing != 0) {
        return missing;
    }
    Suite *suite = suite_create("compose_runs");
    TCase *tcase = tcase_create("compose_runs");
    tcase_set_timeout(tcase, 250);
    tcase_add_test(tcase, several_runs_at_once_do_not_collide);
    tcase_add_test(tcase, a_restarted_node_has_its_data_and_is_found_again);
    tcase_add_test(tcase, a_run_is_on_the_chosen_context_and_its_ledger_names_it);
    tcase_add_test(tcase, an_image_of_another_user_than_root_runs);
    tcase_add_loop_test(tcase, what_is_preserved_can_be_used_and_removed_as_printed, 0,
                        sizeof preserving / sizeof preserving[0]);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
