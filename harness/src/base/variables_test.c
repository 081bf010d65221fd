#include "muster/variables.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "testing/unit_test.h"

/* Every test starts without any of the variables. */
static void clear_environment(void)
{
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        unsetenv(muster_variable_info((enum muster_variable)i)->name);
    }
}

static struct muster_variables *read_variables(void)
{
    struct muster_variables *variables = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_variables_read(&variables, &err) == MUSTER_OK, "%s", err.text);
    return variables;
}

static struct muster_variables *read_with(const char *name, const char *value)
{
    setenv(name, value, 1);
    return read_variables();
}

/* The sentence with which a value is refused. */
static const char *refusal(const char *name, const char *value)
{
    static struct muster_error err;
    struct muster_variables *variables = NULL;
    setenv(name, value, 1);
    muster_error_clear(&err);
    ck_assert_msg(muster_variables_read(&variables, &err) == MUSTER_EINVAL, "%s=%s is taken", name, value);
    ck_assert_ptr_null(variables);
    unsetenv(name);
    return err.text;
}

START_TEST(table_is_complete)
{
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        const struct muster_variable_info *info = muster_variable_info((enum muster_variable)i);
        ck_assert_uint_gt(strlen(info->name), 3);
        ck_assert_uint_gt(strlen(info->text), 10);
        ck_assert_double_le(info->min, info->max);
        for (int j = MUSTER_VARIABLE_FIRST; j < i; j++) {
            ck_assert_str_ne(info->name, muster_variable_info((enum muster_variable)j)->name);
        }
    }
}
END_TEST

START_TEST(defaults_hold_without_environment)
{
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *v = read_variables();
    ck_assert(!muster_variable_flag(v, MUSTER_VAR_KEEP_LOGS));
    ck_assert(muster_variable_flag(v, MUSTER_VAR_DEV_MODE));
    ck_assert_uint_eq(muster_variable_uint(v, MUSTER_VAR_DEMO_NODES), 3);
    ck_assert_double_eq(muster_variable_number(v, MUSTER_VAR_TIMEOUT_MULTIPLIER), 1);
    ck_assert_double_eq(muster_variable_number(v, MUSTER_VAR_SLOT_TIME), 0);
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_RUNNER), "local");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_LOG_DIR), "");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_NODE_LOG_LEVEL), "info");
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        ck_assert(!muster_variable_is_set(v, (enum muster_variable)i));
    }
}
END_TEST

START_TEST(empty_is_unset)
{
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        setenv(muster_variable_info((enum muster_variable)i)->name, "", 1);
    }
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *v = read_variables();
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        ck_assert(!muster_variable_is_set(v, (enum muster_variable)i));
    }
    ck_assert_uint_eq(muster_variable_uint(v, MUSTER_VAR_DEMO_RUN_SECS), 60);
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_RUNNER), "local");
    /* But an empty flag says no, also where the default is yes. */
    ck_assert(!muster_variable_flag(v, MUSTER_VAR_DEV_MODE));
}
END_TEST

static const char *const yes[] = { "1", "true", "yes", "on", "TRUE", "Yes", "oN" };
static const char *const no[] = { "0", "false", "no", "off", "False", "NO", "OFF", "" };

START_TEST(flags_are_true)
{
    MUSTER_CLEANUP(muster_variables_destroy)
    struct muster_variables *v = read_with("LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS", yes[_i]);
    ck_assert(muster_variable_flag(v, MUSTER_VAR_KEEP_LOGS));
    ck_assert(muster_variable_is_set(v, MUSTER_VAR_KEEP_LOGS));
}
END_TEST

START_TEST(flags_are_false)
{
    MUSTER_CLEANUP(muster_variables_destroy)
    struct muster_variables *v = read_with("POL_PROOF_DEV_MODE", no[_i]);
    ck_assert(!muster_variable_flag(v, MUSTER_VAR_DEV_MODE));
}
END_TEST

START_TEST(other_flags_are_refused)
{
    static const char *const bad[] = { "maybe", "2", " 1", "1 ", "yess", "t", "-1", "01" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[256];
        snprintf(
            expected, sizeof expected,
            "LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS is '%s'; use 1, true, yes or on, or 0, false, no, off or empty",
            bad[i]);
        ck_assert_str_eq(refusal("LOGOS_BLOCKCHAIN_TESTS_KEEP_LOGS", bad[i]), expected);
    }
}
END_TEST

START_TEST(whole_numbers_reach_both_ends)
{
    struct muster_variables *v = read_with("LOGOS_BLOCKCHAIN_DEMO_NODES", "1");
    ck_assert_uint_eq(muster_variable_uint(v, MUSTER_VAR_DEMO_NODES), 1);
    muster_variables_destroy(v);
    v = read_with("LOGOS_BLOCKCHAIN_DEMO_NODES", "0250");
    ck_assert_uint_eq(muster_variable_uint(v, MUSTER_VAR_DEMO_NODES), 250);
    muster_variables_destroy(v);
}
END_TEST

START_TEST(other_whole_numbers_are_refused)
{
    static const char *const bad[] = { "abc",
                                       "0",
                                       "251",
                                       "-1",
                                       "+3",
                                       " 3",
                                       "3 ",
                                       "3x",
                                       "3.0",
                                       "1e1",
                                       "0x3",
                                       "1,000",
                                       "99999999999999999999999999",
                                       "\xd9\xa3" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected,
                 "LOGOS_BLOCKCHAIN_DEMO_NODES is '%s'; use a whole number from 1 to 250", bad[i]);
        ck_assert_str_eq(refusal("LOGOS_BLOCKCHAIN_DEMO_NODES", bad[i]), expected);
    }
}
END_TEST

START_TEST(seeds_are_full_64_bits)
{
    static const struct {
        const char *text;
        uint64_t seed;
    } seeds[] = {
        { "0", 0 },
        { "9007199254740993", 9007199254740993u }, /* 2^53 + 1: no double. */
        { "18446744073709551614", UINT64_MAX - 1 },
        { "18446744073709551615", UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct muster_variables *v = read_with("MUSTER_SEED", seeds[i].text);
        ck_assert(muster_variable_is_set(v, MUSTER_VAR_SEED));
        ck_assert_uint_eq(muster_variable_uint(v, MUSTER_VAR_SEED), seeds[i].seed);
        muster_variables_destroy(v);
    }
    ck_assert_str_eq(
        refusal("MUSTER_SEED", "18446744073709551616"),
        "MUSTER_SEED is '18446744073709551616'; use a whole number from 0 to 18446744073709551615");
}
END_TEST

START_TEST(numbers_may_be_fractions)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = { { "0.02", 0.02 }, { "3600", 3600 }, { ".5", 0.5 },
                    { "5e-1", 0.5 },  { "+2", 2 },      { "1.", 1 } };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct muster_variables *v = read_with("CONSENSUS_SLOT_TIME", numbers[i].text);
        ck_assert_double_eq(muster_variable_number(v, MUSTER_VAR_SLOT_TIME), numbers[i].value);
        muster_variables_destroy(v);
    }
}
END_TEST

START_TEST(other_numbers_are_refused)
{
    static const char *const bad[] = {
        "abc", "0",   "0.0199", "3600.1", "-1", "nan", "inf",   "0x1", " 1",
        "1 ",  "1,5", "1s",     "1e",     ".",  "-",   "1.2.3", "1e9", "1e999"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "CONSENSUS_SLOT_TIME is '%s'; use a number from 0.02 to 3600",
                 bad[i]);
        ck_assert_str_eq(refusal("CONSENSUS_SLOT_TIME", bad[i]), expected);
    }
}
END_TEST

START_TEST(levels_are_normalised)
{
    struct muster_variables *v = read_with("LOGOS_BLOCKCHAIN_LOG_LEVEL", "DeBuG");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_NODE_LOG_LEVEL), "debug");
    muster_variables_destroy(v);
    ck_assert_str_eq(refusal("LOGOS_BLOCKCHAIN_LOG_LEVEL", "loud"),
                     "LOGOS_BLOCKCHAIN_LOG_LEVEL is 'loud'; use trace, debug, info, warn or error");
    ck_assert_ptr_nonnull(strstr(refusal("LOGOS_BLOCKCHAIN_LOG_LEVEL", "off"), "is 'off'; use trace"));
}
END_TEST

START_TEST(texts_are_kept_as_they_are)
{
    struct muster_variables *v = read_with("LOGOS_BLOCKCHAIN_LOG_FILTER", " chain=debug, p2p=warn\xc3\xa9 ");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_NODE_LOG_FILTER), " chain=debug, p2p=warn\xc3\xa9 ");
    muster_variables_destroy(v);
    ck_assert_str_eq(refusal("K8S_RUNNER_NAMESPACE", "a\nb\x7f"),
                     "K8S_RUNNER_NAMESPACE is 'a?b?'; use a value without control characters");
}
END_TEST

START_TEST(oversized_texts_are_refused)
{
    char text[5000];
    memset(text, 'a', sizeof text);
    text[64] = '\0';
    char expected[256];
    snprintf(expected, sizeof expected, "K8S_RUNNER_NAMESPACE is '%.64s', 64 bytes long; use 1 to 63 bytes",
             text);
    ck_assert_str_eq(refusal("K8S_RUNNER_NAMESPACE", text), expected);
    text[64] = 'a';
    text[sizeof text - 1] = '\0';
    snprintf(expected, sizeof expected,
             "K8S_RUNNER_NAMESPACE is '%.64s...', 4999 bytes long; use 1 to 63 bytes", text);
    ck_assert_str_eq(refusal("K8S_RUNNER_NAMESPACE", text), expected);
    text[63] = '\0';
    muster_variables_destroy(read_with("K8S_RUNNER_NAMESPACE", text));
}
END_TEST

START_TEST(paths_become_absolute)
{
    char here[PATH_MAX];
    char expected[PATH_MAX + 16];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/logs/x", here);
    struct muster_variables *v = read_with("LOGOS_BLOCKCHAIN_LOG_DIR", "logs/x");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_LOG_DIR), expected);
    muster_variables_destroy(v);
    v = read_with("LOGOS_BLOCKCHAIN_LOG_DIR", "/var/log");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_LOG_DIR), "/var/log");
    muster_variables_destroy(v);
    ck_assert_int_eq(chdir("/"), 0);
    v = read_with("LOGOS_BLOCKCHAIN_LOG_DIR", "logs");
    ck_assert_str_eq(muster_variable_text(v, MUSTER_VAR_LOG_DIR), "/logs");
    muster_variables_destroy(v);
}
END_TEST

START_TEST(paths_that_cannot_be_absolute_are_refused)
{
    char text[3001];
    memset(text, 'a', sizeof text);
    text[3000] = '\0';
    ck_assert_int_eq(chdir("/tmp"), 0);
    const char *sentence = refusal("MUSTER_RUN_ROOT", text);
    ck_assert_ptr_nonnull(strstr(sentence, "longer than 3000 bytes below '/tmp'; use a shorter path"));

    char directory[] = "/tmp/muster-variables-test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert_str_eq(
        refusal("MUSTER_RUN_ROOT", "runs"),
        "MUSTER_RUN_ROOT is 'runs'; use an absolute path, since the current directory is not known: "
        "No such file or directory");
}
END_TEST

START_TEST(lists_hold_items)
{
    MUSTER_CLEANUP(muster_variables_destroy)
    struct muster_variables *v = read_with("MUSTER_REQUIRE_RUNNERS", " local ,,compose,k8s ");
    ck_assert(muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, "local"));
    ck_assert(muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, "compose"));
    ck_assert(muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, "k8s"));
    ck_assert(!muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, "loc"));
    ck_assert(!muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, "locals"));
    ck_assert(!muster_variable_list_has(v, MUSTER_VAR_REQUIRE_RUNNERS, ""));
    ck_assert(!muster_variable_list_has(v, MUSTER_VAR_EXTERNAL_NODES, "local"));
}
END_TEST

START_TEST(slowdown_multiplies_and_never_shrinks)
{
    static const struct {
        const char *slow;
        const char *multiplier;
        double factor;
    } cases[] = { { "", "", 1 },    { "true", "", 2 },    { "", "3", 3 },    { "1", "2.5", 5 },
                  { "", "0.5", 1 }, { "1", "0.75", 1.5 }, { "1", "0.1", 1 }, { "", "0.001", 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("SLOW_TEST_ENV", cases[i].slow, 1);
        struct muster_variables *v = read_with("CK_TIMEOUT_MULTIPLIER", cases[i].multiplier);
        ck_assert_double_eq(muster_variables_slowdown(v), cases[i].factor);
        muster_variables_destroy(v);
    }
    ck_assert_str_eq(refusal("CK_TIMEOUT_MULTIPLIER", "-1"),
                     "CK_TIMEOUT_MULTIPLIER is '-1'; use a number from 0.001 to 1000");
    ck_assert_str_eq(refusal("CK_TIMEOUT_MULTIPLIER", "0"), /* Limits are divided by it. */
                     "CK_TIMEOUT_MULTIPLIER is '0'; use a number from 0.001 to 1000");
}
END_TEST

START_TEST(muster_log_wins_over_rust_log)
{
    struct muster_variables *v = read_variables();
    ck_assert_str_eq(muster_variables_log_filter(v), "warn");
    muster_variables_destroy(v);
    v = read_with("RUST_LOG", "info");
    ck_assert_str_eq(muster_variables_log_filter(v), "info");
    muster_variables_destroy(v);
    v = read_with("MUSTER_LOG", "debug");
    ck_assert_str_eq(muster_variables_log_filter(v), "debug");
    muster_variables_destroy(v);
    v = read_with("MUSTER_LOG", "");
    ck_assert_str_eq(muster_variables_log_filter(v), "info");
    muster_variables_destroy(v);
}
END_TEST

START_TEST(destroying_null_is_fine)
{
    muster_variables_destroy(NULL);
    /* And an error to write to is not needed. */
    struct muster_variables *v = NULL;
    setenv("MUSTER_SEED", "x", 1);
    ck_assert_int_eq(muster_variables_read(&v, NULL), MUSTER_EINVAL);
}
END_TEST

static Suite *variables_suite(void)
{
    Suite *suite = suite_create("variables");
    TCase *tcase = tcase_create("variables");
    tcase_add_checked_fixture(tcase, clear_environment, NULL);
    tcase_add_test(tcase, table_is_complete);
    tcase_add_test(tcase, defaults_hold_without_environment);
    tcase_add_test(tcase, empty_is_unset);
    tcase_add_loop_test(tcase, flags_are_true, 0, sizeof yes / sizeof yes[0]);
    tcase_add_loop_test(tcase, flags_are_false, 0, sizeof no / sizeof no[0]);
    tcase_add_test(tcase, other_flags_are_refused);
    tcase_add_test(tcase, whole_numbers_reach_both_ends);
    tcase_add_test(tcase, other_whole_numbers_are_refused);
    tcase_add_test(tcase, seeds_are_full_64_bits);
    tcase_add_test(tcase, numbers_may_be_fractions);
    tcase_add_test(tcase, other_numbers_are_refused);
    tcase_add_test(tcase, levels_are_normalised);
    tcase_add_test(tcase, texts_are_kept_as_they_are);
    tcase_add_test(tcase, oversized_texts_are_refused);
    tcase_add_test(tcase, paths_become_absolute);
    tcase_add_test(tcase, paths_that_cannot_be_absolute_are_refused);
    tcase_add_test(tcase, lists_hold_items);
    tcase_add_test(tcase, slowdown_multiplies_and_never_shrinks);
    tcase_add_test(tcase, muster_log_wins_over_rust_log);
    tcase_add_test(tcase, destroying_null_is_fine);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(variables_suite);
