#define MUSTER_LOG_MODULE "sweep"
#include "sweep/sweep_run.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evidence/amend.h"
#include "host/process.h"
#include "ledger/audit.h"
#include "ledger/ledger.h"
#include "ledger/strays.h"
#include "muster/clock.h"
#include "muster/log.h"

#define KILL_TIMEOUT_MS 5000u

static const struct muster_runner *find_runner(const struct muster_runner *const *runners, const char *name)
{
    while (*runners != NULL && strcmp((*runners)->name, name) != 0) {
        runners++;
    }
    return *runners;
}

/* Kills the process with that pid and start time, and waits until it is gone. */
static void end_process(pid_t pid, uint64_t start)
{
    int fd = muster__process_open(pid, start);
    if (fd >= 0) {
        muster__process_signal(pid, start, SIGKILL);
        struct pollfd ended = { .fd = fd, .events = POLLIN };
        poll(&ended, 1, (int)KILL_TIMEOUT_MS);
        close(fd);
    }
}

static void end_processes(const struct muster_ledger_view *view)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        int pid;
        uint64_t start;
        if (strcmp(view->entries[i].kind, "process") == 0 &&
            sscanf(view->entries[i].id, "%d:%" SCNu64, &pid, &start) == 2) {
            end_process(pid, start);
        }
    }
    muster__kill_strays(view->run_id);
}

/* Repeat the audit for a while: a killed process needs a moment to go. */
static enum muster_rc audit_soon(const struct muster_runner *runner, const struct muster_ledger_view *view,
                                 struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + KILL_TIMEOUT_MS;
    for (;;) {
        struct muster_error found = { 0 };
        enum muster_rc rc = muster__audit(runner, view, &found);
        if (rc != MUSTER_ELEAK || muster_clock_left_ms(deadline_ms) == 0) {
            return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", found.text);
        }
        poll(NULL, 0, 20);
    }
}

/* Write the verdict that the killed guardian could not write. A preserved run has its verdict already. */
static void amend_run_json(const struct muster_ledger_view *view)
{
    if (!view->preserved && muster__amend_is_due(view->directory)) {
        muster__amend(&(struct muster__amendment){
            .directory = view->directory,
            .run_id = view->run_id,
            .verdict = "infra",
            .cause =
                view->guardian_pid == 0
                    ? "the suite program was killed before this run had a guardian; what it left was swept"
                    : "the guardian of this run was killed; what it left was swept" });
    }
}

static enum muster_rc sweep_open_ledger(const struct muster_ledger_view *view, struct muster_ledger *ledger,
                                        const struct muster_runner *const *runners, uint32_t grace_ms,
                                        struct muster_error *err)
{
    const struct muster_runner *runner = find_runner(runners, view->runner);
    if (runner == NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "'%s' was made by the runner '%s', which this program has not",
                                view->directory, view->runner);
    }
    end_processes(view);
    if (runner->collect != NULL && runner->collect(view, NULL) != MUSTER_OK) {
        muster_log_warn("the logs of run %s could not all be saved", view->run_id);
    }
    enum muster_rc rc = runner->down == NULL ? MUSTER_OK : runner->down(view, grace_ms, err);
    if (rc == MUSTER_OK) {
        rc = audit_soon(runner, view, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    amend_run_json(view);
    return muster__ledger_state(ledger, "closed", err);
}

enum muster_rc muster__sweep_run(const char *directory, const struct muster_runner *const *runners,
                                 bool preserved_too, uint32_t grace_ms, struct muster_error *err)
{
    struct muster_ledger *ledger = NULL;
    struct muster_ledger_view *view = NULL;
    /* Lock before reading: whoever holds the lock may still append to the ledger. */
    enum muster_rc rc = muster__ledger_reopen(directory, &ledger, err);
    if (rc == MUSTER_OK) {
        rc = muster_ledger_read(directory, &view, err);
    }
    if (rc == MUSTER_OK && !view->closed && (preserved_too || !view->preserved)) {
        rc = sweep_open_ledger(view, ledger, runners, grace_ms, err);
    }
    muster__ledger_close(ledger);
    muster_ledger_view_destroy(view);
    return rc;
}
