#include "slots/slots_later.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/process.h"
#include "muster/clock.h"

#define DEATH_MS 5000u

static void deploy_and_wait(struct slots_run *run, int told_fd)
{
    struct muster_error err = { 0 };
    enum muster_rc rc = muster_session_deploy(run->session, &run->run, &err);
    if (rc != MUSTER_OK) {
        fprintf(stderr, "%s\n", err.text);
    }
    if (write(told_fd, rc == MUSTER_OK ? "+" : "-", 1) == 1) {
        poll(NULL, 0, -1);
    }
    _exit(EXIT_FAILURE);
}

/* Forks a test's process that deploys; -1 when it could not. */
static pid_t fork_test(struct slots_run *run)
{
    int fds[2];
    char told = '-';
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        deploy_and_wait(run, fds[1]);
    }
    close(fds[1]);
    bool up = pid > 0 && read(fds[0], &told, 1) == 1 && told == '+';
    close(fds[0]);
    if (pid > 0 && !up) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return up ? pid : -1;
}

/* Kills the guardian first: else it would take everything down. */
static void kill_both(const struct muster_ledger_view *view, pid_t test)
{
    uint64_t deadline_ms = muster_clock_ms() + DEATH_MS;
    muster__process_signal(view->guardian_pid, view->guardian_start, SIGKILL);
    while (muster__process_runs(view->guardian_pid, view->guardian_start) &&
           muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    kill(test, SIGKILL);
    waitpid(test, NULL, 0);
}

/* Nodes that died with the guardian are gone; down removes the rest. */
static void check_later_down(const struct slots_run *run, const struct muster_ledger_view *view,
                             struct complaint *ret)
{
    struct muster_error err = { 0 };
    if (run->real->down != NULL && slots_run_audit(run, &err) != MUSTER_ELEAK) {
        complain(ret, "nothing was left for down to remove");
    }
    for (int i = 0; i < 2 && run->real->down != NULL; i++) {
        muster_error_clear(&err);
        if (run->real->down(view, run->plan->grace_ms, &err) != MUSTER_OK) {
            complain(ret, "down in a later process: %s", err.text);
        }
    }
    uint64_t deadline_ms = muster_clock_ms() + DEATH_MS;
    do {
        muster_error_clear(&err);
    } while (slots_run_audit(run, &err) != MUSTER_OK && muster_clock_left_ms(deadline_ms) > 0 &&
             poll(NULL, 0, 50) == 0);
    if (err.rc != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
}

void slots_down_in_a_later_process(const struct slots_subject *subject, const struct muster_runner *runner,
                                   struct complaint *ret)
{
    struct slots_run run;
    struct muster_error err = { 0 };
    struct muster_ledger_view *view = NULL;
    enum muster_rc rc =
        slots_run_init(&run, subject, runner, &(struct slots_fault){ .slot = SLOTS_NONE }, 0, &err);
    if (rc == MUSTER_OK) {
        rc = slots_run_open(&run, &err);
    }
    pid_t test = rc == MUSTER_OK ? fork_test(&run) : -1;
    if (test < 0 || muster_ledger_read(run.directory, &view, &err) != MUSTER_OK) {
        complain(ret, "it could not be deployed: %s", err.text);
    } else {
        kill_both(view, test);
        check_later_down(&run, view, ret);
        slots_run_end(&run);
        slots_run_check_outcome(&run, MUSTER_INFRA, "nothing is left", ret);
    }
    muster_ledger_view_destroy(view);
    slots_run_fini(&run);
}
