/* The suite program's side of the guardian: its greeting and the outcome. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/guardian.h"
#include "muster/clock.h"

#define GREETING_TIMEOUT_MS 10000u

/* Reads one line. Returns false if the pipe was closed or the deadline passed before its end. */
static bool read_line(int fd, char *line, size_t size, uint64_t deadline_ms)
{
    size_t length = 0;
    while (length < size - 1) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int left_ms = muster_clock_left_ms(deadline_ms);
        if (left_ms == 0 || (poll(&ready, 1, left_ms) < 0 && errno != EINTR)) {
            return false;
        }
        if (ready.revents == 0) {
            continue;
        }
        if (read(fd, line + length, 1) != 1) {
            return false;
        }
        if (line[length] == '\n') {
            line[length] = '\0';
            return true;
        }
        length++;
    }
    return false;
}

enum muster_rc muster__guardian_greet(struct muster_session *session, pid_t between, struct muster_error *err)
{
    assert(between > 0); /* waitpid() would take any other child of the suite program. */
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(between, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    /* waitpid() fails with ECHILD if the suite ignores SIGCHLD: the kernel reaped the process. */
    char line[128];
    bool born = (reaped < 0 || status == 0) &&
                read_line(session->outcome_fd, line, sizeof line, muster_clock_ms() + GREETING_TIMEOUT_MS) &&
                sscanf(line, "{\"pid\":%d}", &session->guardian_pid) == 1 && session->guardian_pid > 0;
    return born ? MUSTER_OK
                : muster_error_set(
                      err, MUSTER_EINFRA,
                      "the guardian did not start; was it killed, is there a limit on processes (ulimit -u), "
                      "or no space for its ledger in '%s'?",
                      session->directory);
}

enum muster_rc muster__guardian_await(struct muster_session *session, uint64_t deadline_ms,
                                      struct muster_outcome *ret, struct muster_error *err)
{
    static const size_t outcome_bytes = 64 * 1024;
    char *line = malloc(outcome_bytes);
    if (line == NULL || !read_line(session->outcome_fd, line, outcome_bytes, deadline_ms)) {
        free(line);
        return muster_error_set(
            err, MUSTER_EINFRA, "the guardian (process %d) %s; run `muster sweep %s` to remove what is left",
            (int)session->guardian_pid,
            muster_clock_left_ms(deadline_ms) == 0 ? "did not finish in time" : "was ended in mid-run",
            session->directory);
    }
    json_t *outcome = json_loads(line, 0, NULL);
    const char *text = json_string_value(json_object_get(outcome, "text"));
    const char *kept = json_string_value(json_object_get(outcome, "kept"));
    ret->verdict = (enum muster_verdict)json_integer_value(json_object_get(outcome, "verdict"));
    ret->untold = json_is_true(json_object_get(outcome, "untold"));
    snprintf(ret->text, sizeof ret->text, "%s", text == NULL ? "" : text);
    snprintf(ret->kept_directory, sizeof ret->kept_directory, "%s", kept == NULL ? "" : kept);
    json_decref(outcome);
    free(line);
    return MUSTER_OK;
}
