#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "ledger/ledger.h"
#include "testing/unit_test.h"

static char directory[64];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/ledger_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    ck_assert_int_eq(muster__directory_remove(directory, NULL), MUSTER_OK);
}

static void append_raw(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/" MUSTER_LEDGER_FILE, directory);
    FILE *file = fopen(path, "ae");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static struct muster_ledger *create(void)
{
    struct muster_ledger *ledger = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__ledger_create(directory, "abc", "local", &ledger, &err) == MUSTER_OK, "%s",
                  err.text);
    return ledger;
}

static struct muster_ledger_view *read_back(void)
{
    struct muster_ledger_view *view = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_ledger_read(directory, &view, &err) == MUSTER_OK, "%s", err.text);
    return view;
}

START_TEST(what_was_created_and_not_removed_is_read_back)
{
    struct muster_ledger *ledger = create();
    ck_assert_int_eq(muster__ledger_guardian(ledger, 42, 77, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_ledger_created(ledger, "process", "1:2", "{\"node\":0}", NULL), MUSTER_OK);
    json_t *detail = json_object();
    char *draft = muster__ledger_draft("process", detail);
    ck_assert_int_eq(muster__ledger_append_draft(ledger, draft, "3:4", NULL), MUSTER_OK);
    free(draft);
    json_decref(detail);
    ck_assert_int_eq(muster_ledger_created(ledger, "lease", "127.64.0.", NULL, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_ledger_removed(ledger, "process", "1:2", NULL), MUSTER_OK);
    muster__ledger_close(ledger);
    struct muster_ledger_view *view = read_back();
    ck_assert_str_eq(view->run_id, "abc");
    ck_assert_str_eq(view->runner, "local");
    ck_assert_int_eq(view->guardian_pid, 42);
    ck_assert_uint_eq(view->guardian_start, 77);
    ck_assert_uint_eq(view->entry_count, 2);
    ck_assert_str_eq(view->entries[0].id, "3:4");
    ck_assert_str_eq(view->entries[0].detail, "{}");
    ck_assert_str_eq(view->entries[1].kind, "lease");
    ck_assert(!view->closed);
    muster_ledger_view_destroy(view);
}
END_TEST

START_TEST(a_torn_line_is_left_out_and_the_next_one_kept)
{
    muster__ledger_close(create());
    append_raw("{\"op\":\"created\",\"kind\":\"process\",\"id\":\"1:2\",\"det");
    struct muster_ledger_view *view = read_back();
    ck_assert_uint_eq(view->entry_count, 0);
    muster_ledger_view_destroy(view);
    struct muster_ledger *ledger = NULL;
    ck_assert_int_eq(muster__ledger_reopen(directory, &ledger, NULL), MUSTER_OK);
    ck_assert_int_eq(muster__ledger_state(ledger, "closed", NULL), MUSTER_OK);
    muster__ledger_close(ledger);
    view = read_back();
    ck_assert(view->closed);
    muster_ledger_view_destroy(view);
}
END_TEST

/* Simulates a full disk: only ten more bytes fit. */
static struct rlimit fill_disk(void)
{
    struct stat status;
    struct rlimit limit;
    char path[128];
    snprintf(path, sizeof path, "%s/" MUSTER_LEDGER_FILE, directory);
    ck_assert_int_eq(stat(path, &status), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit full = { .rlim_cur = (rlim_t)status.st_size + 10, .rlim_max = limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    return limit;
}

/* Ends the simulation of the full disk. */
static void expect_next_line_kept(struct muster_ledger *ledger, const struct rlimit *limit)
{
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, limit), 0);
    ck_assert_int_eq(muster_ledger_created(ledger, "process", "3:4", NULL, NULL), MUSTER_OK);
    muster__ledger_close(ledger);
    struct muster_ledger_view *view = read_back();
    ck_assert_uint_eq(view->entry_count, 1);
    ck_assert_str_eq(view->entries[0].id, "3:4");
    muster_ledger_view_destroy(view);
}

START_TEST(a_line_after_one_that_did_not_fit_is_kept)
{
    struct muster_ledger *ledger = create();
    const struct rlimit limit = fill_disk();
    ck_assert_int_eq(muster_ledger_created(ledger, "process", "1:2", NULL, NULL), MUSTER_EIO);
    ck_assert_int_eq(muster_ledger_created(ledger, "process", "1:2", NULL, NULL), MUSTER_EIO);
    expect_next_line_kept(ledger, &limit);
}
END_TEST

START_TEST(a_line_after_a_draft_that_did_not_fit_is_kept)
{
    struct muster_ledger *ledger = create();
    json_t *detail = json_object();
    char *draft = muster__ledger_draft("process", detail);
    ck_assert_ptr_nonnull(draft);
    const struct rlimit limit = fill_disk();
    ck_assert_int_eq(muster__ledger_append_draft(ledger, draft, "1:2", NULL), MUSTER_EIO);
    free(draft);
    json_decref(detail);
    expect_next_line_kept(ledger, &limit);
}
END_TEST

START_TEST(a_ledger_is_locked_while_it_is_open)
{
    struct muster_ledger *ledger = create();
    struct muster_ledger *again = NULL;
    struct muster_error err = { 0 };
    ck_assert(muster__ledger_is_locked(directory));
    ck_assert_int_eq(muster__ledger_reopen(directory, &again, &err), MUSTER_ESTATE);
    ck_assert_ptr_nonnull(strstr(err.text, "still going on"));
    muster__ledger_close(ledger);
    ck_assert(!muster__ledger_is_locked(directory));
}
END_TEST

START_TEST(what_is_no_ledger_is_refused)
{
    struct muster_ledger_view *view = NULL;
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_ledger_read(directory, &view, &err), MUSTER_ENOTFOUND);
    append_raw("hello\n");
    ck_assert_int_eq(muster_ledger_read(directory, &view, NULL), MUSTER_EREPLY);
}
END_TEST

START_TEST(a_detail_that_is_no_json_is_refused)
{
    struct muster_ledger *ledger = create();
    ck_assert_int_eq(muster_ledger_created(ledger, "process", "1:2", "{", NULL), MUSTER_EINVAL);
    muster__ledger_close(ledger);
    struct muster_ledger_view *view = read_back();
    ck_assert_uint_eq(view->entry_count, 0);
    muster_ledger_view_destroy(view);
}
END_TEST

static Suite *ledger_suite(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, what_was_created_and_not_removed_is_read_back);
    tcase_add_test(tcase, a_torn_line_is_left_out_and_the_next_one_kept);
    tcase_add_test(tcase, a_line_after_one_that_did_not_fit_is_kept);
    tcase_add_test(tcase, a_line_after_a_draft_that_did_not_fit_is_kept);
    tcase_add_test(tcase, a_ledger_is_locked_while_it_is_open);
    tcase_add_test(tcase, what_is_no_ledger_is_refused);
    tcase_add_test(tcase, a_detail_that_is_no_json_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(ledger_suite);
