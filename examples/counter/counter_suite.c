/* Counters under load. */
#include <muster/check.h>

#include "counter.h"

static struct counter_tally tally;

/* Two nodes that count for a second. */
static void two_nodes(struct muster_scenario *s)
{
    muster_system(s, counter_system());
    muster_topology(s, &(struct muster_topology){ .nodes = 2 });
    counter_count(s, &tally);
    muster_run_duration(s, MUSTER_SECONDS(1));
}

static void two_careful_nodes(struct muster_scenario *s)
{
    two_nodes(s);
    counter_expect_kept(s, &tally);
}

static void two_that_are_controlled(struct muster_scenario *s)
{
    two_nodes(s);
    muster_require(s, MUSTER_NODE_CONTROL);
}

START_TEST(counts_are_kept)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

/* It has nothing on disk. */
START_TEST(restarted_node_begins_at_zero)
{
    muster_execute(muster_run());
    ck_assert_uint_gt(muster_ck_height(muster_run(), 1), 0);
    muster_ck_restart(muster_run(), 1);
    ck_assert_uint_eq(muster_ck_height(muster_run(), 1), 0);
    muster_ck_assert_expectations(muster_run());
}
END_TEST

static Suite *counter_suite(void)
{
    Suite *suite = suite_create("counter");
    muster_add_scenario(suite, "kept", two_careful_nodes, counts_are_kept,
                        &(struct muster_scenario_options){ .tags = "smoke" });
    muster_add_scenario(suite, "restarted", two_that_are_controlled, restarted_node_begins_at_zero, NULL);
    return suite;
}
MUSTER_MAIN(counter_suite)
