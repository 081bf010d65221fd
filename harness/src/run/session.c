/* A session's begin and end in the process that forks the tests. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "guardian/guardian.h"
#include "host/process.h"
#include "ledger/run_root.h"
#include "muster/clock.h"
#include "run/internal.h"
#include "sweep/sweep_run.h"

#define FREE_BYTES_MIN (8u * 1024u * 1024u) /* Less, and a run could not even write its evidence. */
#define CLEAN_UP_MS 180000u /* Beyond the grace: what a backend's down may take. */

/* ---- Probe ---- */

static enum muster_rc check_capabilities(const struct muster_plan *plan, const struct muster_runner *runner,
                                         const struct muster_variables *variables, struct muster_error *err)
{
    uint32_t missing = plan->capabilities & ~runner->capabilities(variables);
    if (missing == 0) {
        return MUSTER_OK;
    }
    const char *remedy = runner->remedy == NULL ? NULL : runner->remedy(missing);
    char words[MUSTER_CAPABILITIES_BYTES];
    return muster_error_set(err, MUSTER_ESKIP, "%s.%s needs %s, which the runner '%s' does not have here; %s",
                            plan->suite, plan->name, muster_capability_words(missing, words), runner->name,
                            remedy == NULL ? "choose another runner with MUSTER_RUNNER" : remedy);
}

enum muster_rc muster_session_probe(const struct muster_plan *plan, const struct muster_runner *runner,
                                    const struct muster_variables *variables, struct muster_error *err)
{
    enum muster_rc rc = check_capabilities(plan, runner, variables, err);
    return rc != MUSTER_OK || runner->probe == NULL ? rc : runner->probe(plan, variables, err);
}

/* ---- Open ---- */

static enum muster_rc make_run_id(char run_id[MUSTER__RUN_ID_BYTES], struct muster_error *err)
{
    unsigned char bytes[5];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no random bytes for a run id");
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(run_id + 2 * i, 3, "%02x", bytes[i]);
    }
    return MUSTER_OK;
}

static enum muster_rc check_space(const char *root, struct muster_error *err)
{
    uint64_t free_bytes = 0;
    enum muster_rc rc = muster__free_bytes(root, &free_bytes, err);
    if (rc != MUSTER_OK) {
        return muster_error_context(
            err, MUSTER_EINFRA, "no run directory can be made in '%s' (set MUSTER_RUN_ROOT to another place)",
            root);
    }
    if (free_bytes < FREE_BYTES_MIN) {
        return muster_error_set(err, MUSTER_EINFRA,
                                "'%s' has %llu KiB free and a run needs %u at least; free some, or set "
                                "MUSTER_RUN_ROOT to another place",
                                root, (unsigned long long)(free_bytes / 1024), FREE_BYTES_MIN / 1024);
    }
    return MUSTER_OK;
}

static enum muster_rc make_directory(struct muster_session *session, struct muster_error *err)
{
    char root[4096];
    struct stat status;
    enum muster_rc rc = muster__run_root(session->variables, root, err);
    if (rc == MUSTER_OK && (stat(root, &status) != 0 || access(root, W_OK | X_OK) != 0)) {
        rc = muster_error_errno(err, MUSTER_EINFRA, errno,
                                "no run directory can be made in '%s' (set MUSTER_RUN_ROOT to another place)",
                                root);
    }
    if (rc == MUSTER_OK) {
        rc = check_space(root, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__path(session->directory, err, "%s/muster-%s", root, session->run_id);
    }
    if (rc == MUSTER_OK && mkdir(session->directory, 0700) != 0) {
        rc = muster_error_errno(err, MUSTER_EINFRA, errno,
                                "no run directory can be made in '%s' (set MUSTER_RUN_ROOT to another place)",
                                root);
        session->directory[0] = '\0';
    }
    return rc;
}

static void free_session(struct muster_session *session)
{
    if (session->test_fd >= 0) {
        close(session->test_fd);
    }
    if (session->outcome_fd >= 0) {
        close(session->outcome_fd);
    }
    muster__ledger_close(session->ledger);
    free(session);
}

static enum muster_rc open_session(struct muster_session *session, struct muster_error *err)
{
    enum muster_rc rc = make_run_id(session->run_id, err);
    if (rc == MUSTER_OK) {
        rc = make_directory(session, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__ledger_create(session->directory, session->run_id, session->runner->name,
                                   &session->ledger, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__guardian_start(session, err);
    }
    return rc;
}

/* A signal to end the suite program waits until there is a guardian to clean up after it. */
static enum muster_rc open_undisturbed(struct muster_session *session, struct muster_error *err)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum muster_rc rc = open_session(session, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

enum muster_rc muster_session_open(const struct muster_plan *plan, const struct muster_runner *runner,
                                   const struct muster_variables *variables, struct muster_session **ret,
                                   struct muster_error *err)
{
    struct muster_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a session");
    }
    session->plan = plan;
    session->runner = runner;
    session->variables = variables;
    session->suite_pid = getpid();
    session->suite_start = muster__process_start(session->suite_pid);
    session->test_fd = session->outcome_fd = -1;
    session->began_ms = muster_clock_ms();
    session->began_wall_ms = muster_clock_wall_ms();
    enum muster_rc rc = open_undisturbed(session, err);
    if (rc != MUSTER_OK) {
        if (session->directory[0] != '\0') {
            muster__best_effort(muster__directory_remove(session->directory, NULL));
        }
        free_session(session);
        if (err != NULL) {
            err->rc = MUSTER_EINFRA; /* Whatever it was: no test has begun. */
        }
        return MUSTER_EINFRA;
    }
    *ret = session;
    return MUSTER_OK;
}

/* ---- Close ---- */

/* The guardian was killed: its processes died with it, and what else the ledger names is removed here. */
static void sweep_after(const struct muster_session *session, struct muster_outcome *ret,
                        const struct muster_error *cause)
{
    struct muster_error err = { 0 };
    const struct muster_runner *const runners[] = { session->runner, NULL };
    enum muster_rc rc = muster__sweep_run(session->directory, runners, false, session->plan->grace_ms, &err);
    ret->verdict = rc == MUSTER_ELEAK ? MUSTER_LEAK : MUSTER_INFRA;
    ret->untold = true;
    snprintf(ret->text, sizeof ret->text, "%.3000s%s%.1000s", cause->text,
             rc == MUSTER_OK ? " (done: nothing is left)" : "; sweeping failed: ",
             rc == MUSTER_OK ? "" : err.text);
    snprintf(ret->kept_directory, sizeof ret->kept_directory, "%s", session->directory);
}

void muster_session_close(struct muster_session *session, struct muster_outcome *ret)
{
    struct muster_error err = { 0 };
    uint64_t deadline_ms = muster_clock_ms() + session->plan->grace_ms +
                           (uint64_t)((double)CLEAN_UP_MS * session->plan->slowdown);
    memset(ret, 0, sizeof *ret);
    if (session->run !=
        NULL) { /* CK_FORK=no, and an assertion failed in setup: Check tears nothing down then. */
        muster__best_effort(muster_session_finish(session, NULL));
    }
    close(session->test_fd); /* The last copy, once the test is gone: end of file for the guardian. */
    session->test_fd = -1;
    enum muster_rc rc = muster__guardian_await(session, deadline_ms, ret, &err);
    if (rc != MUSTER_OK) {
        muster__ledger_close(session->ledger); /* Ours is the last copy: the lock goes with it. */
        session->ledger = NULL;
        sweep_after(session, ret, &err);
    }
    free_session(session);
}
