/* Making and ending the feed, and what it knows as a whole. */
#include "chain/feed/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

#define FIRST_ANSWERS_MS 2000u

static void init_locks(struct muster_feed *feed)
{
    muster_clock_init_condition(&feed->changed);
    (void)pthread_mutex_init(&feed->mutex, NULL);
}

enum muster_rc muster__feed_create(const struct muster_plan *plan, struct muster_http *http,
                                   struct muster_nodes *nodes, struct muster_events *events,
                                   struct muster_feed **ret, struct muster_error *err)
{
    uint32_t count = plan->node_count;
    struct muster_feed *feed = calloc(1, sizeof(*feed) + count * sizeof(feed->node[0]));
    if (feed == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the feed of %u nodes", count);
    }
    init_locks(feed);
    feed->plan = plan;
    feed->http = http;
    feed->nodes = nodes;
    feed->events = events;
    feed->look = muster__node_look;
    feed->blocks_max = MUSTER__FEED_BLOCKS_MAX;
    feed->node_count = count;
    for (uint32_t i = 0; i < count; i++) {
        feed->node[i].feed = feed;
        feed->node[i].index = i;
    }
    *ret = feed;
    return MUSTER_OK;
}

/* Under the mutex: every node answered or failed once, and their tips lead down to a base. */
static bool has_begun(const struct muster_feed *feed)
{
    for (uint32_t i = 0; i < feed->node_count; i++) {
        const struct muster__feed_node *node = &feed->node[i];
        if (node->observed && node->answered_ms == 0 && node->failing_since_ms == 0) {
            return false;
        }
    }
    return feed->fetches == 0;
}

/* A baseline that is taken right after the start is to know the chain as it was then. */
static void wait_first_answers(struct muster_feed *feed)
{
    uint64_t deadline_ms = muster_clock_ms() + FIRST_ANSWERS_MS;
    struct timespec deadline = { .tv_sec = (time_t)(deadline_ms / 1000u),
                                 .tv_nsec = (long)(deadline_ms % 1000u) * 1000000L };
    int error = 0;
    while (!has_begun(feed) && !feed->stopped && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&feed->changed, &feed->mutex, &deadline);
    }
}

enum muster_rc muster__feed_start(struct muster_feed *feed, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    (void)pthread_mutex_lock(&feed->mutex);
    if (feed->started || feed->stopped) {
        rc = muster_error_set(err, MUSTER_ESTATE, "the feed was started already");
    }
    feed->started = true;
    (void)pthread_mutex_unlock(&feed->mutex);
    for (uint32_t i = 0; i < feed->node_count && rc == MUSTER_OK; i++) {
        muster__node_refresh(&feed->node[i], true);
    }
    if (rc == MUSTER_OK) {
        (void)pthread_mutex_lock(&feed->mutex);
        wait_first_answers(feed);
        (void)pthread_mutex_unlock(&feed->mutex);
    }
    return rc;
}

void muster__feed_begin_history(struct muster_feed *feed)
{
    (void)pthread_mutex_lock(&feed->mutex);
    muster__fetch_no_deeper(feed);
    (void)pthread_mutex_unlock(&feed->mutex);
}

void muster__feed_stop(struct muster_feed *feed)
{
    (void)pthread_mutex_lock(&feed->mutex);
    feed->stopped = true;
    for (uint32_t i = 0; i < feed->node_count; i++) {
        if (feed->node[i].stream != 0) {
            muster__http_stream_close(feed->http, feed->node[i].stream);
            feed->node[i].stream = 0;
        }
    }
    (void)pthread_cond_broadcast(&feed->changed);
    (void)pthread_mutex_unlock(&feed->mutex);
}

void muster__feed_destroy(struct muster_feed *feed)
{
    if (feed == NULL) {
        return;
    }
    if (feed->subscriptions >
        0) { /* Somebody's mistake, and his thread may still be in muster_feed_next(). */
        muster_log_warn("%u subscriptions to the feed were not ended", feed->subscriptions);
        return;
    }
    muster__tree_free(feed);
    free(feed->chain);
    free(feed->slots);
    free(feed->line);
    (void)pthread_cond_destroy(&feed->changed);
    (void)pthread_mutex_destroy(&feed->mutex);
    free(feed);
}

void muster__feed_node_changed(struct muster_feed *feed, uint32_t node)
{
    if (node < feed->node_count) {
        muster__node_refresh(&feed->node[node], true);
    }
}

void muster__feed_view(struct muster_feed *feed, uint32_t index, struct muster_node_view *ret)
{
    *ret = (struct muster_node_view){ 0 };
    if (feed == NULL || index >= feed->node_count) {
        return;
    }
    const struct muster__feed_node *node = &feed->node[index];
    ret->state = muster__nodes_state(feed->nodes, index);
    ret->restarts = muster__nodes_restarts(feed->nodes, index);
    (void)pthread_mutex_lock(&feed->mutex);
    ret->progress = *muster__node_tip(node);
    ret->progress.final = node->progress.final;
    ret->changed_ms = node->changed_ms;
    ret->answered_ms = node->answered_ms;
    ret->failing_since_ms = node->failing_since_ms;
    memcpy(ret->failing_text, node->failing_text, sizeof(ret->failing_text));
    (void)pthread_mutex_unlock(&feed->mutex);
}

/* Under the mutex. Where no block is known, the nodes' own words are the best there is. */
static void fill_best(const struct muster_feed *feed, struct muster_feed_stats *ret)
{
    if (feed->best != NULL) {
        ret->best_height = feed->best->block.height;
        ret->best_tip = feed->best->block.id;
        return;
    }
    for (uint32_t i = 0; i < feed->node_count; i++) {
        const struct muster_progress *tip = muster__node_tip(&feed->node[i]);
        if (tip->height > ret->best_height || ret->best_tip.text[0] == '\0') {
            ret->best_height = tip->height;
            ret->best_tip = tip->tip;
        }
    }
}

void muster__feed_get_stats(struct muster_feed *feed, struct muster_feed_stats *ret)
{
    *ret = (struct muster_feed_stats){ 0 };
    if (feed == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&feed->mutex);
    fill_best(feed, ret);
    ret->blocks_seen = feed->blocks_seen;
    ret->slots_won = feed->slot_count;
    ret->reorgs = feed->reorgs;
    ret->deepest_reorg = feed->deepest_reorg;
    (void)pthread_mutex_unlock(&feed->mutex);
}
