/* The chain grows, all nodes agree on it and none falls behind, whatever the cluster's size and layout. */
#include "fast_consensus.h"
#include "muster/check.h"

static void grow(struct muster_scenario *s, enum muster_layout layout, uint32_t nodes)
{
    muster_topology(s, &(struct muster_topology){ .layout = layout, .nodes = nodes });
    fast_consensus(s);
    muster_expect_consensus_liveness(s, NULL);
    muster_run_duration(s, MUSTER_SECONDS(8));
}

static void single_node(struct muster_scenario *s)
{
    grow(s, MUSTER_STAR, 1);
}

static void star_of_three(struct muster_scenario *s)
{
    grow(s, MUSTER_STAR, 3);
}

static void chain_of_three(struct muster_scenario *s)
{
    grow(s, MUSTER_CHAIN, 3);
}

static void full_of_three(struct muster_scenario *s)
{
    grow(s, MUSTER_FULL, 3);
}

static void star_of_seven(struct muster_scenario *s)
{
    grow(s, MUSTER_STAR, 7);
}

static void chain_of_seven(struct muster_scenario *s)
{
    grow(s, MUSTER_CHAIN, 7);
}

static void full_of_seven(struct muster_scenario *s)
{
    grow(s, MUSTER_FULL, 7);
}

START_TEST(stays_live)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

static Suite *consensus_suite(void)
{
    const struct muster_scenario_options smoke = { .tags = "smoke" };
    Suite *suite = suite_create("consensus");
    muster_add_scenario(suite, "single_node", single_node, stays_live, &smoke);
    muster_add_scenario(suite, "star_of_three", star_of_three, stays_live, &smoke);
    muster_add_scenario(suite, "chain_of_three", chain_of_three, stays_live, NULL);
    muster_add_scenario(suite, "full_of_three", full_of_three, stays_live, NULL);
    muster_add_scenario(suite, "star_of_seven", star_of_seven, stays_live, NULL);
    muster_add_scenario(suite, "chain_of_seven", chain_of_seven, stays_live, NULL);
    muster_add_scenario(suite, "full_of_seven", full_of_seven, stays_live, NULL);
    return suite;
}
MUSTER_MAIN(consensus_suite)
