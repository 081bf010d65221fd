/* Observation of one node: it is asked again and again how far it is. All but the refresh runs in the
 * engine's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

#define SLOW_MIN_MS 200u
#define SLOW_MAX_MS 5000u
#define FAST_MIN_MS 20u
#define FAST_MAX_MS 1000u
#define FAILING_MIN_MS 100u
#define MISSED_MAX 3u

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A node whose stream brings its blocks is asked only to learn whether it still answers. */
static uint64_t interval_ms(const struct muster__feed_node *node)
{
    uint64_t block_ms = node->feed->plan->block_interval_ms;
    bool streams = node->stream != 0 && node->missed < MISSED_MAX;
    uint64_t interval =
        streams ? clamp(block_ms, SLOW_MIN_MS, SLOW_MAX_MS) : clamp(block_ms / 5, FAST_MIN_MS, FAST_MAX_MS);
    return node->failing_since_ms != 0 && interval < FAILING_MIN_MS ? FAILING_MIN_MS : interval;
}

/* Heights of blocks that are known count from the same base for all nodes; a node's own need not. */
static void adopt_height(struct muster_feed *feed, struct muster_progress *progress)
{
    const struct muster__entry *entry = muster__entry_find(feed, &progress->tip);
    if (entry != NULL && entry->resolved) {
        progress->height = entry->block.height;
    }
}

/* Returns its entry. */
static struct muster__entry *follow_tip(struct muster__feed_node *node, uint64_t asked_us)
{
    struct muster_feed *feed = node->feed;
    struct muster__entry *entry = muster__entry_find(feed, &node->progress.tip);
    bool unseen = entry == NULL;
    if (unseen) {
        entry = muster__tree_want(feed, &node->progress.tip, node->index);
    }
    if (entry == NULL) {
        return NULL;
    }
    entry->live = entry->live || unseen;
    muster__tree_claim(feed, entry, node->progress.height);
    muster__entry_had(entry, node->index);
    bool genesis = entry->state == MUSTER__MISSING && entry->resolved && entry->block.height == 0;
    if (!genesis) {
        node->missed += unseen && node->stream != 0 && asked_us != 0;
        muster__fetch(feed, entry);
        muster__fetch_below(feed, entry);
    }
    adopt_height(feed, &node->progress);
    return entry;
}

static void take_progress(struct muster__feed_node *node, const struct muster_progress *progress,
                          uint64_t asked_us)
{
    struct muster_feed *feed = node->feed;
    struct muster_id before = muster__node_tip(node)->tip;
    struct muster__entry *tip = NULL;
    bool first = node->answered_ms == 0;
    node->progress = *progress;
    if (progress->tip.text[0] != '\0') {
        tip = follow_tip(node, first ? 0 : asked_us);
    }
    /* Asked anew each time: more nodes may have it by now. */
    if (tip != NULL && tip->resolved && tip->state == MUSTER__HERE && !muster__chain_consider(feed, tip)) {
        node->answered_ms = muster_clock_ms();
        muster__node_doubted(node, tip);
    } else {
        muster__node_good(node);
    }
    muster__tree_prune(feed);
    if (strcmp(before.text, muster__node_tip(node)->tip.text) != 0) {
        node->changed_ms = muster_clock_ms();
    }
}

static void end_progress(void *context, enum muster_rc rc, struct muster_reply *reply,
                         const struct muster_error *cause)
{
    struct muster__feed_call *call = context;
    struct muster__feed_node *node = call->node;
    struct muster_feed *feed = node->feed;
    struct muster_progress progress;
    memset(&progress, 0, sizeof(progress));
    struct muster_error err;
    err.rc = MUSTER_OK;
    err.text[0] = '\0';
    if (rc == MUSTER_OK) {
        rc = feed->plan->system->parse_progress(feed->plan->system_state, reply, &progress, &err);
        cause = &err;
    }
    (void)pthread_mutex_lock(&feed->mutex);
    if (call->generation == node->generation && !feed->stopped) {
        bool first = node->answered_ms == 0;
        node->asking = false;
        if (rc == MUSTER_OK) {
            take_progress(node, &progress, call->asked_us);
        } else {
            muster__node_failed(node, cause->text);
        }
        uint64_t pause_ms = interval_ms(node);
        if (first) { /* From here on the nodes are asked in turn, not all at one moment. */
            pause_ms = pause_ms / 2 + pause_ms * node->index / (2u * feed->node_count);
        }
        node->ask_ms = muster_clock_ms() + pause_ms;
        muster__node_arm(node, node->ask_ms);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    free(call);
}

static void ask_progress(struct muster__feed_node *node, uint64_t now_ms)
{
    const struct muster_plan *plan = node->feed->plan;
    struct muster_request request = { 0 };
    struct muster__feed_call *call = muster__feed_call_create(node);
    enum muster_rc rc = call == NULL ? MUSTER_ENOMEM : MUSTER_OK;
    if (rc == MUSTER_OK) {
        rc = plan->system->request_progress(plan->system_state, &request, NULL);
    }
    if (rc == MUSTER_OK) {
        rc = muster__http_start(node->feed->http, &node->endpoint, &request, end_progress, call, NULL);
    }
    muster_request_fini(&request);
    node->asking = rc == MUSTER_OK;
    if (rc != MUSTER_OK) {
        free(call);
        node->ask_ms = now_ms + SLOW_MAX_MS;
    }
}

/* Before the node's state is read: while a timer is armed, somebody will read the state after it fired. So
 * who changes the state meanwhile either finds none armed, and arms one, or is seen by the one that is. */
static void disarm(struct muster__feed_node *node)
{
    (void)pthread_mutex_lock(&node->feed->mutex);
    if (node->armed_ms <= muster_clock_ms()) {
        node->armed_ms = 0;
    }
    (void)pthread_mutex_unlock(&node->feed->mutex);
}

void muster__node_look(void *context)
{
    struct muster__feed_node *node = context;
    struct muster_feed *feed = node->feed;
    disarm(node);
    muster__node_refresh(node, false);
    (void)pthread_mutex_lock(&feed->mutex);
    uint64_t now_ms = muster_clock_ms();
    if (!feed->stopped && node->observed) {
        muster__stream_try(node, now_ms);
        if (!node->asking && node->ask_ms <= now_ms) {
            ask_progress(node, now_ms);
        }
        if (!node->asking) {
            muster__node_arm(node, node->ask_ms);
        }
    }
    (void)pthread_mutex_unlock(&feed->mutex);
}

static void renew(struct muster__feed_node *node)
{
    if (node->stream != 0) {
        muster__http_stream_close(node->feed->http, node->stream);
    }
    node->generation++;
    node->stream = 0;
    node->stream_refused = false;
    node->stream_ms = 0;
    node->stream_failures = 0;
    node->missed = 0;
    node->asking = false;
    node->ask_ms = muster_clock_ms();
    node->failing_since_ms = 0;
    node->failing_text[0] = '\0';
    memset(&node->accepted, 0, sizeof(node->accepted));
}

void muster__node_refresh(struct muster__feed_node *node, bool anew)
{
    struct muster_feed *feed = node->feed;
    struct muster_endpoint endpoint = { 0 };
    bool runs = muster__nodes_state(feed->nodes, node->index) == MUSTER_NODE_RUNNING &&
                muster__nodes_endpoint(feed->nodes, node->index, &endpoint, NULL) == MUSTER_OK;
    (void)pthread_mutex_lock(&feed->mutex);
    if (anew || runs != node->observed) {
        renew(node);
    }
    node->observed = runs;
    if (runs) {
        node->endpoint = endpoint;
        muster__set_add(&feed->running, node->index);
        if (anew && feed->started && !feed->stopped) {
            muster__node_arm(node, node->ask_ms);
        }
    } else {
        feed->running.words[node->index / 64] &= ~(UINT64_C(1) << (node->index % 64));
    }
    (void)pthread_mutex_unlock(&feed->mutex);
}
