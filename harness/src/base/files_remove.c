/* Removing a tree, by descriptors: whatever others rename or link meanwhile, nothing outside is touched. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

#define DEPTH_MAX 256 /* One descriptor is open for each level. */
#define PASSES_MAX 4 /* Over one directory, while somebody still writes into it. */

/* One removal. */
struct removal {
    dev_t device; /* Of the root: other file systems are left alone. */
    const char *path; /* Of the root, for messages. */
    const char *last; /* Of the root's entries: goes after all others. NULL: none. */
    enum muster_rc rc; /* The first failure. */
    struct muster_error *err;
};

static void failed(struct removal *removal, int error, const char *name)
{
    removal->rc = MUSTER_EIO;
    (void)muster_error_errno(removal->err, MUSTER_EIO, error, "cannot remove '%.200s' below '%s'", name,
                             removal->path);
}

/* Bind mounts have the device of where they come from; they show as the root of a mount only. */
static bool is_mount(int fd)
{
    struct statx status;
    return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens a directory for emptying. One of ours that we may not read or change is made accessible first.
 * -1 and errno otherwise. */
static int open_writable(int parent, const char *name)
{
    int fd = open_directory(parent, name);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) == 0) {
        fd = open_directory(parent, name);
    }
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
        (void)fchmod(fd, (status.st_mode | S_IRWXU) & 07777); /* Else unlinkat() says what is wrong. */
    }
    return fd;
}

static bool empty_directory(struct removal *removal, int fd, int depth);

/* Empties a directory below the root. False when something is known to be left in it. */
static bool empty_below(struct removal *removal, int parent, const char *name, int depth)
{
    int fd = open_writable(parent, name);
    if (fd < 0) {
        if (errno != ENOENT) {
            failed(removal, errno, name);
        }
        return errno == ENOENT;
    }
    struct stat status;
    int error = fstat(fd, &status) != 0 ? errno : 0;
    if (error == 0 && (status.st_dev != removal->device || is_mount(fd))) {
        error = EXDEV;
    }
    if (error == 0 && depth == DEPTH_MAX) {
        error = ELOOP;
    }
    if (error != 0) {
        failed(removal, error, name);
        close(fd);
        return false;
    }
    return empty_directory(removal, fd, depth);
}

/* Removes one entry of any kind. False when it is left, with the failure noted. */
static bool remove_entry(struct removal *removal, int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    int error = errno;
    struct stat status;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode)) {
        failed(removal, error, name);
        return false;
    }
    if (!empty_below(removal, parent, name, depth)) {
        return false;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return true;
    }
    failed(removal, errno, name);
    return false;
}

static bool is_kept_for_last(const struct removal *removal, const char *name, int depth)
{
    return depth == 0 && removal->last != NULL && strcmp(name, removal->last) == 0;
}

/* One pass over the entries. `found` says whether there were any. False when something is left. */
static bool remove_entries(struct removal *removal, DIR *directory, int depth, bool *found)
{
    bool clean = true;
    *found = false;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            is_kept_for_last(removal, entry->d_name, depth)) {
            continue;
        }
        *found = true;
        clean = remove_entry(removal, dirfd(directory), entry->d_name, depth + 1) && clean;
    }
    return clean;
}

/* Takes over `fd`. Entries that come while we go are met in another pass. */
static bool empty_directory(struct removal *removal, int fd, int depth)
{
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        failed(removal, errno, ".");
        close(fd);
        return false;
    }
    bool clean = true;
    bool found = true;
    for (int pass = 0; clean && found && pass < PASSES_MAX; pass++) {
        rewinddir(directory);
        clean = remove_entries(removal, directory, depth, &found);
    }
    closedir(directory);
    return clean;
}

/* The root is empty but for the last entry. */
static bool remove_last(struct removal *removal, int parent, const char *name)
{
    if (removal->last == NULL) {
        return true;
    }
    int fd = open_directory(parent, name);
    bool removed = fd >= 0 && remove_entry(removal, fd, removal->last, 1);
    if (fd >= 0) {
        close(fd);
    } else if (errno != ENOENT) {
        failed(removal, errno, name);
    }
    return removed;
}

static void remove_root(struct removal *removal, int parent, const char *name)
{
    int fd = open_writable(parent, name);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        if (error != ENOENT) {
            failed(removal, error, name);
        }
        return;
    }
    removal->device = status.st_dev;
    if (empty_directory(removal, fd, 0) && remove_last(removal, parent, name) &&
        unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        failed(removal, errno, name);
    }
}

/* Splits off the last part of a path; slashes at its end do not count, since they would follow a link. */
static bool split(char path[MUSTER__PATH_BYTES], const char **parent, const char **name)
{
    size_t bytes = strlen(path);
    while (bytes > 0 && path[bytes - 1] == '/') {
        path[--bytes] = '\0';
    }
    char *slash = strrchr(path, '/');
    *name = slash != NULL ? slash + 1 : path;
    *parent = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL) {
        *slash = '\0';
    }
    return (*name)[0] != '\0' && strcmp(*name, ".") != 0 && strcmp(*name, "..") != 0;
}

enum muster_rc muster__directory_remove(const char *path, struct muster_error *err)
{
    return muster__directory_remove_ordered(path, NULL, err);
}

enum muster_rc muster__directory_remove_ordered(const char *path, const char *last, struct muster_error *err)
{
    char copy[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(copy, err, "%s", path);
    if (rc != MUSTER_OK) {
        return rc;
    }
    const char *parent = NULL;
    const char *name = NULL;
    if (!split(copy, &parent, &name)) {
        return muster_error_set(err, MUSTER_EINVAL, "'%s' does not name a directory to remove", path);
    }
    int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? MUSTER_OK
                               : muster_error_errno(err, MUSTER_EIO, errno, "cannot remove '%s'", path);
    }
    struct removal removal = { .path = path, .last = last, .rc = MUSTER_OK, .err = err };
    remove_root(&removal, fd, name);
    close(fd);
    return removal.rc;
}
