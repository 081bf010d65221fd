/* A server of HTTP in the test's process whose answers the test writes byte by byte, so that it can also
 * answer wrongly. It has a thread for each connection and keeps connections alive. */
#ifndef MUSTER_TESTING_HTTP_SERVER_H
#define MUSTER_TESTING_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "muster/runner.h"

#define TEST_CONNECTIONS_MAX 1024

struct test_request {
    char method[8];
    char path[1024];
    const char *body;
    size_t body_bytes;
    const char *head;
};

/* Answers on fd. False: the connection is closed. */
typedef bool (*test_handler)(void *context, int fd, const struct test_request *request);

struct test_server {
    int listen_fd;
    uint16_t port;
    test_handler handler;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int open_fds[TEST_CONNECTIONS_MAX]; /* -1: free. */
    size_t open_count;
    bool stopping;
    atomic_uint accepted;
};

/* These answer. False: the connection is gone. */
bool test_send(int fd, const char *bytes, size_t count);

bool test_say(int fd, const char *text);

/* A whole reply with a Content-Length. */
bool test_reply(int fd, int status, const char *body);

/* Until the client, or the server's end, closes the connection; ten seconds at most. */
bool test_hang(int fd);

/* Listens on a free port of 127.0.0.1. */
struct test_server *test_server_start(test_handler handler, void *context);

/* Closes all connections, waits for their threads and frees the server. */
void test_server_stop(struct test_server *server);

/* `prefix` such as "/node-1" tells nodes apart that are served by one server. */
struct muster_endpoint test_endpoint(const struct test_server *server, const char *prefix);

#endif
