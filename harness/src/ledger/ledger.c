#include "ledger/ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/clock.h"

#define DRAFT_END "\"id\":\"\"}" /* How the draft of a line ends: with an empty id. */

struct muster_ledger {
    int fd;
    bool torn; /* The last line is incomplete, because the disk was full. */
};

/* Ends a torn line, so that the next line can be parsed. Async-signal-safe. */
static void end_torn_line(struct muster_ledger *ledger)
{
    if (ledger->torn) {
        ledger->torn = write(ledger->fd, "\n", 1) != 1;
    }
}

/* Write a line with one write(2), so that lines of two writers do not mix. */
static enum muster_rc append_line(struct muster_ledger *ledger, json_t *line, struct muster_error *err)
{
    char wall[MUSTER_TIMESTAMP_BYTES];
    if (line == NULL ||
        json_object_set_new(line, "at", json_string(muster_clock_format(muster_clock_wall_ms(), wall))) !=
            0) {
        json_decref(line);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a line of the ledger");
    }
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a line of the ledger");
    }
    size_t length = strlen(text);
    text[length] = '\n'; /* Replaces the final NUL. */
    end_torn_line(ledger);
    ssize_t written = write(ledger->fd, text, length + 1);
    int error_number = written < 0 ? errno : ENOSPC;
    free(text);
    if (written != (ssize_t)(length + 1)) {
        ledger->torn = ledger->torn || written > 0;
        return muster_error_errno(err, MUSTER_EIO, error_number,
                                  "cannot write the run's " MUSTER_LEDGER_FILE);
    }
    return MUSTER_OK;
}

enum muster_rc muster__ledger_create(const char *directory, const char *run_id, const char *runner,
                                     struct muster_ledger **ret, struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(path, err, "%s/" MUSTER_LEDGER_FILE, directory);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster_ledger *ledger = malloc(sizeof *ledger);
    if (ledger == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the ledger");
    }
    ledger->torn = false;
    ledger->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (ledger->fd < 0 || flock(ledger->fd, LOCK_EX | LOCK_NB) != 0) {
        rc = muster_error_errno(err, MUSTER_EIO, errno, "cannot create '%s'", path);
    } else {
        rc = append_line(ledger,
                         json_pack("{s:s, s:s, s:s, s:s}", "op", "run", "run", run_id, "runner", runner,
                                   "directory", directory),
                         err);
    }
    if (rc != MUSTER_OK) {
        muster__ledger_close(ledger);
        return rc;
    }
    *ret = ledger;
    return MUSTER_OK;
}

void muster__ledger_close(struct muster_ledger *ledger)
{
    if (ledger != NULL) {
        if (ledger->fd >= 0) {
            close(ledger->fd);
        }
        free(ledger);
    }
}

int muster__ledger_fd(const struct muster_ledger *ledger)
{
    return ledger->fd;
}

enum muster_rc muster__ledger_guardian(struct muster_ledger *ledger, pid_t pid, uint64_t start,
                                       struct muster_error *err)
{
    return append_line(
        ledger, json_pack("{s:s, s:i, s:I}", "op", "guardian", "pid", (int)pid, "start", (json_int_t)start),
        err);
}

enum muster_rc muster__ledger_state(struct muster_ledger *ledger, const char *state, struct muster_error *err)
{
    assert(strcmp(state, "closed") == 0 || strcmp(state, "preserved") == 0);
    return append_line(ledger, json_pack("{s:s, s:s}", "op", "state", "state", state), err);
}

enum muster_rc muster_ledger_created(struct muster_ledger *ledger, const char *kind, const char *id,
                                     const char *detail, struct muster_error *err)
{
    json_t *more = detail == NULL ? json_object() : json_loads(detail, 0, NULL);
    if (more == NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "the detail of %s %s is not a JSON object", kind, id);
    }
    return append_line(
        ledger, json_pack("{s:s, s:s, s:s, s:o}", "op", "created", "kind", kind, "id", id, "detail", more),
        err);
}

enum muster_rc muster_ledger_removed(struct muster_ledger *ledger, const char *kind, const char *id,
                                     struct muster_error *err)
{
    return append_line(ledger, json_pack("{s:s, s:s, s:s}", "op", "removed", "kind", kind, "id", id), err);
}

char *muster__ledger_draft(const char *kind, json_t *detail)
{
    char wall[MUSTER_TIMESTAMP_BYTES];
    json_auto_t *line = json_pack("{s:s, s:s, s:O, s:s, s:s}", "op", "created", "kind", kind, "detail",
                                  detail, "at", muster_clock_format(muster_clock_wall_ms(), wall), "id", "");
    return line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
}

enum muster_rc muster__ledger_append_draft(struct muster_ledger *ledger, const char *draft, const char *id,
                                           struct muster_error *err)
{
    static const char end[] = "\"}\n";
    const size_t end_length = sizeof end - 1;
    const size_t draft_length = strlen(draft);
    assert(draft_length >= sizeof DRAFT_END &&
           strcmp(draft + draft_length - (sizeof DRAFT_END - 1), DRAFT_END) == 0);
    assert(strpbrk(id, "\"\\\n") == NULL);
    struct iovec parts[3] = { { .iov_len = draft_length - (end_length - 1) },
                              { .iov_len = strlen(id) },
                              { .iov_len = end_length } };
    memcpy(&parts[0].iov_base, &draft, sizeof draft); /* writev() only reads from it. */
    memcpy(&parts[1].iov_base, &id, sizeof id);
    const char *last = end;
    memcpy(&parts[2].iov_base, &last, sizeof last);
    end_torn_line(ledger);
    ssize_t written = writev(ledger->fd, parts, 3);
    if (written == (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len)) {
        return MUSTER_OK;
    }
    int error_number = written < 0 ? errno : ENOSPC;
    ledger->torn = ledger->torn || written > 0; /* A child shares this memory with us until its exec. */
    return muster_error_errno(err, MUSTER_EIO, error_number, "cannot write the run's " MUSTER_LEDGER_FILE);
}

bool muster__ledger_is_locked(const char *directory)
{
    char path[MUSTER__PATH_BYTES];
    if (muster__path(path, NULL, "%s/" MUSTER_LEDGER_FILE, directory) != MUSTER_OK) {
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd); /* This also releases the lock if we got it. */
    return locked;
}

enum muster_rc muster__ledger_reopen(const char *directory, struct muster_ledger **ret,
                                     struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(path, err, "%s/" MUSTER_LEDGER_FILE, directory);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster_ledger *ledger = malloc(sizeof *ledger);
    if (ledger == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the ledger");
    }
    ledger->torn = false;
    ledger->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (ledger->fd < 0) {
        rc = muster_error_errno(err, errno == ENOENT ? MUSTER_ENOTFOUND : MUSTER_EIO, errno,
                                "cannot open '%s'", path);
    } else if (flock(ledger->fd, LOCK_EX | LOCK_NB) != 0) {
        rc = muster_error_set(err, MUSTER_ESTATE, "'%s' belongs to a run that is still going on", directory);
    } else if (write(ledger->fd, "\n", 1) != 1) { /* A kill may have torn the last line. */
        rc = muster_error_errno(err, MUSTER_EIO, errno, "cannot write '%s'", path);
    }
    if (rc != MUSTER_OK) {
        muster__ledger_close(ledger);
        return rc;
    }
    *ret = ledger;
    return MUSTER_OK;
}
