/* The callbacks that tell libcurl's wishes to epoll, and the way back: what epoll saw goes to libcurl. All in
 * the engine's thread. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"
#include "muster/clock.h"

static struct muster__socket *socket_at(struct muster_http *http, int fd)
{
    if ((size_t)fd >= http->socket_count) {
        size_t count = http->socket_count == 0 ? 256 : http->socket_count;
        while (count <= (size_t)fd) {
            count *= 2;
        }
        struct muster__socket *grown = realloc(http->sockets, count * sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + http->socket_count, 0, (count - http->socket_count) * sizeof(*grown));
        http->sockets = grown;
        http->socket_count = count;
    }
    return &http->sockets[fd];
}

curl_socket_t muster__socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    struct muster__socket *entry = fd < 0 ? NULL : socket_at(context, fd);
    if (entry == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return CURL_SOCKET_BAD;
    }
    *entry = (struct muster__socket){ .ours = true };
    return fd;
}

int muster__socket_close(void *context, curl_socket_t fd)
{
    struct muster__socket *entry = socket_at(context, fd);
    if (entry != NULL) {
        *entry = (struct muster__socket){ 0 };
    }
    return close(fd); /* Also takes it out of epoll: the descriptor was never duplicated. */
}

static int register_events(struct muster_http *http, int fd, struct muster__socket *entry, uint32_t events)
{
    if (entry->registered == events) {
        return 0;
    }
    struct epoll_event event = { .events = events, .data.fd = fd };
    int operation = EPOLL_CTL_MOD;
    if (events == 0) {
        operation = EPOLL_CTL_DEL;
    } else if (entry->registered == 0) {
        operation = EPOLL_CTL_ADD;
    }
    entry->registered = events;
    return epoll_ctl(http->epoll_fd, operation, fd, &event);
}

/* A connection stays registered with epoll between two requests, which saves two system calls for each
 * request. This is done only for sockets that our own callback closes. */
int muster__socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct muster_http *http = context;
    struct muster__socket *entry = socket_at(http, fd);
    (void)easy;
    (void)unused;
    if (entry == NULL) {
        return -1;
    }
    entry->wanted = 0;
    if (what != CURL_POLL_REMOVE) {
        entry->wanted |= (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u;
        entry->wanted |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u;
    }
    if (entry->wanted == 0 && entry->ours) {
        return 0;
    }
    return register_events(http, fd, entry, entry->wanted) == 0 || entry->wanted == 0 ? 0 : -1;
}

void muster__socket_act(struct muster_http *http, const struct epoll_event *event)
{
    int fd = event->data.fd;
    int running = 0;
    assert((size_t)fd < http->socket_count); /* Only descriptors with an entry are registered. */
    struct muster__socket *entry = &http->sockets[fd];
    if (entry->wanted == 0) {
        if (entry->registered != 0) { /* The node closed a connection that is not in use. */
            (void)register_events(http, fd, entry, 0);
        }
        return;
    }
    int mask = 0;
    mask |= (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0;
    mask |= (event->events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    mask |= (event->events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0;
    (void)curl_multi_socket_action(http->multi, fd, mask, &running);
}

int muster__curl_due(CURLM *multi, long timeout_ms, void *context)
{
    struct muster_http *http = context;
    (void)multi;
    if (timeout_ms <= 0) { /* The usual case when a request begins: no need to read the clock. */
        http->curl_due_us = timeout_ms < 0 ? UINT64_MAX : 0;
    } else {
        http->curl_due_us = muster_clock_us() + (uint64_t)timeout_ms * 1000u;
    }
    return 0;
}
