#include "external/urls.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct external_urls urls;

static void assert_reads(const char *list, const char *first, const char *last, size_t count)
{
    struct muster_error err = { 0 };
    ck_assert_msg(external__read_urls(list, &urls, &err) == MUSTER_OK, "%s: %s", list, err.text);
    ck_assert_uint_eq(urls.count, count);
    ck_assert_str_eq(urls.url[0], first);
    ck_assert_str_eq(urls.url[count - 1], last);
}

START_TEST(good_lists_are_read)
{
    assert_reads("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080", 1);
    assert_reads(" http://a:1 ,\thttp://b", "http://a:1", "http://b", 2);
    assert_reads("http://a:1/,http://a:2//", "http://a:1", "http://a:2", 2);
    assert_reads("http://gate/node-0/,http://gate/node-1", "http://gate/node-0", "http://gate/node-1", 2);
    assert_reads("HTTP://[::1]:8080,http://node_b.net:80", "http://[::1]:8080", "http://node_b.net:80", 2);
}
END_TEST

static const struct {
    const char *list;
    const char *says;
} bad[] = {
    { "", "entry 1, '', is empty" },
    { "http://a:1,", "entry 2, '', is empty; put one comma between two URLs" },
    { "http://a:1,,http://b:1", "entry 2, '', is empty" },
    { "a:8080", "entry 1, 'a:8080', is not a URL; write it as http://host:port" },
    { "127.0.0.1:8080", "is not a URL" },
    { "node-0", "is not a URL" },
    { "http://a:port", "is not a URL" },
    { "http://a:70000", "is not a URL" },
    { "http://a b:1", "is not a URL" },
    { "http://a:1;http://b:1", "is not a URL" },
    { "https://a:1", "has another scheme than http" },
    { "ftp://a:1", "has another scheme than http" },
    { "http://me@a:1", "holds a user or a password" },
    { "http://me:secret@a:1", "entry 1, '...', holds a user or a password" },
    { "http://a:1/?x=1", "ends in a query or a fragment" },
    { "http://a:1#top", "ends in a query or a fragment" },
    { "http://a:1,http://b:1,http://A:1/", "entry 3, 'http://A:1/', is the same as entry 1" },
};

START_TEST(what_is_wrong_is_said_of_the_entry)
{
    struct muster_error err = { 0 };
    ck_assert_msg(external__read_urls(bad[_i].list, &urls, &err) == MUSTER_EINVAL, "'%s' was taken",
                  bad[_i].list);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "'%s': %s", bad[_i].list, err.text);
    ck_assert_msg(strncmp(err.text, "MUSTER_EXTERNAL_NODES: entry ", 29) == 0, "%s", err.text);
}
END_TEST

/* "http://n0:1,http://n1:1,…" */
static char *list_of(unsigned count)
{
    char *list = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&list, &bytes);
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "%shttp://n%u:1", i == 0 ? "" : ",", i);
    }
    fclose(out);
    return list;
}

START_TEST(too_many_are_refused)
{
    struct muster_error err = { 0 };
    char *most = list_of(MUSTER_NODES_MAX);
    char *more = list_of(MUSTER_NODES_MAX + 1);
    ck_assert_int_eq(external__read_urls(most, &urls, NULL), MUSTER_OK);
    ck_assert_uint_eq(urls.count, MUSTER_NODES_MAX);
    ck_assert_int_eq(external__read_urls(more, &urls, &err), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "is one too many"));
    free(most);
    free(more);
}
END_TEST

START_TEST(the_length_is_bounded)
{
    struct muster_error err = { 0 };
    char list[4096] = "http://a/";
    for (size_t bytes = strlen(list); bytes < sizeof list - 1; bytes++) {
        list[bytes] = 'p';
        list[bytes + 1] = '\0';
        enum muster_rc rc = external__read_urls(list, &urls, &err);
        ck_assert_int_eq(rc, bytes + 1 < sizeof urls.url[0] ? MUSTER_OK : MUSTER_EINVAL);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "is too long for a URL"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("urls");
    TCase *tests = tcase_create("urls");
    tcase_add_test(tests, good_lists_are_read);
    tcase_add_loop_test(tests, what_is_wrong_is_said_of_the_entry, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tests, too_many_are_refused);
    tcase_add_test(tests, the_length_is_bounded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
