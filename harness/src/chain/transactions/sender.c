/* The transaction workload: load that follows the chain. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "chain/feed/feed_run.h"
#include "chain/transactions/pace.h"
#include "chain/transactions/traffic.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "run/internal.h"

#define MUSTER_LOG_MODULE "transactions"
#include "muster/log.h"

#define WAIT_MS_MAX 50u
#define TRIES_MIN 5u
#define TRYING_MS_MIN 5000u /* Times slow-down: how long one is tried at least, if in vain. */
#define AGAIN_MS_MIN 20u
#define AGAIN_MS_MAX 500u

/* One submission on its way. Belongs to the engine while a request runs, else to the list `again`. */
struct muster__flight {
    TAILQ_ENTRY(muster__flight) entries;
    struct muster__traffic *traffic;
    struct muster_submission submission;
    uint32_t node;
    uint32_t tries;
    uint64_t first_ms;
    uint64_t again_ms; /* When it may be tried again. */
    char text[256]; /* Why it was not accepted. */
};

/* The workload's own, in its thread. */
struct sender {
    struct muster_run *run;
    struct muster__traffic *traffic;
    struct muster_feed_subscription *blocks;
    struct muster__pace pace;
    uint32_t next_wallet;
    uint32_t next_node;
};

/* ---- The end of a flight ---- */

static void settle(struct muster__flight *flight, bool accepted)
{
    struct muster_run *run = flight->traffic->run;
    pthread_mutex_lock(&run->system);
    run->plan->system->chain->settle_submission(run->plan->system_state, &flight->submission, accepted);
    pthread_mutex_unlock(&run->system);
}

static void land(struct muster__flight *flight)
{
    struct muster__traffic *traffic = flight->traffic;
    pthread_mutex_lock(&traffic->sending);
    traffic->in_flight--;
    pthread_mutex_unlock(&traffic->sending);
    muster_submission_fini(&flight->submission);
    free(flight);
}

static void land_accepted(struct muster__flight *flight)
{
    struct muster_feed_stats stats;
    muster__feed_get_stats(muster__run_feed(flight->traffic->run), &stats);
    muster__tracker_accepted(flight->traffic->tracker, &flight->submission.identity, flight->node,
                             muster_clock_ms(), stats.best_height);
    settle(flight, true);
    land(flight);
}

static void land_refused(struct muster__flight *flight)
{
    muster_run_event(flight->traffic->run, "transaction_refused", "{s:s, s:I, s:I, s:o}", "identity",
                     flight->submission.identity.text, "wallet", (json_int_t)flight->submission.wallet,
                     "node", (json_int_t)flight->node, "text", muster__json_text(flight->text));
    settle(flight, false);
    muster__tracker_refused(flight->traffic->tracker, flight->node, muster_clock_ms(), flight->text);
    land(flight);
}

static void land_unanswered(struct muster__flight *flight, bool cut_off)
{
    muster_run_event(flight->traffic->run, "transaction_unanswered", "{s:s, s:I, s:I, s:b, s:o}", "identity",
                     flight->submission.identity.text, "node", (json_int_t)flight->node, "tries",
                     (json_int_t)flight->tries, "cut_off", cut_off, "text", muster__json_text(flight->text));
    settle(flight, false);
    muster__tracker_unanswered(flight->traffic->tracker, flight->node, muster_clock_ms(), flight->text,
                               cut_off);
    land(flight);
}

/* ---- Requests ---- */

static bool is_tried_enough(const struct muster__flight *flight)
{
    const struct muster_plan *plan = flight->traffic->run->plan;
    uint64_t trying_ms = (uint64_t)(TRYING_MS_MIN * plan->slowdown);
    return flight->tries >= TRIES_MIN + plan->node_count && muster_clock_ms() - flight->first_ms >= trying_ms;
}

static void try_again_later(struct muster__flight *flight)
{
    struct muster__traffic *traffic = flight->traffic;
    uint64_t wait_ms = (uint64_t)AGAIN_MS_MIN * flight->tries;
    flight->again_ms = muster_clock_ms() + (wait_ms < AGAIN_MS_MAX ? wait_ms : AGAIN_MS_MAX);
    bool enough = is_tried_enough(flight);
    pthread_mutex_lock(&traffic->sending);
    bool open = traffic->open;
    if (open && !enough) {
        TAILQ_INSERT_TAIL(&traffic->again, flight, entries);
    }
    pthread_mutex_unlock(&traffic->sending);
    if (!open || enough) {
        land_unanswered(flight, !open);
    } else {
        muster__tracker_retried(traffic->tracker);
    }
}

static void on_answer(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct muster__flight *flight = context;
    const struct muster_plan *plan = flight->traffic->run->plan;
    struct muster_error cause = { 0 };
    enum muster_answer answer = MUSTER_TRY_AGAIN;
    if (rc == MUSTER_OK) {
        answer = plan->system->chain->parse_submission(plan->system_state, reply, &cause);
    }
    snprintf(flight->text, sizeof flight->text, "%.255s",
             rc == MUSTER_OK ? cause.text
             : err != NULL   ? err->text
                             : muster_rc_text(rc));
    if (rc == MUSTER_ESTOPPED) {
        land_unanswered(flight, true);
    } else if (answer == MUSTER_ACCEPTED) {
        land_accepted(flight);
    } else if (answer == MUSTER_REFUSED) {
        land_refused(flight);
    } else {
        try_again_later(flight);
    }
}

/* The next node that runs; false when none does. */
static bool pick_node(struct sender *sender, uint32_t *ret)
{
    uint32_t count = sender->run->plan->node_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = (sender->next_node + i) % count;
        if (muster__nodes_state(sender->run->nodes, node) == MUSTER_NODE_RUNNING) {
            sender->next_node = (node + 1) % count;
            *ret = node;
            return true;
        }
    }
    return false;
}

/* Takes the flight over in every case. */
static void take_off(struct sender *sender, struct muster__flight *flight)
{
    struct muster_endpoint endpoint;
    struct muster_error err = { 0 };
    flight->tries++;
    enum muster_rc rc = muster__nodes_endpoint(sender->run->nodes, flight->node, &endpoint, &err);
    if (rc == MUSTER_OK) {
        rc = muster__http_start(sender->run->http, &endpoint, &flight->submission.request, on_answer, flight,
                                &err);
    }
    if (rc != MUSTER_OK) {
        snprintf(flight->text, sizeof flight->text, "%.255s", err.text);
        try_again_later(flight);
    }
}

/* ---- Sending ---- */

static void abandon(struct muster__flight *flight)
{
    settle(flight, false);
    muster_submission_fini(&flight->submission);
    free(flight);
}

static enum muster_rc build(struct sender *sender, struct muster__flight **ret, struct muster_error *err)
{
    struct muster_run *run = sender->run;
    struct muster__flight *flight = calloc(1, sizeof *flight);
    if (flight == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a transaction");
    }
    uint32_t wallet = sender->next_wallet;
    sender->next_wallet = (wallet + 1) % sender->traffic->options.users;
    flight->traffic = sender->traffic;
    pthread_mutex_lock(&run->system);
    enum muster_rc rc =
        run->plan->system->chain->build_submission(run->plan->system_state, wallet, &flight->submission, err);
    pthread_mutex_unlock(&run->system);
    if (rc != MUSTER_OK) {
        free(flight);
        return muster_error_context(err, rc, "building a transaction of wallet %u", wallet);
    }
    *ret = flight;
    return MUSTER_OK;
}

static enum muster_rc send_one(struct sender *sender, uint32_t node, struct muster_error *err)
{
    struct muster__flight *flight = NULL;
    enum muster_rc rc = build(sender, &flight, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    flight->node = node;
    flight->first_ms = muster_clock_ms();
    rc = muster__tracker_sent(sender->traffic->tracker, &flight->submission, node, flight->first_ms);
    if (rc != MUSTER_OK) {
        abandon(flight);
        muster__tracker_held_back(sender->traffic->tracker, 1);
        return rc == MUSTER_ESTATE ? MUSTER_OK : muster_error_set(err, rc, "no memory for a transaction");
    }
    pthread_mutex_lock(&sender->traffic->sending);
    sender->traffic->in_flight++;
    pthread_mutex_unlock(&sender->traffic->sending);
    take_off(sender, flight);
    return MUSTER_OK;
}

static bool has_room(struct sender *sender)
{
    pthread_mutex_lock(&sender->traffic->sending);
    bool room = sender->traffic->in_flight < MUSTER__IN_FLIGHT_MAX;
    pthread_mutex_unlock(&sender->traffic->sending);
    return room;
}

static enum muster_rc send_what_is_due(struct sender *sender, struct muster_error *err)
{
    uint32_t node = 0;
    while (has_room(sender) && pick_node(sender, &node) &&
           muster__pace_take(&sender->pace, muster_clock_us())) {
        enum muster_rc rc = send_one(sender, node, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

/* One that may be tried again now; NULL when there is none. */
static struct muster__flight *next_again(struct muster__traffic *traffic, bool all)
{
    uint64_t now_ms = muster_clock_ms();
    struct muster__flight *flight = NULL;
    pthread_mutex_lock(&traffic->sending);
    TAILQ_FOREACH(flight, &traffic->again, entries)
    {
        if (all || flight->again_ms <= now_ms) {
            TAILQ_REMOVE(&traffic->again, flight, entries);
            break;
        }
    }
    pthread_mutex_unlock(&traffic->sending);
    return flight;
}

static void send_again(struct sender *sender)
{
    struct muster__flight *flight = NULL;
    while (muster_run_active(sender->run) && (flight = next_again(sender->traffic, false)) != NULL) {
        uint32_t node = flight->node;
        (void)pick_node(sender, &node);
        flight->node = node;
        take_off(sender, flight);
    }
}

/* ---- Following the chain ---- */

static enum muster_rc subscribe(struct sender *sender, struct muster_error *err)
{
    struct muster_feed_stats stats;
    muster_feed_unsubscribe(sender->blocks);
    sender->blocks = NULL;
    muster__feed_get_stats(muster__run_feed(sender->run), &stats);
    sender->pace.height = stats.best_height > sender->pace.height ? stats.best_height : sender->pace.height;
    return muster_feed_subscribe(sender->run, UINT64_MAX, &sender->blocks, err);
}

/* Waits for the next block, or until something is due. */
static enum muster_rc follow(struct sender *sender, struct muster_error *err)
{
    struct muster_feed_event event;
    uint32_t wait_ms = muster__pace_wait_ms(&sender->pace, muster_clock_us(), WAIT_MS_MAX);
    /* While the bound is reached, what is due is not to be waited for with open eyes. */
    wait_ms = wait_ms == 0 ? 1 : wait_ms;
    enum muster_rc rc = muster_feed_next(sender->blocks, wait_ms, &event);
    if (rc == MUSTER_OK && event.kind == MUSTER_FEED_BLOCK) {
        uint64_t held_back = muster__pace_block(&sender->pace, event.height, muster_clock_us());
        muster__tracker_held_back(sender->traffic->tracker, held_back);
    }
    if (rc == MUSTER_ENOTFOUND) {
        return subscribe(sender, err);
    }
    return rc == MUSTER_ETIMEDOUT ? MUSTER_OK : rc;
}

static enum muster_rc send_while_open(struct sender *sender, struct muster_error *err)
{
    enum muster_rc rc = subscribe(sender, err);
    while (rc == MUSTER_OK && muster_run_active(sender->run)) {
        rc = follow(sender, err);
        if (rc == MUSTER_OK) {
            send_again(sender);
            rc = send_what_is_due(sender, err);
        }
        muster__traffic_catch_up(sender->traffic);
    }
    return rc == MUSTER_ESTOPPED ? MUSTER_OK : rc;
}

static void set_open(struct muster__traffic *traffic, bool open)
{
    pthread_mutex_lock(&traffic->sending);
    traffic->open = open;
    pthread_mutex_unlock(&traffic->sending);
}

enum muster_rc muster__transactions_run(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__traffic *traffic = context;
    struct muster__flight *flight = NULL;
    struct sender sender = { .run = run, .traffic = traffic };
    struct muster_random random = muster_run_random(run, "transactions");
    sender.next_node = (uint32_t)muster_random_below(&random, run->plan->node_count);
    sender.pace = (struct muster__pace){ .random = random,
                                         .rate = traffic->options.rate_per_block,
                                         .interval_us = run->plan->block_interval_ms * 1000 };
    set_open(traffic, true);
    enum muster_rc rc = send_while_open(&sender, err);
    set_open(traffic, false);
    while ((flight = next_again(traffic, true)) != NULL) {
        land_unanswered(flight, true);
    }
    muster_feed_unsubscribe(sender.blocks);
    return rc;
}
