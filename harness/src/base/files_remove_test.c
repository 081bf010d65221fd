#include "testing/files.h"
#include "testing/unit_test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(trees_are_removed)
{
    files_make_directory("tree/a/b");
    files_make_directory("tree/empty");
    files_put("tree/a/file", "x");
    files_put("tree/a/b/.hidden", "x");
    ck_assert_int_eq(mkfifo(files_below("tree/pipe"), 0600), 0);
    char name[64];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "tree/a/b/n%d", i);
        ck_assert_int_eq(mknod(files_below(name), S_IFREG | 0600, 0), 0);
    }
    snprintf(name, sizeof name, "%s///", files_below("tree"));
    ck_assert_int_eq(muster__directory_remove(name, NULL), MUSTER_OK);
    ck_assert(!files_exists("tree"));
    ck_assert_int_eq(muster__directory_remove(files_below("tree"), NULL), MUSTER_OK);
    ck_assert_int_eq(muster__directory_remove(files_below("no/tree"), NULL), MUSTER_OK);
}
END_TEST

START_TEST(relative_trees_are_removed)
{
    files_make_directory("tree/a");
    ck_assert_int_eq(chdir(files_root), 0);
    ck_assert_int_eq(muster__directory_remove("tree", NULL), MUSTER_OK);
    ck_assert(!files_exists("tree"));
    files_make_directory("one/two");
    ck_assert_int_eq(muster__directory_remove("one/two", NULL), MUSTER_OK);
    ck_assert(files_exists("one") && !files_exists("one/two"));
}
END_TEST

START_TEST(removal_follows_no_link)
{
    files_make_directory("outside");
    files_put("outside/kept", "x");
    files_make_directory("tree");
    ck_assert_int_eq(symlink("../outside", files_below("tree/link")), 0);
    ck_assert_int_eq(symlink("outside", files_below("link")), 0);
    ck_assert_int_eq(muster__directory_remove(files_below("tree"), NULL), MUSTER_OK);
    ck_assert(files_exists("outside/kept"));
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__directory_remove(files_below("link"), &err), MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot remove 'link'"));
    ck_assert_int_eq(muster__directory_remove(files_below("link/"), NULL), MUSTER_EIO);
    ck_assert(files_exists("link") && files_exists("outside/kept"));
}
END_TEST

START_TEST(removal_wants_a_directory_with_a_name)
{
    static const char *const bad[] = { "", "/", "//", ".", "..", "/tmp/..", "/tmp/./", "./." };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct muster_error err = { 0 };
        ck_assert_int_eq(muster__directory_remove(bad[i], &err), MUSTER_EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "does not name a directory to remove"));
    }
    files_put("file", "x");
    ck_assert_int_eq(muster__directory_remove(files_below("file"), NULL), MUSTER_EIO);
    ck_assert(files_exists("file"));
}
END_TEST

/* Runs `body` as somebody else where we are root, whom permissions do not stop, in a process of its own. */
static void check_as_nobody(bool (*body)(void))
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        bool good =
            geteuid() != 0 || (setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
        _exit(good && body() ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static bool remove_tree(void)
{
    return muster__directory_remove(files_below("tree"), NULL) == MUSTER_OK;
}

/* Gives a file or directory away; only root can, and only root needs to. */
static void give_away(const char *name)
{
    ck_assert(geteuid() != 0 || chown(files_below(name), 65534, 65534) == 0);
}

START_TEST(read_only_directories_are_removed)
{
    static const mode_t modes[] = { 0000, 0100, 0200, 0300, 0400, 0500, 0600 };
    give_away(".");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        files_make_directory("tree/locked/deeper");
        files_put("tree/locked/file", "x");
        files_put("tree/locked/deeper/file", "x");
        give_away("tree");
        give_away("tree/locked");
        give_away("tree/locked/deeper");
        ck_assert_int_eq(chmod(files_below("tree/locked/deeper"), modes[i]), 0);
        ck_assert_int_eq(chmod(files_below("tree/locked"), modes[i]), 0);
        ck_assert_int_eq(chmod(files_below("tree"), modes[i]), 0);
        check_as_nobody(remove_tree);
        ck_assert(!files_exists("tree"));
    }
}
END_TEST

static bool fail_to_remove_tree(void)
{
    struct muster_error err = { 0 };
    return muster__directory_remove(files_below("tree"), &err) == MUSTER_EIO &&
           strstr(err.text, "cannot remove 'file' below") != NULL &&
           strstr(err.text, "Permission denied") != NULL;
}

START_TEST(removal_goes_on_after_a_failure)
{
    files_make_directory("tree/ours");
    files_put("tree/ours/file", "x");
    files_make_directory("tree/theirs");
    files_put("tree/theirs/file", "x");
    ck_assert_int_eq(chmod(files_below("tree/theirs"), 0755), 0);
    give_away(".");
    give_away("tree");
    give_away("tree/ours");
    check_as_nobody(fail_to_remove_tree);
    ck_assert(files_exists("tree/theirs/file"));
    ck_assert(!files_exists("tree/ours"));
}
END_TEST

/* Makes a chain of directories "d/d/d…" below the root, which no path could name. */
static void make_deep(int depth)
{
    int fd = open(files_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth; i++) {
        char name[201];
        memset(name, 'd', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        ck_assert_int_eq(mkdirat(fd, name, 0700), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(fd);
        fd = next;
    }
    close(fd);
}

/* For the clean-up: what make_deep(300) made too deep moves up. */
static void make_shallow(void)
{
    for (int level = 0; level < 100; level++) {
        char name[512];
        char first[201];
        memset(first, 'd', sizeof first - 1);
        first[sizeof first - 1] = '\0';
        snprintf(name, sizeof name, "%s/%s", first, first);
        ck_assert_int_eq(rename(files_below(name), files_below("up")), 0);
        ck_assert_int_eq(rmdir(files_below(first)), 0);
        ck_assert_int_eq(rename(files_below("up"), files_below(first)), 0);
    }
}

START_TEST(paths_longer_than_any_are_removed)
{
    make_deep(255);
    ck_assert_int_eq(muster__directory_remove(files_root, NULL), MUSTER_OK);
    ck_assert_int_eq(mkdir(files_root, 0700), 0);
}
END_TEST

START_TEST(depth_is_bounded)
{
    make_deep(300);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__directory_remove(files_root, &err), MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "Too many levels"));
    make_shallow();
}
END_TEST

START_TEST(the_last_entry_goes_after_all_others)
{
    files_make_directory("below/last");
    files_put("file", "x");
    files_put("last", "x");
    ck_assert_int_eq(muster__directory_remove_ordered(files_root, "last", NULL), MUSTER_OK);
    ck_assert_int_eq(mkdir(files_root, 0700), 0);
    files_make_directory("nothing_but");
    ck_assert_int_eq(muster__directory_remove_ordered(files_below("nothing_but"), "last", NULL), MUSTER_OK);
    ck_assert(!files_exists("nothing_but"));

    files_put("file", "x");
    files_put("last", "x");
    make_deep(300);
    ck_assert_int_eq(muster__directory_remove_ordered(files_root, "last", NULL), MUSTER_EIO);
    ck_assert(files_exists("last") && !files_exists("file"));
    make_shallow();
}
END_TEST

START_TEST(other_file_systems_are_left_alone)
{
    files_make_directory("tree/mount");
    files_put("tree/file", "x");
    if (mount("none", files_below("tree/mount"), "tmpfs", 0, "size=64k") != 0) {
        return; /* Not allowed to mount here. */
    }
    files_put("tree/mount/kept", "x");
    struct muster_error err = { 0 };
    enum muster_rc rc = muster__directory_remove(files_below("tree"), &err);
    bool kept = files_exists("tree/mount/kept");
    ck_assert_int_eq(umount2(files_below("tree/mount"), MNT_DETACH), 0);
    ck_assert_int_eq(rc, MUSTER_EIO);
    ck_assert(kept && !files_exists("tree/file"));
    ck_assert_ptr_nonnull(strstr(err.text, "cannot remove 'mount' below"));
}
END_TEST

START_TEST(bind_mounts_are_left_alone)
{
    files_make_directory("outside");
    files_put("outside/kept", "x");
    files_make_directory("tree/mount");
    if (mount(files_below("outside"), files_below("tree/mount"), "none", MS_BIND, NULL) != 0) {
        return;
    }
    enum muster_rc rc = muster__directory_remove(files_below("tree"), NULL);
    bool kept = files_exists("outside/kept");
    ck_assert_int_eq(umount2(files_below("tree/mount"), MNT_DETACH), 0);
    ck_assert_int_eq(rc, MUSTER_EIO);
    ck_assert(kept);
}
END_TEST

static Suite *files_remove_suite(void)
{
    Suite *suite = suite_create("files_remove");
    TCase *tcase = tcase_create("files_remove");
    tcase_add_checked_fixture(tcase, files_make_root, files_remove_root);
    tcase_add_test(tcase, trees_are_removed);
    tcase_add_test(tcase, relative_trees_are_removed);
    tcase_add_test(tcase, removal_follows_no_link);
    tcase_add_test(tcase, removal_wants_a_directory_with_a_name);
    tcase_add_test(tcase, read_only_directories_are_removed);
    if (geteuid() == 0) { /* Only root can make what others cannot remove. */
        tcase_add_test(tcase, removal_goes_on_after_a_failure);
    }
    tcase_add_test(tcase, paths_longer_than_any_are_removed);
    tcase_add_test(tcase, depth_is_bounded);
    tcase_add_test(tcase, the_last_entry_goes_after_all_others);
    tcase_add_test(tcase, other_file_systems_are_left_alone);
    tcase_add_test(tcase, bind_mounts_are_left_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(files_remove_suite);
