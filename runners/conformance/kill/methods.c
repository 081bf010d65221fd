#include "kill/methods.h"

#include <signal.h>
#include <string.h>

const struct method methods[] = {
    { "sigint", INJECT_SUITE, SIGINT, 21, ANY_EXIT, "fail" },
    { "sigterm", INJECT_SUITE, SIGTERM, 21, ANY_EXIT, "fail" },
    { "sigkill", INJECT_SUITE, SIGKILL, 28, ANY_EXIT, "fail" },
    { "test", INJECT_TEST, SIGKILL, 24, 1, "fail" },
    { "guardian", INJECT_GUARDIAN, SIGKILL, 28, 99, "infra" },
    { "guardian_and_suite", INJECT_GUARDIAN_AND_SUITE, SIGKILL, 21, 99, NULL },
    { "check_limit", INJECT_CHECK, SIGKILL, 18, 1, "fail" },
    { "ctest_limit", INJECT_CTEST, SIGKILL, 21, ANY_EXIT, "fail" },
    { "itself", INJECT_NONE, 0, 48, 1, "fail" },
    { NULL, INJECT_NONE, 0, 0, 0, NULL },
};

/* Each way to die by itself, in each phase where code of the user's runs or a thread of his can. With
 * CK_FORK=no the crash takes the suite program along, and what is not a crash does not. */
static const struct fate own_fates[] = {
    { "asserts", MUSTER_CAPTURE, false, false },
    { "asserts", MUSTER_BUILD, false, false },
    { "asserts", MUSTER_EXECUTE, false, false },
    { "asserts", MUSTER_EVALUATE, false, false },
    { "asserts", MUSTER_CAPTURE, true, false },
    { "asserts", MUSTER_BUILD, true, false },
    { "asserts", MUSTER_EXECUTE, true, false },
    { "asserts", MUSTER_EVALUATE, true, false },
    { "crashes", MUSTER_CAPTURE, false, false },
    { "crashes", MUSTER_EXECUTE, false, false },
    { "crashes", MUSTER_SETTLE, false, false },
    { "crashes", MUSTER_EVALUATE, false, false },
    { "crashes", MUSTER_CLEAN_UP, false, false },
    { "crashes", MUSTER_EXECUTE, true, false },
    { "crashes", MUSTER_CLEAN_UP, true, false },
    { "crashes_in_thread", MUSTER_CAPTURE, false, false },
    { "crashes_in_thread", MUSTER_EXECUTE, false, false },
    { "crashes_in_thread", MUSTER_SETTLE, false, false },
    { "crashes_in_thread", MUSTER_EVALUATE, false, false },
    { "crashes_in_thread", MUSTER_CLEAN_UP, false, false },
    { "crashes_in_thread", MUSTER_SETTLE, true, false },
    { "workload_crashes", MUSTER_EXECUTE, false, false },
    { "workload_crashes", MUSTER_EXECUTE, true, false },
    { "aborts", MUSTER_CAPTURE, false, false },
    { "aborts", MUSTER_EXECUTE, false, false },
    { "aborts", MUSTER_SETTLE, false, false },
    { "aborts", MUSTER_EVALUATE, false, false },
    { "aborts", MUSTER_CLEAN_UP, false, false },
    { "aborts", MUSTER_EVALUATE, true, false },
    { "exits_0", MUSTER_CAPTURE, false, false },
    { "exits_0", MUSTER_EXECUTE, false, false },
    { "exits_0", MUSTER_SETTLE, false, false },
    { "exits_0", MUSTER_EVALUATE, false, false },
    { "exits_0", MUSTER_CLEAN_UP, false, false },
    { "exits_3", MUSTER_CAPTURE, false, false },
    { "exits_3", MUSTER_EXECUTE, false, false },
    { "exits_3", MUSTER_EVALUATE, false, false },
    { "exits_3", MUSTER_CAPTURE, true, false },
    { "workload_fails", MUSTER_EXECUTE, false, false },
    { "workload_fails", MUSTER_EXECUTE, true, false },
    { "unjudged", MUSTER_EXECUTE, false, false },
    { "unjudged", MUSTER_EXECUTE, true, false },
    { "node_refuses_to_start", MUSTER_DEPLOY, false, true },
    { "node_refuses_to_start", MUSTER_DEPLOY, true, true },
    { "node_exits_when_ready", MUSTER_DEPLOY, false, true },
    { "node_exits_when_ready", MUSTER_DEPLOY, true, true },
    { "node_is_never_ready", MUSTER_DEPLOY, false, true },
    { "node_is_never_ready", MUSTER_DEPLOY, true, true },
};

/* Steps through the fates so that few trials are of many kinds. It has no divisor in common with their
 * number, so all take their turn. */
#define OWN_STRIDE 43u

const struct method *methods_find(const char *name)
{
    const struct method *method = methods;
    while (method->name != NULL && (name == NULL || strcmp(method->name, name) != 0)) {
        method++;
    }
    return method->name == NULL ? NULL : method;
}

/* Without a fork the test has no process of its own, and Check sets no time limit. */
static bool works_without_fork(const struct method *method)
{
    return method->injection == INJECT_SUITE || method->injection == INJECT_GUARDIAN ||
           method->injection == INJECT_GUARDIAN_AND_SUITE || method->injection == INJECT_CTEST;
}

struct fate methods_fate(const struct method *method, unsigned index)
{
    /* The most important ones first: a slow backend runs few trials. */
    static const enum muster_phase phases[] = { MUSTER_DEPLOY,  MUSTER_CLEAN_UP, MUSTER_EXECUTE,
                                                MUSTER_CAPTURE, MUSTER_EVALUATE, MUSTER_SETTLE,
                                                MUSTER_BUILD };
    enum { PHASES = sizeof phases / sizeof phases[0], OWN = sizeof own_fates / sizeof own_fates[0] };
    if (method->injection == INJECT_NONE) {
        return own_fates[index * OWN_STRIDE % OWN];
    }
    bool of_test = method->injection == INJECT_TEST || method->injection == INJECT_CHECK;
    unsigned count = of_test ? PHASES - 1 : PHASES; /* There is no test before deploy. */
    unsigned round = index / count;
    return (struct fate){ .scenario = "healthy",
                          .phase = phases[index % count],
                          .no_fork = works_without_fork(method) && round % 4 == 1 };
}

const char *methods_phase_name(enum muster_phase phase)
{
    return phase == MUSTER_BUILD ? "setup" : muster_phase_name(phase);
}
