/* For tests of files: a directory of each test's own, and short ways to fill it. */
#ifndef MUSTER_SRC_FILES_TEST_H
#define MUSTER_SRC_FILES_TEST_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "testing/unit_test.h"

static char root[64]; /* A directory of each test's own. */

static inline void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/muster-files-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static inline void remove_root(void)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_remove(root, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_int_ne(access(root, F_OK), 0);
}

static inline const char *below(const char *name)
{
    static char paths[4][MUSTER__PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];
    ck_assert_int_eq(muster__path(path, NULL, "%s/%s", root, name), MUSTER_OK);
    return path;
}

static inline void put(const char *name, const char *text)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__file_write(below(name), text, strlen(text), &err) == MUSTER_OK, "%s", err.text);
}

static inline void make(const char *name)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_make(below(name), 0700, &err) == MUSTER_OK, "%s", err.text);
}

static inline bool exists(const char *name)
{
    struct stat status;
    return lstat(below(name), &status) == 0;
}

#endif
