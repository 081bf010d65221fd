/* What is known of one node: whether it answers well, its tip, when it is looked at again. */
#include <stdio.h>

#include "chain/feed/internal.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

void muster__node_failed(struct muster__feed_node *node, const char *text)
{
    struct muster_feed *feed = node->feed;
    (void)snprintf(node->failing_text, sizeof(node->failing_text), "%.*s",
                   (int)sizeof(node->failing_text) - 1, text);
    if (node->failing_since_ms != 0) {
        return;
    }
    node->failing_since_ms = muster_clock_ms();
    (void)pthread_cond_broadcast(&feed->changed);
    muster_log_info("node-%u does not answer well: %s", node->index, node->failing_text);
    if (feed->events != NULL) {
        muster__events_write(feed->events, "node_failing",
                             json_pack("{s:i,s:s}", "node", (int)node->index, "why", node->failing_text));
    }
}

void muster__node_good(struct muster__feed_node *node)
{
    struct muster_feed *feed = node->feed;
    uint64_t since_ms = node->failing_since_ms;
    if (node->answered_ms == 0) {
        (void)pthread_cond_broadcast(&feed->changed);
    }
    node->answered_ms = muster_clock_ms();
    node->failing_since_ms = 0;
    node->failing_text[0] = '\0';
    if (since_ms != 0 && feed->events != NULL) {
        muster__events_write(feed->events, "node_answers",
                             json_pack("{s:i,s:I}", "node", (int)node->index, "failed_ms",
                                       (json_int_t)(node->answered_ms - since_ms)));
    }
}

void muster__node_doubted(struct muster__feed_node *node, const struct muster__entry *entry)
{
    char text[sizeof(node->failing_text)];
    (void)snprintf(
        text, sizeof(text),
        "has block %.32s at height %llu, it says, which is not known to stand on the chain that most "
        "nodes have",
        entry->block.id.text, (unsigned long long)entry->block.height);
    if (node->observed) {
        muster__node_failed(node, text);
    }
}

const struct muster_progress *muster__node_tip(const struct muster__feed_node *node)
{
    return node->accepted.height > node->progress.height ? &node->accepted : &node->progress;
}

void muster__node_arm(struct muster__feed_node *node, uint64_t at_ms)
{
    if (node->armed_ms != 0 && node->armed_ms <= at_ms) {
        return; /* The earlier one will set the next. */
    }
    if (muster__http_timer(node->feed->http, at_ms, node->feed->look, node) == MUSTER_OK) {
        node->armed_ms = at_ms;
    }
}
