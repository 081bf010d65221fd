/* One run through the public session API, as a test framework's glue would do it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "muster/clock.h"
#include "muster/session.h"

/* What the run's process tells us. */
struct told {
    uint64_t ready_us;
    uint64_t finishing_us;
    struct muster_error err;
};

void *bench_share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void bench_unshare(void *memory, size_t bytes)
{
    if (memory != NULL) {
        munmap(memory, bytes);
    }
}

/* The table is on standard output: what a run prints has no place there. */
static void be_quiet(void)
{
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd >= 0) {
        dup2(null_fd, STDOUT_FILENO);
        dup2(null_fd, STDERR_FILENO);
    }
}

static void run_it(struct muster_session *session, const struct bench_run *wanted, struct told *told)
{
    struct muster_run *run = NULL;
    be_quiet();
    enum muster_rc rc = muster_session_deploy(session, &run, &told->err);
    told->ready_us = muster_clock_us();
    if (rc == MUSTER_OK && wanted->body != NULL) {
        rc = wanted->body(session, run, wanted->shared, &told->err);
    }
    told->finishing_us = muster_clock_us();
    (void)muster_session_finish(session, rc == MUSTER_OK ? &told->err : NULL);
}

static enum muster_rc run_in_child(struct muster_session *session, const struct bench_run *wanted,
                                   struct told *told, struct muster_error *err)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot fork the run's process");
    }
    if (pid == 0) {
        run_it(session, wanted, told);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        return muster_error_set(err, MUSTER_EINFRA, "the run's process ended with wait status %d", status);
    }
    return told->err.rc == MUSTER_OK ? MUSTER_OK : muster_error_set(err, told->err.rc, "%s", told->err.text);
}

static enum muster_rc run_session(const struct bench *bench, const struct muster_plan *plan,
                                  const struct bench_run *wanted, struct told *told, struct bench_times *ret,
                                  struct muster_error *err)
{
    struct muster_session *session = NULL;
    struct muster_outcome outcome;
    uint64_t began_us = muster_clock_us();
    enum muster_rc rc = muster_session_open(plan, bench->runner, bench->variables, &session, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = run_in_child(session, wanted, told, err);
    muster_session_close(session, &outcome);
    if (rc == MUSTER_OK && outcome.verdict != MUSTER_PASS) {
        rc = muster_error_set(err, MUSTER_EINFRA, "the run's verdict is %s: %s",
                              muster_verdict_name(outcome.verdict), outcome.text);
    }
    ret->deploy_ms = (double)(told->ready_us - began_us) / 1000.0;
    ret->teardown_ms = (double)(muster_clock_us() - told->finishing_us) / 1000.0;
    return rc;
}

enum muster_rc bench_run(const struct bench *bench, const struct muster_plan *plan,
                         const struct bench_run *run, struct bench_times *ret, struct muster_error *err)
{
    struct told *told = bench_share(sizeof *told);
    if (told == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to share with the run's process");
    }
    enum muster_rc rc = run_session(bench, plan, run, told, ret, err);
    bench_unshare(told, sizeof *told);
    return rc;
}
