#include "muster/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/launch.h"
#include "host/tool_vectors.h"
#include "muster/clock.h"

#define AT_ONCE_MAX 16u
#define READ_BYTES 16384u
#define READS_AT_ONCE                                                                                        \
    64 /* More than a pipe holds; one who writes without end must not keep us from the others. */

/* One of a tool's two streams, where it is kept. */
struct stream {
    int fd; /* -1: closed, or goes to a file. */
    char *text;
    size_t bytes;
    size_t room;
    bool cut;
};

struct running {
    struct muster_tool *tool;
    pid_t pid;
    int pidfd;
    struct stream streams[2];
};

struct batch {
    struct running running[AT_ONCE_MAX];
    unsigned count;
    uint64_t deadline_ms;
    struct muster_error *err;
};

void muster_tool_fini(struct muster_tool *tool)
{
    free(tool->output);
    free(tool->complaint);
    tool->output = tool->complaint = NULL;
}

bool muster_tool_succeeded(const struct muster_tool *tool)
{
    return tool->rc == MUSTER_OK && tool->exit.code == 0;
}

/* ---- Streams ---- */

static bool make_room(struct stream *stream, size_t more)
{
    if (stream->bytes + more + 1 <= stream->room) {
        return true;
    }
    size_t room = stream->room == 0 ? READ_BYTES : stream->room * 2;
    while (room < stream->bytes + more + 1) {
        room *= 2;
    }
    char *grown = realloc(stream->text, room);
    if (grown == NULL) {
        return false;
    }
    stream->text = grown;
    stream->room = room;
    return true;
}

static void keep(struct stream *stream, const char *data, size_t bytes)
{
    size_t left = MUSTER_TOOL_OUTPUT_MAX - stream->bytes;
    size_t taken = bytes < left ? bytes : left;
    if (!make_room(stream, taken)) {
        taken = 0;
    }
    stream->cut = stream->cut || taken < bytes;
    if (taken > 0) {
        memcpy(stream->text + stream->bytes, data, taken);
        stream->bytes += taken;
    }
}

/* Reads what is there, but not for ever; closes at the end of file. */
static void drain(struct stream *stream)
{
    char data[READ_BYTES];
    for (int reads = 0; stream->fd >= 0 && reads < READS_AT_ONCE; reads++) {
        ssize_t got = read(stream->fd, data, sizeof data);
        if (got > 0) {
            keep(stream, data, (size_t)got);
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(stream->fd);
            stream->fd = -1;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* The text, ended; NULL only without memory. The stream is empty then. */
static char *take_text(struct stream *stream)
{
    if (stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
    if (!make_room(stream, 0)) {
        return NULL;
    }
    stream->text[stream->bytes] = '\0';
    return stream->text;
}

/* ---- Start and end ---- */

/* A pipe is given to the child by its name in /proc, so that there is one way to start processes. */
static enum muster_rc open_pipe(int ends[2], char path[64], struct muster_error *err)
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no pipe to run a program");
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    snprintf(path, 64, "/proc/self/fd/%d", ends[1]);
    return MUSTER_OK;
}

static void close_end(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static enum muster_rc launch(struct running *running, struct muster_error *err)
{
    struct muster_tool *tool = running->tool;
    const char *paths[2] = { tool->stdout_path, tool->stderr_path };
    char pipe_paths[2][64];
    int pipes[2][2] = { { -1, -1 }, { -1, -1 } };
    enum muster_rc rc = MUSTER_OK;
    for (int i = 0; i < 2 && rc == MUSTER_OK; i++) {
        if (paths[i] == NULL) {
            rc = open_pipe(pipes[i], pipe_paths[i], err);
            paths[i] = pipe_paths[i];
        }
    }
    char **argv = rc == MUSTER_OK ? muster__strings_copy(tool->argv) : NULL;
    char **env = rc == MUSTER_OK ? muster__tool_environment(tool->env) : NULL;
    if (rc == MUSTER_OK && (argv == NULL || env == NULL)) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "no memory to run '%s'", tool->argv[0]);
    }
    if (rc == MUSTER_OK) {
        const struct muster__launch what = { .program = tool->argv[0],
                                             .argv = argv,
                                             .env = env,
                                             .stdout_path = paths[0],
                                             .stderr_path = paths[1] };
        rc = muster__launch(&what, NULL, NULL, &running->pid, err);
        if (rc != MUSTER_OK && running->pid > 0) {
            waitpid(running->pid, NULL, 0);
        }
    }
    for (int i = 0; i < 2; i++) {
        close_end(pipes[i][1]);
        running->streams[i] = (struct stream){ .fd = pipes[i][0] };
    }
    muster__strings_free(argv);
    muster__strings_free(env);
    return rc;
}

static void fail(struct batch *batch, struct running *running, enum muster_rc rc,
                 const struct muster_error *cause)
{
    running->tool->rc = rc;
    if (batch->err != NULL && batch->err->rc == MUSTER_OK) {
        *batch->err = *cause;
    }
}

/* One whose end would not be seen is not left to run. */
static enum muster_rc watch_end(struct running *running, struct muster_error *err)
{
    running->pidfd = (int)syscall(SYS_pidfd_open, running->pid, 0);
    if (running->pidfd >= 0) {
        return MUSTER_OK;
    }
    int error_number = errno;
    kill(-running->pid, SIGKILL);
    waitpid(running->pid, NULL, 0);
    return muster_error_errno(err, MUSTER_EINFRA, error_number, "the end of '%s' cannot be waited for",
                              running->tool->argv[0]);
}

static void begin(struct batch *batch, struct muster_tool *tool)
{
    struct running *running = &batch->running[batch->count];
    struct muster_error cause = { 0 };
    *running = (struct running){ .tool = tool, .pidfd = -1, .streams = { { .fd = -1 }, { .fd = -1 } } };
    enum muster_rc rc = launch(running, &cause);
    if (rc == MUSTER_OK) {
        rc = watch_end(running, &cause);
    }
    if (rc == MUSTER_OK) {
        batch->count++;
        return;
    }
    free(take_text(&running->streams[0]));
    free(take_text(&running->streams[1]));
    fail(batch, running, rc, &cause);
}

/* Ends what it may have started, reaps it and keeps what it said. */
static void finish(struct batch *batch, struct running *running)
{
    struct muster_tool *tool = running->tool;
    int status = 0;
    struct muster_error cause = { 0 };
    kill(-running->pid, SIGKILL); /* Not reaped yet: the group is still its own. */
    bool reaped = waitpid(running->pid, &status, 0) == running->pid;
    drain(&running->streams[0]);
    drain(&running->streams[1]);
    bool exited = reaped && WIFEXITED(status);
    tool->exit = (struct muster_exit){ .code = exited ? WEXITSTATUS(status) : -1,
                                       .signal = reaped && WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                                       .at_ms = muster_clock_ms() };
    tool->output_cut = running->streams[0].cut;
    tool->output_bytes = running->streams[0].bytes;
    tool->output = take_text(&running->streams[0]);
    tool->complaint = take_text(&running->streams[1]);
    close_end(running->pidfd);
    if (tool->rc == MUSTER_OK && (tool->output == NULL || tool->complaint == NULL)) {
        muster_error_set(&cause, MUSTER_ENOMEM, "no memory for what '%s' said", tool->argv[0]);
        fail(batch, running, MUSTER_ENOMEM, &cause);
    }
    *running = batch->running[--batch->count];
}

/* ---- The wait ---- */

static void expire(struct batch *batch, uint32_t timeout_ms)
{
    for (unsigned i = 0; i < batch->count; i++) {
        struct muster_error cause = { 0 };
        muster_error_set(&cause, MUSTER_ETIMEDOUT, "'%s' did not end within %.1f s and was killed",
                         batch->running[i].tool->argv[0], timeout_ms / 1000.0);
        fail(batch, &batch->running[i], MUSTER_ETIMEDOUT, &cause);
    }
    while (batch->count > 0) {
        finish(batch, &batch->running[0]);
    }
}

/* Those whose turn never came. */
static void give_up(struct muster_tool *tools, size_t count, struct muster_error *first)
{
    for (size_t i = 0; i < count; i++) {
        tools[i].rc =
            muster_error_set(first, MUSTER_ETIMEDOUT, "there was no time left to run '%s'", tools[i].argv[0]);
    }
}

/* Waits for output or an end, and takes both. */
static void attend(struct batch *batch)
{
    struct pollfd ready[3 * AT_ONCE_MAX];
    for (unsigned i = 0; i < batch->count; i++) {
        const struct running *it = &batch->running[i];
        ready[3 * i] = (struct pollfd){ .fd = it->pidfd, .events = POLLIN };
        ready[3 * i + 1] = (struct pollfd){ .fd = it->streams[0].fd, .events = POLLIN };
        ready[3 * i + 2] = (struct pollfd){ .fd = it->streams[1].fd, .events = POLLIN };
    }
    poll(ready, 3 * batch->count, muster_clock_left_ms(batch->deadline_ms));
    for (unsigned i = batch->count; i-- > 0;) { /* From the end: finish() moves the last one down. */
        drain(&batch->running[i].streams[0]);
        drain(&batch->running[i].streams[1]);
        if (ready[3 * i].revents != 0) {
            finish(batch, &batch->running[i]);
        }
    }
}

enum muster_rc muster_tool_run(struct muster_tool *tools, size_t count, unsigned at_once, uint32_t timeout_ms,
                               struct muster_error *err)
{
    struct muster_error first = { 0 };
    struct batch batch = { .deadline_ms = muster_clock_ms() + timeout_ms, .err = &first };
    unsigned window = at_once == 0 ? 1 : at_once < AT_ONCE_MAX ? at_once : AT_ONCE_MAX;
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        tools[i].rc = MUSTER_OK;
        tools[i].output = tools[i].complaint = NULL;
    }
    while (next < count || batch.count > 0) {
        if (muster_clock_left_ms(batch.deadline_ms) == 0) {
            expire(&batch, timeout_ms);
            give_up(&tools[next], count - next, &first);
            break;
        }
        while (next < count && batch.count < window) {
            begin(&batch, &tools[next++]);
        }
        if (batch.count > 0) {
            attend(&batch);
        }
    }
    return first.rc == MUSTER_OK ? MUSTER_OK : muster_error_set(err, first.rc, "%s", first.text);
}
