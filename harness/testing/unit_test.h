/* The main of a unit test program: one suite, forked as CK_FORK says. */
#ifndef MUSTER_SRC_UNIT_TEST_H
#define MUSTER_SRC_UNIT_TEST_H

#include <check.h>
#include <stdlib.h>

#define UNIT_TEST_MAIN(make_suite)                                                                           \
    int main(void)                                                                                           \
    {                                                                                                        \
        SRunner *runner = srunner_create(make_suite());                                                      \
        srunner_run_all(runner, CK_NORMAL);                                                                  \
        int failed = srunner_ntests_failed(runner);                                                          \
        srunner_free(runner);                                                                                \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                    \
    }                                                                                                        \
    struct unit_test_needs_a_semicolon_

#endif
