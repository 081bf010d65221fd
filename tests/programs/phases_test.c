/* A run's evidence knows every phase, with its times, from the first to the last. */
#include <check.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/program.h"

static struct program_result result;
static char root[128];

static void run_a_failure(void)
{
    char variable[160];
    snprintf(root, sizeof root, "%s", program_run_root());
    snprintf(variable, sizeof variable, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { variable, "CK_RUN_CASE=disappointed", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "bad_input_program", NULL, environment, &result);
    ck_assert_msg(result.code == 1, "exit code %d instead of 1:\n%s", result.code, result.output);
}

/* A file of the one run directory that is there. */
static FILE *open_evidence(const char *name)
{
    char pattern[192];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/muster-*/%s", root, name);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    FILE *file = fopen(found.gl_pathv[0], "re");
    globfree(&found);
    ck_assert_ptr_nonnull(file);
    return file;
}

START_TEST(each_has_begun_and_ended)
{
    static const char *const names[] = { "deploy", "capture", "execute", "settle", "evaluate", "clean_up" };
    run_a_failure();
    FILE *file = open_evidence("run.json");
    json_t *report = json_loadf(file, 0, NULL);
    fclose(file);
    const json_t *phases = json_object_get(report, "phases");
    json_int_t before_ms = 0;
    ck_assert_uint_eq(json_array_size(phases), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *phase = json_array_get(phases, i);
        const json_t *ended = json_object_get(phase, "ended_ms");
        json_int_t began_ms = json_integer_value(json_object_get(phase, "began_ms"));
        ck_assert_str_eq(json_string_value(json_object_get(phase, "name")), names[i]);
        ck_assert_msg(json_is_integer(ended), "%s has no end", names[i]);
        ck_assert_int_ge(began_ms, before_ms);
        ck_assert_int_ge(json_integer_value(ended), began_ms);
        before_ms = json_integer_value(ended);
    }
    json_decref(report);
    program_discard();
}
END_TEST

START_TEST(the_first_event_enters_deploy)
{
    run_a_failure();
    FILE *file = open_evidence("events.jsonl");
    json_t *event = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
    fclose(file);
    ck_assert_pstr_eq(json_string_value(json_object_get(event, "event")), "phase");
    ck_assert_pstr_eq(json_string_value(json_object_get(event, "phase")), "deploy");
    json_decref(event);
    program_discard();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phases");
    TCase *tcase = tcase_create("phases");
    tcase_set_timeout(tcase, 150);
    tcase_add_test(tcase, each_has_begun_and_ended);
    tcase_add_test(tcase, the_first_event_enters_deploy);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
