#include "muster/system.h"

#include <stdio.h>
#include <string.h>

#include "testing/unit_test.h"

START_TEST(rendering_keeps_copies_in_order)
{
    struct muster_rendering rendering = { 0 };
    char name[] = "config/node.json";
    ck_assert_int_eq(muster_rendering_file(&rendering, name, "{}", NULL), MUSTER_OK);
    name[0] = 'X';
    ck_assert_int_eq(muster_rendering_arg(&rendering, "--config", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_arg(&rendering, "", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_env(&rendering, "A", "1=2", NULL), MUSTER_OK);
    ck_assert_str_eq(rendering.files[0].name, "config/node.json");
    ck_assert_str_eq(rendering.files[0].text, "{}");
    ck_assert_str_eq(rendering.args[0], "--config");
    ck_assert_str_eq(rendering.args[1], "");
    ck_assert_ptr_null(rendering.args[2]);
    ck_assert_str_eq(rendering.env[0], "A=1=2");
    muster_rendering_fini(&rendering);
    ck_assert_uint_eq(rendering.arg_count, 0);
    muster_rendering_fini(&rendering);
    muster_rendering_fini(NULL);
}
END_TEST

START_TEST(rendering_refuses_files_outside)
{
    static const char *const bad[] = { "",    "/etc/passwd", "..",   "../x", "a/../x", "a//b",
                                       "./a", "a/./b",       "a/..", "a/b/", "/",      "." };
    struct muster_rendering rendering = { 0 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct muster_error err = { 0 };
        ck_assert_int_eq(muster_rendering_file(&rendering, bad[i], "", &err), MUSTER_EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "must lie below the node's directory"));
    }
    ck_assert_int_eq(muster_rendering_file(&rendering, "...", "", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_file(&rendering, "..a/.b", "", NULL), MUSTER_OK);
    ck_assert_uint_eq(rendering.file_count, 2);
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(rendering_refuses_the_same_file_twice)
{
    struct muster_rendering rendering = { 0 };
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_rendering_file(&rendering, "a", "1", &err), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_file(&rendering, "a", "2", &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "file 'a' is rendered twice");
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(rendering_replaces_a_variable)
{
    struct muster_rendering rendering = { 0 };
    ck_assert_int_eq(muster_rendering_env(&rendering, "AB", "0", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_env(&rendering, "A", "1", NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_env(&rendering, "A", "2", NULL), MUSTER_OK);
    ck_assert_uint_eq(rendering.env_count, 2);
    ck_assert_str_eq(rendering.env[0], "AB=0");
    ck_assert_str_eq(rendering.env[1], "A=2");
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_rendering_env(&rendering, "A=B", "2", &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, "environment variable 'A=B' needs a name without '='");
    ck_assert_int_eq(muster_rendering_env(&rendering, "", "2", NULL), MUSTER_EINVAL);
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(rendering_is_bounded)
{
    struct muster_rendering rendering = { 0 };
    char name[16];
    for (unsigned i = 0; i <= MUSTER_ARGS_MAX; i++) {
        enum muster_rc expected = i < MUSTER_ARGS_MAX ? MUSTER_OK : MUSTER_EINVAL;
        snprintf(name, sizeof name, "n%u", i);
        ck_assert_int_eq(muster_rendering_arg(&rendering, name, NULL), expected);
        ck_assert_int_eq(muster_rendering_env(&rendering, name, "", NULL), expected);
        ck_assert_int_eq(muster_rendering_file(&rendering, name, "", NULL),
                         i < MUSTER_FILES_MAX ? MUSTER_OK : MUSTER_EINVAL);
    }
    ck_assert_ptr_null(rendering.args[MUSTER_ARGS_MAX]);
    ck_assert_ptr_null(rendering.env[MUSTER_ARGS_MAX]);
    /* A variable that is there already can still be replaced. */
    ck_assert_int_eq(muster_rendering_env(&rendering, "n0", "x", NULL), MUSTER_OK);
    ck_assert_str_eq(rendering.env[0], "n0=x");
    muster_rendering_fini(&rendering);
}
END_TEST

static Suite *rendering_suite(void)
{
    Suite *suite = suite_create("rendering");
    TCase *tcase = tcase_create("rendering");
    tcase_add_test(tcase, rendering_keeps_copies_in_order);
    tcase_add_test(tcase, rendering_refuses_files_outside);
    tcase_add_test(tcase, rendering_refuses_the_same_file_twice);
    tcase_add_test(tcase, rendering_replaces_a_variable);
    tcase_add_test(tcase, rendering_is_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(rendering_suite);
