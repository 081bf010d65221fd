/* The two gates of a deploy. The caller's thread decides whom to ask next; answers are parsed in the
 * engine's thread, where a node that passes the first gate is asked for its peers at once. */
#include "nodes/ready.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "muster/clock.h"

/* Nodes that start share the processors with us: each is asked often when there are few, and less often
 * the more there are and the longer it takes. */
#define INTERVAL_MIN_MS 2u
#define INTERVAL_MAX_MS 100u
#define NODES_PER_MS 4u
#define PATIENCE 16u /* The interval is at most this part of the time waited so far. */
#define IN_FLIGHT_MAX 16u
#define YOUNG_MS 250u /* A request older than this hangs: it no longer keeps others from being asked. */
#define FAILURE_CHECK_MS 20u
#define LISTED_MAX 8u
#define DESCRIPTION_BYTES 1536

enum gate { GATE_ANSWER, GATE_PEERS, GATE_PASSED };

struct probe {
    struct ready *ready;
    uint32_t node;
    enum gate gate;
    bool in_flight;
    uint64_t asked_ms;
    uint64_t silent_since_ms; /* The first question in a row that was not answered in time; 0: none. */
    uint64_t ended_ms;
    uint32_t peers;
    uint32_t peers_wanted;
    bool peers_known; /* The last answer was a number of peers. */
    uint64_t since_ms; /* Since when it stands as `text` says. */
    char text[512];
    char asking[768]; /* The last question, with its URL. */
};

/* Outlives the wait while requests are under way: each holds a reference. */
struct ready {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned references;
    bool given_up;
    const struct muster_plan *plan;
    struct muster_http *http;
    struct muster_nodes *nodes;
    uint64_t began_ms;
    uint32_t next;
    uint32_t passed_count;
    uint32_t count;
    struct probe probes[];
};

/* Whether a node that comes back can find anybody: those it is to connect to may be down themselves, and wait
 * for the same caller to bring them back. */
static bool has_peer_up(const struct muster_plan *plan, struct muster_nodes *nodes, uint32_t node)
{
    for (uint32_t i = 0; i < plan->node_count; i++) {
        bool linked =
            muster_layout_dials(plan->layout, node, i) || muster_layout_dials(plan->layout, i, node);
        if (i != node && linked && muster__nodes_state(nodes, i) == MUSTER_NODE_RUNNING) {
            return true;
        }
    }
    return false;
}

static uint32_t peers_wanted(const struct muster_plan *plan, struct muster_nodes *nodes, uint32_t node,
                             enum muster__ready_peers peers)
{
    if (plan->system->request_peers == NULL) {
        return 0;
    }
    switch (peers) {
    case MUSTER__PEERS_OF_LAYOUT:
        return muster_layout_degree(plan->layout, plan->node_count, node);
    case MUSTER__PEERS_IF_ANY_RUNS:
        return has_peer_up(plan, nodes, node);
    case MUSTER__PEERS_OF_OTHERS:
        return plan->node_count > 1;
    }
    return 0;
}

static struct ready *ready_create(const struct muster_plan *plan, struct muster_http *http,
                                  struct muster_nodes *nodes, uint32_t node, enum muster__ready_peers peers)
{
    uint32_t count = node == MUSTER_EVERY_NODE ? plan->node_count : 1;
    struct ready *ready = calloc(1, sizeof(*ready) + count * sizeof(ready->probes[0]));
    if (ready == NULL) {
        return NULL;
    }
    muster_clock_init_condition(&ready->changed);
    (void)pthread_mutex_init(&ready->mutex, NULL);
    ready->references = 1;
    ready->plan = plan;
    ready->http = http;
    ready->nodes = nodes;
    ready->began_ms = muster_clock_ms();
    ready->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct probe *probe = &ready->probes[i];
        probe->ready = ready;
        probe->node = node == MUSTER_EVERY_NODE ? i : node;
        probe->peers_wanted = peers_wanted(plan, nodes, probe->node, peers);
        probe->since_ms = ready->began_ms;
    }
    return ready;
}

/* Takes the mutex' place: after it, `ready` may be gone. */
static void unlock_and_release(struct ready *ready)
{
    bool last = --ready->references == 0;
    (void)pthread_mutex_unlock(&ready->mutex);
    if (last) {
        (void)pthread_cond_destroy(&ready->changed);
        (void)pthread_mutex_destroy(&ready->mutex);
        free(ready);
    }
}

/* Everything below, up to the callback, runs under the mutex. */

static void note(struct probe *probe, const char *text)
{
    char cut[sizeof(probe->text)];
    (void)snprintf(cut, sizeof(cut), "%.*s", (int)sizeof(cut) - 1, text);
    if (strcmp(probe->text, cut) != 0) {
        memcpy(probe->text, cut, sizeof(cut));
        probe->since_ms = muster_clock_ms();
    }
}

static void end_probe(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err);

static enum muster_rc make_request(struct probe *probe, struct muster_request *request,
                                   struct muster_error *err)
{
    const struct muster_plan *plan = probe->ready->plan;
    enum muster_rc (*make)(const void *, struct muster_request *, struct muster_error *) =
        probe->gate == GATE_ANSWER ? plan->system->request_ready : plan->system->request_peers;
    return make(plan->system_state, request, err);
}

static void ask(struct probe *probe)
{
    struct ready *ready = probe->ready;
    struct muster_endpoint endpoint;
    struct muster_request request = { 0 };
    struct muster_error err;
    err.rc = MUSTER_OK;
    err.text[0] = '\0';
    enum muster_rc rc = muster__nodes_endpoint(ready->nodes, probe->node, &endpoint, &err);
    if (rc == MUSTER_OK) {
        rc = make_request(probe, &request, &err);
    }
    if (rc == MUSTER_OK) {
        (void)snprintf(probe->asking, sizeof(probe->asking), "%s %s%.200s", request.method, endpoint.base_url,
                       request.path);
        rc = muster__http_start(ready->http, &endpoint, &request, end_probe, probe, &err);
    }
    muster_request_fini(&request);
    probe->asked_ms = muster_clock_ms();
    probe->ended_ms = probe->asked_ms;
    if (probe->silent_since_ms == 0) {
        probe->silent_since_ms = probe->asked_ms;
    }
    probe->in_flight = rc == MUSTER_OK;
    ready->references += rc == MUSTER_OK;
    if (rc != MUSTER_OK) {
        note(probe, err.text);
    }
}

static void advance(struct probe *probe)
{
    bool gate_two = probe->gate == GATE_ANSWER && probe->peers_wanted > 0;
    probe->gate = gate_two ? GATE_PEERS : GATE_PASSED;
    probe->text[0] = '\0';
    probe->since_ms = muster_clock_ms();
    probe->ready->passed_count += !gate_two;
}

static void count_peers(struct probe *probe, uint32_t peers)
{
    if (peers >= probe->peers_wanted) {
        advance(probe);
        return;
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "%u of %u peers", peers, probe->peers_wanted);
    note(probe, text);
    probe->peers_known = true;
}

/* The answer is parsed without the mutex: the plan is immutable and outlives the engine. */
static enum muster_rc parse(const struct muster_plan *plan, enum gate gate, const struct muster_reply *reply,
                            uint32_t *peers, struct muster_error *err)
{
    return gate == GATE_ANSWER ? plan->system->parse_ready(plan->system_state, reply, err)
                               : plan->system->parse_peers(plan->system_state, reply, peers, err);
}

static void end_probe(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct probe *probe = context;
    struct ready *ready = probe->ready;
    struct muster_error parse_err;
    parse_err.rc = MUSTER_OK;
    parse_err.text[0] = '\0';
    uint32_t peers = 0;
    enum gate gate = probe->gate; /* Only this callback changes it. */
    bool silent = rc == MUSTER_ETIMEDOUT;
    if (rc == MUSTER_OK) {
        rc = parse(ready->plan, gate, reply, &peers, &parse_err);
        err = &parse_err;
    }
    (void)pthread_mutex_lock(&ready->mutex);
    probe->in_flight = false;
    probe->silent_since_ms = silent ? probe->silent_since_ms : 0;
    probe->ended_ms = muster_clock_ms();
    probe->peers_known = false;
    if (rc != MUSTER_OK) {
        note(probe, err->text);
    } else if (gate == GATE_PEERS) {
        count_peers(probe, peers);
    } else {
        advance(probe);
        if (probe->gate == GATE_PEERS && !ready->given_up) {
            ask(probe);
        }
    }
    (void)pthread_cond_signal(&ready->changed);
    unlock_and_release(ready);
}

static uint64_t interval_ms(const struct ready *ready, uint64_t now_ms)
{
    uint64_t interval = (ready->count - ready->passed_count) / NODES_PER_MS;
    uint64_t patient = (now_ms - ready->began_ms) / PATIENCE;
    interval = patient > interval ? patient : interval;
    interval = interval > INTERVAL_MIN_MS ? interval : INTERVAL_MIN_MS;
    return interval < INTERVAL_MAX_MS ? interval : INTERVAL_MAX_MS;
}

static uint32_t young_count(const struct ready *ready, uint64_t now_ms)
{
    uint32_t young = 0;
    for (uint32_t i = 0; i < ready->count; i++) {
        young += ready->probes[i].in_flight && now_ms - ready->probes[i].asked_ms < YOUNG_MS;
    }
    return young;
}

/* Asks who is due, in turn. Returns when somebody will be due next. */
static uint64_t ask_due(struct ready *ready, uint64_t now_ms)
{
    uint64_t interval = interval_ms(ready, now_ms);
    uint64_t next_ms = now_ms + FAILURE_CHECK_MS;
    uint32_t room = IN_FLIGHT_MAX -
                    (young_count(ready, now_ms) < IN_FLIGHT_MAX ? young_count(ready, now_ms) : IN_FLIGHT_MAX);
    uint32_t first = ready->next;
    for (uint32_t i = 0; i < ready->count; i++) {
        struct probe *probe = &ready->probes[(first + i) % ready->count];
        uint64_t due_ms = probe->asked_ms == 0 ? 0 : probe->ended_ms + interval;
        if (probe->gate == GATE_PASSED || probe->in_flight) {
            continue;
        }
        if (due_ms > now_ms) {
            next_ms = due_ms < next_ms ? due_ms : next_ms;
        } else if (room > 0) {
            ask(probe);
            ready->next = (first + i + 1) % ready->count;
            room--;
        }
    }
    return next_ms;
}

static void describe(const struct probe *probe, uint64_t now_ms, char text[DESCRIPTION_BYTES])
{
    double since_s = (double)(now_ms - probe->since_ms) / 1000.0;
    if (probe->in_flight && now_ms - probe->asked_ms >= YOUNG_MS) {
        (void)snprintf(text, DESCRIPTION_BYTES, "node-%u is not ready: no answer to %s since %.1f s",
                       probe->node, probe->asking, (double)(now_ms - probe->silent_since_ms) / 1000.0);
    } else if (probe->peers_known) {
        (void)snprintf(text, DESCRIPTION_BYTES, "node-%u has %s since %.1f s (%s)", probe->node, probe->text,
                       since_s, probe->asking);
    } else {
        (void)snprintf(text, DESCRIPTION_BYTES, "node-%u is not ready: %s since %.1f s", probe->node,
                       probe->text[0] == '\0' ? "not answered yet" : probe->text, since_s);
    }
}

static enum muster_rc timed_out(const struct ready *ready, struct muster_error *err)
{
    char list[MUSTER_ERROR_TEXT_BYTES - 128] = "";
    uint64_t now_ms = muster_clock_ms();
    uint32_t listed = 0;
    for (uint32_t i = 0; i < ready->count; i++) {
        char text[DESCRIPTION_BYTES];
        size_t used = strlen(list);
        if (ready->probes[i].gate == GATE_PASSED) {
            continue;
        }
        describe(&ready->probes[i], now_ms, text);
        if (listed == LISTED_MAX || used + strlen(text) + 2 >= sizeof(list)) {
            break;
        }
        (void)snprintf(list + used, sizeof(list) - used, "%s%s", listed > 0 ? "; " : "", text);
        listed++;
    }
    uint32_t missing = ready->count - ready->passed_count - listed;
    char more[32] = "";
    if (missing > 0) {
        (void)snprintf(more, sizeof(more), "; and %u more", missing);
    }
    return muster_error_set(err, MUSTER_ETIMEDOUT, "%u of %u nodes ready after %.1f s: %s%s",
                            ready->passed_count, ready->count, (double)(now_ms - ready->began_ms) / 1000.0,
                            list, more);
}

static void wait_until(struct ready *ready, uint64_t at_ms)
{
    struct timespec at = { .tv_sec = (time_t)(at_ms / 1000u), .tv_nsec = (long)(at_ms % 1000u) * 1000000L };
    (void)pthread_cond_timedwait(&ready->changed, &ready->mutex, &at);
}

/* The failure of nodes is polled: the one slot that is told of it belongs to the run. */
static enum muster_rc wait_all(struct ready *ready, uint64_t deadline_ms, struct muster_error *err)
{
    while (ready->passed_count < ready->count) {
        uint64_t now_ms = muster_clock_ms();
        enum muster_rc rc = muster__nodes_failure(ready->nodes, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        if (now_ms >= deadline_ms) {
            return timed_out(ready, err);
        }
        uint64_t next_ms = ask_due(ready, now_ms);
        if (ready->passed_count < ready->count) {
            wait_until(ready, next_ms < deadline_ms ? next_ms : deadline_ms);
        }
    }
    return muster__nodes_failure(ready->nodes, err);
}

enum muster_rc muster__ready_wait(const struct muster_plan *plan, struct muster_http *http,
                                  struct muster_nodes *nodes, uint32_t node, enum muster__ready_peers peers,
                                  uint64_t deadline_ms, struct muster_error *err)
{
    struct ready *ready = ready_create(plan, http, nodes, node, peers);
    if (ready == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to wait for %u nodes", plan->node_count);
    }
    (void)pthread_mutex_lock(&ready->mutex);
    enum muster_rc rc = wait_all(ready, deadline_ms, err);
    ready->given_up = true;
    unlock_and_release(ready);
    return rc;
}
