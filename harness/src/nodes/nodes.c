#include "nodes/nodes.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "muster/clock.h"

#define TAIL_LINES 5
#define TAIL_BYTES 1200

struct node {
    struct muster_endpoint endpoint;
    enum muster_node_state state;
    uint32_t restarts;
    bool end_asked;
    bool was_started;
    struct muster_exit exit;
    char log_path[MUSTER__PATH_BYTES];
    char error_log_path[MUSTER__PATH_BYTES];
};

struct muster_nodes {
    pthread_mutex_t lock;
    uint64_t began_ms;
    bool all_asked;
    struct muster_error failure; /* The first; rc is MUSTER_OK while there is none. */
    void (*changed)(void *context);
    void *changed_context;
    struct node *nodes;
};

enum muster_rc muster__nodes_create(uint32_t count, const char *directory, uint64_t began_ms,
                                    struct muster_nodes **ret, struct muster_error *err)
{
    struct muster_nodes *nodes = calloc(1, sizeof *nodes);
    if (nodes == NULL || (nodes->nodes = calloc(count, sizeof *nodes->nodes)) == NULL) {
        free(nodes);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %u nodes", count);
    }
    pthread_mutex_init(&nodes->lock, NULL);
    nodes->began_ms = began_ms;
    for (uint32_t i = 0; i < count; i++) {
        char path[MUSTER__PATH_BYTES];
        if (muster__path(path, NULL, "%s/nodes/node-%u/stdout.log", directory, i) == MUSTER_OK) {
            snprintf(nodes->nodes[i].log_path, sizeof nodes->nodes[i].log_path, "%s", path);
        }
        if (muster__path(path, NULL, "%s/nodes/node-%u/stderr.log", directory, i) == MUSTER_OK) {
            snprintf(nodes->nodes[i].error_log_path, sizeof nodes->nodes[i].error_log_path, "%s", path);
        }
    }
    *ret = nodes;
    return MUSTER_OK;
}

void muster__nodes_destroy(struct muster_nodes *nodes)
{
    if (nodes != NULL) {
        pthread_mutex_destroy(&nodes->lock);
        free(nodes->nodes);
        free(nodes);
    }
}

void muster__nodes_set_log(struct muster_nodes *nodes, uint32_t node, const char *log_path,
                           const char *error_log_path)
{
    pthread_mutex_lock(&nodes->lock);
    struct node *it = &nodes->nodes[node];
    snprintf(it->log_path, sizeof it->log_path, "%s", log_path);
    snprintf(it->error_log_path, sizeof it->error_log_path, "%s", error_log_path);
    pthread_mutex_unlock(&nodes->lock);
}

void muster__nodes_set_endpoint(struct muster_nodes *nodes, uint32_t node,
                                const struct muster_endpoint *endpoint)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->nodes[node].endpoint = *endpoint;
    pthread_mutex_unlock(&nodes->lock);
}

static const char *state_text(enum muster_node_state state)
{
    switch (state) {
    case MUSTER_NODE_ABSENT:
        return "not started yet";
    case MUSTER_NODE_RUNNING:
        return "running";
    case MUSTER_NODE_PAUSED:
        return "paused";
    case MUSTER_NODE_STOPPED:
        return "stopped";
    case MUSTER_NODE_EXITED:
        return "gone: it exited";
    }
    return "in no known state";
}

enum muster_rc muster__nodes_endpoint(struct muster_nodes *nodes, uint32_t node, struct muster_endpoint *ret,
                                      struct muster_error *err)
{
    pthread_mutex_lock(&nodes->lock);
    enum muster_node_state state = nodes->nodes[node].state;
    *ret = nodes->nodes[node].endpoint;
    pthread_mutex_unlock(&nodes->lock);
    if (state != MUSTER_NODE_RUNNING && state != MUSTER_NODE_PAUSED) {
        return muster_error_set(err, MUSTER_ENODE, "node-%u is %s", node, state_text(state));
    }
    return MUSTER_OK;
}

enum muster_node_state muster__nodes_state(struct muster_nodes *nodes, uint32_t node)
{
    pthread_mutex_lock(&nodes->lock);
    enum muster_node_state state = nodes->nodes[node].state;
    pthread_mutex_unlock(&nodes->lock);
    return state;
}

uint32_t muster__nodes_restarts(struct muster_nodes *nodes, uint32_t node)
{
    pthread_mutex_lock(&nodes->lock);
    uint32_t restarts = nodes->nodes[node].restarts;
    pthread_mutex_unlock(&nodes->lock);
    return restarts;
}

bool muster__nodes_exit(struct muster_nodes *nodes, uint32_t node, struct muster_exit *ret)
{
    pthread_mutex_lock(&nodes->lock);
    *ret = nodes->nodes[node].exit;
    pthread_mutex_unlock(&nodes->lock);
    return ret->at_ms != 0;
}

void muster__nodes_set_state(struct muster_nodes *nodes, uint32_t node, enum muster_node_state state)
{
    pthread_mutex_lock(&nodes->lock);
    struct node *it = &nodes->nodes[node];
    /* A resumed node was running all along: only a start after an end counts as one. */
    if (state == MUSTER_NODE_RUNNING && it->state != MUSTER_NODE_PAUSED) {
        it->restarts += it->was_started;
        it->was_started = true;
        it->end_asked = false;
    }
    it->state = state;
    pthread_mutex_unlock(&nodes->lock);
}

void muster__nodes_ask_end(struct muster_nodes *nodes, uint32_t node, bool asked)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->nodes[node].end_asked = asked;
    pthread_mutex_unlock(&nodes->lock);
}

void muster__nodes_ask_all(struct muster_nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->all_asked = true;
    pthread_mutex_unlock(&nodes->lock);
}

bool muster__nodes_all_asked(struct muster_nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    bool asked = nodes->all_asked;
    pthread_mutex_unlock(&nodes->lock);
    return asked;
}

/* Outside the lock: the one who is told may ask us at once. */
static void tell_changed(struct muster_nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    void (*changed)(void *context) = nodes->changed;
    void *context = nodes->changed_context;
    pthread_mutex_unlock(&nodes->lock);
    if (changed != NULL) {
        changed(context);
    }
}

static void describe_end(const struct node *it, uint32_t node, uint64_t began_ms,
                         const struct muster_exit *exit, struct muster_error *failure)
{
    char how[96];
    muster_exit_describe(exit, how);
    double at_s = exit->at_ms < began_ms ? 0.0 : (double)(exit->at_ms - began_ms) / 1000.0;
    /* What a node says last is on stderr if it says anything there. */
    char *tail = muster__file_tail(it->error_log_path, TAIL_LINES, TAIL_BYTES);
    if (tail == NULL) {
        tail = muster__file_tail(it->log_path, TAIL_LINES, TAIL_BYTES);
    }
    muster_error_set(failure, MUSTER_ENODE, "node-%u %s at %.1f s, unasked; %s%s", node, how, at_s,
                     tail == NULL ? "it logged nothing" : "its last lines:\n", tail == NULL ? "" : tail);
    free(tail);
}

static void take_end(struct muster_nodes *nodes, uint32_t node, bool told, const struct muster_exit *exit)
{
    pthread_mutex_lock(&nodes->lock);
    struct node *it = &nodes->nodes[node];
    bool asked = told && (it->end_asked || nodes->all_asked);
    it->exit = *exit;
    it->state = asked ? MUSTER_NODE_STOPPED : MUSTER_NODE_EXITED;
    it->end_asked = false;
    if (!asked) {
        describe_end(it, node, nodes->began_ms, exit, &nodes->failure);
    }
    pthread_mutex_unlock(&nodes->lock);
    tell_changed(nodes);
}

void muster__nodes_ended(struct muster_nodes *nodes, uint32_t node, const struct muster_exit *exit)
{
    take_end(nodes, node, true, exit);
}

void muster__nodes_died(struct muster_nodes *nodes, uint32_t node, const struct muster_exit *exit)
{
    take_end(nodes, node, false, exit);
}

void muster__nodes_fail(struct muster_nodes *nodes, enum muster_rc rc, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&nodes->lock);
    muster_error_set(&nodes->failure, rc, "%s", text);
    pthread_mutex_unlock(&nodes->lock);
    tell_changed(nodes);
}

enum muster_rc muster__nodes_failure(struct muster_nodes *nodes, struct muster_error *err)
{
    pthread_mutex_lock(&nodes->lock);
    enum muster_rc rc = nodes->failure.rc;
    if (rc != MUSTER_OK) {
        muster_error_set(err, rc, "%s", nodes->failure.text);
    }
    pthread_mutex_unlock(&nodes->lock);
    return rc;
}

void muster__nodes_on_change(struct muster_nodes *nodes, void (*changed)(void *context), void *context)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->changed = changed;
    nodes->changed_context = context;
    pthread_mutex_unlock(&nodes->lock);
}
