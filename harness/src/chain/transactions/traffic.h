/* The transactions of a scenario: what the workload sends and the expectation judges. */
#ifndef MUSTER_SRC_TRAFFIC_H
#define MUSTER_SRC_TRAFFIC_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "chain/transactions/tracker.h"
#include "muster/chain.h"
#include "muster/run.h"

#define MUSTER__IN_FLIGHT_MAX 256u

struct muster__flight;

/* One for each muster_transactions(); the expectation's context, borrowed by the workload. */
struct muster__traffic {
    struct muster_transactions options; /* Resolved. */
    struct muster_run *run; /* From capture on, as all below. */
    struct muster__tracker *tracker;

    pthread_mutex_t reading; /* Around the subscription. */
    struct muster_feed_subscription *chain; /* Feeds the tracker. */
    uint64_t blocks; /* Of the best chain, seen since capture. */
    bool fell_behind; /* The feed's history did not reach back far enough. */

    pthread_mutex_t sending; /* Around what follows. */
    bool open; /* The workload runs: what fails may be tried again. */
    uint32_t in_flight; /* Those that wait to be tried again included. */
    TAILQ_HEAD(, muster__flight) again;
};

/** Fills in the defaults; the plan's wallets and security depth must be known. */
void muster__transactions_resolve(const struct muster_plan *plan, struct muster_transactions *options);

/* The slots of the part; see muster/part.h. Their context is the traffic. */

/** sender.c */
enum muster_rc muster__transactions_run(struct muster_run *run, void *context, struct muster_error *err);

/** inclusion.c */
enum muster_rc muster__inclusion_evaluate(struct muster_run *run, void *context, struct muster_report *report,
                                          struct muster_error *err);

enum muster_rc muster__traffic_capture(struct muster_run *run, void *context, struct muster_error *err);
enum muster_rc muster__traffic_check(struct muster_run *run, void *context, struct muster_error *err);
bool muster__traffic_settled(struct muster_run *run, void *context, uint64_t *height);
void muster__traffic_end(struct muster_run *run, void *context);
bool muster__traffic_progress(struct muster_run *run, void *context, char *text, size_t bytes);
bool muster__traffic_summary(struct muster_run *run, void *context, char *text, size_t bytes);
json_t *muster__traffic_to_json(struct muster_run *run, void *context);

/** Tells the tracker what the feed has by now. */
void muster__traffic_catch_up(void *traffic);

#endif
