/* Logs that are saved anew, of an engine that another program stands for. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose/internal.h"

static char directory[] = "/tmp/muster-test-XXXXXX";
static char run_id[] = "7c41f09a2b";
static const struct muster_ledger_view view = { .directory = directory, .run_id = run_id };
static const char *const names[] = { "nodes/node-0/stdout.log", "nodes/node-0/stderr.log" };

static const char *below(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(below(name), "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void assert_has(const char *name, const char *text)
{
    char read[256] = "";
    FILE *file = fopen(below(name), "re");
    ck_assert_msg(file != NULL, "there is no '%s'", name);
    read[fread(read, 1, sizeof read - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(read, text);
}

static void make_saved(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(mkdir(below("nodes"), 0700), 0);
    ck_assert_int_eq(mkdir(below("nodes/node-0"), 0700), 0);
    put(names[0], "the end of it");
    put(names[1], "and of this");
}

/* A directory in which anything else is left is not removed, and that is told. */
static void remove_saved(void)
{
    unlink(below(names[0]));
    unlink(below(names[1]));
    ck_assert_int_eq(rmdir(below("nodes/node-0")), 0);
    ck_assert_int_eq(rmdir(below("nodes")), 0);
    rmdir(directory);
}

static enum muster_rc save_with(const char *docker)
{
    struct compose_record record = { .node_count = 1 };
    snprintf(record.engine.docker, sizeof record.engine.docker, "%s", docker);
    return compose__save_logs(&view, &record, 0, 1, NULL);
}

START_TEST(what_an_engine_gives_takes_the_place_of_what_was_saved)
{
    ck_assert_int_eq(save_with("/bin/echo"), MUSTER_OK);
    assert_has(names[0], "logs muster-7c41f09a2b-node-0\n");
    assert_has(names[1], "");
}
END_TEST

START_TEST(what_was_saved_stays_where_the_engine_gives_nothing)
{
    static const char *const engines[] = { "/bin/false", "/nonexistent/docker" };
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        ck_assert_int_eq(save_with(engines[i]), i == 0 ? MUSTER_OK : MUSTER_ENODE);
        assert_has(names[0], "the end of it");
        assert_has(names[1], "and of this");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collect");
    TCase *tests = tcase_create("collect");
    tcase_add_checked_fixture(tests, make_saved, remove_saved);
    tcase_add_test(tests, what_an_engine_gives_takes_the_place_of_what_was_saved);
    tcase_add_test(tests, what_was_saved_stays_where_the_engine_gives_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
