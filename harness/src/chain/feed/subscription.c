/* Subscriptions: each walks the best chain at its own pace and tells when it was led astray. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "chain/feed/internal.h"
#include "muster/chain.h"
#include "muster/clock.h"

static void hold(struct muster_feed_subscription *subscription, struct muster__entry *entry)
{
    entry->holds++;
    if (subscription->last != NULL) {
        muster__entry_release(subscription->last);
    }
    subscription->last = entry;
}

static enum muster_rc set_start(struct muster_feed_subscription *subscription, uint64_t from_height,
                                struct muster_error *err)
{
    struct muster_feed *feed = subscription->feed;
    subscription->anything = from_height == 0 || from_height == UINT64_MAX;
    subscription->next_height = from_height == UINT64_MAX ? 0 : from_height;
    if (from_height == UINT64_MAX && feed->best != NULL) {
        hold(subscription, feed->best);
    }
    if (!subscription->anything && feed->chain_count > 0 && from_height < feed->chain_base) {
        return muster_error_set(err, MUSTER_ENOTFOUND, "no blocks from height %llu: history starts at %llu",
                                (unsigned long long)from_height, (unsigned long long)feed->chain_base);
    }
    return MUSTER_OK;
}

enum muster_rc muster__feed_subscribe(struct muster_feed *feed, uint64_t from_height,
                                      struct muster_feed_subscription **ret, struct muster_error *err)
{
    struct muster_feed_subscription *subscription = calloc(1, sizeof(*subscription));
    if (subscription == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a subscription");
    }
    (void)pthread_mutex_lock(&feed->mutex);
    subscription->feed = feed;
    enum muster_rc rc = set_start(subscription, from_height, err);
    feed->subscriptions += rc == MUSTER_OK;
    (void)pthread_mutex_unlock(&feed->mutex);
    if (rc != MUSTER_OK) {
        free(subscription);
        return rc;
    }
    *ret = subscription;
    return MUSTER_OK;
}

void muster_feed_unsubscribe(struct muster_feed_subscription *subscription)
{
    if (subscription == NULL) {
        return;
    }
    struct muster_feed *feed = subscription->feed;
    (void)pthread_mutex_lock(&feed->mutex);
    feed->subscriptions--;
    muster__entry_release(subscription->last);
    (void)pthread_mutex_unlock(&feed->mutex);
    free(subscription);
}

static enum muster_rc give(struct muster_feed_subscription *subscription, enum muster_feed_kind kind,
                           struct muster__entry *entry, struct muster_feed_event *ret)
{
    const struct muster__entry *seen = kind == MUSTER_FEED_BLOCK ? entry : subscription->feed->best;
    hold(subscription, entry);
    *ret = (struct muster_feed_event){ .kind = kind,
                                       .height = entry->block.height,
                                       .seen_ms = seen->seen_us / 1000u,
                                       .seen_us = seen->seen_us,
                                       .block = kind == MUSTER_FEED_BLOCK ? &entry->block : NULL };
    return MUSTER_OK;
}

/* The last block given is no longer on the best chain. */
static enum muster_rc give_reorg(struct muster_feed_subscription *subscription, struct muster_feed_event *ret)
{
    struct muster__entry *entry = subscription->last;
    while (entry != NULL && !entry->on_chain) {
        struct muster__entry *below = muster__chain_below(subscription->feed, entry);
        entry = below != NULL && below->block.height < entry->block.height ? below : NULL;
    }
    return entry == NULL ? MUSTER_ENOTFOUND : give(subscription, MUSTER_FEED_REORG, entry, ret);
}

/* MUSTER_ETIMEDOUT: nothing yet. */
static enum muster_rc step(struct muster_feed_subscription *subscription, struct muster_feed_event *ret)
{
    struct muster_feed *feed = subscription->feed;
    uint64_t height = subscription->next_height;
    if (feed->chain_count == 0) {
        return MUSTER_ETIMEDOUT;
    }
    if (subscription->last != NULL && !subscription->last->on_chain) {
        return give_reorg(subscription, ret);
    }
    if (subscription->last != NULL) {
        height = subscription->last->block.height + 1;
    } else if (height < feed->chain_base) {
        if (!subscription->anything) {
            return MUSTER_ENOTFOUND;
        }
        height = feed->chain_base;
    }
    for (; height <= feed->best->block.height; height++) {
        struct muster__entry *entry = muster__chain_at(feed, height);
        if (entry != NULL && entry->state == MUSTER__HERE) {
            return give(subscription, MUSTER_FEED_BLOCK, entry, ret);
        }
    }
    return MUSTER_ETIMEDOUT;
}

enum muster_rc muster_feed_next(struct muster_feed_subscription *subscription, uint32_t timeout_ms,
                                struct muster_feed_event *ret)
{
    struct muster_feed *feed = subscription->feed;
    uint64_t deadline_ms = muster_clock_ms() + timeout_ms;
    struct timespec deadline = { .tv_sec = (time_t)(deadline_ms / 1000u),
                                 .tv_nsec = (long)(deadline_ms % 1000u) * 1000000L };
    (void)pthread_mutex_lock(&feed->mutex);
    enum muster_rc rc = step(subscription, ret);
    int error = timeout_ms == 0 ? ETIMEDOUT : 0;
    while (rc == MUSTER_ETIMEDOUT && error != ETIMEDOUT && !feed->stopped) {
        error = pthread_cond_timedwait(&feed->changed, &feed->mutex, &deadline);
        rc = step(subscription, ret);
    }
    if (rc == MUSTER_ETIMEDOUT && feed->stopped) {
        rc = MUSTER_ESTOPPED;
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    return rc;
}
