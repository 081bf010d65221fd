/* Fake nodes for tests of the feed, served by one server, and systems that speak with them. A block is
 * "id parent slot leader"; "-" stands for no leader. */
#ifndef MUSTER_TESTING_FEED_NODES_H
#define MUSTER_TESTING_FEED_NODES_H

#include <pthread.h>
#include <stdbool.h>

#include "muster/muster.h"
#include "testing/http_server.h"

#define FEED_NODES 3u
#define FEED_BLOCKS 128u
#define FEED_WAIT_MS 20000u

struct feed_fake_block {
    char id[16];
    char parent[16];
    unsigned slot;
    char leader[8];
    unsigned had_by; /* Bits: nodes that serve it. */
};

struct feed_fake_node {
    char tip[16];
    unsigned height;
    bool hangs;
    bool fails;
    bool has_stream;
    unsigned asked; /* For its progress. */
    unsigned streams_asked;
    unsigned blocks_asked;
};

struct feed_fake {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct feed_fake_block blocks[FEED_BLOCKS];
    size_t count;
    char lines[64][64]; /* What streams bring, for all nodes the same. */
    size_t line_count;
    struct feed_fake_node nodes[FEED_NODES];
    char withheld[16]; /* A block that is answered for once this is another. */
    unsigned withheld_asked;
    bool ended;
};

/* Read and written under its mutex. */
extern struct feed_fake feed_fake;

/* Systems whose nodes have no stream, have one. */
extern const struct muster_system feed_polled;
extern const struct muster_system feed_streamed;

/* The handler of the server that plays all nodes: node i answers below /node-i. */
bool feed_serve(void *context, int fd, const struct test_request *request);

#endif
