#include "testing/scenario.h"

#include <check.h>

int scenario_destroyed;

void scenario_destroy_counted(void *context)
{
    int *count = context;
    (*count)++;
}

static enum muster_rc run_nothing(struct muster_run *run, void *context, struct muster_error *err)
{
    (void)run;
    (void)context;
    (void)err;
    return MUSTER_OK;
}

static enum muster_rc evaluate_nothing(struct muster_run *run, void *context, struct muster_report *report,
                                       struct muster_error *err)
{
    (void)report;
    return run_nothing(run, context, err);
}

struct muster_workload scenario_workload_named(const char *name)
{
    return (struct muster_workload){ name, run_nothing, &scenario_destroyed, scenario_destroy_counted };
}

struct muster_expectation scenario_expectation_named(const char *name)
{
    return (struct muster_expectation){ .name = name,
                                        .evaluate = evaluate_nothing,
                                        .context = &scenario_destroyed,
                                        .destroy = scenario_destroy_counted };
}

struct muster_scenario *scenario_create(void)
{
    scenario_destroyed = 0;
    struct muster_scenario *s = muster_scenario_create("suite", "scenario");
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_null(muster_scenario_mistake(s));
    return s;
}

void scenario_check_mistake(struct muster_scenario *s, const char *expected)
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
