/* One scenario on a runner of one's own, without Check: what the glue to a test framework does. */
#include <muster/session.h>
#include <stdio.h>
#include <stdlib.h>

#include "counter.h"
#include "plain_runner.h"

static struct counter_tally tally;

static enum muster_rc plan_it(const struct muster_variables *variables, struct muster_plan **ret,
                              struct muster_error *err)
{
    struct muster_scenario *s = muster_scenario_create("counter", "plain");
    if (s == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a plan");
    }
    muster_system(s, counter_system());
    muster_topology(s, &(struct muster_topology){ .nodes = 2 });
    counter_count(s, &tally);
    counter_expect_kept(s, &tally);
    muster_run_duration(s, MUSTER_SECONDS(1));
    return muster_scenario_build(s, variables, ret, err);
}

/* Nothing runs after it, however it ends: that is the guardian's promise, which muster_session_open() forks.
 */
static enum muster_rc run_it(const struct muster_plan *plan, const struct muster_variables *variables,
                             struct muster_error *err)
{
    struct muster_session *session = NULL;
    struct muster_run *run = NULL;
    struct muster_outcome outcome;
    enum muster_rc rc = muster_session_probe(plan, &plain_runner, variables, err);
    if (rc == MUSTER_OK) {
        rc = muster_session_open(plan, &plain_runner, variables, &session, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = muster_session_deploy(session, &run, err);
    if (rc == MUSTER_OK) {
        muster_run_execute(run, err);
        rc = muster_run_evaluate(run, err);
    }
    enum muster_rc finished = muster_session_finish(session, err);
    rc = rc == MUSTER_OK ? finished : rc;
    muster_session_close(session, &outcome);
    printf("counter.plain on plain: %s\n", muster_verdict_name(outcome.verdict));
    if (rc == MUSTER_OK && outcome.verdict != MUSTER_PASS) { /* Found out once the test was over. */
        rc = muster_error_set(err, MUSTER_ELEAK, "%s", outcome.text);
    }
    return rc;
}

int main(void)
{
    struct muster_error err = { .rc = MUSTER_OK };
    struct muster_variables *variables = NULL;
    struct muster_plan *plan = NULL;
    enum muster_rc rc = muster_variables_read(&variables, &err);
    if (rc == MUSTER_OK) {
        rc = plan_it(variables, &plan, &err);
    }
    if (rc == MUSTER_OK) {
        rc = run_it(plan, variables, &err);
    }
    if (rc != MUSTER_OK) {
        fprintf(stderr, "%s\n", err.text);
    }
    muster_plan_destroy(plan);
    muster_variables_destroy(variables);
    return rc == MUSTER_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
