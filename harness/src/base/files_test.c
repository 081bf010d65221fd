#include "testing/files.h"
#include "testing/unit_test.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(paths_must_fit)
{
    char path[MUSTER__PATH_BYTES];
    ck_assert_int_eq(muster__path(path, NULL, "%s/%d", "/a", 7), MUSTER_OK);
    ck_assert_str_eq(path, "/a/7");
    char text[MUSTER__PATH_BYTES + 1];
    memset(text, 'a', sizeof text);
    text[MUSTER__PATH_BYTES - 1] = '\0';
    ck_assert_int_eq(muster__path(path, NULL, "%s", text), MUSTER_OK);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__path(path, &err, "/%s", text), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "is longer than 4095 bytes"));
}
END_TEST

START_TEST(files_are_written_whole_and_private)
{
    files_put("a", "one");
    files_put("a", "three");
    char *text = NULL;
    size_t bytes = 0;
    ck_assert_int_eq(muster__file_read(files_below("a"), 100, &text, &bytes, NULL), MUSTER_OK);
    ck_assert_str_eq(text, "three");
    ck_assert_uint_eq(bytes, 5);
    free(text);
    struct stat status;
    ck_assert_int_eq(stat(files_below("a"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

START_TEST(writing_replaces_a_link_and_not_its_target)
{
    files_put("target", "old");
    ck_assert_int_eq(symlink("target", files_below("link")), 0);
    files_put("link", "new");
    char *text = NULL;
    ck_assert_int_eq(muster__file_read(files_below("target"), 100, &text, NULL, NULL), MUSTER_OK);
    ck_assert_str_eq(text, "old");
    free(text);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file_alone)
{
    files_put("a", "old");
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = 2;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct muster_error err = { 0 };
    enum muster_rc rc = muster__file_write(files_below("a"), "newer", 5, &err);
    limit.rlim_cur = soft;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(rc, MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "/a': File too large"));
    char *text = NULL;
    ck_assert_int_eq(muster__file_read(files_below("a"), 100, &text, NULL, NULL), MUSTER_OK);
    ck_assert_str_eq(text, "old");
    free(text);
    /* And the half-written one is gone: nothing but "a" is left. */
    ck_assert_int_eq(unlink(files_below("a")), 0);
    ck_assert_int_eq(rmdir(files_root), 0);
}
END_TEST

START_TEST(a_write_without_directory_says_so)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__file_write(files_below("no/a"), "x", 1, &err), MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/a': No such file or directory"));
}
END_TEST

START_TEST(reading_is_bounded)
{
    static char big[100000];
    memset(big, 'x', sizeof big - 1);
    files_put("big", big);
    char *text = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__file_read(files_below("big"), sizeof big - 2, &text, NULL, &err), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "is larger than 99998 bytes"));
    ck_assert_int_eq(muster__file_read(files_below("big"), 0, &text, NULL, NULL), MUSTER_EINVAL);
    ck_assert_ptr_null(text);
    size_t bytes = 0;
    ck_assert_int_eq(muster__file_read(files_below("big"), sizeof big - 1, &text, &bytes, NULL), MUSTER_OK);
    ck_assert_uint_eq(bytes, sizeof big - 1);
    ck_assert_str_eq(text, big);
    free(text);
    files_put("empty", "");
    ck_assert_int_eq(muster__file_read(files_below("empty"), 0, &text, &bytes, NULL), MUSTER_OK);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(reading_takes_regular_files_only)
{
    char *text = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__file_read(files_below("no"), 10, &text, NULL, NULL), MUSTER_ENOTFOUND);
    ck_assert_int_eq(muster__file_read(files_root, 10, &text, NULL, &err), MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
    ck_assert_int_eq(mkfifo(files_below("pipe"), 0600), 0);
    ck_assert_int_eq(muster__file_read(files_below("pipe"), 10, &text, NULL, NULL), MUSTER_EIO);
    ck_assert_ptr_null(muster__file_tail(files_below("pipe"), 10, 10));
    files_put("a", "x");
    ck_assert_int_eq(symlink("a", files_below("link")), 0);
    ck_assert_int_eq(muster__file_read(files_below("link"), 10, &text, NULL, NULL), MUSTER_EIO);
    ck_assert_ptr_null(text);
    /* Files of /proc say that they are empty, and are not. */
    ck_assert_int_eq(muster__file_read("/proc/self/status", 100000, &text, NULL, NULL), MUSTER_OK);
    ck_assert_ptr_nonnull(strstr(text, "Pid:"));
    free(text);
}
END_TEST

static void check_tail(const char *content, unsigned lines, size_t bytes, const char *expected)
{
    files_put("log", content);
    char *tail = muster__file_tail(files_below("log"), lines, bytes);
    if (expected == NULL) {
        ck_assert_ptr_null(tail);
    } else {
        ck_assert_ptr_nonnull(tail);
        ck_assert_str_eq(tail, expected);
    }
    free(tail);
}

START_TEST(tails_are_the_last_lines)
{
    check_tail("one\ntwo\nthree\n", 2, 100, "two\nthree");
    check_tail("one\ntwo\nthree", 2, 100, "two\nthree");
    check_tail("one\ntwo\n", 5, 100, "one\ntwo");
    check_tail("one\n\n\n", 5, 100, "one");
    check_tail("one\r\ntwo\r\n", 1, 100, "two");
    check_tail("one", 1, 100, "one");
    check_tail("\nfirst is empty", 2, 100, "\nfirst is empty");
}
END_TEST

START_TEST(tails_are_bounded_in_bytes)
{
    check_tail("one\ntwo\nthree\n", 9, 11, "two\nthree");
    check_tail("one\ntwo\nthree\n", 9, 10, "two\nthree");
    check_tail("one\ntwo\nthree\n", 9, 8, "three");
    check_tail("a very long line", 9, 4, "line");
}
END_TEST

START_TEST(tails_may_be_nothing)
{
    check_tail("", 5, 100, NULL);
    check_tail("\n\n", 5, 100, NULL);
    check_tail("x", 0, 100, NULL);
    check_tail("x", 5, 0, NULL);
    ck_assert_ptr_null(muster__file_tail(files_below("no"), 5, 100));
}
END_TEST

START_TEST(tails_are_printable)
{
    check_tail("a\tb\033[31mc\x7f\x01 \xc3\xa9\n", 5, 100, "a\tb?[31mc?? \xc3\xa9");
    FILE *file = fopen(files_below("log"), "we");
    fwrite("a\0b\n", 1, 4, file);
    fclose(file);
    char *tail = muster__file_tail(files_below("log"), 5, 100);
    ck_assert_str_eq(tail, "a?b");
    free(tail);
}
END_TEST

START_TEST(directories_are_made_with_parents)
{
    files_make_directory("a/b//c/");
    files_make_directory("a/b/c");
    struct stat status;
    ck_assert_int_eq(stat(files_below("a/b/c"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0700);
    ck_assert_int_eq(symlink("a", files_below("link")), 0);
    files_make_directory("link/b/d");
    ck_assert(files_exists("a/b/d"));
}
END_TEST

START_TEST(directories_that_cannot_be_made_are_named)
{
    files_put("file", "");
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__directory_make(files_below("file"), 0700, &err), MUSTER_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot make directory '"));
    ck_assert_ptr_nonnull(strstr(err.text, "/file': Not a directory"));
    ck_assert_int_eq(muster__directory_make(files_below("file/x"), 0700, NULL), MUSTER_EIO);
    ck_assert_int_eq(muster__directory_make("", 0700, NULL), MUSTER_EIO);
    ck_assert_int_eq(muster__directory_make("/", 0700, NULL), MUSTER_OK);
    ck_assert_int_eq(muster__directory_make("/proc/no/such", 0700, NULL), MUSTER_EIO);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    int before = dup(STDERR_FILENO);
    close(before);
    files_make_directory("tree/a/b");
    files_put("tree/a/file", "x");
    char *text = NULL;
    ck_assert_int_eq(muster__file_read(files_below("tree/a/file"), 10, &text, NULL, NULL), MUSTER_OK);
    free(text);
    free(muster__file_tail(files_below("tree/a/file"), 1, 10));
    ck_assert_int_eq(muster__file_read(files_root, 10, &text, NULL, NULL), MUSTER_EIO);
    ck_assert_int_eq(muster__directory_remove(files_below("tree/a/file"), NULL), MUSTER_EIO);
    ck_assert_int_eq(muster__directory_remove(files_below("tree"), NULL), MUSTER_OK);
    int after = dup(STDERR_FILENO);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(free_bytes_are_known)
{
    uint64_t bytes = 0;
    ck_assert_int_eq(muster__free_bytes(files_root, &bytes, NULL), MUSTER_OK);
    ck_assert_uint_gt(bytes, 0);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__free_bytes("/nowhere", &bytes, &err), MUSTER_EIO);
    ck_assert_str_eq(err.text, "cannot tell the free space of '/nowhere': No such file or directory");
}
END_TEST

static Suite *files_suite(void)
{
    Suite *suite = suite_create("files");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, files_make_root, files_remove_root);
    tcase_add_test(files, paths_must_fit);
    tcase_add_test(files, files_are_written_whole_and_private);
    tcase_add_test(files, writing_replaces_a_link_and_not_its_target);
    tcase_add_test(files, a_failed_write_leaves_the_old_file_alone);
    tcase_add_test(files, a_write_without_directory_says_so);
    tcase_add_test(files, reading_is_bounded);
    tcase_add_test(files, reading_takes_regular_files_only);
    tcase_add_test(files, tails_are_the_last_lines);
    tcase_add_test(files, tails_are_bounded_in_bytes);
    tcase_add_test(files, tails_may_be_nothing);
    tcase_add_test(files, tails_are_printable);
    tcase_add_test(files, directories_are_made_with_parents);
    tcase_add_test(files, directories_that_cannot_be_made_are_named);
    tcase_add_test(files, no_descriptor_is_left_open);
    tcase_add_test(files, free_bytes_are_known);
    suite_add_tcase(suite, files);
    return suite;
}

UNIT_TEST_MAIN(files_suite);
