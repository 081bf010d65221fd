/* What the guardian does last: verdict, run directory, outcome. */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "evidence/amend.h"
#include "guardian/guardian.h"
#include "guardian/suite.h"
#include "muster/clock.h"

#define ABANDONED_GRACE_MS 1000u /* Time from SIGTERM to SIGKILL when the test is dead. */
#define OUTCOME_TIMEOUT_MS 1000 /* Time for the suite program to read the outcome. */

/* ---- The end of a run whose test is gone ---- */

/* Kill the test if the suite program is dead. Otherwise Check kills the test's process group. The kernel
 * kills a test whose suite program died, unless the test has changed its user since. */
static void end_test(const struct muster__guardian *guardian)
{
    struct pollfd ended = { .fd = guardian->test_pidfd, .events = POLLIN };
    if (!muster__guardian_suite_runs(guardian) && guardian->test_pidfd >= 0 && poll(&ended, 1, 0) == 0) {
        syscall(SYS_pidfd_send_signal, guardian->test_pidfd, SIGKILL, NULL, 0);
        poll(&ended, 1, (int)MUSTER__KILL_TIMEOUT_MS);
    }
}

/* Appends a later failure to the text; the first cause stays in front. */
static void add_failure(struct muster__guardian *guardian, enum muster_verdict verdict, const char *what,
                        const char *text)
{
    size_t used = strlen(guardian->text);
    guardian->verdict = verdict;
    guardian->untold = true;
    snprintf(guardian->text + used, sizeof guardian->text - used, "%s%s%.2000s", used == 0 ? "" : "; ", what,
             text);
}

/* Add a failed clean-up or a leak to the cause. Ignore MUSTER_ENODE: exit codes of nodes do not matter once
 * the test is dead. */
static void add_clean_up(struct muster__guardian *guardian, enum muster_rc rc, const struct muster_error *err)
{
    if (rc != MUSTER_OK && rc != MUSTER_ENODE) {
        add_failure(guardian, rc == MUSTER_ELEAK ? MUSTER_LEAK : MUSTER_INFRA, "", err->text);
        if (guardian->cluster == MUSTER__CLUSTER_LEFT) {
            add_failure(guardian, guardian->verdict, "", "`muster sweep` removes what is left");
        }
    }
}

static void abandon(struct muster__guardian *guardian)
{
    assert(guardian->why != NULL);
    const struct muster_session *session = guardian->session;
    struct muster_error err = { 0 };
    uint32_t grace_ms =
        session->plan->grace_ms < ABANDONED_GRACE_MS ? session->plan->grace_ms : ABANDONED_GRACE_MS;
    bool preserve = session->runner->preserve != NULL && session->runner->preserve(session->variables);
    guardian->gone_ms = muster_clock_ms();
    end_test(guardian);
    enum muster_rc rc = muster__guardian_take_down(guardian, preserve, grace_ms, &err);
    guardian->keep_directory = true;
    if (guardian->verdict == 0 || guardian->verdict == MUSTER_PASS) {
        guardian->verdict = MUSTER_FAIL;
        guardian->untold = true;
        snprintf(guardian->text, sizeof guardian->text, "%s (phase %s)", guardian->why,
                 muster_phase_name(guardian->phase));
    }
    add_clean_up(guardian, rc, &err);
}

/* The test wrote run.json with the verdict "running" when the window opened. Before that there is no file. */
static void amend_run_json(const struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    assert(guardian->gone_ms >= session->began_ms);
    muster__amend(&(struct muster__amendment){ .directory = session->directory,
                                               .run_id = session->run_id,
                                               .suite = session->plan->suite,
                                               .name = session->plan->name,
                                               .verdict = muster_verdict_name(guardian->verdict),
                                               .cause = guardian->text,
                                               .phase = muster_phase_name(guardian->phase),
                                               .gone_ms = guardian->gone_ms - session->began_ms,
                                               .cleaned_up_ms = muster_clock_ms() - session->began_ms });
}

/* ---- Last words ---- */

static void close_directory(struct muster__guardian *guardian)
{
    struct muster_error err = { 0 };
    enum muster_rc rc;
    bool down = guardian->cluster == MUSTER__CLUSTER_DOWN;
    guardian->keep_directory = guardian->keep_directory || !down; /* `muster sweep` needs its ledger. */
    if (guardian->keep_directory) {
        bool closed = down && guardian->verdict != MUSTER_LEAK;
        rc = closed ? muster__ledger_state(guardian->session->ledger, "closed", &err) : MUSTER_OK;
    } else {
        /* Remove the ledger last: if the guardian is killed now, a sweep finds the directory by its ledger.
         */
        rc = muster__directory_remove_ordered(guardian->session->directory, MUSTER_LEDGER_FILE, &err);
    }
    if (rc != MUSTER_OK) {
        guardian->keep_directory = true;
        add_failure(guardian, MUSTER_LEAK, "the run directory is left: ", err.text);
    }
}

/* Waits until the suite program closes its end of the pipe, which it does after reading. A suite program that
 * is about to die does not read. */
static bool is_read(const struct muster__guardian *guardian)
{
    struct pollfd closed = { .fd = guardian->outcome_fd };
    int unread = 0;
    poll(&closed, 1, OUTCOME_TIMEOUT_MS);
    return ioctl(guardian->outcome_fd, FIONREAD, &unread) == 0 && unread == 0;
}

static void tell_outcome(const struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    json_t *outcome = json_pack("{s:i, s:o, s:b, s:s}", "verdict", (int)guardian->verdict, "text",
                                muster__json_text(guardian->text), "untold", guardian->untold, "kept",
                                guardian->keep_directory ? session->directory : "");
    char *text = outcome == NULL ? NULL : json_dumps(outcome, JSON_COMPACT);
    bool told = text != NULL && muster__guardian_suite_runs(guardian) &&
                dprintf(guardian->outcome_fd, "%s\n", text) > 0 && is_read(guardian);
    if (!told && guardian->keep_directory) {
        bool down = guardian->cluster == MUSTER__CLUSTER_DOWN;
        dprintf(guardian->stderr_fd, "\nmuster: %s.%s: %s: %s; %sevidence in %s\n", session->plan->suite,
                session->plan->name, muster_verdict_name(guardian->verdict), guardian->text,
                down ? "everything was taken down; " : "", session->directory);
    }
    free(text);
    json_decref(outcome);
}

/* The guardian prints this, not the test, because the test may be dead. */
static void print_preserved(const struct muster__guardian *guardian)
{
    const struct muster_session *session = guardian->session;
    struct muster_ledger_view *view = NULL;
    int fd = guardian->cluster == MUSTER__CLUSTER_PRESERVED && session->runner->print_preserved != NULL
                 ? fcntl(guardian->stderr_fd, F_DUPFD_CLOEXEC, 3)
                 : -1;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out != NULL && muster_ledger_read(session->directory, &view, NULL) == MUSTER_OK) {
        session->runner->print_preserved(view, out);
    }
    muster_ledger_view_destroy(view);
    if (out != NULL) {
        fclose(out);
    } else if (fd >= 0) {
        close(fd);
    }
}

void muster__guardian_last_words(struct muster__guardian *guardian)
{
    assert(muster__test_is_over(guardian->test));
    if (guardian->test == MUSTER__TEST_ABANDONED) {
        abandon(guardian);
        amend_run_json(guardian);
    } else if (!muster__cluster_is_settled(guardian->cluster)) {
        /* The test was done without asking for a clean-up. */
        struct muster_error err = { 0 };
        enum muster_rc rc = muster__guardian_take_down(guardian, false, ABANDONED_GRACE_MS, &err);
        add_clean_up(guardian, rc, &err);
    }
    assert(muster__cluster_is_settled(guardian->cluster));
    close_directory(guardian);
    print_preserved(guardian);
    tell_outcome(guardian);
}
