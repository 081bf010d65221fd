/* Reading, writing and making the files of a run. */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum muster_rc muster__path(char path[MUSTER__PATH_BYTES], struct muster_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(path, MUSTER__PATH_BYTES, format, args);
    va_end(args);
    if (bytes < 0 || bytes >= MUSTER__PATH_BYTES) {
        return muster_error_set(err, MUSTER_EINVAL, "path '%.200s...' is longer than %d bytes", path,
                                MUSTER__PATH_BYTES - 1);
    }
    return MUSTER_OK;
}

/* Writes all of it. 0 or errno. */
static int write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = write(fd, text, bytes);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return errno;
        }
        text += done;
        bytes -= (size_t)done;
    }
    return 0;
}

/* Writes the new file and puts it in the old one's place. 0 or errno. */
static int write_and_rename(int fd, const char *temporary, const char *path, const char *text, size_t bytes)
{
    int error = write_all(fd, text, bytes);
    /* Some file systems say only here that there was no room. */
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(temporary, path) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlink(temporary);
    }
    return error;
}

enum muster_rc muster__file_write(const char *path, const char *text, size_t bytes, struct muster_error *err)
{
    char temporary[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(temporary, err, "%s.XXXXXX", path);
    if (rc != MUSTER_OK) {
        return rc;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    int error = fd >= 0 ? write_and_rename(fd, temporary, path, text, bytes) : errno;
    return error == 0 ? MUSTER_OK : muster_error_errno(err, MUSTER_EIO, error, "cannot write '%s'", path);
}

/* Opens a regular file; a pipe or device must not hold us up. -1 and errno otherwise. */
static int open_regular(const char *path, struct stat *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode)) {
        return fd;
    }
    int error = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
    close(fd);
    errno = error;
    return -1;
}

/* Reads from `offset` until the buffer is full or the file ends. The bytes read, or -1 and errno. */
static ssize_t read_all(int fd, char *buffer, size_t room, off_t offset)
{
    size_t used = 0;
    while (used < room) {
        ssize_t done = pread(fd, buffer + used, room - used, offset + (off_t)used);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return -1;
        }
        if (done == 0) {
            break;
        }
        used += (size_t)done;
    }
    return (ssize_t)used;
}

/* Reads to the end, in growing steps: the sizes of files in /proc are not known before. */
static enum muster_rc read_to_end(int fd, const char *path, size_t bytes_max, char **ret, size_t *bytes,
                                  struct muster_error *err)
{
    char *text = NULL;
    size_t used = 0;
    for (size_t room = 4096;; room *= 2) {
        size_t limit = room <= bytes_max ? room : bytes_max + 1; /* One more shows that it is too large. */
        char *grown = realloc(text, limit + 1);
        if (grown == NULL) {
            free(text);
            return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
        }
        text = grown;
        ssize_t done = read_all(fd, text + used, limit - used, (off_t)used);
        if (done < 0) {
            int error = errno;
            free(text);
            return muster_error_errno(err, MUSTER_EIO, error, "cannot read '%s'", path);
        }
        used += (size_t)done;
        if (used > bytes_max) {
            free(text);
            return muster_error_set(err, MUSTER_EINVAL, "'%s' is larger than %zu bytes", path, bytes_max);
        }
        if (used < limit) {
            text[used] = '\0';
            *ret = text;
            *bytes = used;
            return MUSTER_OK;
        }
    }
}

enum muster_rc muster__file_read(const char *path, size_t bytes_max, char **ret, size_t *bytes,
                                 struct muster_error *err)
{
    struct stat status = { 0 };
    int fd = open_regular(path, &status);
    if (fd < 0) {
        enum muster_rc rc = errno == ENOENT || errno == ENOTDIR ? MUSTER_ENOTFOUND : MUSTER_EIO;
        return muster_error_errno(err, rc, errno, "cannot read '%s'", path);
    }
    size_t read_bytes = 0;
    enum muster_rc rc = read_to_end(fd, path, bytes_max, ret, &read_bytes, err);
    close(fd);
    if (rc == MUSTER_OK && bytes != NULL) {
        *bytes = read_bytes;
    }
    return rc;
}

/* Where the last lines_max lines begin. */
static size_t last_lines(const char *text, size_t bytes, unsigned lines_max)
{
    size_t start = bytes;
    for (unsigned lines = 0; start > 0; start--) {
        if (text[start - 1] == '\n' && ++lines == lines_max) {
            break;
        }
    }
    return start;
}

static void make_printable(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f) {
            text[i] = '?';
        }
    }
}

/* Cuts `text` down to its last lines. Where the file has more in front of it (`cut`), its first byte only
 * shows whether a line begins after it. NULL when nothing is left. */
static char *keep_tail(char *text, size_t bytes, bool cut, unsigned lines_max)
{
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r')) {
        bytes--;
    }
    size_t start = last_lines(text, bytes, lines_max);
    if (start == 0 && cut && bytes > 0) {
        /* Half a line says nothing while there are whole ones. */
        const char *newline = memchr(text, '\n', bytes);
        start = newline != NULL ? (size_t)(newline - text) + 1 : 1;
    }
    memmove(text, text + start, bytes - start);
    bytes -= start;
    make_printable(text, bytes);
    text[bytes] = '\0';
    if (bytes == 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *muster__file_tail(const char *path, unsigned lines_max, size_t bytes_max)
{
    struct stat status = { 0 };
    int fd = lines_max > 0 && bytes_max > 0 ? open_regular(path, &status) : -1;
    if (fd < 0) {
        return NULL;
    }
    bool cut = (uint64_t)status.st_size > bytes_max;
    off_t offset = cut ? status.st_size - (off_t)bytes_max - 1 : 0;
    char *text = malloc(bytes_max + 2);
    ssize_t bytes = text != NULL ? read_all(fd, text, bytes_max + (cut ? 1 : 0), offset) : -1;
    close(fd);
    if (bytes <= 0) {
        free(text);
        return NULL;
    }
    return keep_tail(text, (size_t)bytes, cut, lines_max);
}

/* Makes one directory; one that exists, also behind a link, is fine. 0 or errno. */
static int make_one(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0) {
        return 0;
    }
    int error = errno;
    struct stat status = { 0 };
    if (stat(path, &status) == 0) {
        return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    }
    return error;
}

enum muster_rc muster__directory_make(const char *path, mode_t mode, struct muster_error *err)
{
    char part[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(part, err, "%s", path);
    if (rc != MUSTER_OK) {
        return rc;
    }
    int error = path[0] != '\0' ? 0 : ENOENT;
    for (char *end = part + strspn(part, "/"); error == 0 && *end != '\0'; end += strspn(end, "/")) {
        end += strcspn(end, "/");
        char slash = *end;
        *end = '\0';
        error = make_one(part, mode);
        *end = slash;
    }
    return error == 0 ? MUSTER_OK
                      : muster_error_errno(err, MUSTER_EIO, error, "cannot make directory '%s'", path);
}

enum muster_rc muster__free_bytes(const char *path, uint64_t *ret, struct muster_error *err)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0) {
        return muster_error_errno(err, MUSTER_EIO, errno, "cannot tell the free space of '%s'", path);
    }
    *ret = (uint64_t)status.f_bavail * (uint64_t)status.f_frsize;
    return MUSTER_OK;
}
