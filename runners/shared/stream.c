#include "shared/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS 5000u /* From the end of what it wrote until its own. */

struct runner_stream {
    struct runner_programs *programs;
    struct runner_stream_options options;
    uint32_t process;
    int fifo_fd;
    int stop_fd; /* Ends the thread. */
    bool has_thread;
    pthread_t thread;
    size_t line_bytes;
    char *line; /* What was read and is no whole line yet. */
};

static void take_lines(struct runner_stream *stream)
{
    const char *begin = stream->line;
    const char *newline;
    while ((newline = memchr(begin, '\n', stream->line_bytes)) != NULL) {
        size_t bytes = (size_t)(newline - begin);
        stream->options.line(stream->options.context, begin, bytes);
        stream->line_bytes -= bytes + 1;
        begin = newline + 1;
    }
    memmove(stream->line, begin, stream->line_bytes);
    if (stream->line_bytes == stream->options.line_bytes_max) {
        stream->line_bytes = 0;
    }
}

static enum muster_rc spawn(struct runner_stream *stream, const struct runner_argv *argv,
                            struct muster_error *err)
{
    char path[4096 + 64];
    char complaint_path[4096 + 64];
    const char *directory = muster_deployment_directory(stream->programs->deployment);
    snprintf(path, sizeof path, "%.4000s/%.60s", directory, stream->options.name);
    snprintf(complaint_path, sizeof complaint_path, "%.4000s/%.60s.err", directory, stream->options.name);
    if (mkfifo(path, 0600) != 0 || (stream->fifo_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make '%s'", path);
    }
    const struct muster_spawn spawn = { .argv = argv->args,
                                        .env = stream->programs->env,
                                        .directory = directory,
                                        .stdout_path = path,
                                        .stderr_path = complaint_path,
                                        .node = MUSTER_NO_NODE };
    enum muster_rc rc = muster_deployment_spawn(stream->programs->deployment, &spawn, &stream->process, err);
    unlink(path); /* Both have it open. */
    return rc;
}

/* True when there is another program to follow. */
static bool take_end(struct runner_stream *stream)
{
    struct muster_exit exit;
    struct runner_argv again = { .count = 0 };
    close(stream->fifo_fd);
    stream->fifo_fd = -1;
    stream->line_bytes = 0;
    while (muster_deployment_wait_exit(stream->programs->deployment, stream->process, END_MS, &exit, NULL) ==
           MUSTER_OK) {
        again.count = 0;
        if (stream->options.ended == NULL || !stream->options.ended(stream->options.context, &exit, &again)) {
            return false;
        }
        if (spawn(stream, &again, NULL) == MUSTER_OK) {
            return true;
        }
    }
    return false;
}

/* False: it was stopped. */
static bool follow_until_lost(struct runner_stream *stream)
{
    for (;;) {
        struct pollfd ready[] = { { .fd = stream->fifo_fd, .events = POLLIN },
                                  { .fd = stream->stop_fd, .events = POLLIN } };
        if ((poll(ready, 2, -1) < 0 && errno != EINTR) || ready[1].revents != 0) {
            return ready[1].revents == 0;
        }
        ssize_t got = read(stream->fifo_fd, stream->line + stream->line_bytes,
                           stream->options.line_bytes_max - stream->line_bytes);
        if (got > 0) {
            stream->line_bytes += (size_t)got;
            take_lines(stream);
        } else if (got == 0 ? !take_end(stream) : errno != EAGAIN && errno != EINTR) {
            return true;
        }
    }
}

static void *follow(void *context)
{
    struct runner_stream *stream = context;
    if (follow_until_lost(stream) && stream->options.lost != NULL) {
        stream->options.lost(stream->options.context);
    }
    return NULL;
}

enum muster_rc runner__stream_start(struct runner_programs *programs, const struct runner_argv *argv,
                                    const struct runner_stream_options *options, struct runner_stream **ret,
                                    struct muster_error *err)
{
    struct runner_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL || (stream->line = malloc(options->line_bytes_max)) == NULL) {
        free(stream);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to follow '%s'", argv->args[0]);
    }
    stream->programs = programs;
    stream->options = *options;
    stream->fifo_fd = -1;
    stream->stop_fd = eventfd(0, EFD_CLOEXEC);
    *ret = stream;
    if (stream->stop_fd < 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no eventfd");
    }
    enum muster_rc rc = spawn(stream, argv, err);
    if (rc == MUSTER_OK) {
        int error_number = pthread_create(&stream->thread, NULL, follow, stream);
        stream->has_thread = error_number == 0;
        rc = stream->has_thread ? MUSTER_OK
                                : muster_error_errno(err, MUSTER_EINFRA, error_number,
                                                     "no thread to follow '%s'", argv->args[0]);
    }
    return rc;
}

bool runner__stream_pause(struct runner_stream *stream, uint32_t ms)
{
    struct pollfd stop = { .fd = stream->stop_fd, .events = POLLIN };
    return poll(&stop, 1, (int)ms) == 0;
}

void runner__stream_stop(struct runner_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    uint64_t one = 1;
    if (stream->has_thread && write(stream->stop_fd, &one, sizeof one) == (ssize_t)sizeof one) {
        pthread_join(stream->thread, NULL);
    }
    if (stream->fifo_fd >= 0) {
        close(stream->fifo_fd);
    }
    if (stream->stop_fd >= 0) {
        close(stream->stop_fd);
    }
    free(stream->line);
    free(stream);
}
