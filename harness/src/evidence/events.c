/* The writer of events.jsonl. */
#include "evidence/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"

struct muster_events {
    int fd;
    uint64_t began_ms;
    atomic_int failure; /* errno of the first write that failed, or 0. */
};

enum muster_rc muster__events_open(const char *path, uint64_t began_ms, struct muster_events **ret,
                                   struct muster_error *err)
{
    struct muster_events *events = calloc(1, sizeof *events);
    if (events == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    }
    events->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (events->fd < 0) {
        int error = errno;
        free(events);
        return muster_error_errno(err, MUSTER_EIO, error, "cannot open '%s'", path);
    }
    events->began_ms = began_ms;
    *ret = events;
    return MUSTER_OK;
}

void muster__events_close(struct muster_events *events)
{
    if (events != NULL) {
        close(events->fd);
        free(events);
    }
}

static void remember(struct muster_events *events, int error)
{
    int none = 0;
    atomic_compare_exchange_strong(&events->failure, &none, error);
}

/* Puts time and kind before the other fields. Returns NULL if there is no memory. */
static json_t *make_line(const struct muster_events *events, const char *kind, json_t *fields)
{
    char wall[MUSTER_TIMESTAMP_BYTES];
    uint64_t now_ms = muster_clock_ms();
    uint64_t at_ms = now_ms > events->began_ms ? now_ms - events->began_ms : 0;
    json_t *line = json_pack("{s:I, s:s, s:s}", "at_ms", (json_int_t)at_ms, "wall",
                             muster_clock_format(muster_clock_wall_ms(), wall), "event", kind);
    if (line != NULL && fields != NULL && json_object_update_missing(line, fields) != 0) {
        json_decref(line);
        return NULL;
    }
    return line;
}

/* Ends the text with its newline, so that one write(2) appends all of it. The caller frees the text. */
static char *to_text(const json_t *line, size_t *bytes)
{
    size_t wanted = json_dumpb(line, NULL, 0, JSON_COMPACT);
    char *text = wanted > 0 ? malloc(wanted + 1) : NULL;
    if (text == NULL) {
        return NULL;
    }
    if (json_dumpb(line, text, wanted, JSON_COMPACT) != wanted) {
        free(text);
        return NULL;
    }
    text[wanted] = '\n';
    *bytes = wanted + 1;
    return text;
}

static void append(struct muster_events *events, const char *text, size_t bytes)
{
    ssize_t done = 0;
    do {
        done = write(events->fd, text, bytes);
    } while (done < 0 && errno == EINTR);
    if (done < 0) {
        remember(events, errno);
    } else if ((size_t)done < bytes) {
        remember(events, ENOSPC); /* Only a full disk makes a write to a regular file short. */
    }
}

void muster__events_write(struct muster_events *events, const char *kind, json_t *fields)
{
    if (events == NULL) {
        json_decref(fields);
        return;
    }
    size_t bytes = 0;
    json_t *line = make_line(events, kind, fields);
    char *text = line != NULL ? to_text(line, &bytes) : NULL;
    if (text != NULL) {
        append(events, text, bytes);
    } else {
        remember(events, ENOMEM);
    }
    free(text);
    json_decref(line);
    json_decref(fields);
}

int muster__events_failure(const struct muster_events *events)
{
    return atomic_load(&events->failure);
}
