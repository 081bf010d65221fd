/* Serving the test: requests, signals, ends of processes. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/json.h"
#include "guardian/guardian.h"
#include "guardian/suite.h"
#include "host/lease.h"
#include "host/process.h"
#include "muster/clock.h"

#define LOG_CHECK_INTERVAL_MS 250u
#define REPLY_TIMEOUT_MS 2000u

/* ---- Requests ---- */

static enum muster_rc answer_hello(struct muster__guardian *guardian, const json_t *request,
                                   struct muster_error *err)
{
    pid_t pid = (pid_t)json_integer_value(json_object_get(request, "pid"));
    uint64_t start = (uint64_t)json_integer_value(json_object_get(request, "start"));
    if (guardian->test != MUSTER__TEST_AWAITED) {
        return muster_error_set(
            err, MUSTER_ESTATE,
            "this scenario has run already; one scenario has one test, add another scenario");
    }
    guardian->test_pidfd = muster__process_open(pid, start);
    if (guardian->test_pidfd < 0) {
        return muster_error_set(err, MUSTER_EINFRA, "the guardian cannot see the test's process %d",
                                (int)pid);
    }
    muster__test_move(&guardian->test, MUSTER__TEST_ATTACHED);
    return MUSTER_OK;
}

static enum muster_rc answer_signal(struct muster__guardian *guardian, const json_t *request,
                                    struct muster_error *err)
{
    json_int_t process = json_integer_value(json_object_get(request, "process"));
    if (process < 0 || (size_t)process >= guardian->child_count) {
        return muster_error_set(err, MUSTER_EINVAL, "there is no process %lld to signal", (long long)process);
    }
    muster__children_reap(guardian); /* A process that has ended already must not count as told to end. */
    muster__child_signal(guardian, (size_t)process,
                         (int)json_integer_value(json_object_get(request, "signal")));
    return MUSTER_OK;
}

static enum muster_rc answer_lease(struct muster__guardian *guardian, struct muster_error *err)
{
    if (guardian->lease_fd >= 0) {
        return MUSTER_OK;
    }
    enum muster_rc rc = muster__lease_take(&guardian->lease_fd, guardian->lease_prefix, err);
    return rc != MUSTER_OK
               ? rc
               : muster_ledger_created(guardian->session->ledger, "lease", guardian->lease_prefix, NULL, err);
}

static void take_note(struct muster__guardian *guardian, const json_t *request)
{
    const char *text = json_string_value(json_object_get(request, "text"));
    guardian->phase = (enum muster_phase)json_integer_value(json_object_get(request, "phase"));
    guardian->verdict = (enum muster_verdict)json_integer_value(json_object_get(request, "verdict"));
    snprintf(guardian->text, sizeof guardian->text, "%s", text == NULL ? "" : text);
}

static enum muster_rc answer_done(struct muster__guardian *guardian, const json_t *request,
                                  struct muster_error *err)
{
    if (guardian->test != MUSTER__TEST_ATTACHED) {
        return muster_error_set(err, MUSTER_ESTATE, "a test that has not said hello cannot be done");
    }
    take_note(guardian, request);
    guardian->keep_directory = json_is_true(json_object_get(request, "keep"));
    muster__test_move(&guardian->test, MUSTER__TEST_DONE);
    return MUSTER_OK;
}

static enum muster_rc answer_request(struct muster__guardian *guardian, const json_t *request, json_t *reply,
                                     struct muster_error *err)
{
    const char *op = json_string_value(json_object_get(request, "op"));
    if (op == NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "a message to the guardian names no operation");
    }
    if (strcmp(op, "hello") == 0) {
        return answer_hello(guardian, request, err);
    }
    if (strcmp(op, "spawn") == 0) {
        uint32_t process = 0;
        enum muster_rc rc = muster__child_spawn(guardian, request, &process, err);
        json_object_set_new(reply, "process", json_integer((json_int_t)process));
        return rc;
    }
    if (strcmp(op, "signal") == 0) {
        return answer_signal(guardian, request, err);
    }
    if (strcmp(op, "lease") == 0) {
        enum muster_rc rc = answer_lease(guardian, err);
        json_object_set_new(reply, "prefix", json_string(guardian->lease_prefix));
        return rc;
    }
    if (strcmp(op, "note") == 0) {
        take_note(guardian, request);
        return MUSTER_OK;
    }
    if (strcmp(op, "collect") == 0) {
        muster__guardian_collect(guardian);
        return MUSTER_OK;
    }
    if (strcmp(op, "clean_up") == 0) {
        return muster__guardian_take_down(guardian, json_is_true(json_object_get(request, "preserve")),
                                          guardian->session->plan->grace_ms, err);
    }
    if (strcmp(op, "done") == 0) {
        return answer_done(guardian, request, err);
    }
    return muster_error_set(err, MUSTER_EINVAL, "the guardian knows no operation '%s'", op);
}

static void handle_request(struct muster__guardian *guardian, const json_t *request)
{
    struct muster_error err = { 0 };
    json_t *reply = json_object();
    enum muster_rc rc = answer_request(guardian, request, reply, &err);
    json_object_set_new(reply, "re", json_incref(json_object_get(request, "seq")));
    json_object_set_new(reply, "rc", json_integer(rc));
    json_object_set_new(reply, "text", muster__json_text(rc == MUSTER_OK ? "" : err.text));
    muster__best_effort(
        muster__wire_send(guardian->socket_fd, reply, muster_clock_ms() + REPLY_TIMEOUT_MS, NULL));
}

/* ---- The loop ---- */

static void abandon_test(struct muster__guardian *guardian, const char *why)
{
    if (!muster__test_is_over(guardian->test)) {
        muster__test_move(&guardian->test, MUSTER__TEST_ABANDONED);
        guardian->why = why;
    }
}

static void lose_test(struct muster__guardian *guardian)
{
    abandon_test(guardian,
                 muster__guardian_lost_suite(guardian)
                     ? "the suite program was ended in mid-run"
                     : "the test's process ended before the test was over: a failed assertion of its "
                       "own, a crash, a time limit or a signal");
}

static void take_requests(struct muster__guardian *guardian)
{
    bool closed = false;
    while (!muster__test_is_over(guardian->test) && !closed) {
        json_t *request = muster__wire_receive(guardian->socket_fd, guardian->packet, &closed);
        if (request == NULL && !closed) {
            return;
        }
        if (request != NULL) {
            handle_request(guardian, request);
            json_decref(request);
        }
    }
    if (closed) {
        lose_test(guardian);
    }
}

static void take_signals(struct muster__guardian *guardian)
{
    struct signalfd_siginfo info;
    while (read(guardian->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGPIPE) {
            abandon_test(guardian, "the guardian was told to end by a signal");
        }
    }
    muster__children_reap(guardian);
}

void muster__guardian_run(struct muster__guardian *guardian)
{
    uint64_t next_check_ms = muster_clock_ms() + LOG_CHECK_INTERVAL_MS;
    if (guardian->parent_pidfd < 0) {
        lose_test(guardian);
    }
    while (!muster__test_is_over(guardian->test)) {
        struct pollfd ready[] = {
            { .fd = guardian->signal_fd, .events = POLLIN },
            { .fd = guardian->socket_fd, .events = POLLIN },
            { .fd = guardian->test_pidfd, .events = POLLIN },
            { .fd = guardian->parent_pidfd, .events = POLLIN },
        };
        poll(ready, sizeof ready / sizeof ready[0], muster_clock_left_ms(next_check_ms));
        if (ready[0].revents != 0) {
            take_signals(guardian);
        }
        if (ready[1].revents != 0) {
            take_requests(
                guardian); /* Before the pidfds: the verdict of a test that has ended may be waiting. */
        }
        if (!muster__test_is_over(guardian->test) && (ready[2].revents != 0 || ready[3].revents != 0)) {
            lose_test(guardian);
        }
        if (muster_clock_left_ms(next_check_ms) == 0) {
            muster__children_check_logs(guardian);
            next_check_ms = muster_clock_ms() + LOG_CHECK_INTERVAL_MS;
        }
    }
}
