/* The guardian's end of a run: evidence, down, audit, verdict. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "files.h"
#include "guardian.h"
#include "muster/clock.h"

#define KILL_TIMEOUT_MS 5000u /* From KILL until the kernel must have ended a process. */
#define ABANDONED_GRACE_MS 1000u /* Of nodes whose test is dead: nobody waits for their farewell. */
#define RUN_JSON_BYTES_MAX (64u * 1024u * 1024u)

/* ---- Children ---- */

/* Reaps until no child runs, or the deadline passes. True when none runs. */
static bool await_children(struct muster__guardian *guardian, uint64_t deadline_ms)
{
    for (;;) {
        muster__children_reap(guardian);
        if (!muster__children_run(guardian)) {
            return true;
        }
        int left_ms = muster_clock_left_ms(deadline_ms);
        if (left_ms == 0) {
            return false;
        }
        struct pollfd ready = { .fd = guardian->signal_fd, .events = POLLIN };
        poll(&ready, 1, left_ms);
        struct {
            char bytes[128];
        } signal_info; /* A struct signalfd_siginfo, of which nothing is needed. */
        while (read(guardian->signal_fd, &signal_info, sizeof signal_info) > 0) {
        }
    }
}

static void signal_children(struct muster__guardian *guardian, int signal)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        muster__child_signal(guardian, i, signal);
    }
}

static void mark_killed(struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        struct muster__child *child = &guardian->children[i];
        child->had_to_be_killed = child->running && child->node != MUSTER_NO_NODE && !child->flooded;
    }
}

static enum muster_rc report_killed(const struct muster__guardian *guardian, uint32_t grace_ms,
                                    struct muster_error *err)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        if (guardian->children[i].had_to_be_killed) {
            return muster_error_set(err, MUSTER_ENODE, "node-%u ignored SIGTERM for %.1f s and was killed",
                                    guardian->children[i].node, (double)grace_ms / 1000.0);
        }
    }
    return MUSTER_OK;
}

static void end_children(struct muster__guardian *guardian, uint32_t grace_ms)
{
    signal_children(guardian, SIGTERM);
    signal_children(guardian, SIGCONT); /* Paused ones cannot end before they go on. */
    if (!await_children(guardian, muster_clock_ms() + grace_ms)) {
        mark_killed(guardian);
        signal_children(guardian, SIGKILL);
        await_children(guardian, muster_clock_ms() + KILL_TIMEOUT_MS);
    }
}

/* Descendants that left their group: as subreaper we are their parent once theirs is gone. */
static void end_strays(struct muster__guardian *guardian)
{
    uint64_t deadline_ms = muster_clock_ms() + KILL_TIMEOUT_MS;
    muster__kill_strays(guardian->session->run_id);
    while (muster_clock_left_ms(deadline_ms) > 0 && waitpid(-1, NULL, WNOHANG) >= 0) {
        muster__kill_strays(guardian->session->run_id);
        struct pollfd ready = { .fd = guardian->signal_fd, .events = POLLIN };
        poll(&ready, 1, 10);
    }
}

/* ---- Down ---- */

static enum muster_rc take_down_rest(struct muster__guardian *guardian, uint32_t grace_ms,
                                     struct muster_error *err)
{
    const struct muster_session *session = guardian->session;
    struct muster_ledger_view *view = NULL;
    enum muster_rc rc = muster_ledger_read(session->directory, &view, err);
    if (rc == MUSTER_OK && session->runner->down != NULL) {
        rc = session->runner->down(view, grace_ms, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__audit(session->runner, view, err);
    }
    muster_ledger_view_destroy(view);
    return rc;
}

static void collect_evidence(struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    struct muster_ledger_view *view = NULL;
    if (session->runner->collect != NULL &&
        muster_ledger_read(session->directory, &view, NULL) == MUSTER_OK) {
        muster__best_effort(session->runner->collect(view, NULL));
    }
    muster_ledger_view_destroy(view);
}

enum muster_rc muster__guardian_take_down(struct muster__guardian *guardian, bool preserve, uint32_t grace_ms,
                                          struct muster_error *err)
{
    if (guardian->cleaned_up) {
        return MUSTER_OK;
    }
    guardian->cleaned_up = true;
    collect_evidence(guardian);
    end_children(guardian, grace_ms);
    end_strays(guardian);
    if (preserve) {
        guardian->preserved = true;
        return muster__ledger_state(guardian->session->ledger, "preserved", err);
    }
    enum muster_rc rc = take_down_rest(guardian, grace_ms, err);
    return rc != MUSTER_OK ? rc : report_killed(guardian, grace_ms, err);
}

/* ---- The end of a run whose test is gone ---- */

static bool suite_runs(const struct muster__guardian *guardian)
{
    struct pollfd ended = { .fd = guardian->parent_pidfd, .events = POLLIN };
    return guardian->parent_pidfd >= 0 && poll(&ended, 1, 0) == 0;
}

/* Check puts each test into a group of its own and kills that after the test; when the suite program
 * is dead nobody else does. */
static void end_test(const struct muster__guardian *guardian)
{
    struct pollfd ended = { .fd = guardian->test_pidfd, .events = POLLIN };
    if (!suite_runs(guardian) && guardian->test_pidfd >= 0 && poll(&ended, 1, 0) == 0) {
        syscall(SYS_pidfd_send_signal, guardian->test_pidfd, SIGKILL, NULL, 0);
        poll(&ended, 1, (int)KILL_TIMEOUT_MS);
    }
}

static enum muster_verdict verdict_of(enum muster_rc rc)
{
    return rc == MUSTER_ELEAK ? MUSTER_LEAK : rc == MUSTER_ENODE ? MUSTER_FAIL : MUSTER_INFRA;
}

static void abandon(struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    struct muster_error err = { 0 };
    uint32_t grace_ms =
        session->plan->grace_ms < ABANDONED_GRACE_MS ? session->plan->grace_ms : ABANDONED_GRACE_MS;
    bool preserve = session->runner->preserve != NULL && session->runner->preserve(session->variables);
    end_test(guardian);
    enum muster_rc rc = muster__guardian_take_down(guardian, preserve, grace_ms, &err);
    guardian->keep = true;
    if (guardian->verdict == 0 || guardian->verdict == MUSTER_PASS) {
        guardian->verdict = MUSTER_FAIL;
        snprintf(guardian->text, sizeof guardian->text, "%s (phase %s)", guardian->why,
                 muster_phase_name(guardian->phase));
    }
    if (rc == MUSTER_ELEAK || rc == MUSTER_EINFRA) {
        size_t used = strlen(guardian->text);
        guardian->verdict = verdict_of(rc);
        snprintf(guardian->text + used, sizeof guardian->text - used, "; %.2000s", err.text);
    }
}

/* The test wrote run.json with the verdict "running" when the window opened, or not at all. */
static void patch_run_json(const struct muster__guardian *guardian)
{
    char path[MUSTER__PATH_BYTES];
    char *text = NULL;
    if (muster__path(path, NULL, "%s/run.json", guardian->session->directory) != MUSTER_OK) {
        return;
    }
    json_t *report = muster__file_read(path, RUN_JSON_BYTES_MAX, &text, NULL, NULL) == MUSTER_OK
                         ? json_loads(text, 0, NULL)
                         : NULL;
    free(text);
    if (report == NULL) {
        report = json_pack("{s:s, s:s, s:s}", "run", guardian->session->run_id, "scenario",
                           guardian->session->plan->name, "suite", guardian->session->plan->suite);
    }
    json_object_set_new(report, "verdict", json_string(muster_verdict_name(guardian->verdict)));
    json_object_set_new(report, "cause", muster__wire_text(guardian->text));
    text = json_dumps(report, JSON_INDENT(2));
    if (text != NULL) {
        muster__best_effort(muster__file_write(path, text, strlen(text), NULL));
    }
    free(text);
    json_decref(report);
}

/* ---- Last words ---- */

static void close_directory(struct muster__guardian *guardian)
{
    struct muster_error err = { 0 };
    enum muster_rc rc;
    if (guardian->keep || guardian->preserved) {
        bool closed = !guardian->preserved && guardian->verdict != MUSTER_LEAK;
        rc = closed ? muster__ledger_state(guardian->session->ledger, "closed", &err) : MUSTER_OK;
    } else {
        rc = muster__directory_remove(guardian->session->directory, &err);
    }
    if (rc != MUSTER_OK) {
        guardian->keep = true;
        guardian->verdict = MUSTER_LEAK;
        snprintf(guardian->text, sizeof guardian->text, "the run directory is left: %.3000s", err.text);
    }
}

static void tell_outcome(const struct muster__guardian *guardian)
{
    bool kept = guardian->keep || guardian->preserved;
    json_t *outcome =
        json_pack("{s:i, s:o, s:s}", "verdict", (int)guardian->verdict, "text",
                  muster__wire_text(guardian->text), "kept", kept ? guardian->session->directory : "");
    char *text = outcome == NULL ? NULL : json_dumps(outcome, JSON_COMPACT);
    if (!suite_runs(guardian)) {
        dprintf(guardian->stderr_fd, "\nmuster: %s.%s: %s: %s; everything was taken down; evidence in %s\n",
                guardian->session->plan->suite, guardian->session->plan->name,
                muster_verdict_name(guardian->verdict), guardian->text, guardian->session->directory);
    } else if (text != NULL) {
        dprintf(guardian->outcome_fd, "%s\n", text);
    }
    free(text);
    json_decref(outcome);
}

void muster__guardian_last_words(struct muster__guardian *guardian)
{
    if (!guardian->test_done) {
        abandon(guardian);
        patch_run_json(guardian);
    } else if (!guardian->cleaned_up) {
        /* A test that never deployed has nothing to clean; anything else is taken down here. */
        muster__best_effort(muster__guardian_take_down(guardian, false, ABANDONED_GRACE_MS, NULL));
    }
    close_directory(guardian);
    tell_outcome(guardian);
}
