/* For tests of the feed: fake nodes of a system whose blocks are "id parent slot leader", served by one
 * server. "-" stands for no leader. */
#ifndef MUSTER_SRC_FEED_TEST_FIXTURE_H
#define MUSTER_SRC_FEED_TEST_FIXTURE_H

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "testing/http_server.h"

#define NODES 3u
#define BLOCKS 128u
#define WAIT_MS 20000u

struct fake_block {
    char id[16];
    char parent[16];
    unsigned slot;
    char leader[8];
    unsigned had_by; /* Bits: nodes that serve it. */
};

struct fake_node {
    char tip[16];
    unsigned height;
    bool hangs;
    bool fails;
    bool has_stream;
    unsigned asked; /* For its progress. */
    unsigned streams_asked;
    unsigned blocks_asked;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct fake_block blocks[BLOCKS];
    size_t count;
    char lines[64][64]; /* What streams bring, for all nodes the same. */
    size_t line_count;
    struct fake_node nodes[NODES];
    char withheld[16]; /* A block that is answered for once this is another. */
    unsigned withheld_asked;
    bool ended;
} fake;

/* ---- The fake system ---- */

static inline enum muster_rc request_progress(const void *state, struct muster_request *out,
                                              struct muster_error *err)
{
    (void)state;
    enum muster_rc rc = muster_request_init(out, "GET", "/tip", NULL, err);
    out->timeout_ms = 1000;
    return rc;
}

static inline enum muster_rc parse_progress(const void *state, const struct muster_reply *reply,
                                            struct muster_progress *out, struct muster_error *err)
{
    (void)state;
    unsigned height = 0;
    if (reply->status != 200 || sscanf(reply->body, "%15s %u", out->tip.text, &height) != 2) {
        return muster_error_set(err, MUSTER_EREPLY, "answered %ld \"%.64s\"", reply->status, reply->body);
    }
    out->height = height;
    return MUSTER_OK;
}

static inline enum muster_rc request_block(const void *state, const struct muster_id *id,
                                           struct muster_request *out, struct muster_error *err)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof(path), "/block/%s", id->text);
    return muster_request_init(out, "GET", path, NULL, err);
}

static inline enum muster_rc parse_text(const char *text, struct muster_block *out, struct muster_error *err)
{
    unsigned slot = 0;
    memset(out, 0, sizeof(*out));
    if (sscanf(text, "%15s %15s %u %7s", out->id.text, out->parent.text, &slot, out->leader.text) != 4) {
        return muster_error_set(err, MUSTER_EREPLY, "no block: \"%.64s\"", text);
    }
    out->slot = slot;
    if (strcmp(out->leader.text, "-") == 0) {
        out->leader.text[0] = '\0';
    }
    return muster_block_add_identity(out, out->id.text, err);
}

static inline enum muster_rc parse_block(const void *state, const struct muster_id *id,
                                         const struct muster_reply *reply, struct muster_block *out,
                                         struct muster_error *err)
{
    (void)state;
    (void)id;
    if (reply->status == 404) {
        return muster_error_set(err, MUSTER_ENOTFOUND, "no such block");
    }
    return parse_text(reply->body, out, err);
}

static inline enum muster_rc request_stream(const void *state, struct muster_request *out,
                                            struct muster_error *err)
{
    (void)state;
    enum muster_rc rc = muster_request_init(out, "GET", "/stream", NULL, err);
    out->timeout_ms = 60000;
    return rc;
}

static inline enum muster_rc parse_stream_line(const void *state, const char *line, size_t bytes,
                                               struct muster_block *out, struct muster_error *err)
{
    char text[128];
    (void)state;
    (void)snprintf(text, sizeof(text), "%.*s", (int)bytes, line);
    return parse_text(text, out, err);
}

static inline uint32_t leader_node(const void *state, const struct muster_id *leader)
{
    (void)state;
    return strcmp(leader->text, "L1") == 0 ? 1 : MUSTER_EVERY_NODE;
}

static const struct muster_chain polled_chain = {
    .request_block = request_block,
    .parse_block = parse_block,
    .leader_node = leader_node,
};
static const struct muster_system polled = {
    .name = "polled",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
    .chain = &polled_chain,
};
static const struct muster_chain streamed_chain = {
    .request_block = request_block,
    .parse_block = parse_block,
    .request_stream = request_stream,
    .parse_stream_line = parse_stream_line,
    .leader_node = leader_node,
};
static const struct muster_system streamed = {
    .name = "streamed",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
    .chain = &streamed_chain,
};

/* ---- The fake nodes ---- */

static inline bool serve_stream(int fd, struct fake_node *node)
{
    size_t sent = 0;
    bool alive = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    (void)pthread_mutex_lock(&fake.mutex);
    sent = fake.line_count;
    while (alive && !fake.ended && node->has_stream) {
        if (sent == fake.line_count) {
            (void)pthread_cond_wait(&fake.changed, &fake.mutex);
            continue;
        }
        char line[72];
        (void)snprintf(line, sizeof(line), "%s\n", fake.lines[sent++]);
        (void)pthread_mutex_unlock(&fake.mutex);
        alive = test_say(fd, line);
        (void)pthread_mutex_lock(&fake.mutex);
    }
    (void)pthread_mutex_unlock(&fake.mutex);
    return false;
}

/* Under the fake's mutex. */
static inline void withhold(const char *path)
{
    bool asked =
        fake.withheld[0] != '\0' && strncmp(path, "/block/", 7) == 0 && strcmp(path + 7, fake.withheld) == 0;
    fake.withheld_asked += asked;
    (void)pthread_cond_broadcast(&fake.changed);
    while (asked && !fake.ended && strcmp(path + 7, fake.withheld) == 0) {
        (void)pthread_cond_wait(&fake.changed, &fake.mutex);
    }
}

/* Under the fake's mutex. */
static inline int answer(unsigned index, const char *path, char text[128])
{
    struct fake_node *node = &fake.nodes[index];
    if (node->fails) {
        (void)snprintf(text, 128, "it is broken");
        return 500;
    }
    if (strcmp(path, "/tip") == 0) {
        node->asked++;
        (void)snprintf(text, 128, "%s %u", node->tip, node->height);
        return 200;
    }
    node->blocks_asked++;
    for (size_t i = 0; i < fake.count && strncmp(path, "/block/", 7) == 0; i++) {
        const struct fake_block *block = &fake.blocks[i];
        if (strcmp(block->id, path + 7) == 0 && (block->had_by >> index & 1u) != 0) {
            (void)snprintf(text, 128, "%s %s %u %s", block->id, block->parent, block->slot, block->leader);
            return 200;
        }
    }
    text[0] = '\0';
    return 404;
}

static inline bool handle(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    int used = 0;
    char text[128];
    (void)context;
    if (sscanf(request->path, "/node-%u%n", &index, &used) != 1 || index >= NODES) {
        return test_reply(fd, 404, "");
    }
    const char *path = request->path + used;
    (void)pthread_mutex_lock(&fake.mutex);
    struct fake_node *node = &fake.nodes[index];
    bool stream = strcmp(path, "/stream") == 0;
    node->streams_asked += stream;
    bool streams = stream && node->has_stream && !node->fails;
    bool hangs = node->hangs;
    withhold(path);
    int status = stream ? 404 : answer(index, path, text);
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
    if (hangs) {
        return test_hang(fd);
    }
    if (streams) {
        return serve_stream(fd, node);
    }
    return test_reply(fd, status, stream ? "" : text);
}

/* ---- Set-up ---- */

static struct test_server *server;
static struct muster_http *http;
static struct muster_nodes *nodes;
static struct muster_feed *feed;
static struct muster_plan *plan;
static struct muster_events *events;
static char events_path[64];

/* How many lines of events.jsonl hold both. */
static inline unsigned count_events(const char *kind, const char *part)
{
    char line[1024];
    unsigned count = 0;
    FILE *file = fopen(events_path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        count += strstr(line, kind) != NULL && strstr(line, part) != NULL;
    }
    (void)fclose(file);
    return count;
}

static inline void open_events(void)
{
    struct muster_error err = { 0 };
    (void)snprintf(events_path, sizeof(events_path), "/tmp/muster-feed-test.XXXXXX");
    int fd = mkstemp(events_path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_msg(muster__events_open(events_path, 0, &events, &err) == MUSTER_OK, "%s", err.text);
}

static inline void make(const struct muster_system *system)
{
    struct muster_error err = { 0 };
    memset(&fake, 0, sizeof(fake));
    (void)pthread_mutex_init(&fake.mutex, NULL);
    (void)pthread_cond_init(&fake.changed, NULL);
    server = test_server_start(handle, NULL);
    plan = calloc(1, sizeof(*plan));
    plan->system = system;
    plan->node_count = NODES;
    plan->block_interval_ms = 100;
    ck_assert_int_eq(muster__http_create(&http, &err), MUSTER_OK);
    ck_assert_int_eq(muster__nodes_create(NODES, "/nonexistent", 0, &nodes, &err), MUSTER_OK);
    for (uint32_t i = 0; i < NODES; i++) {
        char prefix[16];
        (void)snprintf(prefix, sizeof(prefix), "/node-%u", i);
        struct muster_endpoint endpoint = test_endpoint(server, prefix);
        muster__nodes_set_endpoint(nodes, i, &endpoint);
        muster__nodes_set_state(nodes, i, MUSTER_NODE_RUNNING);
        (void)snprintf(fake.nodes[i].tip, sizeof(fake.nodes[i].tip), "g");
        fake.nodes[i].has_stream = true;
    }
    open_events();
    ck_assert_int_eq(muster__feed_create(plan, http, nodes, events, &feed, &err), MUSTER_OK);
}

static inline void make_polled(void)
{
    make(&polled);
}

static inline void make_streamed(void)
{
    make(&streamed);
}

static inline void tear_down(void)
{
    muster__feed_stop(feed);
    (void)pthread_mutex_lock(&fake.mutex);
    fake.ended = true;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
    muster__http_destroy(http);
    muster__feed_destroy(feed);
    muster__nodes_destroy(nodes);
    muster__events_close(events);
    (void)unlink(events_path);
    test_server_stop(server);
    free(plan);
}

static inline void start(void)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__feed_start(feed, &err), MUSTER_OK);
}

/* Adds a block that the nodes in `had_by` serve. */
static inline void add(const char *id, const char *parent, unsigned slot, const char *leader, unsigned had_by)
{
    (void)pthread_mutex_lock(&fake.mutex);
    struct fake_block *block = &fake.blocks[fake.count];
    ck_assert_uint_lt(fake.count, BLOCKS);
    (void)snprintf(block->id, sizeof(block->id), "%s", id);
    (void)snprintf(block->parent, sizeof(block->parent), "%s", parent);
    (void)snprintf(block->leader, sizeof(block->leader), "%s", leader);
    block->slot = slot;
    block->had_by = had_by;
    fake.count++;
    (void)pthread_mutex_unlock(&fake.mutex);
}

static inline void set_tip(unsigned had_by, const char *id, unsigned height)
{
    (void)pthread_mutex_lock(&fake.mutex);
    for (unsigned i = 0; i < NODES; i++) {
        if ((had_by >> i & 1u) != 0) {
            (void)snprintf(fake.nodes[i].tip, sizeof(fake.nodes[i].tip), "%s", id);
            fake.nodes[i].height = height;
        }
    }
    (void)pthread_mutex_unlock(&fake.mutex);
}

static inline void bring(const char *line)
{
    (void)pthread_mutex_lock(&fake.mutex);
    (void)snprintf(fake.lines[fake.line_count++], 64, "%s", line);
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
}

static inline void set_flag(bool *flag, bool value)
{
    (void)pthread_mutex_lock(&fake.mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
}

/* Until a node was asked so many more times. */
static inline void wait_asked(const unsigned *counter, unsigned more)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    (void)pthread_mutex_lock(&fake.mutex);
    unsigned until = *counter + more;
    int error = 0;
    while (*counter < until && error == 0) {
        error = pthread_cond_timedwait(&fake.changed, &fake.mutex, &deadline);
    }
    (void)pthread_mutex_unlock(&fake.mutex);
    ck_assert_int_eq(error, 0);
}

static inline struct muster_feed_subscription *subscribe(uint64_t from_height)
{
    struct muster_feed_subscription *subscription = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__feed_subscribe(feed, from_height, &subscription, &err) == MUSTER_OK, "%s",
                  err.text);
    return subscription;
}

static inline void expect_block(struct muster_feed_subscription *subscription, const char *id,
                                uint64_t height)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, WAIT_MS, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_BLOCK);
    ck_assert_str_eq(event.block->id.text, id);
    ck_assert_uint_eq(event.height, height);
    ck_assert_uint_eq(event.block->height, height);
    ck_assert_uint_eq(event.block->identity_count, 1);
    ck_assert_uint_gt(event.seen_us, 0);
    ck_assert_uint_eq(event.seen_us / 1000, event.seen_ms);
}

static inline void expect_reorg(struct muster_feed_subscription *subscription, uint64_t height)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, WAIT_MS, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_REORG);
    ck_assert_uint_eq(event.height, height);
    ck_assert_ptr_null(event.block);
}

static inline void expect_nothing(struct muster_feed_subscription *subscription)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, 0, &event), MUSTER_ETIMEDOUT);
}

/* Until a view satisfies what is asked of it. */
static inline struct muster_node_view wait_view(uint32_t node,
                                                bool (*good)(const struct muster_node_view *view))
{
    struct muster_node_view view;
    uint64_t deadline_ms = muster_clock_ms() + WAIT_MS;
    muster__feed_view(feed, node, &view);
    while (!good(&view)) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
        muster__feed_view(feed, node, &view);
    }
    return view;
}

static inline bool fails(const struct muster_node_view *view)
{
    return view->failing_since_ms != 0;
}

static inline bool answers(const struct muster_node_view *view)
{
    return view->failing_since_ms == 0 && view->answered_ms != 0;
}

static inline bool is_at_two(const struct muster_node_view *view)
{
    return view->progress.height == 2;
}

static inline void add_chain(const char *letter, unsigned first, unsigned last, const char *below,
                             unsigned had_by)
{
    char id[16];
    char parent[16];
    (void)snprintf(parent, sizeof(parent), "%s", below);
    for (unsigned i = first; i <= last; i++) {
        (void)snprintf(id, sizeof(id), "%s%u", letter, i);
        add(id, parent, i * 2, "-", had_by);
        memcpy(parent, id, sizeof(parent));
    }
}

#endif
