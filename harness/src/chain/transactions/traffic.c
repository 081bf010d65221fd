/* The transactions of a run, followed from capture to the end. */
#include "chain/transactions/traffic.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/chain.h"
#include "run/internal.h"

void muster__transactions_resolve(const struct muster_plan *plan, struct muster_transactions *options)
{
    options->rate_per_block = options->rate_per_block != 0 ? options->rate_per_block : 1;
    options->users = options->users != 0 ? options->users : plan->wallet_count;
    options->min_ratio = options->min_ratio != 0 ? options->min_ratio : 1.0;
    options->within_blocks = options->within_blocks != 0 ? options->within_blocks : plan->security_depth;
}

void muster__traffic_catch_up(void *context)
{
    struct muster__traffic *traffic = context;
    struct muster_feed_event event;
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&traffic->reading);
    while (traffic->chain != NULL && (rc = muster_feed_next(traffic->chain, 0, &event)) == MUSTER_OK) {
        if (event.kind == MUSTER_FEED_BLOCK) {
            traffic->blocks++;
            muster__tracker_block(traffic->tracker, event.block, event.height, event.seen_ms);
        } else {
            muster__tracker_reorg(traffic->tracker, event.height);
        }
    }
    traffic->fell_behind = traffic->fell_behind || rc == MUSTER_ENOTFOUND;
    pthread_mutex_unlock(&traffic->reading);
}

enum muster_rc muster__traffic_capture(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__traffic *traffic = context;
    muster__tracker_destroy(traffic->tracker);
    traffic->run = run;
    traffic->blocks = 0;
    traffic->fell_behind = false;
    traffic->tracker = muster__tracker_create(MUSTER__TRACKER_RECORDS_MAX, traffic->options.within_blocks,
                                              run->plan->security_depth);
    if (traffic->tracker == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow transactions");
    }
    return muster_feed_subscribe(run, UINT64_MAX, &traffic->chain, err);
}

/* Not a judgement: it only keeps the tracker up with the chain. */
enum muster_rc muster__traffic_check(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)err;
    muster__traffic_catch_up(context);
    return MUSTER_OK;
}

bool muster__traffic_settled(struct muster_run *run, void *context, uint64_t *height)
{
    struct muster__traffic *traffic = context;
    uint64_t needed = 0;
    (void)run;
    muster__traffic_catch_up(traffic);
    if (!muster__tracker_settled(traffic->tracker, &needed)) {
        return false;
    }
    *height = needed > *height ? needed : *height;
    return true;
}

void muster__traffic_end(struct muster_run *run, void *context)
{
    struct muster__traffic *traffic = context;
    (void)run;
    pthread_mutex_lock(&traffic->reading);
    muster_feed_unsubscribe(traffic->chain);
    traffic->chain = NULL;
    pthread_mutex_unlock(&traffic->reading);
}

/* ---- What is told of them ---- */

bool muster__traffic_progress(struct muster_run *run, void *context, char *text, size_t bytes)
{
    struct muster__traffic *traffic = context;
    struct muster__counts counts;
    (void)run;
    if (traffic->tracker == NULL) {
        return false;
    }
    muster__tracker_counts(traffic->tracker, &counts);
    (void)snprintf(text, bytes, "sent %llu included %llu", (unsigned long long)counts.sent,
                   (unsigned long long)counts.included);
    return true;
}

bool muster__traffic_summary(struct muster_run *run, void *context, char *text, size_t bytes)
{
    struct muster__traffic *traffic = context;
    struct muster__counts counts;
    (void)run;
    if (traffic->tracker == NULL) {
        return false;
    }
    muster__tracker_counts(traffic->tracker, &counts);
    (void)snprintf(text, bytes, "transactions: %llu sent, %llu accepted, %llu included, %llu final",
                   (unsigned long long)counts.sent, (unsigned long long)counts.accepted,
                   (unsigned long long)counts.included, (unsigned long long)counts.final);
    return true;
}

json_t *muster__traffic_to_json(struct muster_run *run, void *context)
{
    struct muster__traffic *traffic = context;
    struct muster__counts counts = { 0 };
    (void)run;
    if (traffic->tracker != NULL) {
        muster__tracker_counts(traffic->tracker, &counts);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts.sent,
                     "accepted", (json_int_t)counts.accepted, "included", (json_int_t)counts.included,
                     "final", (json_int_t)counts.final, "refused", (json_int_t)counts.refused, "unanswered",
                     (json_int_t)counts.unanswered, "cut_off", (json_int_t)counts.cut_off, "retried",
                     (json_int_t)counts.retried, "held_back", (json_int_t)counts.held_back);
}
