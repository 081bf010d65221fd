/* The live line: what it says, and that it never is wider than the terminal. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run/progress_line.h"

static const uint64_t heights[] = { 45, 44, 45, 7 };
static const bool running[] = { true, true, false, true };

static struct muster__progress_facts facts_of(uint32_t node_count)
{
    return (struct muster__progress_facts){ .name = "star_of_three",
                                            .phase = "execute",
                                            .elapsed_s = 12.34,
                                            .total_s = 60,
                                            .node_count = node_count,
                                            .heights = heights,
                                            .running = running,
                                            .parts = "sent 61 included 58",
                                            .restarts = 2 };
}

START_TEST(says_how_it_gets_on)
{
    char text[MUSTER__PROGRESS_BYTES];
    struct muster__progress_facts facts = facts_of(3);
    ck_assert_str_eq(
        muster__progress_format(&facts, 200, text),
        "star_of_three execute 12.3 of 60.0 s | heights 45 44 - | sent 61 included 58 | restarts 2");
}
END_TEST

START_TEST(leaves_out_parts_that_say_nothing)
{
    char text[MUSTER__PROGRESS_BYTES];
    struct muster__progress_facts facts = facts_of(1);
    facts.parts = "";
    ck_assert_str_eq(muster__progress_format(&facts, 200, text),
                     "star_of_three execute 12.3 of 60.0 s | heights 45 | restarts 2");
}
END_TEST

START_TEST(many_nodes_are_a_range)
{
    char text[MUSTER__PROGRESS_BYTES];
    uint64_t many[100];
    bool up[100];
    struct muster__progress_facts facts = facts_of(100);
    for (uint64_t i = 0; i < 100; i++) {
        many[i] = 1000 + i;
        up[i] = i != 0;
    }
    facts.heights = many;
    facts.running = up;
    ck_assert_ptr_nonnull(
        strstr(muster__progress_format(&facts, 200, text), "| heights 1001 to 1099, 99 of 100 nodes up |"));
    memset(up, 0, sizeof up);
    ck_assert_ptr_nonnull(
        strstr(muster__progress_format(&facts, 200, text), "| heights 0 to 0, 0 of 100 nodes up |"));
}
END_TEST

START_TEST(never_is_wider_than_it_may_be)
{
    struct muster__progress_facts facts = facts_of(4);
    for (size_t width = 0; width < 200; width++) {
        char text[MUSTER__PROGRESS_BYTES];
        ck_assert_uint_le(strlen(muster__progress_format(&facts, width, text)), width);
    }
    char text[MUSTER__PROGRESS_BYTES];
    ck_assert_uint_lt(strlen(muster__progress_format(&facts, 100000, text)), MUSTER__PROGRESS_BYTES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress_line");
    TCase *tcase = tcase_create("progress_line");
    tcase_add_test(tcase, says_how_it_gets_on);
    tcase_add_test(tcase, leaves_out_parts_that_say_nothing);
    tcase_add_test(tcase, many_nodes_are_a_range);
    tcase_add_test(tcase, never_is_wider_than_it_may_be);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
