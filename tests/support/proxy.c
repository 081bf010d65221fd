/* A process, and one more for each connection. */
#include "support/proxy.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKS_MAX 256

static const char refusal[] =
    "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\n"
    "Content-Length: 40\r\n\r\n{\"message\":\"this user is not permitted\"}";

static bool write_all(int fd, const char *bytes, ssize_t count)
{
    while (count > 0) {
        ssize_t written = send(fd, bytes, (size_t)count, MSG_NOSIGNAL);
        if (written <= 0) {
            return false;
        }
        bytes += written;
        count -= written;
    }
    return true;
}

/* One direction of a connection; false once it is broken. At its end the other side is told. */
static bool pump(struct pollfd *from, int to)
{
    char block[16384];
    ssize_t got = read(from->fd, block, sizeof block);
    if (got <= 0) {
        shutdown(to, SHUT_WR);
        from->fd = -1;
        return got == 0;
    }
    return write_all(to, block, got);
}

static void forward(int client_fd, const struct proxy_end *to)
{
    int server_fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ends[2] = { { .fd = client_fd, .events = POLLIN }, { .fd = server_fd, .events = POLLIN } };
    if (server_fd < 0 || connect(server_fd, (const struct sockaddr *)&to->address, to->bytes) != 0) {
        return;
    }
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0) {
        if ((ends[0].fd >= 0 && ends[0].revents != 0 && !pump(&ends[0], server_fd)) ||
            (ends[1].fd >= 0 && ends[1].revents != 0 && !pump(&ends[1], client_fd))) {
            return;
        }
    }
}

static void refuse(int client_fd)
{
    char request[4096];
    ssize_t got = read(client_fd, request, sizeof request);
    if (got > 0) {
        write_all(client_fd, refusal, sizeof refusal - 1);
    }
}

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(0);
    }
}

static void serve(int listen_fd, enum proxy_kind kind, const struct proxy_end *to)
{
    signal(SIGCHLD, SIG_IGN); /* Reaped by the kernel. */
    pid_t self = getpid();
    for (;;) {
        int client_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (client_fd < 0) {
            _exit(errno == EINTR ? 0 : 1);
        }
        if (fork() == 0) {
            die_with(self);
            close(listen_fd);
            if (kind == PROXY_REFUSES) {
                refuse(client_fd);
            } else if (kind == PROXY_HANGS) {
                pause();
            } else {
                forward(client_fd, to);
            }
            _exit(0);
        }
        close(client_fd);
    }
}

bool proxy_end_unix(struct proxy_end *end, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t bytes = strlen(path);
    if (bytes >= sizeof address.sun_path) {
        return false;
    }
    memcpy(address.sun_path, path, bytes);
    *end = (struct proxy_end){ .bytes = sizeof address };
    memcpy(&end->address, &address, sizeof address);
    return true;
}

bool proxy_end_tcp(struct proxy_end *end, const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return false;
    }
    *end = (struct proxy_end){ .bytes = found->ai_addrlen };
    memcpy(&end->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static int listen_at(struct proxy_end *at)
{
    int reuse = 1;
    int fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) != 0 ||
        bind(fd, (const struct sockaddr *)&at->address, at->bytes) != 0 || listen(fd, LINKS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&at->address, &at->bytes) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool proxy_start(struct proxy *proxy, enum proxy_kind kind, struct proxy_end *at, const struct proxy_end *to)
{
    int listen_fd = listen_at(at);
    proxy->pid = 0;
    if (listen_fd < 0) {
        return false;
    }
    pid_t self = getpid();
    proxy->pid = fork();
    if (proxy->pid == 0) {
        setpgid(0, 0);
        die_with(self);
        serve(listen_fd, kind, to);
    }
    setpgid(proxy->pid, proxy->pid); /* In both, as either may come first. */
    close(listen_fd);
    return proxy->pid > 0;
}

void proxy_cut(struct proxy *proxy)
{
    if (proxy->pid > 0) {
        kill(-proxy->pid, SIGKILL);
        waitpid(proxy->pid, NULL, 0);
        proxy->pid = 0;
    }
}
