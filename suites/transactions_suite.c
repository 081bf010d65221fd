/* Every accepted transaction is in the best chain of every node, in time and once. */
#include "fast_consensus.h"
#include "muster/check.h"

static void load(struct muster_scenario *s, uint32_t wallets, uint32_t rate_per_block, uint32_t users)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = 3 });
    fast_consensus(s);
    muster_wallets(s, wallets);
    muster_transactions(s, &(struct muster_transactions){
                               .rate_per_block = rate_per_block, .users = users, .within_blocks = 5 });
    muster_expect_consensus_liveness(s, NULL);
    muster_run_duration(s, MUSTER_SECONDS(8));
}

static void one_per_block(struct muster_scenario *s)
{
    load(s, 20, 1, 5);
}

static void twenty_per_block(struct muster_scenario *s)
{
    load(s, 100, 20, 100);
}

/* About 100 submissions from 4 wallets: each has to spend its own change again. */
static void more_submissions_than_wallets(struct muster_scenario *s)
{
    load(s, 4, 5, 4);
}

START_TEST(all_are_included)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

static Suite *transactions_suite(void)
{
    Suite *suite = suite_create("transactions");
    muster_add_scenario(suite, "one_per_block", one_per_block, all_are_included,
                        &(struct muster_scenario_options){ .tags = "smoke" });
    muster_add_scenario(suite, "twenty_per_block", twenty_per_block, all_are_included, NULL);
    muster_add_scenario(suite, "more_submissions_than_wallets", more_submissions_than_wallets,
                        all_are_included, NULL);
    return suite;
}
MUSTER_MAIN(transactions_suite)
