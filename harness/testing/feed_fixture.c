#include "testing/feed_fixture.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct test_server *server;

static struct muster_http *http;

struct muster_nodes *feed_nodes;

struct muster_feed *tested_feed;

static struct muster_plan *plan;

static struct muster_events *events;

static char events_path[64];

unsigned feed_count_events(const char *kind, const char *part)
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
    memset(&feed_fake, 0, sizeof(feed_fake));
    (void)pthread_mutex_init(&feed_fake.mutex, NULL);
    (void)pthread_cond_init(&feed_fake.changed, NULL);
    server = test_server_start(feed_serve, NULL);
    plan = calloc(1, sizeof(*plan));
    plan->system = system;
    plan->node_count = FEED_NODES;
    plan->block_interval_ms = 100;
    ck_assert_int_eq(muster__http_create(&http, &err), MUSTER_OK);
    ck_assert_int_eq(muster__nodes_create(FEED_NODES, "/nonexistent", 0, &feed_nodes, &err), MUSTER_OK);
    for (uint32_t i = 0; i < FEED_NODES; i++) {
        char prefix[16];
        (void)snprintf(prefix, sizeof(prefix), "/node-%u", i);
        struct muster_endpoint endpoint = test_endpoint(server, prefix);
        muster__nodes_set_endpoint(feed_nodes, i, &endpoint);
        muster__nodes_set_state(feed_nodes, i, MUSTER_NODE_RUNNING);
        (void)snprintf(feed_fake.nodes[i].tip, sizeof(feed_fake.nodes[i].tip), "g");
        feed_fake.nodes[i].has_stream = true;
    }
    open_events();
    ck_assert_int_eq(muster__feed_create(plan, http, feed_nodes, events, &tested_feed, &err), MUSTER_OK);
}

void feed_make_polled(void)
{
    make(&feed_polled);
}

void feed_make_streamed(void)
{
    make(&feed_streamed);
}

void feed_tear_down(void)
{
    muster__feed_stop(tested_feed);
    (void)pthread_mutex_lock(&feed_fake.mutex);
    feed_fake.ended = true;
    (void)pthread_cond_broadcast(&feed_fake.changed);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    muster__http_destroy(http);
    muster__feed_destroy(tested_feed);
    muster__nodes_destroy(feed_nodes);
    muster__events_close(events);
    (void)unlink(events_path);
    test_server_stop(server);
    free(plan);
}

void feed_start(void)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__feed_start(tested_feed, &err), MUSTER_OK);
}

void feed_add(const char *id, const char *parent, unsigned slot, const char *leader, unsigned had_by)
{
    (void)pthread_mutex_lock(&feed_fake.mutex);
    struct feed_fake_block *block = &feed_fake.blocks[feed_fake.count];
    ck_assert_uint_lt(feed_fake.count, FEED_BLOCKS);
    (void)snprintf(block->id, sizeof(block->id), "%s", id);
    (void)snprintf(block->parent, sizeof(block->parent), "%s", parent);
    (void)snprintf(block->leader, sizeof(block->leader), "%s", leader);
    block->slot = slot;
    block->had_by = had_by;
    feed_fake.count++;
    (void)pthread_mutex_unlock(&feed_fake.mutex);
}

void feed_set_tip(unsigned had_by, const char *id, unsigned height)
{
    (void)pthread_mutex_lock(&feed_fake.mutex);
    for (unsigned i = 0; i < FEED_NODES; i++) {
        if ((had_by >> i & 1u) != 0) {
            (void)snprintf(feed_fake.nodes[i].tip, sizeof(feed_fake.nodes[i].tip), "%s", id);
            feed_fake.nodes[i].height = height;
        }
    }
    (void)pthread_mutex_unlock(&feed_fake.mutex);
}

void feed_bring(const char *line)
{
    (void)pthread_mutex_lock(&feed_fake.mutex);
    (void)snprintf(feed_fake.lines[feed_fake.line_count++], 64, "%s", line);
    (void)pthread_cond_broadcast(&feed_fake.changed);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
}

void feed_set_flag(bool *flag, bool value)
{
    (void)pthread_mutex_lock(&feed_fake.mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&feed_fake.changed);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
}

void feed_wait_asked(const unsigned *counter, unsigned more)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    (void)pthread_mutex_lock(&feed_fake.mutex);
    unsigned until = *counter + more;
    int error = 0;
    while (*counter < until && error == 0) {
        error = pthread_cond_timedwait(&feed_fake.changed, &feed_fake.mutex, &deadline);
    }
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    ck_assert_int_eq(error, 0);
}

struct muster_feed_subscription *feed_subscribe(uint64_t from_height)
{
    struct muster_feed_subscription *subscription = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__feed_subscribe(tested_feed, from_height, &subscription, &err) == MUSTER_OK, "%s",
                  err.text);
    return subscription;
}

void feed_expect_block(struct muster_feed_subscription *subscription, const char *id, uint64_t height)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, FEED_WAIT_MS, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_BLOCK);
    ck_assert_str_eq(event.block->id.text, id);
    ck_assert_uint_eq(event.height, height);
    ck_assert_uint_eq(event.block->height, height);
    ck_assert_uint_eq(event.block->identity_count, 1);
    ck_assert_uint_gt(event.seen_us, 0);
    ck_assert_uint_eq(event.seen_us / 1000, event.seen_ms);
}

void feed_expect_reorg(struct muster_feed_subscription *subscription, uint64_t height)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, FEED_WAIT_MS, &event), MUSTER_OK);
    ck_assert_int_eq(event.kind, MUSTER_FEED_REORG);
    ck_assert_uint_eq(event.height, height);
    ck_assert_ptr_null(event.block);
}

void feed_expect_nothing(struct muster_feed_subscription *subscription)
{
    struct muster_feed_event event;
    ck_assert_int_eq(muster_feed_next(subscription, 0, &event), MUSTER_ETIMEDOUT);
}

struct muster_node_view feed_wait_view(uint32_t node, bool (*good)(const struct muster_node_view *view))
{
    struct muster_node_view view;
    uint64_t deadline_ms = muster_clock_ms() + FEED_WAIT_MS;
    muster__feed_view(tested_feed, node, &view);
    while (!good(&view)) {
        ck_assert_uint_lt(muster_clock_ms(), deadline_ms);
        (void)poll(NULL, 0, 2);
        muster__feed_view(tested_feed, node, &view);
    }
    return view;
}

bool feed_fails(const struct muster_node_view *view)
{
    return view->failing_since_ms != 0;
}

bool feed_answers(const struct muster_node_view *view)
{
    return view->failing_since_ms == 0 && view->answered_ms != 0;
}

bool feed_is_at_two(const struct muster_node_view *view)
{
    return view->progress.height == 2;
}

void feed_add_chain(const char *letter, unsigned first, unsigned last, const char *below, unsigned had_by)
{
    char id[16];
    char parent[16];
    (void)snprintf(parent, sizeof(parent), "%s", below);
    for (unsigned i = first; i <= last; i++) {
        (void)snprintf(id, sizeof(id), "%s%u", letter, i);
        feed_add(id, parent, i * 2, "-", had_by);
        memcpy(parent, id, sizeof(parent));
    }
}
