#include "shared/parse.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(an_exit_code_above_128_infers_a_signal)
{
    static const struct {
        int exit_code;
        int code;
        int signal;
    } cases[] = { { 0, 0, 0 },    { 1, 1, 0 },     { 128, 128, 0 }, { 129, -1, 1 },
                  { 137, -1, 9 }, { 192, -1, 64 }, { 193, 193, 0 }, { 255, 255, 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct muster_exit exit = runner__exit(cases[i].exit_code);
        ck_assert_int_eq(exit.code, cases[i].code);
        ck_assert_int_eq(exit.signal, cases[i].signal);
        ck_assert_int_eq(exit.signal_inferred, cases[i].signal != 0);
        ck_assert(!exit.out_of_memory);
        ck_assert_uint_ne(exit.at_ms, 0);
    }
}
END_TEST

START_TEST(what_was_not_understood_is_shown_in_one_short_line)
{
    static const char answer[] =
        "a\n\x01\xff 0123456789012345678901234567890123456789012345678901234567890123";
    struct muster_error err = { 0 };
    ck_assert_int_eq(runner__not_understood("the engine's", "an event", answer, strlen(answer), &err),
                     MUSTER_EREPLY);
    ck_assert_str_eq(err.text, "the engine's answer about an event was not understood: 'a??? "
                               "0123456789012345678901234567890123456789012345678901234567'");
    muster_error_clear(&err);
    ck_assert_int_eq(runner__not_understood("the API server's", "a pod", "", 0, &err), MUSTER_EREPLY);
    ck_assert_str_eq(err.text, "the API server's answer about a pod was not understood: ''");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, an_exit_code_above_128_infers_a_signal);
    tcase_add_test(tests, what_was_not_understood_is_shown_in_one_short_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
