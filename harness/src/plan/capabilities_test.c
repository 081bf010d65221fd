#include "muster/scenario.h"

#include <stdio.h>
#include <string.h>

#include "testing/unit_test.h"

START_TEST(every_row_is_whole)
{
    uint32_t seen = 0;
    const struct muster_capability_info *row = NULL;
    for (size_t i = 0; (row = muster_capability_info(i)) != NULL; i++) {
        ck_assert_uint_ne(row->bit, 0);
        ck_assert_msg((seen & row->bit) == 0, "the bit of '%s' is taken", row->name);
        seen |= row->bit;
        ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
        ck_assert_msg(row->words[0] != '\0' && row->meaning[0] != '\0', "'%s' says nothing", row->name);
    }
    ck_assert_uint_eq(seen, MUSTER_ALL_CAPABILITIES);
}
END_TEST

START_TEST(every_capability_may_be_required_and_is_named)
{
    char text[MUSTER_CAPABILITIES_BYTES];
    const struct muster_capability_info *row = NULL;
    for (size_t i = 0; (row = muster_capability_info(i)) != NULL; i++) {
        struct muster_scenario *s = muster_scenario_create("unit", "needs");
        muster_require(s, row->bit);
        ck_assert_ptr_null(muster_scenario_mistake(s));
        muster_scenario_destroy(s);
        ck_assert_str_eq(muster_capability_names(row->bit, text), row->name);
        ck_assert_str_eq(muster_capability_words(row->bit, text), row->words);
    }
    ck_assert_str_eq(muster_capability_names(0, text), "");
    ck_assert_str_eq(muster_capability_words(0, text), "");
}
END_TEST

/* All of them fit, and none is left out. */
START_TEST(all_are_named_at_once)
{
    char names[MUSTER_CAPABILITIES_BYTES];
    char words[MUSTER_CAPABILITIES_BYTES];
    muster_capability_names(MUSTER_ALL_CAPABILITIES, names);
    muster_capability_words(MUSTER_ALL_CAPABILITIES, words);
    for (size_t i = 0; muster_capability_info(i) != NULL; i++) {
        ck_assert_ptr_nonnull(strstr(names, muster_capability_info(i)->name));
        ck_assert_ptr_nonnull(strstr(words, muster_capability_info(i)->words));
    }
    ck_assert_uint_lt(strlen(names), MUSTER_CAPABILITIES_BYTES - 1);
    ck_assert_uint_lt(strlen(words), MUSTER_CAPABILITIES_BYTES - 1);
}
END_TEST

START_TEST(the_table_of_runners_in_the_readme_has_a_column_for_each)
{
    FILE *readme = fopen(MUSTER_TEST_SOURCE_DIR "/../../../README.md", "r");
    ck_assert_ptr_nonnull(readme);
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof line, readme) != NULL) {
        found = strncmp(line, "| runner |", 10) == 0;
    }
    fclose(readme);
    ck_assert_msg(found, "README.md has no table of runners");
    for (size_t i = 0; muster_capability_info(i) != NULL; i++) {
        char column[80];
        snprintf(column, sizeof column, "| %s |", muster_capability_info(i)->words);
        ck_assert_msg(strstr(line, column) != NULL, "README.md's table of runners has no column '%s'",
                      column);
    }
}
END_TEST

static Suite *capabilities_suite(void)
{
    Suite *suite = suite_create("capabilities");
    TCase *tcase = tcase_create("capabilities");
    tcase_add_test(tcase, every_row_is_whole);
    tcase_add_test(tcase, every_capability_may_be_required_and_is_named);
    tcase_add_test(tcase, all_are_named_at_once);
    tcase_add_test(tcase, the_table_of_runners_in_the_readme_has_a_column_for_each);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(capabilities_suite);
