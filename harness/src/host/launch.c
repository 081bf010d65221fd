#include "host/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Which step failed, and why; what a child that could not exec leaves in its pipe, in one write. */
struct failure {
    int step;
    int error_number;
    enum muster_rc rc; /* Of STEP_RECORD alone, and the text too. */
    char text[512];
};
enum step { STEP_RECORD, STEP_LOG, STEP_ERROR_LOG, STEP_DIRECTORY, STEP_EXEC };

static _Noreturn void say(int report_fd, const struct failure *failure)
{
    ssize_t written = write(report_fd, failure, sizeof *failure);
    _exit(written == sizeof *failure ? 127 : 126);
}

static _Noreturn void fail(int report_fd, enum step step)
{
    say(report_fd, &(struct failure){ .step = (int)step, .error_number = errno });
}

static _Noreturn void fail_to_record(int report_fd, const struct muster_error *err)
{
    struct failure failure = { .step = STEP_RECORD, .rc = err->rc };
    snprintf(failure.text, sizeof failure.text, "%.500s", err->text);
    say(report_fd, &failure);
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

/* In the child, which has its parent's memory but neither its descriptors nor its handlers. */
static _Noreturn void become(const struct muster__launch *launch, pid_t parent,
                             enum muster_rc (*record)(void *, struct muster_error *), void *context,
                             int report_fd)
{
    struct muster_error err = { 0 };
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* Gone before the line above: not noticed by it. */
        _exit(126);
    }
    if (record != NULL && record(context, &err) != MUSTER_OK) {
        fail_to_record(report_fd, &err);
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
    execve(launch->program, launch->argv, launch->env);
    fail(report_fd, STEP_EXEC);
}

static enum muster_rc describe_failure(const struct muster__launch *launch, const struct failure *failure,
                                       struct muster_error *err)
{
    switch ((enum step)failure->step) {
    case STEP_RECORD:
        return muster_error_set(err, failure->rc, "%s", failure->text);
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
                              launch->program);
}

/* Waits for the exec: the child's end of the pipe is closed by it, or carries the reason. */
static enum muster_rc await_exec(const struct muster__launch *launch, int report_fd, struct muster_error *err)
{
    struct failure failure;
    ssize_t got;
    do {
        got = read(report_fd, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof failure ? describe_failure(launch, &failure, err) : MUSTER_OK;
}

enum muster_rc muster__launch(const struct muster__launch *launch,
                              enum muster_rc (*record)(void *, struct muster_error *), void *context,
                              pid_t *ret, struct muster_error *err)
{
    int report[2];
    pid_t parent = getpid();
    sigset_t all;
    sigset_t before;
    *ret = -1;
    if (pipe2(report, O_CLOEXEC) != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no pipe to start '%s'", launch->program);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* No handler may run in memory that is not the child's. */
    /* Not fork(): copying what is only thrown away by the exec is half of what a start costs us. */
    /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): the child execs or ends in any case. */
    pid_t pid = vfork();
    if (pid == 0) {
        /* On Linux, what neither allocates nor locks may be called after it. */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
        become(launch, parent, record, context, report[1]);
    }
    int error_number = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    enum muster_rc rc = pid < 0 ? muster_error_errno(err, MUSTER_EINFRA, error_number,
                                                     "cannot fork to start '%s'", launch->program)
                                : await_exec(launch, report[0], err);
    close(report[0]);
    *ret = pid;
    return rc;
}
