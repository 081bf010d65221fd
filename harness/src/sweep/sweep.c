/* Which runs a sweep touches. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "ledger/ledger.h"
#include "ledger/run_root.h"
#include "muster/clock.h"
#include "muster/sweep.h"
#include "sweep/sweep_run.h"

#define GRACE_MS 3000u
#define RUN_PREFIX "muster-"
#define STILLBORN_AGE_MS 1000u /* A younger directory may belong to a run that begins now. */

struct sweeping {
    const struct muster_sweep_options *options;
    struct muster_error first; /* The first failure. */
};

static void tell(const struct sweeping *sweeping, const char *directory, const char *what)
{
    if (sweeping->options->step != NULL) {
        sweeping->options->step(sweeping->options->context, directory, what);
    }
}

static enum muster_rc remove_evidence(struct sweeping *sweeping, const char *directory,
                                      struct muster_error *err)
{
    enum muster_rc rc = muster__directory_remove_ordered(directory, MUSTER_LEDGER_FILE, err);
    if (rc == MUSTER_OK) {
        tell(sweeping, directory, "removed");
    }
    return rc;
}

static enum muster_rc leave_preserved(struct sweeping *sweeping, const char *directory)
{
    tell(sweeping, directory, "is preserved, left alone (--preserved takes it down)");
    return MUSTER_OK;
}

/* Reads the ledger again: its run may have ended since it was read. */
static bool is_closed(const char *directory)
{
    struct muster_ledger_view *view = NULL;
    bool closed = muster_ledger_read(directory, &view, NULL) == MUSTER_OK && view->closed;
    muster_ledger_view_destroy(view);
    return closed;
}

static enum muster_rc sweep_view(struct sweeping *sweeping, const struct muster_ledger_view *view,
                                 struct muster_error *err)
{
    const struct muster_sweep_options *options = sweeping->options;
    if (view->closed) {
        if (options->evidence) {
            return remove_evidence(sweeping, view->directory, err);
        }
        tell(sweeping, view->directory, "is over, nothing to sweep; kept as evidence");
        return MUSTER_OK;
    }
    if (muster__ledger_is_locked(view->directory)) {
        tell(sweeping, view->directory, "goes on, left alone");
        return MUSTER_OK;
    }
    if (view->preserved && !options->preserved) {
        return leave_preserved(sweeping, view->directory);
    }
    struct muster_error cause = { 0 };
    enum muster_rc rc =
        muster__sweep_run(view->directory, options->runners, options->preserved, GRACE_MS, &cause);
    if (rc == MUSTER_ESTATE) { /* The ledger was locked after the check above. */
        tell(sweeping, view->directory, "goes on, left alone");
        return MUSTER_OK;
    }
    if (rc != MUSTER_OK) {
        return muster_error_set(err, rc, "%s", cause.text);
    }
    if (!is_closed(view->directory)) { /* The run became preserved after the check above. */
        return leave_preserved(sweeping, view->directory);
    }
    tell(sweeping, view->directory, "swept");
    return options->evidence ? remove_evidence(sweeping, view->directory, err) : MUSTER_OK;
}

/* A sweep does what the ledger says. Do not trust a ledger that another user could have written. */
static bool is_ours(const char *directory)
{
    struct stat status;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ours = fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ours;
}

static enum muster_rc sweep_directory(struct sweeping *sweeping, const char *directory,
                                      struct muster_error *err)
{
    struct muster_ledger_view *view = NULL;
    enum muster_rc rc = muster_ledger_read(directory, &view, err);
    if (rc == MUSTER_OK) {
        rc = sweep_view(sweeping, view, err);
        muster_ledger_view_destroy(view);
    }
    return rc;
}

static enum muster_rc sweep_named(struct sweeping *sweeping, const char *directory, struct muster_error *err)
{
    struct stat status;
    if (stat(directory, &status) == 0 && !is_ours(directory)) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "'%s' is no directory that only this user can write to, so its ledger is not "
                                "trusted; sweep it as the user whose run it was",
                                directory);
    }
    return sweep_directory(sweeping, directory, err);
}

static void note_failure(struct sweeping *sweeping, const char *directory, enum muster_rc rc,
                         const struct muster_error *err)
{
    if (rc != MUSTER_OK) {
        tell(sweeping, directory, err->text);
        muster_error_set(&sweeping->first, rc == MUSTER_ENOTFOUND ? rc : MUSTER_ELEAK, "%s", err->text);
    }
}

/* ---- Stillborn runs: killed before the first line of their ledger ---- */

static bool has_run_name(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    assert(strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)) == 0);
    const char *id = name + strlen(RUN_PREFIX);
    return strlen(id) == 10 && strspn(id, "0123456789abcdef") == 10;
}

static bool is_not_new(int directory_fd)
{
    struct stat status;
    return fstat(directory_fd, &status) == 0 &&
           muster_clock_wall_ms() >= (uint64_t)status.st_mtim.tv_sec * 1000 +
                                         (uint64_t)status.st_mtim.tv_nsec / 1000000 + STILLBORN_AGE_MS;
}

/* Only the name says that the directory was a run's. So remove it only if it is empty, or has only an empty
 * ledger. */
static bool remove_stillborn(struct sweeping *sweeping, const char *path)
{
    struct stat ledger;
    int fd = has_run_name(path) ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    bool removable = fd >= 0 && is_not_new(fd);
    if (removable && fstatat(fd, MUSTER_LEDGER_FILE, &ledger, AT_SYMLINK_NOFOLLOW) == 0) {
        removable = S_ISREG(ledger.st_mode) && ledger.st_size == 0 && !muster__ledger_is_locked(path) &&
                    unlinkat(fd, MUSTER_LEDGER_FILE, 0) == 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    bool removed = removable && rmdir(path) == 0;
    if (removed) {
        tell(sweeping, path, "removed; it was empty, of a run that was killed before it began");
    }
    return removed;
}

/* A directory is a run's if it has a ledger. The name only saves opening the others. */
static enum muster_rc sweep_root(struct sweeping *sweeping, const struct muster_variables *variables,
                                 struct muster_error *err)
{
    char root[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__run_root(variables, root, err);
    DIR *entries = rc == MUSTER_OK ? opendir(root) : NULL;
    if (rc == MUSTER_OK && entries == NULL) {
        return muster_error_errno(err, MUSTER_EIO, errno, "cannot read the run root '%s'", root);
    }
    struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char path[MUSTER__PATH_BYTES];
        struct muster_error failure = { 0 };
        if (strncmp(entry->d_name, RUN_PREFIX, strlen(RUN_PREFIX)) != 0 ||
            muster__path(path, NULL, "%s/%s", root, entry->d_name) != MUSTER_OK || !is_ours(path)) {
            continue;
        }
        enum muster_rc swept = sweep_directory(sweeping, path, &failure);
        bool unreadable = swept == MUSTER_ENOTFOUND || swept == MUSTER_EREPLY;
        if (!(unreadable && remove_stillborn(sweeping, path)) && swept != MUSTER_ENOTFOUND) {
            note_failure(sweeping, path, swept, &failure);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return rc;
}

enum muster_rc muster_sweep(const struct muster_variables *variables,
                            const struct muster_sweep_options *options, struct muster_error *err)
{
    struct sweeping sweeping = { .options = options };
    for (size_t i = 0; i < options->directory_count; i++) {
        struct muster_error failure = { 0 };
        enum muster_rc rc = sweep_named(&sweeping, options->directories[i], &failure);
        note_failure(&sweeping, options->directories[i], rc, &failure);
    }
    if (options->directory_count == 0) {
        enum muster_rc rc = sweep_root(&sweeping, variables, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return sweeping.first.rc == MUSTER_OK
               ? MUSTER_OK
               : muster_error_set(err, sweeping.first.rc, "%s", sweeping.first.text);
}
