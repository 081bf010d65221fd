#include "testing/pretended_nodes.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cluster cluster;

/* However slow the machine, the run always knows the last block but one. */
static void cluster_grow(void)
{
    uint64_t wanted = (muster_clock_ms() - cluster.origin_ms) / cluster.slot_ms;
    wanted = wanted > cluster.fetched + 1 ? cluster.fetched + 1 : wanted;
    uint64_t stalled = atomic_load(&cluster.stalled_at);
    wanted = stalled != 0 && wanted > stalled ? stalled : wanted;
    while (cluster.height < wanted && cluster.height + 1 < CLUSTER_BLOCKS_MAX) {
        cluster.included[++cluster.height] = cluster.pool_count;
    }
}

void cluster_stall_after(uint64_t blocks)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    atomic_store(&cluster.stalled_at, cluster.height + blocks);
    pthread_mutex_unlock(&cluster.mutex);
}

void cluster_make_hole(uint64_t blocks)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    cluster.hole_from = cluster.height + 1;
    cluster.hole_to = cluster.fetched = cluster.height + blocks;
    cluster.origin_ms -= blocks * cluster.slot_ms;
    cluster_grow();
    pthread_mutex_unlock(&cluster.mutex);
}

static bool cluster_progress(int fd, const struct cluster_node *node)
{
    char body[128];
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    uint64_t height = cluster.height;
    pthread_mutex_unlock(&cluster.mutex);
    uint64_t stuck = atomic_load(&node->stuck_at);
    height = stuck != 0 && height > stuck ? stuck : height;
    uint64_t final = height > 10 ? height - 10 : 0;
    snprintf(body, sizeof body, "b%llu b%llu %llu", (unsigned long long)height, (unsigned long long) final,
             (unsigned long long)height);
    return test_reply(fd, 200, body);
}

/* A block in words, to be freed. NULL: it is not there. */
static char *cluster_text(uint64_t height)
{
    char *text = NULL;
    size_t bytes = 0;
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    bool in_hole = height >= cluster.hole_from && height <= cluster.hole_to && cluster.hole_from != 0;
    FILE *out = height <= cluster.height && !in_hole ? open_memstream(&text, &bytes) : NULL;
    if (out != NULL) {
        fprintf(out, "%llu", (unsigned long long)height);
        cluster.fetched = height > cluster.fetched ? height : cluster.fetched;
    }
    if (out != NULL && height > 0) {
        size_t from = cluster.included[height - 1];
        if (atomic_load(&cluster.twice) && height > 1) {
            from = cluster.included[height - 2];
        }
        for (size_t i = from; i < cluster.included[height]; i++) {
            fprintf(out, " %s", cluster.pool[i].text);
        }
    }
    pthread_mutex_unlock(&cluster.mutex);
    if (out != NULL) {
        fclose(out);
    }
    return text;
}

static bool cluster_block(int fd, const char *id)
{
    (void)poll(NULL, 0, (int)cluster.block_ms);
    char *body = id[0] == 'b' ? cluster_text(strtoull(id + 1, NULL, 10)) : NULL;
    bool sent = test_reply(fd, body != NULL ? 200 : 404, body != NULL ? body : "");
    free(body);
    return sent;
}

/* Each block as it comes, also from a node that is stuck: it passes on what it does not take. */
static bool cluster_stream(int fd)
{
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    uint64_t height = cluster.height;
    pthread_mutex_unlock(&cluster.mutex);
    bool sent = test_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    struct pollfd closed = { .fd = fd, .events = POLLRDHUP };
    while (sent && poll(&closed, 1, 2) == 0) {
        char *text = cluster_text(height + 1);
        if (text != NULL) {
            sent = test_say(fd, text) && test_say(fd, "\n");
            height++;
            free(text);
        }
    }
    return false;
}

static bool cluster_submit(int fd, const struct cluster_node *node, const struct test_request *request)
{
    if (atomic_load(&node->refuses)) {
        return test_reply(fd, 422, "bad proof");
    }
    if (atomic_load(&node->busy)) {
        return test_reply(fd, 503, "later");
    }
    pthread_mutex_lock(&cluster.mutex);
    cluster_grow();
    if (!atomic_load(&node->drops) && cluster.pool_count < CLUSTER_POOL_MAX) {
        snprintf(cluster.pool[cluster.pool_count++].text, MUSTER_ID_BYTES, "%.*s",
                 (int)(request->body_bytes < 70 ? request->body_bytes : 70), request->body);
    }
    pthread_mutex_unlock(&cluster.mutex);
    return test_reply(fd, 200, "null");
}

bool cluster_answer(void *context, int fd, const struct test_request *request)
{
    unsigned index = 0;
    char rest[900] = "";
    (void)context;
    if (sscanf(request->path, "/n%u/%899s", &index, rest) != 2 || index >= MUSTER_NODES_MAX) {
        return test_reply(fd, 404, "");
    }
    const struct cluster_node *node = &cluster.nodes[index];
    if (atomic_load(&node->away)) {
        return false; /* Hangs up. */
    }
    if (atomic_load(&node->garbage)) {
        return test_reply(fd, 200, "}{");
    }
    if (strcmp(rest, "progress") == 0) {
        return cluster_progress(fd, node);
    }
    if (strncmp(rest, "status/", 7) == 0) {
        return test_reply(fd, (int)strtol(rest + 7, NULL, 10), "said");
    }
    if (strcmp(rest, "half") == 0) {
        return test_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha"); /* And no more. */
    }
    if (strcmp(rest, "stream") == 0) {
        return cluster_stream(fd);
    }
    return strcmp(rest, "submit") == 0 ? cluster_submit(fd, node, request)
                                       : cluster_block(fd, rest + strlen("block/"));
}
