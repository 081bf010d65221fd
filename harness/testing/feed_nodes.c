#include "testing/feed_nodes.h"

#include "muster/chain.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct feed_fake feed_fake;

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

static const struct muster_chain polled_chain = {
    .request_block = request_block,
    .parse_block = parse_block,
    .leader_node = leader_node,
};

const struct muster_system feed_polled = {
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

const struct muster_system feed_streamed = {
    .name = "streamed",
    .request_progress = request_progress,
    .parse_progress = parse_progress,
    .chain = &streamed_chain,
};

static bool serve_stream(int fd, struct feed_fake_node *node)
{
    size_t sent = 0;
    bool alive = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    (void)pthread_mutex_lock(&feed_fake.mutex);
    sent = feed_fake.line_count;
    while (alive && !feed_fake.ended && node->has_stream) {
        if (sent == feed_fake.line_count) {
            (void)pthread_cond_wait(&feed_fake.changed, &feed_fake.mutex);
            continue;
        }
        char line[72];
        (void)snprintf(line, sizeof(line), "%s\n", feed_fake.lines[sent++]);
        (void)pthread_mutex_unlock(&feed_fake.mutex);
        alive = test_say(fd, line);
        (void)pthread_mutex_lock(&feed_fake.mutex);
    }
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    return false;
}

/* Under the fake's mutex. */
static void withhold(const char *path)
{
    bool asked = feed_fake.withheld[0] != '\0' && strncmp(path, "/block/", 7) == 0 &&
                 strcmp(path + 7, feed_fake.withheld) == 0;
    feed_fake.withheld_asked += asked;
    (void)pthread_cond_broadcast(&feed_fake.changed);
    while (asked && !feed_fake.ended && strcmp(path + 7, feed_fake.withheld) == 0) {
        (void)pthread_cond_wait(&feed_fake.changed, &feed_fake.mutex);
    }
}

/* Under the fake's mutex. */
static int answer(unsigned index, const char *path, char text[128])
{
    struct feed_fake_node *node = &feed_fake.nodes[index];
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
    for (size_t i = 0; i < feed_fake.count && strncmp(path, "/block/", 7) == 0; i++) {
        const struct feed_fake_block *block = &feed_fake.blocks[i];
        if (strcmp(block->id, path + 7) == 0 && (block->had_by >> index & 1u) != 0) {
            (void)snprintf(text, 128, "%s %s %u %s", block->id, block->parent, block->slot, block->leader);
            return 200;
        }
    }
    text[0] = '\0';
    return 404;
}

bool feed_serve(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    int used = 0;
    char text[128];
    (void)context;
    if (sscanf(request->path, "/node-%u%n", &index, &used) != 1 || index >= FEED_NODES) {
        return test_reply(fd, 404, "");
    }
    const char *path = request->path + used;
    (void)pthread_mutex_lock(&feed_fake.mutex);
    struct feed_fake_node *node = &feed_fake.nodes[index];
    bool stream = strcmp(path, "/stream") == 0;
    node->streams_asked += stream;
    bool streams = stream && node->has_stream && !node->fails;
    bool hangs = node->hangs;
    withhold(path);
    int status = stream ? 404 : answer(index, path, text);
    (void)pthread_cond_broadcast(&feed_fake.changed);
    (void)pthread_mutex_unlock(&feed_fake.mutex);
    if (hangs) {
        return test_hang(fd);
    }
    if (streams) {
        return serve_stream(fd, node);
    }
    return test_reply(fd, status, stream ? "" : text);
}
