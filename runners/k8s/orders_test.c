#include "k8s/orders.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PODS_MAX 40u

static const struct k8s_cluster cluster = { .kubectl = "/usr/bin/kubectl", .context = "testbed" };

/* Stands in for kubectl: what each call was, and what it is to say. */
struct script {
    unsigned rounds;
    unsigned calls[4]; /* Of each round. */
    char said_to[1024]; /* Of each call its pod and addresses. */
    const char *outputs[2]; /* What a call says in the first round, and after it. */
    const char *complaint;
    enum muster_rc rc;
};

static void note_call(struct script *script, const struct runner_argv *argv)
{
    size_t used = strlen(script->said_to);
    size_t i = 0;
    while (i < argv->count && strcmp(argv->args[i], "space") != 0) {
        i++;
    }
    used += (size_t)snprintf(script->said_to + used, sizeof script->said_to - used, "%s:", argv->args[i + 1]);
    for (i += 2; i < argv->count; i++) {
        if (strncmp(argv->args[i], "10.", 3) == 0) {
            used +=
                (size_t)snprintf(script->said_to + used, sizeof script->said_to - used, " %s", argv->args[i]);
        }
    }
    snprintf(script->said_to + used, sizeof script->said_to - used, ";");
}

static enum muster_rc run_script(void *context, const struct runner_argv *argvs, struct k8s_said *said,
                                 size_t count, struct muster_error *err)
{
    struct script *script = context;
    const char *output = script->outputs[script->rounds == 0 ? 0 : 1];
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_le(argvs[i].count, RUNNER_ARGS_MAX);
        ck_assert_str_eq(argvs[i].args[1], "--context");
        note_call(script, &argvs[i]);
        said[i].output = output == NULL ? NULL : strdup(output);
        said[i].complaint = script->complaint == NULL ? NULL : strdup(script->complaint);
    }
    script->calls[script->rounds++] = (unsigned)count;
    return script->rc == MUSTER_OK ? MUSTER_OK : muster_error_set(err, script->rc, "as the test asked");
}

static struct k8s_member members[PODS_MAX];
static char names[PODS_MAX][16];
static char addresses[PODS_MAX][16];

static enum muster_rc order(struct script *script, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        snprintf(addresses[i], sizeof addresses[i], "10.0.0.%zu", i);
        members[i] = (struct k8s_member){ .space = "space", .pod = names[i], .address = addresses[i] };
    }
    return k8s__order_all(&cluster, "stop", members, count, run_script, script, NULL);
}

START_TEST(one_call_tells_several)
{
    struct script script = { .outputs = { "ok\nended -1 15 0 0\nno: the node does not run\n", NULL } };
    ck_assert_int_eq(order(&script, 3), MUSTER_OK);
    ck_assert_uint_eq(script.rounds, 1);
    ck_assert_str_eq(script.said_to, "n0: 10.0.0.0 10.0.0.1 10.0.0.2;");
    ck_assert_str_eq(members[0].answer, "ok");
    ck_assert_str_eq(members[1].answer, "ended -1 15 0 0");
    ck_assert_str_eq(members[2].answer, "no: the node does not run");
}
END_TEST

START_TEST(one_alone_needs_no_address)
{
    struct script script = { .outputs = { "ok\n", NULL } };
    ck_assert_int_eq(order(&script, 1), MUSTER_OK);
    ck_assert_uint_eq(script.rounds, 1);
    ck_assert_str_eq(script.said_to, "n0:;");
}
END_TEST

START_TEST(who_was_not_reached_is_told_alone)
{
    struct script script = { .outputs = { "ok\nno: the keeper does not answer: timed out\n", "ok\n" } };
    ck_assert_int_eq(order(&script, 3), MUSTER_OK);
    ck_assert_uint_eq(script.rounds, 2);
    ck_assert_str_eq(script.said_to, "n0: 10.0.0.0 10.0.0.1 10.0.0.2;n1:;n2:;");
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(members[i].answer, "ok");
    }
}
END_TEST

START_TEST(many_are_told_in_groups)
{
    struct script script = { .outputs = { NULL, "ok\n" }, .complaint = "error: the pod is gone\n" };
    ck_assert_int_eq(order(&script, PODS_MAX), MUSTER_OK);
    ck_assert_uint_eq(script.rounds, 2);
    ck_assert_uint_eq(script.calls[0], (PODS_MAX + 15) / 16);
    ck_assert_uint_eq(script.calls[1], PODS_MAX);
}
END_TEST

START_TEST(why_nobody_answered_is_kept)
{
    struct script script = { .complaint = "error: the pod is gone\n" };
    ck_assert_int_eq(order(&script, 2), MUSTER_OK);
    ck_assert_uint_eq(script.rounds, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(members[i].answer,
                         "no: the keeper does not answer: kubectl exec: error: the pod is gone");
    }
}
END_TEST

START_TEST(what_cannot_be_run_ends_it)
{
    struct script script = { .rc = MUSTER_EINFRA };
    ck_assert_int_eq(order(&script, 2), MUSTER_EINFRA);
    ck_assert_uint_eq(script.rounds, 1);
}
END_TEST

START_TEST(without_an_address_each_is_told_alone)
{
    struct script script = { .outputs = { "ok\n", "ok\n" } };
    for (size_t i = 0; i < 2; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        members[i] = (struct k8s_member){ .space = "space", .pod = names[i], .address = "" };
    }
    ck_assert_int_eq(k8s__order_all(&cluster, "start", members, 2, run_script, &script, NULL), MUSTER_OK);
    ck_assert_str_eq(script.said_to, "n0:;n1:;");
    ck_assert_str_eq(members[1].answer, "ok");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("orders");
    TCase *tests = tcase_create("orders");
    tcase_add_test(tests, one_call_tells_several);
    tcase_add_test(tests, one_alone_needs_no_address);
    tcase_add_test(tests, who_was_not_reached_is_told_alone);
    tcase_add_test(tests, many_are_told_in_groups);
    tcase_add_test(tests, why_nobody_answered_is_kept);
    tcase_add_test(tests, what_cannot_be_run_ends_it);
    tcase_add_test(tests, without_an_address_each_is_told_alone);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
