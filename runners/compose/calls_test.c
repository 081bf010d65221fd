#include "compose/calls.h"

#include <check.h>
#include <stdlib.h>

START_TEST(names_are_read_with_their_states)
{
    static const char list[] = "one\trunning\ntwo\texited\nthree\tpaused\nfour\tcreated\n";
    struct compose_names names;
    compose__names_read(&names, list, true);
    ck_assert_uint_eq(names.count, 2);
    ck_assert_str_eq(names.items[0], "one");
    ck_assert_str_eq(names.items[1], "three");
    compose__names_fini(&names);
    compose__names_read(&names, list, false);
    ck_assert_uint_eq(names.count, 4);
    ck_assert_str_eq(names.items[3], "four");
    compose__names_fini(&names);
    compose__names_read(&names, "", false);
    ck_assert_uint_eq(names.count, 0);
    compose__names_fini(&names);
}
END_TEST

START_TEST(all_names_are_in_some_call)
{
    enum { COUNT = 100 };
    const char *items[COUNT];
    const struct compose_names names = { .items = items, .count = COUNT };
    const struct compose_names none = { .count = 0 };
    const struct runner_argv argv = { .args = { "/bin/docker", "rm" }, .count = 2 };
    const struct compose_record record = { .node_count = COUNT };
    struct compose_calls calls = { .record = &record };
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = "name";
    }
    ck_assert(compose__calls_add(&calls, argv, &none));
    ck_assert_uint_eq(calls.count, 0);
    ck_assert(compose__calls_add(&calls, argv, &names));
    ck_assert(compose__calls_add(&calls, argv, &none));
    size_t found = 0;
    for (size_t i = 0; i < calls.count; i++) {
        found += calls.argvs[i].count - 2;
        ck_assert_uint_gt(calls.argvs[i].count, 2);
        ck_assert_ptr_null(calls.argvs[i].args[calls.argvs[i].count]);
    }
    ck_assert_uint_eq(found, COUNT);
    compose__calls_fini(&calls);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calls");
    TCase *tests = tcase_create("calls");
    tcase_add_test(tests, names_are_read_with_their_states);
    tcase_add_test(tests, all_names_are_in_some_call);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
