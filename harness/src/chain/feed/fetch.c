/* Fetching blocks by id: from whoever named the block first, then from the others. A block that none of
 * them has, or that none can make sense of, becomes a gap, so that it holds up no other. */
#include <stdlib.h>
#include <string.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

#define MUSTER_LOG_MODULE "feed"
#include "muster/log.h"

#define ROUNDS_MAX 3u /* Of asking all, when somebody answered. */
#define ROUNDS_UNANSWERED_MAX 12u
#define ROUND_PAUSE_MS 100u
#define TIMEOUT_MAX_MS 2000u

struct muster__feed_call *muster__feed_call_create(struct muster__feed_node *node)
{
    struct muster__feed_call *call = calloc(1, sizeof(*call));
    if (call != NULL) {
        call->node = node;
        call->generation = node->generation;
        call->asked_us = muster_clock_us();
    }
    return call;
}

static bool may_ask(const struct muster__feed_node *node, const struct muster__entry *entry)
{
    return node->observed && !muster__set_has(&entry->asked, node->index);
}

/* Who named it, else one that is known to have it, else one that answers, else anyone. */
static struct muster__feed_node *choose(struct muster_feed *feed, const struct muster__entry *entry)
{
    struct muster__feed_node *chosen = NULL;
    unsigned best = 0;
    for (uint32_t i = 0; i < feed->node_count && entry->asked_count < MUSTER__FEED_ASKED_MAX; i++) {
        struct muster__feed_node *node = &feed->node[(entry->origin + i) % feed->node_count];
        unsigned answers = node->failing_since_ms == 0 ? 2u : 0u;
        unsigned worth = 1u + answers + (muster__set_has(&entry->had_by, node->index) ? 1u : 0u);
        if (may_ask(node, entry) && (worth > best || i == 0)) {
            chosen = node;
            best = i == 0 ? 5u : worth;
        }
    }
    return chosen;
}

static void retry_due(void *context);

static void arm_retry(struct muster_feed *feed, uint64_t at_ms)
{
    if (!feed->retry_armed && !feed->stopped) {
        feed->retry_armed = muster__http_timer(feed->http, at_ms, retry_due, feed) == MUSTER_OK;
    }
}

static void give_up(struct muster_feed *feed, struct muster__entry *entry)
{
    bool genesis = entry->has_claim && entry->claim == 0;
    if (!genesis && entry->state == MUSTER__WANTED) {
        muster_log_info("block %s could not be had from any node", entry->block.id.text);
        if (feed->events != NULL) {
            muster__events_write(
                feed->events, "block_missing",
                json_pack("{s:s,s:i}", "id", entry->block.id.text, "node", (int)entry->origin));
        }
    }
    entry->retry_ms = muster_clock_ms() + 10u * ROUND_PAUSE_MS;
    if (entry->state == MUSTER__WANTED) {
        muster__tree_give_up(feed, entry);
    }
}

/* All were asked in vain. A first block that nobody has is genesis; anything else may yet come. */
static void end_round(struct muster_feed *feed, struct muster__entry *entry)
{
    bool genesis = entry->denied && entry->has_claim && entry->claim == 0;
    entry->rounds++;
    entry->asked = (struct muster__node_set){ 0 };
    entry->asked_count = 0;
    if (genesis || entry->rounds >= (entry->denied ? ROUNDS_MAX : ROUNDS_UNANSWERED_MAX)) {
        give_up(feed, entry);
        return;
    }
    entry->retry_ms =
        muster_clock_ms() + ((uint64_t)ROUND_PAUSE_MS << (entry->rounds < 5 ? entry->rounds : 5));
    arm_retry(feed, entry->retry_ms);
}

static void end_fetch(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err);

static enum muster_rc ask(struct muster__feed_node *node, struct muster__entry *entry)
{
    struct muster_feed *feed = node->feed;
    struct muster_request request = { 0 };
    struct muster__feed_call *call = muster__feed_call_create(node);
    enum muster_rc rc = call == NULL ? MUSTER_ENOMEM : MUSTER_OK;
    if (rc == MUSTER_OK) {
        call->id = entry->block.id;
        rc = feed->plan->system->chain->request_block(feed->plan->system_state, &entry->block.id, &request,
                                                      NULL);
    }
    if (rc == MUSTER_OK) {
        if (request.timeout_ms == 0 || request.timeout_ms > TIMEOUT_MAX_MS) {
            request.timeout_ms = TIMEOUT_MAX_MS; /* Others may have it: one that hangs is not waited for. */
        }
        rc = muster__http_start(feed->http, &node->endpoint, &request, end_fetch, call, NULL);
    }
    muster_request_fini(&request);
    if (rc != MUSTER_OK) {
        free(call);
    }
    return rc;
}

void muster__fetch(struct muster_feed *feed, struct muster__entry *entry)
{
    if (entry->fetching || entry->state == MUSTER__HERE || feed->stopped ||
        muster_clock_ms() < entry->retry_ms) {
        return;
    }
    struct muster__feed_node *node = NULL;
    while ((node = choose(feed, entry)) != NULL) {
        muster__set_add(&entry->asked, node->index);
        entry->asked_count++;
        enum muster_rc rc = ask(node, entry);
        if (rc == MUSTER_OK) {
            entry->fetching = true;
            feed->fetches++;
            return;
        }
        entry->denied = entry->denied || rc == MUSTER_EINVAL; /* Not even an id that can be asked for. */
    }
    end_round(feed, entry);
}

void muster__fetch_below(struct muster_feed *feed, struct muster__entry *entry)
{
    struct muster__entry *parent = entry->parent;
    if (parent == NULL || parent->state != MUSTER__WANTED) {
        return;
    }
    if (parent->walked > MUSTER__FEED_WALK_MAX) {
        muster__tree_give_up(feed, parent); /* History begins here. */
        return;
    }
    muster__fetch(feed, parent);
}

void muster__fetch_no_deeper(struct muster_feed *feed)
{
    struct muster__entry *older = NULL;
    for (struct muster__entry *entry = feed->newest; entry != NULL; entry = older) {
        older = entry->older;
        if (entry->state == MUSTER__WANTED && entry->walked > 0) {
            entry->walked = MUSTER__FEED_WALK_MAX; /* Its answer may be on the way, and names a parent. */
            muster__tree_give_up(feed, entry);
        }
    }
}

static void retry_due(void *context)
{
    struct muster_feed *feed = context;
    uint64_t now_ms = muster_clock_ms();
    uint64_t next_ms = UINT64_MAX;
    (void)pthread_mutex_lock(&feed->mutex);
    feed->retry_armed = false;
    struct muster__entry *older = NULL;
    for (struct muster__entry *entry = feed->newest; entry != NULL; entry = older) {
        older = entry->older;
        if (entry->state != MUSTER__WANTED || entry->fetching) {
            continue;
        }
        if (entry->retry_ms <= now_ms) {
            muster__fetch(feed, entry);
        } else if (entry->retry_ms < next_ms) {
            next_ms = entry->retry_ms;
        }
    }
    if (next_ms != UINT64_MAX) {
        arm_retry(feed, next_ms);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
}

static void take(struct muster_feed *feed, struct muster_block *block, uint32_t node)
{
    struct muster__entry *entry = muster__tree_put(feed, block, node);
    if (entry == NULL) {
        return;
    }
    muster__entry_had(entry, node);
    muster__fetch_below(feed, entry);
    muster__tree_prune(feed);
}

static void end_fetch(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct muster__feed_call *call = context;
    struct muster_feed *feed = call->node->feed;
    struct muster_block block = { 0 };
    bool answered = rc == MUSTER_OK;
    (void)err;
    if (answered) {
        rc = feed->plan->system->chain->parse_block(feed->plan->system_state, &call->id, reply, &block, NULL);
    }
    if (rc == MUSTER_OK) {
        block.id = call->id; /* Where the block says another, it is not the one that was asked for. */
        rc = muster__block_is_sane(&block) ? MUSTER_OK : MUSTER_EREPLY;
    }
    (void)pthread_mutex_lock(&feed->mutex);
    struct muster__entry *entry = muster__entry_find(feed, &call->id);
    feed->fetches--;
    if (entry != NULL) {
        entry->fetching = false;
        entry->denied = entry->denied || (answered && rc != MUSTER_OK);
    }
    if (entry != NULL && rc == MUSTER_OK && !feed->stopped) {
        take(feed, &block, call->node->index);
    } else {
        muster_block_fini(&block);
        if (entry != NULL) {
            muster__fetch(feed, entry);
        }
    }
    if (feed->fetches == 0) {
        (void)pthread_cond_broadcast(&feed->changed);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    free(call);
}
