/* Which image: the variable's, else the system's own, or none at all. */
#include <stdio.h>
#include <string.h>

#include "muster/runner.h"
#include "testing/unit_test.h"

static struct muster_error err;

static enum muster_rc find(const struct muster_system *system, const char *named, char image[64])
{
    const char *found = NULL;
    struct muster_variables *variables = NULL;
    const char *name = muster_variable_info(MUSTER_VAR_IMAGE)->name;
    unsetenv(name);
    if (named != NULL) {
        setenv(name, named, 1);
    }
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
    muster_error_clear(&err);
    enum muster_rc rc = muster_image_find(system, variables, &found, &err);
    snprintf(image, 64, "%s", rc == MUSTER_OK ? found : "");
    muster_variables_destroy(variables);
    return rc;
}

START_TEST(the_variable_wins_over_the_systems_own)
{
    const struct muster_system system = { .name = "a",
                                          .image_variable = "LOGOS_BLOCKCHAIN_TESTNET_IMAGE",
                                          .image = "own:1" };
    char image[64];
    ck_assert_int_eq(find(&system, NULL, image), MUSTER_OK);
    ck_assert_str_eq(image, "own:1");
    ck_assert_int_eq(find(&system, "other:2", image), MUSTER_OK);
    ck_assert_str_eq(image, "other:2");
}
END_TEST

START_TEST(another_systems_variable_is_not_looked_at)
{
    const struct muster_system system = { .name = "b", .image = "own:1" };
    char image[64];
    ck_assert_int_eq(find(&system, "other:2", image), MUSTER_OK);
    ck_assert_str_eq(image, "own:1");
}
END_TEST

START_TEST(a_variable_of_the_systems_own_is_read_once)
{
    const struct muster_system system = { .name = "c", .image_variable = "REDIS_IMAGE", .image = "own:1" };
    const char *image = NULL;
    struct muster_variables *variables = NULL;
    setenv("REDIS_IMAGE", "redis:7", 1);
    ck_assert_int_eq(muster_variables_read(&variables, NULL), MUSTER_OK);
    setenv("REDIS_IMAGE", "redis:8", 1);
    ck_assert_int_eq(muster_image_find(&system, variables, &image, NULL), MUSTER_OK);
    ck_assert_str_eq(image, "redis:7");
    muster_variables_destroy(variables);
}
END_TEST

START_TEST(a_variable_of_another_type_is_refused)
{
    const struct muster_system system = { .name = "d",
                                          .image_variable = "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS",
                                          .image = "own:1" };
    char image[64];
    ck_assert_int_eq(find(&system, NULL, image), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS holds no text; name another variable");
}
END_TEST

START_TEST(a_system_may_have_none)
{
    const struct muster_system system = { .name = "bare" };
    char image[64];
    ck_assert_int_eq(find(&system, "other:2", image), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "the system 'bare' has no container image"));
}
END_TEST

static Suite *image_suite(void)
{
    Suite *suite = suite_create("image");
    TCase *tcase = tcase_create("image");
    tcase_add_test(tcase, the_variable_wins_over_the_systems_own);
    tcase_add_test(tcase, another_systems_variable_is_not_looked_at);
    tcase_add_test(tcase, a_system_may_have_none);
    tcase_add_test(tcase, a_variable_of_the_systems_own_is_read_once);
    tcase_add_test(tcase, a_variable_of_another_type_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(image_suite);
