#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/runner.h"
#include "testing/unit_test.h"

static char directory[64];
static char program[128];
static struct muster_error err;

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/program_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(program, sizeof program, "%s/node", directory);
}

static void remove_directory(void)
{
    ck_assert_int_eq(muster__directory_remove(directory, NULL), MUSTER_OK);
}

static void write_program(const void *bytes, size_t size, mode_t mode)
{
    ck_assert_int_eq(muster__file_write(program, bytes, size, NULL), MUSTER_OK);
    ck_assert_int_eq(chmod(program, mode), 0);
}

static enum muster_rc find_of(const struct muster_system *system, const char *named, char path[4096])
{
    struct muster_variables *variables = NULL;
    const char *name = muster_variable_info(MUSTER_VAR_NODE_BIN)->name;
    if (named == NULL) {
        unsetenv(name);
    } else {
        setenv(name, named, 1);
    }
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
    enum muster_rc rc = muster_program_find(system, variables, path, &err);
    muster_variables_destroy(variables);
    return rc;
}

static enum muster_rc find(const char *named, char path[4096])
{
    const struct muster_system system = { .name = "test",
                                          .program_variable = "LOGOS_BLOCKCHAIN_NODE_BIN",
                                          .program = "no-such-node-program" };
    return find_of(&system, named, path);
}

static void refuse(const char *named, const char *words)
{
    char path[4096];
    muster_error_clear(&err);
    ck_assert_int_eq(find(named, path), MUSTER_EINVAL);
    ck_assert_msg(strstr(err.text, words) != NULL, "'%s' lacks '%s'", err.text, words);
}

START_TEST(a_script_or_a_program_of_this_machine_serves)
{
    char path[4096];
    write_program("#!/bin/true\n", 12, 0755);
    ck_assert_int_eq(find(program, path), MUSTER_OK);
    ck_assert_str_eq(path, program);
    ck_assert_int_eq(find("/proc/self/exe", path), MUSTER_OK);
}
END_TEST

START_TEST(what_cannot_run_is_refused_with_its_reason)
{
    refuse("/nonexistent/node", "No such file or directory");
    refuse("/nonexistent/node", "LOGOS_BLOCKCHAIN_NODE_BIN is '/nonexistent/node'");
    refuse(directory, "is no file");
    write_program("#!/bin/true\n", 12, 0644);
    refuse(program, "is not executable; chmod +x it");
    Elf64_Ehdr header = { .e_machine = EM_S390 };
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    write_program(&header, sizeof header, 0755);
    refuse(program, "is built for another machine");
}
END_TEST

START_TEST(a_program_that_is_nowhere_names_the_variable)
{
    refuse(NULL, "'no-such-node-program'");
    refuse(NULL, "set LOGOS_BLOCKCHAIN_NODE_BIN to its path");
}
END_TEST

START_TEST(an_installed_program_serves_where_no_other_does)
{
    char path[4096];
    struct muster_system system = { .name = "test",
                                    .program_variable = "LOGOS_BLOCKCHAIN_NODE_BIN",
                                    .program = "no-such-node-program",
                                    .program_path = program };
    muster_error_clear(&err);
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_EINVAL);
    ck_assert_msg(strstr(err.text, program) != NULL, "'%s' lacks '%s'", err.text, program);
    write_program("#!/bin/true\n", 12, 0755);
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_OK);
    ck_assert_str_eq(path, program);
    system.program = "program_test"; /* Which lies beside this program. */
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_OK);
    ck_assert_str_ne(path, program);
    setenv("PATH", directory, 1);
    system.program = "node";
    system.program_path = "/bin/true";
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_OK);
    ck_assert_str_eq(path, program);
}
END_TEST

START_TEST(a_system_has_a_variable_of_its_own)
{
    char path[4096];
    const struct muster_system system = { .name = "redis",
                                          .program_variable = "REDIS_SERVER_BIN",
                                          .program = "no-such-node-program" };
    write_program("#!/bin/true\n", 12, 0755);
    setenv("REDIS_SERVER_BIN", program, 1);
    ck_assert_int_eq(find_of(&system, "/bin/false", path), MUSTER_OK);
    ck_assert_str_eq(path, program);
    muster_error_clear(&err);
    setenv("REDIS_SERVER_BIN", "/bin/\n", 1);
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "REDIS_SERVER_BIN is '/bin/?'; use a value without control characters");
    muster_error_clear(&err);
    unsetenv("REDIS_SERVER_BIN");
    ck_assert_int_eq(find_of(&system, NULL, path), MUSTER_EINVAL);
    ck_assert_msg(strstr(err.text, "; set REDIS_SERVER_BIN to its path") != NULL, "%s", err.text);
}
END_TEST

static Suite *program_suite(void)
{
    Suite *suite = suite_create("program");
    TCase *tcase = tcase_create("find");
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, a_script_or_a_program_of_this_machine_serves);
    tcase_add_test(tcase, what_cannot_run_is_refused_with_its_reason);
    tcase_add_test(tcase, a_program_that_is_nowhere_names_the_variable);
    tcase_add_test(tcase, an_installed_program_serves_where_no_other_does);
    tcase_add_test(tcase, a_system_has_a_variable_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(program_suite);
