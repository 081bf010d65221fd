/* A trivial server: POST or GET, whatever the path, is answered with 200 and `null`. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define CONNECTIONS_MAX 256u

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **seen)
{
    static int first;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (*seen == NULL) {
        *seen = &first;
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        *upload_bytes = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

static struct MHD_Daemon *start_daemon(void)
{
    const struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_Response *response = MHD_create_response_from_buffer(4, (void *)"null", MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return NULL;
    }
    MHD_add_response_header(response, "Content-Type", "application/json");
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, response,
                            MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                            MHD_OPTION_END);
}

/* In the server's process: tells its port and serves until it is killed. */
static void serve(int port_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct MHD_Daemon *daemon = start_daemon();
    const union MHD_DaemonInfo *info =
        daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL || write(port_fd, &info->port, sizeof info->port) != sizeof info->port) {
        _exit(1);
    }
    for (;;) {
        pause();
    }
}

enum muster_rc bench_server_start(struct bench_server *server, struct muster_error *err)
{
    int fds[2];
    if (pipe2(fds, 0) != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make a pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        serve(fds[1]);
    }
    close(fds[1]);
    server->pid = pid;
    ssize_t got = pid < 0 ? -1 : read(fds[0], &server->port, sizeof server->port);
    close(fds[0]);
    if (got != sizeof server->port) {
        bench_server_stop(server);
        return muster_error_set(err, MUSTER_EINFRA, "the server to submit to did not start");
    }
    return MUSTER_OK;
}

void bench_server_stop(struct bench_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}
