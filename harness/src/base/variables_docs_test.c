/* The table of docs/variables.md is the one in variables.def, row by row. */
#include "muster/variables.h"

#include <stdio.h>
#include <string.h>

#include "testing/unit_test.h"

#define PAGE "docs/variables.md"
#define PAGE_PATH MUSTER_TEST_SOURCE_DIR "/../../../" PAGE
#define FIRST_ROW "| variable | type | default | meaning |\n"
#define ROW_BYTES 2048

static const char *type_text(enum muster_variable_type type)
{
    switch (type) {
    case MUSTER_TYPE_FLAG:
        return "flag";
    case MUSTER_TYPE_UINT:
        return "whole number";
    case MUSTER_TYPE_NUMBER:
        return "number";
    case MUSTER_TYPE_TEXT:
        return "text";
    case MUSTER_TYPE_PATH:
        return "path";
    case MUSTER_TYPE_LIST:
        return "list";
    case MUSTER_TYPE_LEVEL:
        return "level";
    }
    return "?";
}

static void expected_row(enum muster_variable id, char row[ROW_BYTES])
{
    const struct muster_variable_info *info = muster_variable_info(id);
    const char *tick = info->fallback[0] == '\0' ? "" : "`";
    int length = snprintf(row, ROW_BYTES, "| `%s` | %s | %s%s%s | %s |\n", info->name, type_text(info->type),
                          tick, info->fallback, tick, info->text);
    ck_assert_int_gt(length, 0);
    ck_assert_int_lt(length, ROW_BYTES);
}

/* Opens the page at the first row below the table's head. */
static FILE *open_table(void)
{
    char line[ROW_BYTES];
    FILE *page = fopen(PAGE_PATH, "re");
    ck_assert_msg(page != NULL, "%s cannot be opened", PAGE_PATH);
    while (fgets(line, sizeof line, page) != NULL && strcmp(line, FIRST_ROW) != 0) {
    }
    ck_assert_msg(feof(page) == 0, PAGE " has no table that begins with %s", FIRST_ROW);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, page));
    ck_assert_str_eq(line, "| --- | --- | --- | --- |\n");
    return page;
}

START_TEST(page_has_every_variable_and_no_other)
{
    char expected[ROW_BYTES];
    char line[ROW_BYTES];
    FILE *page = open_table();
    for (int id = MUSTER_VARIABLE_FIRST; id < MUSTER_VARIABLE_COUNT; id++) {
        expected_row((enum muster_variable)id, expected);
        const char *found = fgets(line, sizeof line, page);
        ck_assert_msg(found != NULL && strcmp(line, expected) == 0,
                      PAGE " differs from variables.def.\nexpected: %sfound:    %s", expected,
                      found == NULL ? "the file's end\n" : line);
    }
    const char *after = fgets(line, sizeof line, page);
    ck_assert_msg(after == NULL || line[0] != '|', PAGE " has a row too many: %s", line);
    fclose(page);
}
END_TEST

static Suite *variables_docs_suite(void)
{
    Suite *suite = suite_create("variables_docs");
    TCase *tcase = tcase_create("table");
    tcase_add_test(tcase, page_has_every_variable_and_no_other);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(variables_docs_suite);
