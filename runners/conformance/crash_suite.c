/* Victims of the kill matrix: a healthy scenario for kills from outside, and one for each way in which a test
 * can die by itself. They obey KILL_MATRIX_PHASE, KILL_MATRIX_DELAY_MS and KILL_MATRIX_LIMIT_MS. */
#include "crash_death.h"
#include "muster/check.h"

#define ANSWER_MS "100"
#define HOOK_MS 150u /* What capture and evaluation take, so that a kill can fall into them. */

/* ---- Plans ---- */

static enum muster_rc capture(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    death_capture(run);
    death_nap(HOOK_MS);
    return MUSTER_OK;
}

static enum muster_rc check(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    death_in_test_at(run, MUSTER_EXECUTE);
    return MUSTER_OK;
}

static enum muster_rc evaluate(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err)
{
    (void)context;
    (void)report;
    (void)err;
    death_in_test_at(run, MUSTER_EVALUATE);
    death_nap(HOOK_MS);
    return MUSTER_OK;
}

static void star_of_three(struct muster_scenario *s)
{
    muster_topology(s, &(struct muster_topology){ .layout = MUSTER_STAR, .nodes = 3 });
    muster_consensus(
        s, &(struct muster_consensus){ .slot_ms = 100, .active_slot_coeff = 0.6, .security_depth = 5 });
    muster_wallets(s, 40);
    muster_transactions(s, &(struct muster_transactions){ .rate_per_block = 4 });
    muster_node_env(s, 1, "DEVNODE_MISBEHAVE", "slow:" ANSWER_MS); /* So that deploy takes its time too. */
    muster_expect_consensus_liveness(s, NULL);
    muster_expectation(
        s, &(struct muster_expectation){
               .name = "takes_its_time", .capture = capture, .check = check, .evaluate = evaluate });
    muster_run_duration(s, MUSTER_SECONDS(2));
}

static enum muster_rc crash_in_workload(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    (void)err;
    if (muster_run_sleep(run, death_delay_ms()) == MUSTER_OK) {
        death_crash();
    }
    return MUSTER_OK;
}

static void crashing_workload(struct muster_scenario *s)
{
    star_of_three(s);
    muster_workload(s, &(struct muster_workload){ .name = "crashes", .run = crash_in_workload });
}

static enum muster_rc fail_in_workload(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)context;
    if (muster_run_sleep(run, death_delay_ms()) == MUSTER_OK) {
        return muster_error_set(err, MUSTER_EWORKLOAD, "this workload fails on purpose");
    }
    return MUSTER_OK;
}

static void failing_workload(struct muster_scenario *s)
{
    star_of_three(s);
    muster_workload(s, &(struct muster_workload){ .name = "fails", .run = fail_in_workload });
}

/* Half of a cluster is up when node 2 does not come up. */
static void node_refuses_to_start(struct muster_scenario *s)
{
    star_of_three(s);
    muster_node_env(s, 2, "DEVNODE_MISBEHAVE", "no-such-misbehaviour");
}

static void node_exits_when_ready(struct muster_scenario *s)
{
    star_of_three(s);
    muster_node_env(s, 2, "DEVNODE_MISBEHAVE", "exit-when-ready:0");
}

static void node_is_never_ready(struct muster_scenario *s)
{
    star_of_three(s);
    muster_deadlines(s, &(struct muster_deadlines){ .ready_ms = 1500 });
    muster_node_env(s, 2, "DEVNODE_MISBEHAVE", "never-ready");
}

/* ---- Bodies ---- */

START_TEST(judged)
{
    death_in_test_at(muster_run(), MUSTER_BUILD);
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

START_TEST(unjudged)
{
    muster_execute(muster_run());
}
END_TEST

START_TEST(hangs)
{
    death_nap(3600000);
}
END_TEST

/* ---- Fixtures of our own, around those of the scenario ---- */

static TCase *limited[2]; /* Check gives fixtures no argument. */

/* After the scenario's own unchecked setup, which sets a limit above its deadlines. Only one of them runs. */
static void shorten_limit(void)
{
    tcase_set_timeout(limited[0], death_limit_ms() / 1000.0);
    tcase_set_timeout(limited[1], death_limit_ms() / 1000.0);
}

static TCase *add(Suite *suite, const char *name, void (*plan)(struct muster_scenario *s), const TTest *test)
{
    TCase *tcase = muster_add_scenario(suite, name, plan, test, NULL);
    tcase_add_checked_fixture(tcase, NULL, death_clean_up); /* The last one added is torn down first. */
    return tcase;
}

static Suite *crash_suite(void)
{
    Suite *suite = suite_create("crash");
    add(suite, "healthy", star_of_three, judged);
    add(suite, "asserts", star_of_three, judged);
    add(suite, "crashes", star_of_three, judged);
    add(suite, "crashes_in_thread", star_of_three, judged);
    add(suite, "aborts", star_of_three, judged);
    add(suite, "exits_0", star_of_three, judged);
    add(suite, "exits_3", star_of_three, judged);
    add(suite, "workload_crashes", crashing_workload, judged);
    add(suite, "workload_fails", failing_workload, judged);
    add(suite, "unjudged", star_of_three, unjudged);
    add(suite, "node_refuses_to_start", node_refuses_to_start, judged);
    add(suite, "node_exits_when_ready", node_exits_when_ready, judged);
    add(suite, "node_is_never_ready", node_is_never_ready, judged);
    limited[0] = add(suite, "limited", star_of_three, judged);
    limited[1] = add(suite, "hangs", star_of_three, hangs);
    tcase_add_unchecked_fixture(limited[0], shorten_limit, NULL);
    tcase_add_unchecked_fixture(limited[1], shorten_limit, NULL);
    return suite;
}

int main(int argc, char **argv)
{
    Suite *(*const suites[])(void) = { crash_suite, NULL };
    death_prepare();
    return muster_main(argc, argv, suites);
}
