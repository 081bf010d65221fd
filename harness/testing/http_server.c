#include "testing/http_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST_REQUEST_BYTES 65536u

struct test_connection {
    struct test_server *server;
    int fd;
};

bool test_send(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

bool test_say(int fd, const char *text)
{
    return test_send(fd, text, strlen(text));
}

bool test_reply(int fd, int status, const char *body)
{
    char head[160];
    (void)snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n\r\n", status,
                   strlen(body));
    size_t bytes = strlen(head) + strlen(body);
    char *whole = malloc(bytes + 1);
    memcpy(whole, head, strlen(head));
    memcpy(whole + strlen(head), body, strlen(body) + 1);
    bool sent = test_send(fd, whole, bytes); /* In one piece, as a server would. */
    free(whole);
    return sent;
}

bool test_hang(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLRDHUP };
    (void)poll(&wait, 1, 10000);
    return false;
}

/* Reads one request into buffer. False: no more. *used keeps what belongs to the next one. */
static bool test_read_request(int fd, char *buffer, size_t *used, size_t *whole, struct test_request *request)
{
    for (;;) {
        buffer[*used] = '\0';
        char *end = strstr(buffer, "\r\n\r\n");
        if (end != NULL) {
            size_t head = (size_t)(end - buffer) + 4;
            const char *length = strcasestr(buffer, "\r\nContent-Length:");
            size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
            if (*used >= head + body) {
                *whole = head + body;
                request->head = buffer;
                request->body = buffer + head;
                request->body_bytes = body;
                return sscanf(buffer, "%7s %1023s", request->method, request->path) == 2;
            }
        }
        ssize_t got = recv(fd, buffer + *used, TEST_REQUEST_BYTES - 1 - *used, 0);
        if (got <= 0) {
            return false;
        }
        *used += (size_t)got;
    }
}

static void test_forget(struct test_server *server, int fd)
{
    (void)pthread_mutex_lock(&server->mutex);
    for (size_t i = 0; i < TEST_CONNECTIONS_MAX; i++) {
        if (server->open_fds[i] == fd) {
            server->open_fds[i] = -1;
            break;
        }
    }
    (void)close(fd);
    server->open_count--;
    (void)pthread_cond_broadcast(&server->ended);
    (void)pthread_mutex_unlock(&server->mutex);
}

static void *test_connection_run(void *context)
{
    struct test_connection connection = *(struct test_connection *)context;
    free(context);
    char *buffer = malloc(TEST_REQUEST_BYTES);
    size_t used = 0;
    size_t whole = 0;
    struct test_request request;
    while (test_read_request(connection.fd, buffer, &used, &whole, &request)) {
        if (!connection.server->handler(connection.server->context, connection.fd, &request)) {
            break;
        }
        memmove(buffer, buffer + whole, used - whole);
        used -= whole;
    }
    free(buffer);
    test_forget(connection.server, connection.fd);
    return NULL;
}

static void test_accept(struct test_server *server, int fd)
{
    struct test_connection *connection = malloc(sizeof(*connection));
    *connection = (struct test_connection){ .server = server, .fd = fd };
    (void)pthread_mutex_lock(&server->mutex);
    bool taken = false;
    for (size_t i = 0; i < TEST_CONNECTIONS_MAX && !taken && !server->stopping; i++) {
        if (server->open_fds[i] < 0) {
            server->open_fds[i] = fd;
            taken = true;
        }
    }
    server->open_count += taken;
    atomic_fetch_add(&server->accepted, taken); /* Before anything is answered on it. */
    (void)pthread_mutex_unlock(&server->mutex);
    pthread_t thread;
    if (taken && pthread_create(&thread, NULL, test_connection_run, connection) == 0) {
        (void)pthread_detach(thread);
        return;
    }
    free(connection);
    (void)close(fd);
}

static void *test_server_run(void *context)
{
    struct test_server *server = context;
    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        test_accept(server, fd);
    }
}

struct test_server *test_server_start(test_handler handler, void *context)
{
    struct test_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(address);
    server->handler = handler;
    server->context = context;
    for (size_t i = 0; i < TEST_CONNECTIONS_MAX; i++) {
        server->open_fds[i] = -1;
    }
    (void)pthread_mutex_init(&server->mutex, NULL);
    (void)pthread_cond_init(&server->ended, NULL);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->listen_fd, (struct sockaddr *)&address, bytes), 0);
    ck_assert_int_eq(listen(server->listen_fd, 1024), 0);
    ck_assert_int_eq(getsockname(server->listen_fd, (struct sockaddr *)&address, &bytes), 0);
    server->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, test_server_run, server), 0);
    return server;
}

void test_server_stop(struct test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    (void)shutdown(server->listen_fd, SHUT_RDWR);
    for (size_t i = 0; i < TEST_CONNECTIONS_MAX; i++) {
        if (server->open_fds[i] >= 0) {
            (void)shutdown(server->open_fds[i], SHUT_RDWR);
        }
    }
    while (server->open_count > 0) {
        (void)pthread_cond_wait(&server->ended, &server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listen_fd);
    (void)pthread_cond_destroy(&server->ended);
    (void)pthread_mutex_destroy(&server->mutex);
    free(server);
}

struct muster_endpoint test_endpoint(const struct test_server *server, const char *prefix)
{
    struct muster_endpoint endpoint = { 0 };
    (void)snprintf(endpoint.base_url, sizeof(endpoint.base_url), "http://127.0.0.1:%u%s", server->port,
                   prefix);
    return endpoint;
}
