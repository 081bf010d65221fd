/* The keeper: process 1 of a node's container. It starts the node, passes signals on, and does to it what it
 * is told, so that a node can end and come back in a container that stays, with its data. It comes into the
 * pod by a ConfigMap, whatever the image is, and needs nothing of it: it is linked statically.
 *
 *   keeper run GRACE_MS PROGRAM [ARGUMENT]...   as process 1: waits until it is told to start the node; exits
 * as the node did when nobody had asked for its end keeper start | stop | kill | pause | resume [ADDRESS]...
 *                                               by `kubectl exec`: tells this keeper, or those at the
 * addresses, and prints their answers; exits with 0 when all is done
 *
 * Of stop and kill the answer, and of an end that nobody asked for the container's message, is
 * "ended CODE SIGNAL CORE FORCED": CODE -1 when a signal ended the node; FORCED 1 when
 * it did not end within the grace and was killed. Asked again, it is answered again. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "k8s/keeper/ask.h"

#define CANNOT_START 127
#define TERMINATION_LOG "/dev/termination-log" /* Kubernetes tells what is in it. */

struct keeper {
    char **argv; /* Of the node. */
    int grace_ms;
    int listen_fd;
    int signal_fd;
    pid_t node; /* 0: it does not run. */
    int client_fd; /* Who waits for its end; -1: nobody. */
    bool ending; /* The container is being ended. */
    bool killing; /* Nothing more can be sent to it. */
    bool forced;
    long long kill_at_ms; /* 0: never. */
    char ended[KEEPER_ANSWER_BYTES]; /* How it ended last, as asked; "" while it runs. */
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Process 1 ---- */

static void answer(int *client_fd, const char *text)
{
    if (*client_fd >= 0) {
        send(*client_fd, text, strlen(text), MSG_NOSIGNAL);
        close(*client_fd);
        *client_fd = -1;
    }
}

static void become_node(char **argv, int report_fd)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    int error_number = errno;
    _exit(write(report_fd, &error_number, sizeof error_number) > 0 ? CANNOT_START : 1);
}

/* 0, or why not: an errno value. */
static int start_node(struct keeper *keeper)
{
    int report[2];
    int error_number = 0;
    if (pipe2(report, O_CLOEXEC) != 0) {
        return errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_node(keeper->argv, report[1]);
    }
    close(report[1]);
    if (pid < 0) {
        error_number = errno;
    } else if (read(report[0], &error_number, sizeof error_number) > 0) { /* Else the exec closed it. */
        waitpid(pid, NULL, 0);
    } else {
        keeper->node = pid;
        keeper->killing = keeper->forced = false;
        keeper->kill_at_ms = 0;
        keeper->ended[0] = '\0';
    }
    close(report[0]);
    return error_number;
}

static void end_node(struct keeper *keeper, bool kill_it)
{
    if (!keeper->killing) {
        keeper->killing = kill_it;
        kill(-keeper->node, SIGCONT);
        kill(-keeper->node, kill_it ? SIGKILL : SIGTERM);
        keeper->kill_at_ms = kill_it ? 0 : now_ms() + keeper->grace_ms;
    }
}

static void leave_message(const char *text)
{
    int fd = open(TERMINATION_LOG, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        dprintf(fd, "%s", text);
        close(fd);
    }
}

static void node_ended(struct keeper *keeper, int status)
{
    char *text = keeper->ended;
    bool exited = WIFEXITED(status);
    int signal = exited ? 0 : WTERMSIG(status);
    kill(-keeper->node, SIGKILL); /* What it left of its group. */
    keeper->node = 0;
    keeper->kill_at_ms = 0;
    snprintf(text, sizeof keeper->ended, "ended %d %d %d %d", exited ? WEXITSTATUS(status) : -1, signal,
             !exited && WCOREDUMP(status), keeper->forced);
    if (keeper->client_fd < 0 || keeper->ending) {
        leave_message(text);
        _exit(exited ? WEXITSTATUS(status) : 128 + signal);
    }
    answer(&keeper->client_fd, text);
}

static void take_signals(struct keeper *keeper)
{
    struct signalfd_siginfo info;
    bool end = false;
    while (read(keeper->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        end = end || info.ssi_signo != SIGCHLD;
    }
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) { /* Orphans, too. */
        if (pid == keeper->node) {
            node_ended(keeper, status);
        }
    }
    if (end) {
        keeper->ending = true;
        if (keeper->node == 0) {
            _exit(0);
        }
        end_node(keeper, false);
    }
}

static void do_start(struct keeper *keeper, int *client_fd)
{
    char text[KEEPER_ANSWER_BYTES] = "ok";
    int error_number = keeper->node != 0 ? 0 : start_node(keeper);
    if (error_number != 0) {
        snprintf(text, sizeof text, "no: the image's program '%.100s' cannot be executed: %s",
                 keeper->argv[0], strerror(error_number));
    }
    answer(client_fd, text);
}

/* A line, or what came of it until the other end had no more patience with us, or we with it. */
static void read_line(int fd, char *line, size_t size)
{
    const struct timeval patience = { .tv_sec = 1 };
    size_t used = 0;
    ssize_t got = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (got > 0 && used < size - 1 && memchr(line, '\n', used) == NULL) {
        got = recv(fd, line + used, size - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    line[used] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static void take_end(struct keeper *keeper, int client_fd, bool kill_it)
{
    if (keeper->node == 0) {
        answer(&client_fd, keeper->ended[0] != '\0' ? keeper->ended : "no: the node does not run");
        return;
    }
    answer(&keeper->client_fd, "no: somebody else asked after you");
    keeper->client_fd = client_fd;
    end_node(keeper, kill_it);
}

static void take_request(struct keeper *keeper)
{
    char action[32];
    int fd = accept4(keeper->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    read_line(fd, action, sizeof action);
    bool pause_it = strcmp(action, "pause") == 0;
    if (strcmp(action, "start") == 0) {
        do_start(keeper, &fd);
    } else if (strcmp(action, "stop") == 0 || strcmp(action, "kill") == 0) {
        take_end(keeper, fd, action[0] == 'k');
    } else if (!pause_it && strcmp(action, "resume") != 0) {
        answer(&fd, "no: the keeper knows no such action");
    } else if (keeper->node == 0) {
        answer(&fd, "no: the node does not run");
    } else {
        kill(-keeper->node, pause_it ? SIGSTOP : SIGCONT);
        answer(&fd, "ok");
    }
}

static void serve(struct keeper *keeper)
{
    for (;;) {
        struct pollfd ready[] = { { .fd = keeper->signal_fd, .events = POLLIN },
                                  { .fd = keeper->listen_fd, .events = POLLIN } };
        long long left_ms = keeper->kill_at_ms - now_ms();
        int timeout_ms = keeper->kill_at_ms == 0 ? -1 : left_ms > 0 ? (int)left_ms : 0;
        int count = poll(ready, 2, timeout_ms);
        if (count == 0) {
            keeper->forced = true;
            end_node(keeper, true);
        }
        if (count > 0 && ready[0].revents != 0) {
            take_signals(keeper);
        }
        if (count > 0 && ready[1].revents != 0) {
            take_request(keeper);
        }
    }
}

/* For both versions of IP, where the pod has both. -1: errno says why not. */
static int listen_for_orders(void)
{
    const int off = 0;
    const int on = 1;
    const struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(KEEPER_PORT) };
    const struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(KEEPER_PORT) };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool both = fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    if (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    const struct sockaddr *address = both ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    socklen_t bytes = both ? sizeof six : sizeof four;
    bool listens = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(fd, address, bytes) == 0 && listen(fd, 64) == 0;
    return listens ? fd : -1;
}

static int run(int grace_ms, char **argv)
{
    struct keeper keeper = { .argv = argv, .grace_ms = grace_ms, .client_fd = -1 };
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    sigprocmask(SIG_BLOCK, &taken, NULL);
    keeper.signal_fd = signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
    keeper.listen_fd = listen_for_orders();
    if (keeper.signal_fd < 0 || keeper.listen_fd < 0) {
        perror("keeper");
        return 1;
    }
    serve(&keeper);
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const here[] = { "127.0.0.1" };
    if (argc >= 4 && strcmp(argv[1], "run") == 0) {
        return run((int)strtol(argv[2], NULL, 10), &argv[3]);
    }
    if (argc >= 2 && argv[1][0] != '-') {
        return argc == 2 ? keeper_ask(argv[1], here, 1)
                         : keeper_ask(argv[1], (const char *const *)&argv[2], (unsigned)argc - 2);
    }
    fprintf(stderr, "usage: keeper run GRACE_MS PROGRAM [ARGUMENT]...\n"
                    "       keeper start | stop | kill | pause | resume [ADDRESS]...\n");
    return 2;
}
