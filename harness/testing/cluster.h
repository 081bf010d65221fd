/* For tests: a run on a cluster of pretended nodes. No guardian and no processes. */
#ifndef MUSTER_SRC_RUN_TEST_CLUSTER_H
#define MUSTER_SRC_RUN_TEST_CLUSTER_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/muster.h"
#include "run/internal.h"
#include "run/observe.h"
#include "testing/bare_system.h"
#include "testing/pretended_nodes.h"

/* ---- The system that speaks with them ---- */

static inline enum muster_rc fake_request_progress(const void *state, struct muster_request *out,
                                                   struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/progress", NULL, err);
}

static inline enum muster_rc fake_parse_progress(const void *state, const struct muster_reply *reply,
                                                 struct muster_progress *out, struct muster_error *err)
{
    unsigned long long height = 0;
    (void)state;
    if (sscanf(reply->body, "%71s %71s %llu", out->tip.text, out->final.text, &height) != 3) {
        return muster_error_set(err, MUSTER_EREPLY, "no progress in \"%.20s\"", reply->body);
    }
    out->height = out->slot = height;
    return MUSTER_OK;
}

static inline enum muster_rc fake_parse_ready(const void *state, const struct muster_reply *reply,
                                              struct muster_error *err)
{
    struct muster_progress ignored = { 0 };
    return fake_parse_progress(state, reply, &ignored, err);
}

static inline enum muster_rc fake_request_block(const void *state, const struct muster_id *id,
                                                struct muster_request *out, struct muster_error *err)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "/block/%s", id->text);
    return muster_request_init(out, "GET", path, NULL, err);
}

static inline enum muster_rc fake_parse_text(const char *text, struct muster_block *out,
                                             struct muster_error *err)
{
    char *rest = NULL;
    *out = (struct muster_block){ .has_height = true };
    out->slot = out->height = strtoull(text, &rest, 10);
    snprintf(out->id.text, MUSTER_ID_BYTES, "b%llu", (unsigned long long)out->height);
    if (out->height > 0) {
        snprintf(out->parent.text, MUSTER_ID_BYTES, "b%llu", (unsigned long long)out->height - 1);
    }
    char identity[MUSTER_ID_BYTES];
    int used = 0;
    enum muster_rc rc = MUSTER_OK;
    while (rc == MUSTER_OK && sscanf(rest, " %71s%n", identity, &used) == 1) {
        rc = muster_block_add_identity(out, identity, err);
        out->transaction_count++;
        rest += used;
    }
    return rc;
}

static inline enum muster_rc fake_parse_block(const void *state, const struct muster_id *id,
                                              const struct muster_reply *reply, struct muster_block *out,
                                              struct muster_error *err)
{
    (void)state;
    (void)id;
    if (reply->status != 200 || reply->body[0] < '0' || reply->body[0] > '9') {
        return muster_error_set(err, reply->status == 404 ? MUSTER_ENOTFOUND : MUSTER_EREPLY, "no block");
    }
    return fake_parse_text(reply->body, out, err);
}

static inline enum muster_rc fake_request_stream(const void *state, struct muster_request *out,
                                                 struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/stream", NULL, err);
}

static inline enum muster_rc fake_parse_stream_line(const void *state, const char *line, size_t bytes,
                                                    struct muster_block *out, struct muster_error *err)
{
    (void)state;
    char *text = strndup(line, bytes);
    enum muster_rc rc = fake_parse_text(text, out, err);
    free(text);
    return rc;
}

static inline enum muster_rc fake_build_submission(void *state, uint32_t wallet,
                                                   struct muster_submission *out, struct muster_error *err)
{
    (void)state;
    snprintf(out->identity.text, MUSTER_ID_BYTES, "t%u", atomic_fetch_add(&cluster.built, 1));
    out->wallet = wallet;
    return muster_request_init(&out->request, "POST", "/submit", out->identity.text, err);
}

static inline enum muster_answer fake_parse_submission(const void *state, const struct muster_reply *reply,
                                                       struct muster_error *err)
{
    (void)state;
    if (reply->status == 200 && strcmp(reply->body, "null") == 0) {
        return MUSTER_ACCEPTED;
    }
    muster_error_set(err, MUSTER_EREPLY, "HTTP %ld: %s", reply->status, reply->body);
    return reply->status == 422 ? MUSTER_REFUSED : MUSTER_TRY_AGAIN;
}

static inline void fake_settle_submission(void *state, const struct muster_submission *submission,
                                          bool accepted)
{
    (void)state;
    (void)submission;
    (void)accepted;
}

#define FAKE_SYSTEM_SLOTS                                                                                    \
    .name = "fake", .ports = bare_ports, .port_count = 1, .render = bare_render,                             \
    .request_ready = fake_request_progress, .parse_ready = fake_parse_ready,                                 \
    .request_progress = fake_request_progress, .parse_progress = fake_parse_progress,                        \
    .observer = &muster_chain_observer
#define FAKE_CHAIN_SLOTS                                                                                     \
    .request_block = fake_request_block, .parse_block = fake_parse_block,                                    \
    .build_submission = fake_build_submission, .parse_submission = fake_parse_submission,                    \
    .settle_submission = fake_settle_submission

static const struct muster_chain fake_chain = { FAKE_CHAIN_SLOTS };
static const struct muster_system fake_system = { FAKE_SYSTEM_SLOTS, .chain = &fake_chain };

/* The same nodes, known by how far they say they are alone. */
static const struct muster_system fake_plain = { .name = "plain",
                                                 .render = bare_render,
                                                 .ports = bare_ports,
                                                 .port_count = 1,
                                                 .request_ready = fake_request_progress,
                                                 .parse_ready = fake_parse_ready,
                                                 .request_progress = fake_request_progress,
                                                 .parse_progress = fake_parse_progress };

/* Its nodes have streams of blocks, too. */
static const struct muster_chain fake_streamed_chain = { FAKE_CHAIN_SLOTS,
                                                         .request_stream = fake_request_stream,
                                                         .parse_stream_line = fake_parse_stream_line };
static const struct muster_system fake_streamed = { FAKE_SYSTEM_SLOTS, .chain = &fake_streamed_chain };

/* ---- The runner ---- */

static inline uint32_t fake_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return MUSTER_NODE_CONTROL;
}

static inline const char *fake_remedy(uint32_t missing)
{
    (void)missing;
    return "use another runner";
}

static inline uint32_t fake_ready_ms(const struct muster_variables *variables, uint32_t node_count)
{
    (void)variables;
    (void)node_count;
    return 5000;
}

static inline enum muster_rc fake_endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                                           struct muster_error *err)
{
    char prefix[16];
    (void)state;
    (void)err;
    snprintf(prefix, sizeof prefix, "/n%u", node);
    *ret = test_endpoint(cluster.server, prefix);
    return MUSTER_OK;
}

static inline enum muster_rc fake_control(void *state, uint32_t node, enum muster_action action,
                                          struct muster_error *err)
{
    (void)state;
    struct cluster_node *it = &cluster.nodes[node];
    bool back = action == MUSTER_START || action == MUSTER_RESUME;
    atomic_fetch_add(&it->controls, 1);
    if (atomic_load(&it->broken)) {
        return muster_error_set(err, MUSTER_EINFRA, "the backend is gone");
    }
    atomic_store(&it->away, !atomic_load(&it->deaf) && (!back || atomic_load(&it->lame)));
    if (action == MUSTER_STOP || action == MUSTER_KILL) {
        muster__nodes_ended(cluster.run->nodes, node, &(struct muster_exit){ .at_ms = muster_clock_ms() });
    }
    return MUSTER_OK;
}

static const struct muster_runner fake_runner = {
    .name = "fake",
    .capabilities = fake_capabilities,
    .remedy = fake_remedy,
    .ready_ms = fake_ready_ms,
    .endpoint = fake_endpoint,
    .control = fake_control,
};

/* ---- From plan to capture ---- */

static inline struct muster_scenario *cluster_scenario(uint32_t nodes, int64_t duration_ms)
{
    struct muster_scenario *s = muster_scenario_create("fake", "cluster");
    muster_system(s, &fake_system);
    muster_topology(s, &(struct muster_topology){ .nodes = nodes });
    muster_consensus(s, &(struct muster_consensus){ .slot_ms = CLUSTER_SLOT_MS, .active_slot_coeff = 0.9 });
    muster_run_duration(s, duration_ms);
    return s;
}

/* Consumes the scenario; the nodes run. slowdown below 1 makes what ends badly end soon. */
static inline struct muster_run *cluster_deploy(struct muster_scenario *s, double slowdown)
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

/* The same, and captured: its window may open. */
static inline struct muster_run *cluster_start(struct muster_scenario *s, double slowdown)
{
    struct muster_error err = { 0 };
    struct muster_run *run = cluster_deploy(s, slowdown);
    ck_assert_msg(muster__run_capture(run, &err) == MUSTER_OK, "%s", err.text);
    return run;
}

/* Opens the window, and judges once it is closed. */
static inline enum muster_rc cluster_execute(struct muster_error *err)
{
    struct muster_error ignored = { 0 };
    muster_run_execute(cluster.run, &ignored);
    return muster_run_evaluate(cluster.run, err);
}

/* Finishes the run and frees all; returns what the finish said. */
static inline enum muster_rc cluster_finish(struct muster_error *err)
{
    enum muster_rc rc = muster_session_finish(&cluster.session, err);
    muster_plan_destroy(cluster.plan);
    muster_variables_destroy(cluster.variables);
    test_server_stop(cluster.server);
    ck_assert_int_eq(muster__directory_remove(cluster.session.directory, NULL), MUSTER_OK);
    return rc;
}

static inline void cluster_assert_finish(enum muster_rc expected)
{
    struct muster_error err = { 0 };
    ck_assert_msg(cluster_finish(&err) == expected, "%s", err.text);
}

/* Whether a line of events.jsonl holds both. */
static inline bool cluster_told(const char *kind, const char *part)
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

static inline uint64_t cluster_window_ms(void)
{
    uint64_t opened_ms = 0;
    uint64_t closed_ms = 0;
    muster_run_window(cluster.run, &opened_ms, &closed_ms);
    return closed_ms - opened_ms;
}

static inline double cluster_number(const char *expectation, const char *name)
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

#define ck_assert_says(err, part)                                                                            \
    ck_assert_msg(strstr((err).text, (part)) != NULL, "\"%s\" lacks \"%s\"", (err).text, (part))

#endif
