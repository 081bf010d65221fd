/* For tests of the builder: parts that count how often they are destroyed. */
#ifndef MUSTER_SRC_SCENARIO_TEST_H
#define MUSTER_SRC_SCENARIO_TEST_H

#include <stdio.h>
#include <string.h>

#include "muster/run.h"
#include "muster/scenario.h"
#include "muster/system.h"
#include "testing/unit_test.h"

static int destroyed;

static inline void destroy_counted(void *context)
{
    int *count = context;
    (*count)++;
}

static inline enum muster_rc run_nothing(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)context;
    (void)err;
    return MUSTER_OK;
}

static inline enum muster_rc evaluate_nothing(struct muster_run *run, void *context,
                                              struct muster_report *report, struct muster_error *err)
{
    (void)report;
    return run_nothing(run, context, err);
}

static inline struct muster_workload workload_named(const char *name)
{
    return (struct muster_workload){ name, run_nothing, &destroyed, destroy_counted };
}

static inline struct muster_expectation expectation_named(const char *name)
{
    return (struct muster_expectation){
        .name = name, .evaluate = evaluate_nothing, .context = &destroyed, .destroy = destroy_counted
    };
}

static inline struct muster_scenario *create(void)
{
    destroyed = 0;
    struct muster_scenario *s = muster_scenario_create("suite", "scenario");
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_null(muster_scenario_mistake(s));
    return s;
}

/* The scenario's first mistake; s is destroyed. */
static inline void check_mistake(struct muster_scenario *s, const char *expected)
{
    const struct muster_error *mistake = muster_scenario_mistake(s);
    if (expected == NULL) {
        ck_assert_msg(mistake == NULL, "unexpected: %s", mistake != NULL ? mistake->text : "");
    } else {
        ck_assert_ptr_nonnull(mistake);
        ck_assert_int_eq(mistake->rc, MUSTER_EINVAL);
        ck_assert_str_eq(mistake->text, expected);
    }
    muster_scenario_destroy(s);
}

#endif
