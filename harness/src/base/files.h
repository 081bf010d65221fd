/* Files and directories of a run. Descriptors are close-on-exec; the last part of a path is never followed
 * where it is a link, but in muster__directory_make(). */
#ifndef MUSTER_SRC_FILES_H
#define MUSTER_SRC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "muster/result.h"

#define MUSTER__PATH_BYTES 4096

/** Formats a path; MUSTER_EINVAL when it does not fit. */
MUSTER_MUST_USE enum muster_rc muster__path(char path[MUSTER__PATH_BYTES], struct muster_error *err,
                                            const char *format, ...) MUSTER_PRINTF(3, 4);

/** Writes a file whole (temporary name, then rename), mode 0600. The old one stays when it fails. */
MUSTER_MUST_USE enum muster_rc muster__file_write(const char *path, const char *text, size_t bytes,
                                                  struct muster_error *err);

/** Reads a file of at most bytes_max into a NUL-terminated buffer that the caller frees.
 * MUSTER_ENOTFOUND; MUSTER_EINVAL, larger than that; MUSTER_EIO, also when it is not a regular file;
 * MUSTER_ENOMEM. bytes may be NULL. */
MUSTER_MUST_USE enum muster_rc muster__file_read(const char *path, size_t bytes_max, char **ret,
                                                 size_t *bytes, struct muster_error *err);

/** The last lines of a text file, at most lines_max and bytes_max, without the final newline; control
 * characters but tab and newline become '?'. NULL when there is nothing. The caller frees it. */
char *muster__file_tail(const char *path, unsigned lines_max, size_t bytes_max);

/** Makes a directory and the parents it lacks. One that exists is fine. */
MUSTER_MUST_USE enum muster_rc muster__directory_make(const char *path, mode_t mode,
                                                      struct muster_error *err);

/** Removes a directory and all below it, by descriptors, following no link and leaving other file
 * systems alone; our own read-only directories are made writable. What is gone already is fine; goes on
 * after a failure (also a tree deeper than 256) and returns the first. MUSTER_OK; MUSTER_EIO; MUSTER_EINVAL,
 * the path ends in no name. */
MUSTER_MUST_USE enum muster_rc muster__directory_remove(const char *path, struct muster_error *err);

/** The same, but the entry `last` (a name) goes after all others: what an interrupted removal leaves still
 * has it. */
MUSTER_MUST_USE enum muster_rc muster__directory_remove_ordered(const char *path, const char *last,
                                                                struct muster_error *err);

/** Bytes that an unprivileged user can still write on the file system of `path`. */
MUSTER_MUST_USE enum muster_rc muster__free_bytes(const char *path, uint64_t *ret, struct muster_error *err);

#endif
