#include "testing/cluster.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct muster_scenario *cluster_scenario(uint32_t nodes, int64_t duration_ms)
{
    struct muster_scenario *s = muster_scenario_create("fake", "cluster");
    muster_system(s, &fake_system);
    muster_topology(s, &(struct muster_topology){ .nodes = nodes });
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = CLUSTER_SLOT_MS, .active_slot_coeff = 0.9 });
    muster_run_duration(s, duration_ms);
    return s;
}

struct muster_run *cluster_deploy(struct muster_scenario *s, double slowdown)
{
    struct muster_error err = { 0 };
    cluster.server = test_server_start(cluster_answer, NULL);
    pthread_mutex_init(&cluster.mutex, NULL);
    ck_assert_msg(muster_variables_read(&cluster.variables, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_scenario_build(s, cluster.variables, &cluster.plan, &err) == MUSTER_OK, "%s",
                  err.text);
    cluster.plan->slowdown = slowdown;
    cluster.slot_ms = cluster.plan->slot_ms != 0 ? cluster.plan->slot_ms : CLUSTER_SLOT_MS;
    cluster.fetched = cluster.blocks_before != 0 ? cluster.blocks_before : CLUSTER_BLOCKS_BEFORE;
    cluster.origin_ms = muster_clock_ms() - cluster.fetched * cluster.slot_ms;
    struct muster_session *session = &cluster.session;
    *session = (struct muster_session){ .plan = cluster.plan,
                                        .runner = &fake_runner,
                                        .variables = cluster.variables,
                                        .run_id = "0123456789",
                                        .began_ms = muster_clock_ms(),
                                        .began_wall_ms = muster_clock_wall_ms(),
                                        .test_fd = -1 };
    snprintf(session->directory, sizeof session->directory, "/tmp/muster-run-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(session->directory));

    struct muster_run *run = muster__run_create(session);
    char path[MUSTER__PATH_BYTES];
    cluster.run = session->run = run;
    ck_assert_int_eq(muster__path(path, &err, "%s/events.jsonl", session->directory), MUSTER_OK);
    if (cluster.events_path != NULL) {
        ck_assert_int_eq(muster__path(path, &err, "%s", cluster.events_path), MUSTER_OK);
    }
    ck_assert_int_eq(muster__events_open(path, session->began_ms, &run->events, &err), MUSTER_OK);
    ck_assert_int_eq(
        muster__nodes_create(run->plan->node_count, session->directory, session->began_ms, &run->nodes, &err),
        MUSTER_OK);
    muster__nodes_on_change(run->nodes, muster__run_wake, run);
    ck_assert_int_eq(muster__http_create(&run->http, &err), MUSTER_OK);
    ck_assert_int_eq(muster__observation_create(run, &err), MUSTER_OK);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_endpoint endpoint;
        ck_assert_int_eq(fake_endpoint(NULL, i, &endpoint, &err), MUSTER_OK);
        muster__nodes_set_endpoint(run->nodes, i, &endpoint);
        muster__nodes_set_state(run->nodes, i, MUSTER_NODE_RUNNING);
    }
    return run;
}

struct muster_run *cluster_start(struct muster_scenario *s, double slowdown)
{
    struct muster_error err = { 0 };
    struct muster_run *run = cluster_deploy(s, slowdown);
    ck_assert_msg(muster__run_capture(run, &err) == MUSTER_OK, "%s", err.text);
    return run;
}

enum muster_rc cluster_execute(struct muster_error *err)
{
    struct muster_error ignored = { 0 };
    muster_run_execute(cluster.run, &ignored);
    return muster_run_evaluate(cluster.run, err);
}

enum muster_rc cluster_finish(struct muster_error *err)
{
    enum muster_rc rc = muster_session_finish(&cluster.session, err);
    muster_plan_destroy(cluster.plan);
    muster_variables_destroy(cluster.variables);
    test_server_stop(cluster.server);
    ck_assert_int_eq(muster__directory_remove(cluster.session.directory, NULL), MUSTER_OK);
    return rc;
}

void cluster_assert_finish(enum muster_rc expected)
{
    struct muster_error err = { 0 };
    ck_assert_msg(cluster_finish(&err) == expected, "%s", err.text);
}

bool cluster_told(const char *kind, const char *part)
{
    char path[MUSTER__PATH_BYTES];
    char line[4096];
    bool told = false;
    ck_assert_int_eq(muster__path(path, NULL, "%s/events.jsonl", cluster.session.directory), MUSTER_OK);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (!told && fgets(line, sizeof line, file) != NULL) {
        told = strstr(line, kind) != NULL && strstr(line, part) != NULL;
    }
    fclose(file);
    return told;
}

uint64_t cluster_window_ms(void)
{
    uint64_t opened_ms = 0;
    uint64_t closed_ms = 0;
    muster_run_window(cluster.run, &opened_ms, &closed_ms);
    return closed_ms - opened_ms;
}

double cluster_number(const char *expectation, const char *name)
{
    for (size_t i = 0; i < cluster.plan->expectation_count; i++) {
        const struct muster_report *report = &cluster.run->reports[i];
        for (size_t j = 0; strcmp(report->name, expectation) == 0 && j < report->number_count; j++) {
            if (strcmp(report->numbers[j].name, name) == 0) {
                return report->numbers[j].value;
            }
        }
    }
    ck_abort_msg("%s reported no number '%s'", expectation, name);
}
