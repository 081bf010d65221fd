/* A node's stream of accepted blocks, where its system has one. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

#define RETRY_MIN_MS 250u
#define RETRY_MAX_MS 10000u

/* The nodes' streams bring the same blocks in the same words: each is parsed once. */
static struct muster__entry *find_line(const struct muster_feed *feed, const char *line, size_t bytes)
{
    if (bytes != feed->line_bytes || bytes == 0 || memcmp(line, feed->line, bytes) != 0) {
        return NULL;
    }
    struct muster__entry *entry = muster__entry_find(feed, &feed->line_id);
    return entry != NULL && entry->state == MUSTER__HERE ? entry : NULL;
}

static void keep_line(struct muster_feed *feed, const char *line, size_t bytes, const struct muster_id *id)
{
    char *kept = bytes <= MUSTER__FEED_LINE_KEPT ? realloc(feed->line, bytes) : NULL;
    feed->line_bytes = 0;
    if (kept != NULL) {
        memcpy(kept, line, bytes);
        feed->line = kept;
        feed->line_bytes = bytes;
        feed->line_id = *id;
    }
}

static void accepted(struct muster__feed_node *node, struct muster__entry *entry)
{
    node->missed = 0;
    node->stream_failures = 0;
    if (node->failing_since_ms == 0) { /* A stream that goes on is no answer to what was asked. */
        muster__node_good(node);
    }
    muster__entry_had(entry, node->index);
    muster__fetch_below(node->feed, entry);
    if (entry->resolved && !muster__chain_consider(node->feed, entry)) {
        muster__node_doubted(node, entry);
    } else if (entry->resolved && entry->block.height > muster__node_tip(node)->height) {
        node->accepted = (struct muster_progress){ .tip = entry->block.id,
                                                   .final = node->progress.final,
                                                   .height = entry->block.height,
                                                   .slot = entry->block.slot };
        node->changed_ms = muster_clock_ms();
    }
}

static struct muster__entry *take(struct muster__feed_node *node, struct muster_block *block,
                                  const char *line, size_t bytes)
{
    struct muster_feed *feed = node->feed;
    bool unseen = muster__entry_find(feed, &block->id) == NULL;
    struct muster__entry *entry = muster__tree_put(feed, block, node->index);
    if (entry != NULL) {
        entry->live = entry->live || unseen;
        keep_line(feed, line, bytes, &entry->block.id);
    }
    return entry;
}

static bool is_current(const struct muster__feed_call *call)
{
    return call->generation == call->node->generation && !call->node->feed->stopped;
}

static void take_line(void *context, const char *line, size_t bytes)
{
    struct muster__feed_call *call = context;
    struct muster__feed_node *node = call->node;
    struct muster_feed *feed = node->feed;
    const struct muster_plan *plan = feed->plan;
    struct muster_block block = { 0 };
    struct muster_error err;
    enum muster_rc rc = MUSTER_OK;
    err.rc = MUSTER_OK;
    err.text[0] = '\0';
    (void)pthread_mutex_lock(&feed->mutex);
    struct muster__entry *entry = find_line(feed, line, bytes);
    if (entry == NULL) {
        (void)pthread_mutex_unlock(&feed->mutex);
        rc = plan->system->chain->parse_stream_line(plan->system_state, line, bytes, &block, &err);
        if (rc == MUSTER_OK && !muster__block_is_sane(&block)) {
            rc = muster_error_set(&err, MUSTER_EREPLY, "streamed a block without an id, or its own parent");
        }
        (void)pthread_mutex_lock(&feed->mutex);
    }
    if (!is_current(call)) {
        muster_block_fini(&block);
    } else if (rc != MUSTER_OK) {
        muster_block_fini(&block);
        muster__node_failed(node, err.text);
    } else {
        entry = entry != NULL ? entry : take(node, &block, line, bytes);
        if (entry != NULL) {
            accepted(node, entry);
        }
        muster__tree_prune(feed);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
}

/* A node without a stream is asked often instead. One that cannot be reached is tried again. */
static void end_stream(void *context, enum muster_rc rc, struct muster_reply *reply,
                       const struct muster_error *err)
{
    struct muster__feed_call *call = context;
    struct muster__feed_node *node = call->node;
    struct muster_feed *feed = node->feed;
    (void)reply;
    (void)pthread_mutex_lock(&feed->mutex);
    if (is_current(call)) {
        uint64_t now_ms = muster_clock_ms();
        uint32_t doublings = node->stream_failures < 6 ? node->stream_failures : 6;
        uint64_t pause_ms = (uint64_t)RETRY_MIN_MS << doublings;
        node->stream = 0;
        node->stream_refused = rc == MUSTER_EREPLY;
        node->stream_failures++;
        node->stream_ms = now_ms + (pause_ms < RETRY_MAX_MS ? pause_ms : RETRY_MAX_MS);
        muster_log_debug("node-%u's stream of blocks: %s", node->index, err->text);
        if (!node->asking) {
            node->ask_ms = now_ms; /* What the stream would have brought. */
            muster__node_arm(node, now_ms);
        }
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    free(call);
}

void muster__stream_try(struct muster__feed_node *node, uint64_t now_ms)
{
    struct muster_feed *feed = node->feed;
    const struct muster_system *system = feed->plan->system;
    if (system->chain->request_stream == NULL || node->stream != 0 || node->stream_refused ||
        now_ms < node->stream_ms) {
        return;
    }
    struct muster_request request = { 0 };
    struct muster__feed_call *call = muster__feed_call_create(node);
    if (call != NULL &&
        system->chain->request_stream(feed->plan->system_state, &request, NULL) == MUSTER_OK) {
        node->stream = muster__http_stream_open(feed->http, &node->endpoint, &request, take_line, end_stream,
                                                call, NULL);
    }
    muster_request_fini(&request);
    if (node->stream == 0) {
        free(call);
        node->stream_ms = now_ms + RETRY_MAX_MS;
    }
}
