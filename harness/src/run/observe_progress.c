/* The run's own observer: asks each node again and again how far it is. For systems that bring none. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/clock.h"
#include "run/internal.h"
#include "run/observe.h"

#define MUSTER_LOG_MODULE "observe"
#include "muster/log.h"

#define INTERVAL_MIN_MS 20u
#define INTERVAL_MAX_MS 1000u
#define INTERVAL_FAILING_MIN_MS 100u
#define PACE_PARTS 5u
#define RETRY_MS 5000u /* When a question could not even be put. */
#define FIRST_ANSWERS_MS 5000u

struct observation;

/* The mutex of the observation guards all but `observation` and `index`. */
struct observed {
    struct observation *observation;
    uint32_t index;
    uint32_t generation; /* Answers to questions of an older one are dropped. */
    bool runs;
    bool asking;
    uint64_t ask_ms; /* When to ask again. */
    uint64_t armed_ms; /* The timer that is set; 0: none. */
    struct muster_endpoint endpoint;
    struct muster_progress progress; /* The last answer. */
    uint64_t changed_ms;
    uint64_t answered_ms;
    uint64_t failing_since_ms;
    char failing_text[256];
};

struct observation {
    struct muster_run *run;
    pthread_mutex_t mutex; /* With it held, the HTTP engine may be called, and nodes.h may not. */
    bool stopped;
    uint32_t count;
    struct observed nodes[];
};

/* A question under way. */
struct question {
    struct observed *node;
    uint32_t generation;
};

static uint64_t interval_ms(const struct observed *node)
{
    uint64_t wanted_ms = node->observation->run->plan->pace_ms / PACE_PARTS;
    uint64_t least_ms = node->failing_since_ms != 0 ? INTERVAL_FAILING_MIN_MS : INTERVAL_MIN_MS;
    return wanted_ms < least_ms ? least_ms : wanted_ms > INTERVAL_MAX_MS ? INTERVAL_MAX_MS : wanted_ms;
}

/* ---- Answers; with the mutex held ---- */

static void take_failure(struct observed *node, const char *text)
{
    snprintf(node->failing_text, sizeof node->failing_text, "%.255s", text);
    if (node->failing_since_ms != 0) {
        return;
    }
    node->failing_since_ms = muster_clock_ms();
    muster_log_info("node-%u does not answer well: %s", node->index, node->failing_text);
    muster_run_event(node->observation->run, "node_failing", "{s:i,s:s}", "node", (int)node->index, "why",
                     node->failing_text);
}

static void take_progress(struct observed *node, const struct muster_progress *progress)
{
    uint64_t now_ms = muster_clock_ms();
    if (node->failing_since_ms != 0) {
        muster_run_event(node->observation->run, "node_answers", "{s:i,s:I}", "node", (int)node->index,
                         "failed_ms", (json_int_t)(now_ms - node->failing_since_ms));
    }
    if (node->progress.height != progress->height ||
        strcmp(node->progress.tip.text, progress->tip.text) != 0) {
        node->changed_ms = now_ms;
    }
    node->progress = *progress;
    node->answered_ms = now_ms;
    node->failing_since_ms = 0;
    node->failing_text[0] = '\0';
}

static void arm(struct observed *node, uint64_t at_ms);

static void on_answer(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *cause)
{
    struct question *question = context;
    struct observed *node = question->node;
    struct observation *observation = node->observation;
    const struct muster_plan *plan = observation->run->plan;
    struct muster_progress progress = { 0 };
    struct muster_error err = { 0 };
    if (rc == MUSTER_OK) {
        rc = plan->system->parse_progress(plan->system_state, reply, &progress, &err);
        cause = &err;
    }
    pthread_mutex_lock(&observation->mutex);
    bool current = question->generation == node->generation && !observation->stopped;
    if (current && rc == MUSTER_OK) {
        take_progress(node, &progress);
    } else if (current) {
        take_failure(node, cause == NULL ? muster_rc_text(rc) : cause->text);
    }
    if (current) {
        node->asking = false;
        node->ask_ms = muster_clock_ms() + interval_ms(node);
        arm(node, node->ask_ms);
    }
    pthread_mutex_unlock(&observation->mutex);
    free(question);
    muster__run_wake(observation->run);
}

/* ---- Questions ---- */

static enum muster_rc put_question(struct observed *node, struct question *question)
{
    struct muster_run *run = node->observation->run;
    struct muster_request request = { 0 };
    enum muster_rc rc = run->plan->system->request_progress(run->plan->system_state, &request, NULL);
    if (rc == MUSTER_OK) {
        rc = muster__http_start(run->http, &node->endpoint, &request, on_answer, question, NULL);
    }
    muster_request_fini(&request);
    return rc;
}

/* With the mutex held. */
static void ask(struct observed *node)
{
    struct question *question = malloc(sizeof *question);
    if (question != NULL) {
        *question = (struct question){ .node = node, .generation = node->generation };
    }
    node->asking = question != NULL && put_question(node, question) == MUSTER_OK;
    if (!node->asking) {
        free(question);
        node->ask_ms = muster_clock_ms() + RETRY_MS;
        arm(node, node->ask_ms);
    }
}

/* Takes what is known of the node now. `anew`: it was stopped or started meanwhile. */
static void refresh(struct observed *node, bool anew)
{
    struct observation *observation = node->observation;
    struct muster_run *run = observation->run;
    struct muster_endpoint endpoint = { 0 };
    bool runs = muster__nodes_state(run->nodes, node->index) == MUSTER_NODE_RUNNING &&
                muster__nodes_endpoint(run->nodes, node->index, &endpoint, NULL) == MUSTER_OK;
    pthread_mutex_lock(&observation->mutex);
    if (anew || runs != node->runs) {
        node->generation++;
        node->asking = false;
        node->failing_since_ms = 0;
        node->failing_text[0] = '\0';
        node->ask_ms = muster_clock_ms();
    }
    node->runs = runs;
    node->endpoint = endpoint;
    if (runs && anew && !observation->stopped) {
        arm(node, node->ask_ms);
    }
    pthread_mutex_unlock(&observation->mutex);
}

/* The engine's thread. The timer is taken for gone before the node's state is read: a change that comes
 * meanwhile arms another one. */
static void look(void *context)
{
    struct observed *node = context;
    struct observation *observation = node->observation;
    pthread_mutex_lock(&observation->mutex);
    node->armed_ms = 0;
    pthread_mutex_unlock(&observation->mutex);
    refresh(node, false);
    pthread_mutex_lock(&observation->mutex);
    if (!observation->stopped && node->runs && !node->asking) {
        if (node->ask_ms <= muster_clock_ms()) {
            ask(node);
        } else {
            arm(node, node->ask_ms);
        }
    }
    pthread_mutex_unlock(&observation->mutex);
}

/* With the mutex held. */
static void arm(struct observed *node, uint64_t at_ms)
{
    if (node->armed_ms != 0 && node->armed_ms <= at_ms) {
        return; /* The earlier one sets the next. */
    }
    if (muster__http_timer(node->observation->run->http, at_ms, look, node) == MUSTER_OK) {
        node->armed_ms = at_ms;
    }
}

/* ---- The table ---- */

static enum muster_rc create(struct muster_run *run, void **ret, struct muster_error *err)
{
    uint32_t count = run->plan->node_count;
    struct observation *observation = calloc(1, sizeof *observation + count * sizeof observation->nodes[0]);
    if (observation == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to observe %u nodes", count);
    }
    pthread_mutex_init(&observation->mutex, NULL);
    observation->run = run;
    observation->count = count;
    for (uint32_t i = 0; i < count; i++) {
        observation->nodes[i] = (struct observed){ .observation = observation, .index = i };
    }
    *ret = observation;
    return MUSTER_OK;
}

/* The first node that has not answered yet, or NULL. */
static const struct observed *find_unseen(struct observation *observation)
{
    const struct observed *unseen = NULL;
    pthread_mutex_lock(&observation->mutex);
    for (uint32_t i = 0; i < observation->count && unseen == NULL; i++) {
        unseen = observation->nodes[i].answered_ms == 0 ? &observation->nodes[i] : NULL;
    }
    pthread_mutex_unlock(&observation->mutex);
    return unseen;
}

static enum muster_rc describe_unseen(struct observation *observation, const struct observed *node,
                                      uint64_t limit_ms, struct muster_error *err)
{
    pthread_mutex_lock(&observation->mutex);
    enum muster_rc rc =
        muster_error_set(err, MUSTER_ETIMEDOUT, "node-%u did not say how far it is within %.1f s: %s",
                         node->index, (double)limit_ms / 1000.0,
                         node->failing_since_ms != 0 ? node->failing_text : "it has not answered yet");
    pthread_mutex_unlock(&observation->mutex);
    return rc;
}

static enum muster_rc start(struct muster_run *run, void *self, struct muster_error *err)
{
    struct observation *observation = self;
    uint64_t limit_ms = (uint64_t)(FIRST_ANSWERS_MS * run->plan->slowdown);
    uint64_t deadline_ms = muster_clock_ms() + limit_ms;
    uint64_t changes = 0;
    for (uint32_t i = 0; i < observation->count; i++) {
        refresh(&observation->nodes[i], true);
    }
    for (;;) {
        const struct observed *unseen = find_unseen(observation);
        if (unseen == NULL) {
            return MUSTER_OK;
        }
        enum muster_rc rc = muster__nodes_failure(run->nodes, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return describe_unseen(observation, unseen, limit_ms, err);
        }
        muster__run_wait(run, deadline_ms, &changes);
    }
}

static void stop(void *self)
{
    struct observation *observation = self;
    pthread_mutex_lock(&observation->mutex);
    observation->stopped = true;
    pthread_mutex_unlock(&observation->mutex);
}

static void destroy(void *self)
{
    struct observation *observation = self;
    pthread_mutex_destroy(&observation->mutex);
    free(observation);
}

static void node_changed(void *self, uint32_t node)
{
    struct observation *observation = self;
    refresh(&observation->nodes[node], true);
}

static void view(void *self, uint32_t index, struct muster_node_view *ret)
{
    struct observation *observation = self;
    const struct observed *node = &observation->nodes[index];
    *ret = (struct muster_node_view){ .state = muster__nodes_state(observation->run->nodes, index),
                                      .restarts = muster__nodes_restarts(observation->run->nodes, index) };
    pthread_mutex_lock(&observation->mutex);
    ret->progress = node->progress;
    ret->changed_ms = node->changed_ms;
    ret->answered_ms = node->answered_ms;
    ret->failing_since_ms = node->failing_since_ms;
    memcpy(ret->failing_text, node->failing_text, sizeof ret->failing_text);
    pthread_mutex_unlock(&observation->mutex);
}

static void best(void *self, struct muster_progress *ret)
{
    struct observation *observation = self;
    pthread_mutex_lock(&observation->mutex);
    *ret = observation->nodes[0].progress;
    for (uint32_t i = 1; i < observation->count; i++) {
        if (observation->nodes[i].progress.height > ret->height) {
            *ret = observation->nodes[i].progress;
        }
    }
    pthread_mutex_unlock(&observation->mutex);
}

const struct muster_observer muster__progress_observer = { .create = create,
                                                           .start = start,
                                                           .stop = stop,
                                                           .destroy = destroy,
                                                           .node_changed = node_changed,
                                                           .view = view,
                                                           .best = best };
