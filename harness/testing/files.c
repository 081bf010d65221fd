#include "testing/files.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char files_root[64]; /* A directory of each test's own. */

void files_make_root(void)
{
    snprintf(files_root, sizeof files_root, "/tmp/muster-files-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(files_root));
}

void files_remove_root(void)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_remove(files_root, &err) == MUSTER_OK, "%s", err.text);
    ck_assert_int_ne(access(files_root, F_OK), 0);
}

const char *files_below(const char *name)
{
    static char paths[4][MUSTER__PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];
    ck_assert_int_eq(muster__path(path, NULL, "%s/%s", files_root, name), MUSTER_OK);
    return path;
}

void files_put(const char *name, const char *text)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__file_write(files_below(name), text, strlen(text), &err) == MUSTER_OK, "%s",
                  err.text);
}

void files_make_directory(const char *name)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_make(files_below(name), 0700, &err) == MUSTER_OK, "%s", err.text);
}

bool files_exists(const char *name)
{
    struct stat status;
    return lstat(files_below(name), &status) == 0;
}
