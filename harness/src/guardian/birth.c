/* Starting the guardian: forked twice, in a session of its own, without the suite's descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guardian/guardian.h"
#include "host/process.h"

static bool is_kept(int fd, const int *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (kept[i] == fd) {
            return true;
        }
    }
    return false;
}

/* Close what the suite had open. Above all its copy of the test's end of the socket: while the guardian holds
 * that, it never reads end-of-file. */
static void close_others(const int *kept, size_t count)
{
    DIR *fds = opendir("/proc/self/fd");
    struct dirent *entry;
    while (fds != NULL && (entry = readdir(fds)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > STDERR_FILENO && fd != dirfd(fds) && !is_kept(fd, kept, count)) {
            close(fd);
        }
    }
    if (fds != NULL) {
        closedir(fds);
    }
}

/* Whoever reads the suite's output until end-of-file must not have to wait for the guardian. */
static void leave_standard_streams(struct muster__guardian *guardian)
{
    guardian->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null_fd >= 0 && fd <= STDERR_FILENO; fd++) {
        dup2(null_fd, fd);
    }
    if (null_fd > STDERR_FILENO) {
        close(null_fd);
    }
}

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGALRM);
    signal(SIGCHLD, SIG_DFL); /* If the suite ignores SIGCHLD, the kernel would reap our children. */
    sigprocmask(SIG_SETMASK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_who(const struct muster__guardian *guardian)
{
    pid_t pid = getpid();
    uint64_t start = muster__process_start(pid);
    bool recorded = muster__ledger_guardian(guardian->session->ledger, pid, start, NULL) == MUSTER_OK;
    dprintf(guardian->outcome_fd, "{\"pid\":%d}\n", recorded ? (int)pid : 0);
}

static _Noreturn void live(const struct muster_session *session, int socket_fd, int outcome_fd, pid_t parent,
                           uint64_t parent_start)
{
    struct muster__guardian guardian = { .session = session,
                                         .socket_fd = socket_fd,
                                         .outcome_fd = outcome_fd,
                                         .parent_pidfd = muster__process_open(parent, parent_start),
                                         .test_pidfd = -1,
                                         .lease_fd = -1,
                                         .oom_kills = muster__process_oom_kills(),
                                         .packet = malloc(MUSTER__PACKET_BYTES) };
    prctl(PR_SET_NAME, "muster-guardian");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    guardian.signal_fd = open_signals();
    leave_standard_streams(&guardian);
    const int kept[] = { socket_fd,          outcome_fd,         guardian.parent_pidfd,
                         guardian.signal_fd, guardian.stderr_fd, muster__ledger_fd(session->ledger) };
    close_others(kept, sizeof kept / sizeof kept[0]);
    if (guardian.packet == NULL || guardian.signal_fd < 0) {
        _exit(1);
    }
    say_who(&guardian);
    muster__guardian_run(&guardian);
    muster__guardian_last_words(&guardian);
    muster__children_free(&guardian);
    free(guardian.packet);
    _exit(0);
}

/* Fork twice, so that the guardian is not a descendant of ctest, which kills its whole process tree. */
static pid_t fork_twice(const struct muster_session *session, int socket_fd, int outcome_fd)
{
    pid_t parent = getpid();
    uint64_t parent_start = muster__process_start(parent);
    pid_t between = fork();
    if (between != 0) {
        return between;
    }
    setsid();
    pid_t guardian = fork();
    if (guardian != 0) {
        _exit(guardian < 0 ? 1 : 0);
    }
    live(session, socket_fd, outcome_fd, parent, parent_start);
}

/* Block all signals across the fork: the guardian inherits Check's handlers, which kill whole process groups.
 */
static pid_t fork_unharmed(const struct muster_session *session, int socket_fd, int outcome_fd)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t between = fork_twice(session, socket_fd, outcome_fd);
    int error_number = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error_number;
    return between;
}

enum muster_rc muster__guardian_start(struct muster_session *session, struct muster_error *err)
{
    int pair[2];
    int outcome[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "no socket for the guardian");
    }
    if (pipe2(outcome, O_CLOEXEC) != 0) {
        int error_number = errno;
        close(pair[0]);
        close(pair[1]);
        return muster_error_errno(err, MUSTER_EINFRA, error_number, "no pipe for the guardian");
    }
    fflush(NULL); /* Otherwise both processes would write what is buffered now. */
    pid_t between = fork_unharmed(session, pair[1], outcome[1]);
    int error_number = errno;
    close(pair[1]);
    close(outcome[1]);
    session->test_fd = pair[0];
    session->outcome_fd = outcome[0];
    if (between < 0) {
        return muster_error_errno(err, MUSTER_EINFRA, error_number, "cannot fork the guardian");
    }
    return muster__guardian_greet(session, between, err);
}
