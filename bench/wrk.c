/* wrk, the load generator that the engine is compared with. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define OUTPUT_BYTES 8192

/* The body stands in a long bracket, which takes JSON as it is. */
static enum muster_rc write_script(char path[64], const char *body, struct muster_error *err)
{
    snprintf(path, 64, "/tmp/muster-bench-XXXXXX");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return muster_error_errno(err, MUSTER_EIO, errno, "cannot make a file in /tmp");
    }
    int length = dprintf(fd,
                         "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\n"
                         "wrk.body = [==[%s]==]\n",
                         body);
    close(fd);
    return length > 0 ? MUSTER_OK : muster_error_set(err, MUSTER_EIO, "cannot write %s", path);
}

static int spawn_wrk(char *const *argv, int output_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
    int error = posix_spawnp(pid, "wrk", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void read_all(int fd, char text[OUTPUT_BYTES])
{
    size_t used = 0;
    ssize_t got;
    while (used < OUTPUT_BYTES - 1 && (got = read(fd, text + used, OUTPUT_BYTES - 1 - used)) > 0) {
        used += (size_t)got;
    }
    text[used] = '\0';
}

static enum muster_rc run_wrk(char *const *argv, char output[OUTPUT_BYTES], struct muster_error *err)
{
    int fds[2];
    pid_t pid = 0;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make a pipe");
    }
    int error = spawn_wrk(argv, fds[1], &pid);
    close(fds[1]);
    if (error == 0) {
        read_all(fds[0], output);
        waitpid(pid, NULL, 0);
    }
    close(fds[0]);
    if (error == ENOENT) {
        return muster_error_set(err, MUSTER_ESKIP, "wrk is not installed; the Debian package is wrk");
    }
    return error == 0 ? MUSTER_OK : muster_error_errno(err, MUSTER_EINFRA, error, "cannot start wrk");
}

enum muster_rc bench_wrk(const struct bench_server *server, const char *path, const char *body,
                         unsigned connections, double *ret, struct muster_error *err)
{
    char script[64];
    char url[256];
    char connections_text[32];
    char output[OUTPUT_BYTES] = "";
    enum muster_rc rc = write_script(script, body, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server->port, path);
    snprintf(connections_text, sizeof connections_text, "-c%u", connections);
    /* One thread, as the engine has one. */
    char *const argv[] = { (char[]){ "wrk" },
                           (char[]){ "-t1" },
                           connections_text,
                           (char[]){ "-d3s" },
                           (char[]){ "-s" },
                           script,
                           url,
                           NULL };
    rc = run_wrk(argv, output, err);
    unlink(script);
    const char *rate = strstr(output, "Requests/sec:");
    if (rc == MUSTER_OK && (rate == NULL || strstr(output, "Non-2xx") != NULL)) {
        rc = muster_error_set(err, MUSTER_EINFRA, "wrk printed no rate: %.500s", output);
    }
    if (rc == MUSTER_OK) {
        *ret = strtod(rate + strlen("Requests/sec:"), NULL);
    }
    return rc;
}
