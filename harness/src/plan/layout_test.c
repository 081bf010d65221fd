#include "muster/scenario.h"

#include "testing/unit_test.h"

static const enum muster_layout layouts[] = { MUSTER_STAR, MUSTER_CHAIN, MUSTER_FULL };

/* The degree must be what the dials add up to, or the second gate of a deploy would never open. */
START_TEST(degree_counts_dials_both_ways)
{
    for (size_t l = 0; l < sizeof layouts / sizeof layouts[0]; l++) {
        for (uint32_t count = 1; count <= 20; count++) {
            for (uint32_t node = 0; node < count; node++) {
                uint32_t peers = 0;
                for (uint32_t other = 0; other < count; other++) {
                    peers += muster_layout_dials(layouts[l], node, other) ||
                             muster_layout_dials(layouts[l], other, node);
                }
                ck_assert_uint_eq(muster_layout_degree(layouts[l], count, node), peers);
            }
        }
    }
}
END_TEST

START_TEST(dials_go_to_lower_nodes_and_connect_all)
{
    for (size_t l = 0; l < sizeof layouts / sizeof layouts[0]; l++) {
        for (uint32_t from = 0; from < 20; from++) {
            uint32_t dials = 0;
            for (uint32_t to = 0; to < 20; to++) {
                bool dialled = muster_layout_dials(layouts[l], from, to);
                ck_assert(!dialled || to < from);
                dials += dialled;
            }
            ck_assert(from == 0 ? dials == 0 : dials >= 1);
        }
    }
}
END_TEST

START_TEST(each_layout_is_its_own)
{
    ck_assert(muster_layout_dials(MUSTER_STAR, 5, 0) && !muster_layout_dials(MUSTER_STAR, 5, 4));
    ck_assert(muster_layout_dials(MUSTER_CHAIN, 5, 4) && !muster_layout_dials(MUSTER_CHAIN, 5, 0));
    ck_assert(muster_layout_dials(MUSTER_FULL, 5, 0) && muster_layout_dials(MUSTER_FULL, 5, 4));
    ck_assert_uint_eq(muster_layout_degree(MUSTER_STAR, 250, 0), 249);
    ck_assert_uint_eq(muster_layout_degree(MUSTER_STAR, 250, 249), 1);
    ck_assert_uint_eq(muster_layout_degree(MUSTER_CHAIN, 250, 1), 2);
    ck_assert_uint_eq(muster_layout_degree(MUSTER_FULL, 250, 7), 249);
}
END_TEST

START_TEST(names_and_strangers)
{
    ck_assert_str_eq(muster_layout_name(MUSTER_STAR), "star");
    ck_assert_str_eq(muster_layout_name(MUSTER_CHAIN), "chain");
    ck_assert_str_eq(muster_layout_name(MUSTER_FULL), "full");
    ck_assert_str_eq(muster_layout_name((enum muster_layout)9), "unknown");
    ck_assert(!muster_layout_dials((enum muster_layout)9, 1, 0));
    ck_assert_uint_eq(muster_layout_degree((enum muster_layout)9, 3, 0), 0);
    ck_assert_uint_eq(muster_layout_degree(MUSTER_FULL, 3, 3), 0);
    ck_assert_uint_eq(muster_layout_degree(MUSTER_FULL, 0, 0), 0);
}
END_TEST

static Suite *layout_suite(void)
{
    Suite *suite = suite_create("layout");
    TCase *tcase = tcase_create("layout");
    tcase_add_test(tcase, degree_counts_dials_both_ways);
    tcase_add_test(tcase, dials_go_to_lower_nodes_and_connect_all);
    tcase_add_test(tcase, each_layout_is_its_own);
    tcase_add_test(tcase, names_and_strangers);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(layout_suite);
