/* The feed against fake nodes: a system whose blocks are "id parent slot leader", served by one server. */
#include "feed.h"

#include "feed_internal.h"
#include "http_test_server.h"
#include "muster/clock.h"

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
    bool ended;
} fake;

/* ---- The fake system ---- */

static enum muster_rc request_progress(const void *state, struct muster_request *out,
                                       struct muster_error *err)
{
    (void)state;
    enum muster_rc rc = muster_request_init(out, "GET", "/tip", NULL, err);
    out->timeout_ms = 1000;
    return rc;
}

static enum muster_rc parse_progress(const void *state, const struct muster_reply *reply,
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

static enum muster_rc request_block(const void *state, const struct muster_id *id, struct muster_request *out,
                                    struct muster_error *err)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof(path), "/block/%s", id->text);
    return muster_request_init(out, "GET", path, NULL, err);
}

static enum muster_rc parse_text(const char *text, struct muster_block *out, struct muster_error *err)
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

static enum muster_rc parse_block(const void *state, const struct muster_id *id,
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

static enum muster_rc request_stream(const void *state, struct muster_request *out, struct muster_error *err)
{
    (void)state;
    enum muster_rc rc = muster_request_init(out, "GET", "/stream", NULL, err);
    out->timeout_ms = 60000;
    return rc;
}

static enum muster_rc parse_stream_line(const void *state, const char *line, size_t bytes,
                                        struct muster_block *out, struct muster_error *err)
{
    char text[128];
    (void)state;
    (void)snprintf(text, sizeof(text), "%.*s", (int)bytes, line);
    return parse_text(text, out, err);
}

static uint32_t leader_node(const void *state, const struct muster_id *leader)
{
    (void)state;
    return strcmp(leader->text, "L1") == 0 ? 1 : MUSTER_EVERY_NODE;
}

static const struct muster_system polled = {
    .name = "polled",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
    .request_block = request_block,
    .parse_block = parse_block,
    .leader_node = leader_node,
};
static const struct muster_system streamed = {
    .name = "streamed",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
    .request_block = request_block,
    .parse_block = parse_block,
    .request_stream = request_stream,
    .parse_stream_line = parse_stream_line,
    .leader_node = leader_node,
};
static const struct muster_system blockless = {
    .name = "blockless",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
};

/* ---- The fake nodes ---- */

static bool serve_stream(int fd, struct fake_node *node)
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
static int answer(unsigned index, const char *path, char text[128])
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

static bool handle(void *context, int fd, const struct test_request *request)
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
static unsigned count_events(const char *kind, const char *part)
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

static void open_events(void)
{
    struct muster_error err = { 0 };
    (void)snprintf(events_path, sizeof(events_path), "/tmp/muster-feed-test.XXXXXX");
    int fd = mkstemp(events_path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_msg(muster__events_open(events_path, 0, &events, &err) == MUSTER_OK, "%s", err.text);
}

static void make(const struct muster_system *system)
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

static void make_polled(void)
{
    make(&polled);
}

static void make_streamed(void)
{
    make(&streamed);
}

static void make_blockless(void)
{
    make(&blockless);
}

static void tear_down(void)
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

static void start(void)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__feed_start(feed, &err), MUSTER_OK);
}

/* Adds a block that the nodes in `had_by` serve. */
static void add(const char *id, const char *parent, unsigned slot, const char *leader, unsigned had_by)
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

static void set_tip(unsigned had_by, const char *id, unsigned height)
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

static void bring(const char *line)
{
    (void)pthread_mutex_lock(&fake.mutex);
    (void)snprintf(fake.lines[fake.line_count++], 64, "%s", line);
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
}

static void set_flag(bool *flag, bool value)
{
    (void)pthread_mutex_lock(&fake.mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&fake.changed);
    (void)pthread_mutex_unlock(&fake.mutex);
}

/* Until a node was asked so many more times. */
static void wait_asked(const unsigned *counter, unsigned more)
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

static struct muster_feed_subscription *subscribe(uint64_t from_height)
{
    struct muster_feed_subscription *subscription = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__feed_subscribe(feed, from_height, &subscription, &err) == MUSTER_OK, "%s",
                  err.text);
    return subscription;
}

static void expect_block(struct muster_feed_subscription *subscription, const char *id, uint64_t height)
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

static void expect_reorg(struct muster_feed_subscription *subscription, uint64_t height)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, WAIT_MS, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_REORG);
    ck_assert_uint_eq(event.height, height);
    ck_assert_ptr_null(event.block);
}

static void expect_nothing(struct muster_feed_subscription *subscription)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, 0, &event), MUSTER_ETIMEDOUT);
}

/* Until a view satisfies what is asked of it. */
static struct muster_node_view wait_view(uint32_t node, bool (*good)(const struct muster_node_view *view))
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

static bool fails(const struct muster_node_view *view)
{
    return view->failing_since_ms != 0;
}

static bool answers(const struct muster_node_view *view)
{
    return view->failing_since_ms == 0 && view->answered_ms != 0;
}

static bool is_at_two(const struct muster_node_view *view)
{
    return view->progress.height == 2;
}

/* ---- The tests ---- */

static void add_chain(const char *letter, unsigned first, unsigned last, const char *below, unsigned had_by)
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

START_TEST(a_chain_grows)
{
    add_chain("a", 1, 20, "g", 7);
    set_tip(7, "a5", 5);
    start();
    /* The baseline is there once the start returned. */
    struct muster_feed_stats stats;
    muster__feed_get_stats(feed, &stats);
    ck_assert_uint_eq(stats.best_height, 5);
    ck_assert_str_eq(stats.best_tip.text, "a5");
    struct muster_feed_subscription *all = subscribe(0);
    struct muster_feed_subscription *some = subscribe(4);
    struct muster_feed_subscription *fresh = subscribe(UINT64_MAX);
    expect_nothing(fresh);
    for (unsigned i = 1; i <= 5; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "a%u", i);
        expect_block(all, id, i);
    }
    set_tip(2, "a7", 7); /* Node 1 is ahead, and two blocks at once. */
    expect_block(all, "a6", 6);
    expect_block(all, "a7", 7);
    expect_block(some, "a4", 4);
    expect_block(some, "a5", 5);
    expect_block(some, "a6", 6);
    expect_block(fresh, "a6", 6);
    expect_block(fresh, "a7", 7);
    expect_nothing(all);
    muster__feed_get_stats(feed, &stats);
    ck_assert_uint_eq(stats.blocks_seen, 7);
    ck_assert_uint_eq(stats.slots_won, 7);
    ck_assert_uint_eq(stats.reorgs, 0);
    ck_assert_uint_eq(muster__feed_slots_won(feed, 3, 8), 3);
    ck_assert_uint_eq(muster__feed_slots_won(feed, 0, UINT64_MAX), 7);
    ck_assert_uint_eq(muster__feed_slots_won(feed, 8, 3), 0);
    muster_feed_unsubscribe(all);
    muster_feed_unsubscribe(some);
    muster_feed_unsubscribe(fresh);
}
END_TEST

START_TEST(a_reorg_is_told_in_order)
{
    add_chain("a", 1, 4, "g", 7);
    add_chain("b", 3, 6, "a2", 4);
    set_tip(7, "a4", 4);
    start();
    struct muster_feed_subscription *all = subscribe(3);
    struct muster_id a4 = { "a4" };
    struct muster_id b6 = { "b6" };
    uint64_t height = 0;
    expect_block(all, "a3", 3);
    expect_block(all, "a4", 4);
    ck_assert_int_eq(muster__feed_common_height(feed, &a4, &b6, &height), MUSTER_ENOTFOUND);
    set_tip(4, "b4", 4); /* As high as ours, but seen later: nothing changes. */
    wait_asked(&fake.nodes[2].asked, 3);
    expect_nothing(all);
    set_tip(4, "b6", 6);
    expect_reorg(all, 2);
    expect_block(all, "b3", 3);
    expect_block(all, "b4", 4);
    expect_block(all, "b5", 5);
    expect_block(all, "b6", 6);
    struct muster_feed_stats stats;
    muster__feed_get_stats(feed, &stats);
    ck_assert_uint_eq(stats.reorgs, 1);
    ck_assert_uint_eq(stats.deepest_reorg, 2);
    ck_assert_uint_eq(stats.best_height, 6);
    ck_assert_int_eq(muster__feed_common_height(feed, &a4, &b6, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 2);
    ck_assert_int_eq(muster__feed_common_height(feed, &a4, &a4, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 4);
    ck_assert_uint_eq(count_events("\"reorg\"", "\"removed\": 2"), 1);
    ck_assert_uint_eq(count_events("\"block\"", "\"height\""), 8);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_node_that_hangs_holds_up_no_other)
{
    add_chain("a", 1, 4, "g", 7);
    set_tip(7, "a1", 1);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    set_flag(&fake.nodes[0].hangs, true);
    set_tip(6, "a3", 3);
    expect_block(all, "a2", 2);
    expect_block(all, "a3", 3);
    struct muster_node_view view = wait_view(0, fails);
    ck_assert_msg(strstr(view.failing_text, "no answer within") != NULL, "%s", view.failing_text);
    ck_assert_uint_gt(view.answered_ms, 0);
    ck_assert_uint_eq(view.progress.height, 1);
    set_flag(&fake.nodes[0].hangs, false);
    view = wait_view(0, answers);
    ck_assert_str_eq(view.failing_text, "");
    ck_assert_uint_eq(count_events("\"node_failing\"", "no answer within"), 1);
    ck_assert_uint_eq(count_events("\"node_answers\"", "\"failed_ms\""), 1);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_bad_answer_is_observed_with_its_reason)
{
    set_flag(&fake.nodes[1].fails, true);
    start();
    struct muster_node_view view = wait_view(1, fails);
    ck_assert_str_eq(view.failing_text, "answered 500 \"it is broken\"");
    ck_assert_int_eq(view.state, MUSTER_NODE_RUNNING);
    ck_assert_uint_eq(view.answered_ms, 0);
    (void)wait_view(2, answers);
}
END_TEST

START_TEST(a_block_that_one_node_lacks_comes_from_another)
{
    add("a1", "g", 1, "-", 7);
    add("a2", "a1", 2, "-", 4); /* Nodes 0 and 1 name it, or what stands on it, but have it not. */
    add("a3", "a2", 3, "-", 1);
    set_tip(1, "a3", 3);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    expect_block(all, "a2", 2);
    expect_block(all, "a3", 3);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_block_that_nobody_has_becomes_a_gap)
{
    add("a1", "g", 1, "-", 7);
    add("a3", "a2", 3, "-", 7);
    add("a4", "a3", 4, "-", 7);
    set_tip(7, "a1", 1);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    struct muster_id a1 = { "a1" };
    struct muster_id a4 = { "a4" };
    uint64_t height = 0;
    expect_block(all, "a1", 1);
    set_tip(7, "a4", 4);
    expect_block(all, "a3", 3);
    expect_block(all, "a4", 4);
    ck_assert_int_eq(muster__feed_common_height(feed, &a1, &a4, &height), MUSTER_OK);
    ck_assert_uint_eq(height, 1);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_tip_without_a_block_is_not_the_best)
{
    add_chain("a", 1, 3, "g", 7);
    set_tip(7, "a1", 1);
    start();
    set_tip(2, "zz", 900);
    wait_asked(&fake.nodes[1].blocks_asked, 2);
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    set_tip(5, "a3", 3);
    expect_block(all, "a2", 2);
    expect_block(all, "a3", 3);
    struct muster_feed_stats stats;
    muster__feed_get_stats(feed, &stats);
    ck_assert_str_eq(stats.best_tip.text, "a3");
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(blocks_that_name_each_other_do_no_harm)
{
    add_chain("a", 1, 2, "g", 7);
    add("x", "y", 8, "-", 2);
    add("y", "x", 9, "-", 2);
    add("z", "z", 9, "-", 2);
    set_tip(5, "a1", 1);
    set_tip(2, "x", 5);
    start();
    wait_asked(&fake.nodes[1].asked, 3);
    set_tip(2, "z", 7);
    wait_asked(&fake.nodes[1].asked, 3);
    set_tip(5, "a2", 2);
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    expect_block(all, "a2", 2);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(equivocation_names_the_node)
{
    struct muster_error err = { 0 };
    add("a1", "g", 1, "L1", 7);
    add("a2", "a1", 2, "L1", 7);
    add("c2", "a1", 2, "L2", 7);
    add("b2", "a1", 2, "L1", 2);
    set_tip(5, "a2", 2);
    set_tip(2, "c2", 2);
    start();
    ck_assert_int_eq(muster__feed_equivocation(feed, &err), MUSTER_OK);
    set_tip(2, "b2", 2);
    uint64_t deadline_ms = muster_clock_ms() + WAIT_MS;
    while (muster__feed_equivocation(feed, NULL) == MUSTER_OK) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    ck_assert_int_eq(muster__feed_equivocation(feed, &err), MUSTER_EEXPECT);
    ck_assert_msg(strstr(err.text, "node-1 made two blocks for slot 2, a2 and b2, ") == err.text, "%s",
                  err.text);
}
END_TEST

START_TEST(history_has_a_bound)
{
    struct muster_error err = { 0 };
    struct muster_feed_subscription *none = NULL;
    struct muster_feed_event event;
    feed->blocks_max = 8;
    add_chain("a", 1, 30, "g", 7);
    set_tip(7, "a1", 1);
    start();
    struct muster_feed_subscription *slow = subscribe(0);
    struct muster_feed_subscription *quick = subscribe(0);
    expect_block(slow, "a1", 1);
    expect_block(quick, "a1", 1);
    for (unsigned i = 2; i <= 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "a%u", i);
        set_tip(7, id, i);
        expect_block(quick, id, i);
    }
    ck_assert_uint_le(feed->entry_count, 8);
    ck_assert_int_eq(muster_feed_next(slow, WAIT_MS, &event), MUSTER_ENOTFOUND);
    ck_assert_int_eq(muster__feed_subscribe(feed, 2, &none, &err), MUSTER_ENOTFOUND);
    ck_assert_msg(strstr(err.text, "history starts at 23") != NULL, "%s", err.text);
    muster_feed_unsubscribe(slow);
    muster_feed_unsubscribe(quick);
}
END_TEST

START_TEST(a_subscriber_reads_to_the_end_when_the_feed_stops)
{
    struct muster_feed_event event;
    add_chain("a", 1, 1, "g", 7);
    set_tip(7, "a1", 1);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    muster__feed_stop(feed);
    expect_block(all, "a1", 1);
    ck_assert_int_eq(muster_feed_next(all, WAIT_MS, &event), MUSTER_ESTOPPED);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_node_that_stopped_is_left_alone_until_it_is_back)
{
    add_chain("a", 1, 2, "g", 7);
    set_tip(7, "a1", 1);
    start();
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_STOPPED);
    muster__feed_node_changed(feed, 0);
    (void)pthread_mutex_lock(&fake.mutex);
    unsigned asked = fake.nodes[0].asked;
    (void)pthread_mutex_unlock(&fake.mutex);
    wait_asked(&fake.nodes[1].asked, 5);
    (void)pthread_mutex_lock(&fake.mutex);
    ck_assert_uint_le(fake.nodes[0].asked, asked + 1); /* One may have been on its way. */
    (void)pthread_mutex_unlock(&fake.mutex);
    muster__nodes_set_state(nodes, 0, MUSTER_NODE_RUNNING);
    set_tip(1, "a2", 2);
    muster__feed_node_changed(feed, 0);
    (void)wait_view(0, is_at_two);
}
END_TEST

START_TEST(a_stream_brings_blocks_at_once)
{
    add_chain("a", 1, 2, "g", 7);
    set_tip(7, "a2", 2);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    expect_block(all, "a2", 2);
    for (unsigned i = 0; i < NODES; i++) {
        wait_asked(&fake.nodes[i].asked, 1); /* By now the streams are open. */
    }
    bring("s3 a2 6 L1");
    expect_block(all, "s3", 3);
    bring("this is no block");
    bring("s4 s3 8 L1");
    expect_block(all, "s4", 4);
    struct muster_node_view view;
    muster__feed_view(feed, 0, &view);
    struct muster_feed_stats stats;
    muster__feed_get_stats(feed, &stats);
    ck_assert_str_eq(stats.best_tip.text, "s4");
    muster_feed_unsubscribe(all);
}
END_TEST

static bool is_at_three(const struct muster_node_view *view)
{
    return view->progress.height == 3;
}

START_TEST(a_streamed_block_is_the_nodes_tip)
{
    add_chain("a", 1, 2, "g", 7);
    set_tip(7, "a2", 2);
    start();
    for (unsigned i = 0; i < NODES; i++) {
        wait_asked(&fake.nodes[i].asked, 1);
    }
    bring("s3 a2 6 L1");
    for (unsigned i = 0; i < NODES; i++) {
        struct muster_node_view view = wait_view(i, is_at_three);
        ck_assert_str_eq(view.progress.tip.text, "s3");
        ck_assert_uint_eq(view.progress.slot, 6);
        ck_assert_uint_gt(view.changed_ms, 0);
    }
    ck_assert_uint_gt(muster__feed_propagation_p99_ms(feed), 0);
}
END_TEST

START_TEST(a_node_without_a_stream_is_polled)
{
    for (unsigned i = 0; i < NODES; i++) {
        fake.nodes[i].has_stream = false;
    }
    add_chain("a", 1, 3, "g", 7);
    set_tip(7, "a1", 1);
    start();
    struct muster_feed_subscription *all = subscribe(0);
    expect_block(all, "a1", 1);
    set_tip(7, "a3", 3);
    expect_block(all, "a2", 2);
    expect_block(all, "a3", 3);
    wait_asked(&fake.nodes[0].asked, 20);
    (void)pthread_mutex_lock(&fake.mutex);
    ck_assert_uint_eq(fake.nodes[0].streams_asked, 1);
    (void)pthread_mutex_unlock(&fake.mutex);
    muster_feed_unsubscribe(all);
}
END_TEST

START_TEST(a_stream_that_breaks_is_opened_again)
{
    start();
    wait_asked(&fake.nodes[0].asked, 1);
    set_flag(&fake.nodes[0].has_stream, false);
    (void)pthread_mutex_lock(&fake.mutex);
    unsigned before = fake.nodes[0].streams_asked;
    fake.nodes[0].has_stream = true;
    (void)pthread_mutex_unlock(&fake.mutex);
    ck_assert_uint_eq(before, 1);
    /* The server may not have noticed; break it for certain. */
    set_flag(&fake.nodes[0].has_stream, false);
    uint64_t deadline_ms = muster_clock_ms() + WAIT_MS;
    for (bool closed = false; !closed;) {
        (void)pthread_mutex_lock(&feed->mutex);
        closed = feed->node[0].stream == 0;
        (void)pthread_mutex_unlock(&feed->mutex);
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
    }
    set_flag(&fake.nodes[0].has_stream, true);
    wait_asked(&fake.nodes[0].streams_asked, 1);
}
END_TEST

START_TEST(a_system_without_blocks_has_progress)
{
    set_tip(7, "p9", 9);
    set_tip(2, "p12", 12);
    start();
    struct muster_feed_stats stats;
    muster__feed_get_stats(feed, &stats);
    ck_assert_uint_eq(stats.best_height, 12);
    ck_assert_uint_eq(stats.blocks_seen, 0);
    struct muster_node_view view = wait_view(0, answers);
    ck_assert_uint_eq(view.progress.height, 9);
    ck_assert_uint_eq(muster__feed_propagation_p99_ms(feed), 0);
}
END_TEST

static TCase *make_case(const char *name, void (*set_up)(void))
{
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *cases = make_case("polled", make_polled);
    tcase_add_test(cases, a_chain_grows);
    tcase_add_test(cases, a_reorg_is_told_in_order);
    tcase_add_test(cases, a_node_that_hangs_holds_up_no_other);
    tcase_add_test(cases, a_bad_answer_is_observed_with_its_reason);
    tcase_add_test(cases, a_block_that_one_node_lacks_comes_from_another);
    tcase_add_test(cases, a_block_that_nobody_has_becomes_a_gap);
    tcase_add_test(cases, a_tip_without_a_block_is_not_the_best);
    tcase_add_test(cases, blocks_that_name_each_other_do_no_harm);
    tcase_add_test(cases, equivocation_names_the_node);
    tcase_add_test(cases, history_has_a_bound);
    tcase_add_test(cases, a_subscriber_reads_to_the_end_when_the_feed_stops);
    tcase_add_test(cases, a_node_that_stopped_is_left_alone_until_it_is_back);
    suite_add_tcase(suite, cases);
    cases = make_case("streamed", make_streamed);
    tcase_add_test(cases, a_stream_brings_blocks_at_once);
    tcase_add_test(cases, a_streamed_block_is_the_nodes_tip);
    tcase_add_test(cases, a_node_without_a_stream_is_polled);
    tcase_add_test(cases, a_stream_that_breaks_is_opened_again);
    suite_add_tcase(suite, cases);
    cases = make_case("blockless", make_blockless);
    tcase_add_test(cases, a_system_without_blocks_has_progress);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
