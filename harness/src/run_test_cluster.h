/* For tests: a run on a cluster of pretended nodes. One HTTP server plays them all: a chain that grows by
 * the clock, but never away from who follows it, with a mempool, and nodes that misbehave as told. No guardian and no processes. */
#ifndef MUSTER_SRC_RUN_TEST_CLUSTER_H
#define MUSTER_SRC_RUN_TEST_CLUSTER_H

#include <check.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "http_test_server.h"
#include "muster/muster.h"
#include "run_internal.h"

#define CLUSTER_SLOT_MS 50u
#define CLUSTER_BLOCKS_BEFORE 5u /* There when the run begins. */
#define CLUSTER_BLOCKS_MAX 4096u
#define CLUSTER_POOL_MAX 8192u

struct cluster_node {
    atomic_ullong stuck_at; /* Its height never gets higher; 0: it does. */
    atomic_bool garbage; /* Answers nonsense to everything. */
    atomic_bool refuses; /* Transactions. */
    atomic_bool drops; /* Accepts transactions and forgets them. */
    atomic_bool busy; /* Asks to try again. */
    atomic_bool away; /* Killed, stopped or paused: it answers nothing. */
    atomic_bool deaf; /* To control: it says that it was done, and nothing was. */
    atomic_bool broken; /* Its backend refuses to control it. */
    atomic_bool lame; /* Never answers again once it was away. */
    atomic_uint controls; /* How often it was controlled. */
};

struct cluster {
    struct test_server *server;
    uint32_t slot_ms;
    uint64_t origin_ms;
    atomic_ullong stalled_at; /* No block above this; 0: there are. */
    atomic_bool twice; /* Each transaction goes into two blocks. */
    struct cluster_node nodes[MUSTER_NODES_MAX];
    pthread_mutex_t mutex;
    uint64_t height;
    uint64_t fetched; /* The highest block that was asked for. */
    uint64_t hole_from; /* These blocks nobody has; 0: there is no hole. */
    uint64_t hole_to;
    size_t included[CLUSTER_BLOCKS_MAX]; /* So much of the pool lies in blocks up to this. */
    size_t pool_count;
    struct muster_id pool[CLUSTER_POOL_MAX];
    atomic_uint built; /* Transactions. */

    const char *events_path; /* NULL: in the run directory. */
    struct muster_variables *variables;
    struct muster_plan *plan;
    struct muster_session session;
    struct muster_run *run;
};

static struct cluster cluster;

/* ---- The nodes ---- */

/* However slow the machine, the run always knows the last block but one. */
static inline void cluster_grow(void)
{
    uint64_t wanted = (muster_clock_ms() - cluster.origin_ms) / cluster.slot_ms;
    wanted = wanted > cluster.fetched + 1 ? cluster.fetched + 1 : wanted;
    uint64_t stalled = atomic_load(&cluster.stalled_at);
    wanted = stalled != 0 && wanted > stalled ? stalled : wanted;
    while (cluster.height < wanted && cluster.height + 1 < CLUSTER_BLOCKS_MAX) {
        cluster.included[++cluster.height] = cluster.pool_count;
    }
}

/* No block from now on, but for `blocks` more. */
static inline void cluster_stall_after(uint64_t blocks)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    atomic_store(&cluster.stalled_at, cluster.height + blocks);
    pthread_mutex_unlock(&cluster.mutex);
}

/* All nodes go over to a chain that is so much higher, and nobody has what is between. */
static inline void cluster_make_hole(uint64_t blocks)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    cluster.hole_from = cluster.height + 1;
    cluster.hole_to = cluster.fetched = cluster.height + blocks;
    cluster.origin_ms -= blocks * cluster.slot_ms;
    cluster_grow();
    pthread_mutex_unlock(&cluster.mutex);
}

static inline bool cluster_progress(int fd, const struct cluster_node *node)
{
    char body[128];
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    uint64_t height = cluster.height;
    pthread_mutex_unlock(&cluster.mutex);
    uint64_t stuck = atomic_load(&node->stuck_at);
    height = stuck != 0 && height > stuck ? stuck : height;
    uint64_t final = height > 10 ? height - 10 : 0;
    snprintf(body, sizeof body, "b%llu b%llu %llu", (unsigned long long)height, (unsigned long long) final,
             (unsigned long long)height);
    return test_reply(fd, 200, body);
}

/* A block in words, to be freed. NULL: it is not there. */
static inline char *cluster_text(uint64_t height)
{
    char *text = NULL;
    size_t bytes = 0;
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    bool in_hole = height >= cluster.hole_from && height <= cluster.hole_to && cluster.hole_from != 0;
    FILE *out = height <= cluster.height && !in_hole ? open_memstream(&text, &bytes) : NULL;
    if (out != NULL) {
        fprintf(out, "%llu", (unsigned long long)height);
        cluster.fetched = height > cluster.fetched ? height : cluster.fetched;
    }
    if (out != NULL && height > 0) {
        size_t from = cluster.included[height - 1];
        if (atomic_load(&cluster.twice) && height > 1) {
            from = cluster.included[height - 2];
        }
        for (size_t i = from; i < cluster.included[height]; i++) {
            fprintf(out, " %s", cluster.pool[i].text);
        }
    }
    pthread_mutex_unlock(&cluster.mutex);
    if (out != NULL) {
        fclose(out);
    }
    return text;
}

static inline bool cluster_block(int fd, const char *id)
{
    char *body = id[0] == 'b' ? cluster_text(strtoull(id + 1, NULL, 10)) : NULL;
    bool sent = test_reply(fd, body != NULL ? 200 : 404, body != NULL ? body : "");
    free(body);
    return sent;
}

/* Each block as it comes, also from a node that is stuck: it passes on what it does not take. */
static inline bool cluster_stream(int fd)
{
    pthread_mutex_lock(&cluster.mutex);
    uint64_t height = cluster.height;
    pthread_mutex_unlock(&cluster.mutex);
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    struct pollfd closed = { .fd = fd, .events = POLLRDHUP };
    while (sent && poll(&closed, 1, 2) == 0) {
        char *text = cluster_text(height + 1);
        if (text != NULL) {
            sent = test_say(fd, text) && test_say(fd, "\n");
            height++;
            free(text);
        }
    }
    return false;
}

static inline bool cluster_submit(int fd, const struct cluster_node *node, const struct test_request *request)
{
    if (atomic_load(&node->refuses)) {
        return test_reply(fd, 422, "bad proof");
    }
    if (atomic_load(&node->busy)) {
        return test_reply(fd, 503, "later");
    }
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    if (!atomic_load(&node->drops) && cluster.pool_count < CLUSTER_POOL_MAX) {
        snprintf(cluster.pool[cluster.pool_count++].text, MUSTER_ID_BYTES, "%.*s",
                 (int)(request->body_bytes < 70 ? request->body_bytes : 70), request->body);
    }
    pthread_mutex_unlock(&cluster.mutex);
    return test_reply(fd, 200, "null");
}

static inline bool cluster_answer(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    char rest[900] = "";
    (void)context;
    if (sscanf(request->path, "/n%u/%899s", &index, rest) != 2 || index >= MUSTER_NODES_MAX) {
        return test_reply(fd, 404, "");
    }
    const struct cluster_node *node = &cluster.nodes[index];
    if (atomic_load(&node->away)) {
        return false; /* Hangs up. */
    }
    if (atomic_load(&node->garbage)) {
        return test_reply(fd, 200, "}{");
    }
    if (strcmp(rest, "progress") == 0) {
        return cluster_progress(fd, node);
    }
    if (strncmp(rest, "status/", 7) == 0) {
        return test_reply(fd, (int)strtol(rest + 7, NULL, 10), "said");
    }
    if (strcmp(rest, "half") == 0) {
        return test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha"); /* And no more. */
    }
    if (strcmp(rest, "stream") == 0) {
        return cluster_stream(fd);
    }
    return strcmp(rest, "submit") == 0 ? cluster_submit(fd, node, request)
                                       : cluster_block(fd, rest + strlen("block/"));
}

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

static const struct muster_port fake_ports[] = { { .name = "api", .number = 1 } };

#define FAKE_SYSTEM_SLOTS                                                                                    \
    .name = "fake", .program_variable = MUSTER_VARIABLE_COUNT, .ports = fake_ports, .port_count = 1,         \
    .request_ready = fake_request_progress, .parse_ready = fake_parse_ready,                                 \
    .request_progress = fake_request_progress, .parse_progress = fake_parse_progress,                        \
    .request_block = fake_request_block, .parse_block = fake_parse_block,                                    \
    .build_submission = fake_build_submission, .parse_submission = fake_parse_submission,                    \
    .settle_submission = fake_settle_submission

static const struct muster_system fake_system = { FAKE_SYSTEM_SLOTS };

/* Its nodes have streams of blocks, too. */
static const struct muster_system fake_streamed = { FAKE_SYSTEM_SLOTS, .request_stream = fake_request_stream,
                                                    .parse_stream_line = fake_parse_stream_line };

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

/* Consumes the scenario; the run is captured and its window may open. slowdown below 1 makes what ends
 * badly end soon. */
static inline struct muster_run *cluster_start(struct muster_scenario *s, double slowdown)
{
    struct muster_error err = { 0 };
    cluster.server = test_server_start(cluster_answer, NULL);
    pthread_mutex_init(&cluster.mutex, NULL);
    ck_assert_msg(muster_variables_read(&cluster.variables, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_msg(muster_scenario_build(s, cluster.variables, &cluster.plan, &err) == MUSTER_OK, "%s",
                  err.text);
    cluster.plan->slowdown = slowdown;
    cluster.slot_ms = cluster.plan->slot_ms;
    cluster.fetched = CLUSTER_BLOCKS_BEFORE;
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
    ck_assert_int_eq(muster__feed_create(run->plan, run->http, run->nodes, run->events, &run->feed, &err),
                     MUSTER_OK);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_endpoint endpoint;
        ck_assert_int_eq(fake_endpoint(NULL, i, &endpoint, &err), MUSTER_OK);
        muster__nodes_set_endpoint(run->nodes, i, &endpoint);
        muster__nodes_set_state(run->nodes, i, MUSTER_NODE_RUNNING);
    }
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
