#include "muster/runner.h"
#include "testing/cluster.h"
#include "testing/unit_test.h"

static struct muster_runner table;

static enum muster_rc up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    (void)deployment;
    (void)state;
    (void)err;
    return MUSTER_OK;
}

static void detach(void *state)
{
    (void)state;
}

static enum muster_rc down(const struct muster_ledger_view *view, uint32_t grace_ms, struct muster_error *err)
{
    (void)view;
    (void)grace_ms;
    (void)err;
    return MUSTER_OK;
}

static bool preserve(const struct muster_variables *variables)
{
    (void)variables;
    return false;
}

static void make_whole(void)
{
    table = fake_runner;
    table.up = up;
    table.detach = detach;
}

static void refuse(const char *sentence)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster_runner_check(&table, NULL, &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, sentence);
    make_whole();
}

START_TEST(a_whole_table_is_taken)
{
    ck_assert_int_eq(muster_runner_check(&table, NULL, NULL), MUSTER_OK);
}
END_TEST

START_TEST(what_every_runner_needs)
{
    table.name = NULL;
    refuse("the runner has no name; give it one");
    table.capabilities = NULL;
    refuse("the runner 'fake' has no capabilities, which every runner needs");
    table.ready_ms = NULL;
    refuse("the runner 'fake' has no ready_ms, which every runner needs");
    table.up = NULL;
    refuse("the runner 'fake' has no up, which every runner needs");
    table.endpoint = NULL;
    refuse("the runner 'fake' has no endpoint, which every runner needs");
    table.detach = NULL;
    refuse("the runner 'fake' has no detach, which every runner needs");
}
END_TEST

START_TEST(what_belongs_together)
{
    table.control = NULL;
    refuse("the runner 'fake' says that it has node control, but has no control");
    table.down = down;
    refuse("the runner 'fake' has down without audit; give both or neither");
    table.preserve = preserve;
    refuse("the runner 'fake' has preserve without print_preserved; give both or neither");
}
END_TEST

static Suite *runner_check_suite(void)
{
    Suite *suite = suite_create("runner_check");
    TCase *tcase = tcase_create("runner_check");
    tcase_add_checked_fixture(tcase, make_whole, NULL);
    tcase_add_test(tcase, a_whole_table_is_taken);
    tcase_add_test(tcase, what_every_runner_needs);
    tcase_add_test(tcase, what_belongs_together);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(runner_check_suite);
