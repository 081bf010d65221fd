#include "guardian_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Which step failed, and why; what a child that could not exec leaves in its pipe. */
struct failure {
    int step;
    int error_number;
};
enum step { STEP_LOG, STEP_ERROR_LOG, STEP_DIRECTORY, STEP_EXEC };

static void fail(int report_fd, enum step step)
{
    struct failure failure = { .step = (int)step, .error_number = errno };
    ssize_t written = write(report_fd, &failure, sizeof failure);
    _exit(written == sizeof failure ? 127 : 126);
}

static void redirect(const char *path, int target_fd, int report_fd, enum step step)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    int fd = open(path == NULL ? "/dev/null" : path, path == NULL ? O_WRONLY | O_CLOEXEC : flags, 0600);
    if (fd < 0 || dup2(fd, target_fd) < 0) {
        fail(report_fd, step);
    }
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child. Returns only by exec or _exit. */
static void become(const struct muster__launch *launch, pid_t parent, int go_fd, int report_fd)
{
    char go;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A parent that was gone before the line above is not noticed by it; and without its word that the
     * ledger has us, nothing may run. */
    if (getppid() != parent || read(go_fd, &go, 1) != 1) {
        _exit(126);
    }
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0) {
        fail(report_fd, STEP_LOG);
    }
    redirect(launch->stdout_path, STDOUT_FILENO, report_fd, STEP_LOG);
    redirect(launch->stderr_path, STDERR_FILENO, report_fd, STEP_ERROR_LOG);
    if (launch->directory != NULL && chdir(launch->directory) != 0) {
        fail(report_fd, STEP_DIRECTORY);
    }
    reset_signals();
    execve(launch->argv[0], launch->argv, launch->env);
    fail(report_fd, STEP_EXEC);
}

static enum muster_rc describe_failure(const struct muster__launch *launch, const struct failure *failure,
                                       struct muster_error *err)
{
    switch ((enum step)failure->step) {
    case STEP_LOG:
        return muster_error_errno(err, MUSTER_EINFRA, failure->error_number, "cannot write '%s'",
                                  launch->stdout_path == NULL ? "/dev/null" : launch->stdout_path);
    case STEP_ERROR_LOG:
        return muster_error_errno(err, MUSTER_EINFRA, failure->error_number, "cannot write '%s'",
                                  launch->stderr_path == NULL ? "/dev/null" : launch->stderr_path);
    case STEP_DIRECTORY:
        return muster_error_errno(err, MUSTER_EINFRA, failure->error_number, "cannot enter '%s'",
                                  launch->directory);
    case STEP_EXEC:
        break;
    }
    return muster_error_errno(err, MUSTER_ENODE, failure->error_number, "cannot execute '%s'",
                              launch->argv[0]);
}

/* Waits for the exec: its close-on-exec end of the pipe closes, or carries the reason. */
static enum muster_rc await_exec(const struct muster__launch *launch, int report_fd, pid_t pid,
                                 struct muster_error *err)
{
    struct failure failure;
    ssize_t got;
    do {
        got = read(report_fd, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof failure) {
        return MUSTER_OK;
    }
    waitpid(pid, NULL, 0);
    return describe_failure(launch, &failure, err);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
            pair[i] = -1;
        }
    }
}

static void close_end(int pair[2], int end)
{
    close(pair[end]);
    pair[end] = -1;
}

/* The child waits between fork and exec until it stands in the ledger. */
static enum muster_rc release(const struct muster__launch *launch, int go[2], int report[2], pid_t pid,
                              enum muster_rc (*record)(void *, pid_t, struct muster_error *), void *context,
                              struct muster_error *err)
{
    setpgid(pid, pid); /* As the child does: whoever comes first. */
    enum muster_rc rc = record(context, pid, err);
    if (rc != MUSTER_OK) {
        close_pair(go); /* End of file instead of a word: it exits. */
        waitpid(pid, NULL, 0);
        return rc;
    }
    /* A child that is gone already cannot read it; SIGPIPE is blocked in the guardian. */
    ssize_t written = write(go[1], "!", 1);
    (void)written;
    return await_exec(launch, report[0], pid, err);
}

enum muster_rc muster__launch(const struct muster__launch *launch,
                              enum muster_rc (*record)(void *context, pid_t pid, struct muster_error *err),
                              void *context, pid_t *ret, struct muster_error *err)
{
    int go[2] = { -1, -1 };
    int report[2] = { -1, -1 };
    pid_t parent = getpid();
    if (pipe2(go, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) {
        int error_number = errno;
        close_pair(go);
        return muster_error_errno(err, MUSTER_EINFRA, error_number, "no pipe to start '%s'", launch->argv[0]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        close(report[0]);
        become(launch, parent, go[0], report[1]);
    }
    enum muster_rc rc;
    if (pid < 0) {
        rc = muster_error_errno(err, MUSTER_EINFRA, errno, "cannot fork to start '%s'", launch->argv[0]);
    } else {
        close_end(go, 0);
        close_end(report, 1);
        rc = release(launch, go, report, pid, record, context, err);
    }
    close_pair(go);
    close_pair(report);
    if (rc == MUSTER_OK) {
        *ret = pid;
    }
    return rc;
}
