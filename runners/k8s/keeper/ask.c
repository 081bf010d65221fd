#include "k8s/keeper/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKED_MAX 32u
#define CONNECT_MS 3000 /* The answer itself is waited for as long as our caller lets us live. */

struct asked {
    int fd; /* -1: it has answered, or will not. */
    bool sent;
    size_t got;
    char answer[KEEPER_ANSWER_BYTES];
};

static int left_ms(long long deadline_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = deadline_ms - ((long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    return left > 0 ? (int)left : 0;
}

static void give_up(struct asked *asked, int error_number)
{
    snprintf(asked->answer, sizeof asked->answer, "no: the keeper does not answer: %s",
             strerror(error_number));
    if (asked->fd >= 0) {
        close(asked->fd);
        asked->fd = -1;
    }
}

/* Names are not looked up: a static program cannot. */
static socklen_t address_of(const char *text, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(KEEPER_PORT);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(KEEPER_PORT);
        return sizeof *six;
    }
    return 0;
}

static void begin(struct asked *asked, const char *text)
{
    struct sockaddr_storage address;
    socklen_t bytes = address_of(text, &address);
    *asked = (struct asked){ .fd = -1 };
    if (bytes == 0) {
        give_up(asked, EADDRNOTAVAIL);
        return;
    }
    asked->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asked->fd < 0 ||
        (connect(asked->fd, (const struct sockaddr *)&address, bytes) != 0 && errno != EINPROGRESS)) {
        give_up(asked, errno);
    }
}

/* Connected, or not: then the socket has the reason. A line this short is taken whole. */
static void send_action(struct asked *asked, const char *action)
{
    char line[32];
    int error_number = 0;
    socklen_t bytes = sizeof error_number;
    getsockopt(asked->fd, SOL_SOCKET, SO_ERROR, &error_number, &bytes);
    int length = snprintf(line, sizeof line, "%.30s\n", action);
    if (error_number == 0 && send(asked->fd, line, (size_t)length, MSG_NOSIGNAL) != length) {
        error_number = errno;
    }
    asked->sent = error_number == 0;
    if (!asked->sent) {
        give_up(asked, error_number);
    }
}

static void take_answer(struct asked *asked)
{
    size_t room = sizeof asked->answer - 1 - asked->got;
    ssize_t got = recv(asked->fd, asked->answer + asked->got, room, 0);
    if (got > 0 && (size_t)got < room) {
        asked->got += (size_t)got;
    } else if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
        close(asked->fd);
        asked->fd = -1;
        asked->answer[strcspn(asked->answer, "\n")] = '\0';
        if (asked->answer[0] == '\0') {
            snprintf(asked->answer, sizeof asked->answer, "no: the node ended by itself");
        }
    }
}

/* One wait, and what it brought. False when nothing is waited for any more. */
static bool wait_once(struct asked *all, unsigned count, const char *action, long long deadline_ms)
{
    struct pollfd ready[ASKED_MAX];
    bool any = false;
    bool connecting = false;
    for (unsigned i = 0; i < count; i++) {
        ready[i] = (struct pollfd){ .fd = all[i].fd, .events = all[i].sent ? POLLIN : POLLOUT };
        any = any || all[i].fd >= 0;
        connecting = connecting || (all[i].fd >= 0 && !all[i].sent);
    }
    int changed = any ? poll(ready, count, connecting ? left_ms(deadline_ms) : -1) : 0;
    for (unsigned i = 0; i < count && any; i++) {
        if (changed > 0 && ready[i].revents != 0 && !all[i].sent) {
            send_action(&all[i], action);
        } else if (changed > 0 && ready[i].revents != 0) {
            take_answer(&all[i]);
        } else if (changed == 0 && all[i].fd >= 0 && !all[i].sent) {
            give_up(&all[i], ETIMEDOUT);
        }
    }
    return any;
}

int keeper_ask(const char *action, const char *const *addresses, unsigned count)
{
    struct asked all[ASKED_MAX];
    struct timespec now;
    int code = 0;
    count = count < ASKED_MAX ? count : ASKED_MAX;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long deadline_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + CONNECT_MS;
    for (unsigned i = 0; i < count; i++) {
        begin(&all[i], addresses[i]);
    }
    while (wait_once(all, count, action, deadline_ms)) {
    }
    for (unsigned i = 0; i < count; i++) {
        printf("%s\n", all[i].answer);
        code = code != 0 || strncmp(all[i].answer, "no", 2) == 0;
    }
    return code;
}
