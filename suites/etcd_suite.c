/* etcd: three and five members under puts, with members killed, stopped and paused. */
#include "muster/check.h"
#include "muster/etcd.h"

#define LEADER_MS 10000u
#define CATCH_UP_MS 20000u
#define LEADER_WINDOW MUSTER_SECONDS(20) /* Most of it for machines that are slow to do what is asked. */

static void members(struct muster_scenario *s, uint32_t count)
{
    muster_etcd_cluster(s, &(struct muster_etcd_cluster){ .members = count });
    muster_etcd_puts(s, &(struct muster_etcd_puts){ .per_second = 50 });
    muster_run_duration(s, MUSTER_SECONDS(8));
}

static void three_members(struct muster_scenario *s)
{
    members(s, 3);
    muster_expect_etcd_liveness(s, NULL);
}

static void five_members(struct muster_scenario *s)
{
    members(s, 5);
    muster_expect_etcd_liveness(s, NULL);
}

START_TEST(holds)
{
    muster_execute(muster_run());
    muster_ck_assert_expectations(muster_run());
}
END_TEST

/* ---- Trouble: what a scenario does to its members, and that it came to its end ---- */

struct trouble {
    const char *name;
    enum muster_rc (*make)(struct muster_run *run, struct muster_error *err);
    bool done;
};

static enum muster_rc make_trouble(struct muster_run *run, void *context, struct muster_error *err)
{
    struct trouble *trouble = context;
    enum muster_rc rc = trouble->make(run, err);
    trouble->done = rc == MUSTER_OK;
    return rc;
}

static enum muster_rc was_done(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err)
{
    const struct trouble *trouble = context;
    (void)run;
    (void)report;
    return trouble->done ? MUSTER_OK
                         : muster_error_set(err, MUSTER_EEXPECT,
                                            "the window closed before %s had come to its end", trouble->name);
}

/* One scenario, one run: the trouble is a static variable of its plan function. */
static void add_trouble(struct muster_scenario *s, struct trouble *trouble)
{
    muster_require(s, MUSTER_NODE_CONTROL);
    muster_workload(
        s, &(struct muster_workload){ .name = trouble->name, .run = make_trouble, .context = trouble });
    muster_expectation(
        s, &(struct muster_expectation){ .name = "trouble_done", .evaluate = was_done, .context = trouble });
}

/* ---- The leader goes, and comes back as a follower ---- */

static enum muster_rc kill_leader(struct muster_run *run, struct muster_error *err)
{
    uint32_t leader = 0;
    uint32_t next = 0;
    enum muster_rc rc = muster_run_sleep(run, 1500);
    rc = rc == MUSTER_OK ? muster_etcd_wait_leader(run, LEADER_MS, &leader, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_kill(run, leader, err) : rc;
    rc = rc == MUSTER_OK ? muster_etcd_wait_leader(run, LEADER_MS, &next, err) : rc;
    return rc == MUSTER_OK ? muster_node_start(run, leader, err) : rc;
}

static void leader_killed(struct muster_scenario *s)
{
    static struct trouble trouble = { .name = "kill_leader", .make = kill_leader };
    three_members(s);
    add_trouble(s, &trouble);
    muster_run_duration(s, LEADER_WINDOW);
    muster_expect_etcd_leader_change(s, NULL);
}

static enum muster_rc pause_leader(struct muster_run *run, struct muster_error *err)
{
    uint32_t leader = 0;
    uint32_t next = 0;
    enum muster_rc rc = muster_run_sleep(run, 1500);
    rc = rc == MUSTER_OK ? muster_etcd_wait_leader(run, LEADER_MS, &leader, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_pause(run, leader, err) : rc;
    rc = rc == MUSTER_OK ? muster_etcd_wait_leader(run, LEADER_MS, &next, err) : rc;
    rc = rc == MUSTER_OK ? muster_run_sleep(run, 500) : rc;
    return rc == MUSTER_OK ? muster_node_resume(run, leader, err) : rc;
}

static void leader_paused(struct muster_scenario *s)
{
    static struct trouble trouble = { .name = "pause_leader", .make = pause_leader };
    three_members(s);
    add_trouble(s, &trouble);
    muster_run_duration(s, LEADER_WINDOW);
    muster_expect_etcd_leader_change(s, NULL);
}

/* ---- A minority stops: puts go on; a majority stops: they do not ---- */

static enum muster_rc height_of(struct muster_run *run, uint32_t node, uint64_t *ret,
                                struct muster_error *err)
{
    struct muster_progress progress = { .height = 0 };
    enum muster_rc rc = muster_node_progress(run, node, &progress, err);
    *ret = progress.height;
    return rc;
}

/* Two of five are down until the rest has written twenty entries more. */
static enum muster_rc stop_minority(struct muster_run *run, struct muster_error *err)
{
    uint64_t height = 0;
    enum muster_rc rc = muster_run_sleep(run, 1000);
    rc = rc == MUSTER_OK ? muster_node_stop(run, 0, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_stop(run, 1, err) : rc;
    rc = rc == MUSTER_OK ? height_of(run, 2, &height, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_wait_height(run, 2, height + 20, CATCH_UP_MS, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_start(run, 0, err) : rc;
    return rc == MUSTER_OK ? muster_node_start(run, 1, err) : rc;
}

static void minority_stopped(struct muster_scenario *s)
{
    static struct trouble trouble = { .name = "stop_minority", .make = stop_minority };
    five_members(s);
    add_trouble(s, &trouble);
    muster_run_duration(s, MUSTER_SECONDS(30));
}

/* Waits until the one that is left knows that it is alone: from then on nothing can be written. */
static enum muster_rc wait_leaderless(struct muster_run *run, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    for (unsigned i = 0; rc == MUSTER_OK && i < 500; i++) {
        uint32_t leader = 0;
        rc = muster_etcd_leader(run, &leader, NULL);
        if (rc == MUSTER_ENOTFOUND) {
            return muster_run_sleep(run, 1000);
        }
        rc = rc == MUSTER_OK ? muster_run_sleep(run, 20) : rc;
    }
    return rc == MUSTER_OK
               ? muster_error_set(err, MUSTER_ETIMEDOUT, "a majority is down and there is a leader still")
               : rc;
}

static enum muster_rc stands_still(struct muster_run *run, uint64_t *height, struct muster_error *err)
{
    uint64_t later = 0;
    enum muster_rc rc = height_of(run, 0, height, err);
    rc = rc == MUSTER_OK ? muster_run_sleep(run, 1500) : rc;
    rc = rc == MUSTER_OK ? height_of(run, 0, &later, err) : rc;
    if (rc == MUSTER_OK && later != *height) {
        return muster_error_set(err, MUSTER_EWORKLOAD,
                                "a majority is down and node-0 went from index %llu to %llu",
                                (unsigned long long)*height, (unsigned long long)later);
    }
    return rc;
}

static enum muster_rc stop_majority(struct muster_run *run, struct muster_error *err)
{
    uint64_t height = 0;
    enum muster_rc rc = muster_run_sleep(run, 1000);
    rc = rc == MUSTER_OK ? muster_node_stop(run, 1, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_stop(run, 2, err) : rc;
    rc = rc == MUSTER_OK ? wait_leaderless(run, err) : rc;
    rc = rc == MUSTER_OK ? stands_still(run, &height, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_start(run, 1, err) : rc;
    rc = rc == MUSTER_OK ? muster_node_start(run, 2, err) : rc;
    for (uint32_t node = 0; rc == MUSTER_OK && node < 3; node++) {
        rc = muster_node_wait_height(run, node, height + 20, CATCH_UP_MS, err);
    }
    return rc;
}

/* The silence is asked for, so liveness allows it; that it turns red by it elsewhere is in
 * fixtures/etcd/tests. */
static void majority_stopped(struct muster_scenario *s)
{
    static struct trouble trouble = { .name = "stop_majority", .make = stop_majority };
    members(s, 3);
    muster_expect_etcd_liveness(s, &(struct muster_etcd_liveness){ .silence_ms = 60000 });
    add_trouble(s, &trouble);
    muster_run_duration(s, MUSTER_SECONDS(40));
}

static Suite *etcd_suite(void)
{
    const struct muster_scenario_options smoke = { .tags = "smoke" };
    const struct muster_scenario_options control = { .tags = "control" };
    Suite *suite = suite_create("etcd");
    muster_add_scenario(suite, "three_members", three_members, holds, &smoke);
    muster_add_scenario(suite, "five_members", five_members, holds, NULL);
    muster_add_scenario(suite, "leader_killed", leader_killed, holds, &control);
    muster_add_scenario(suite, "leader_paused", leader_paused, holds, &control);
    muster_add_scenario(suite, "minority_stopped", minority_stopped, holds, &control);
    muster_add_scenario(suite, "majority_stopped", majority_stopped, holds, &control);
    return suite;
}
MUSTER_MAIN(etcd_suite)
