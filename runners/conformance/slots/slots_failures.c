/* Promises about slots that fail on their Nth call: the run ends for that reason and leaves nothing. */
#include <stdio.h>
#include <string.h>

#include "slots/slots_promises.h"

/* How a run ends after a failure in deploy or clean-up. */
struct failure {
    struct slots_fault fault;
    bool deploys; /* The run is deployed despite the failure. */
    bool leaves; /* The run may leave something, for `muster sweep` to remove. */
    enum muster_verdict verdict;
};

static const char *expected_text(const struct failure *failure)
{
    return failure->verdict == MUSTER_PASS ? "" : "made to fail";
}

static void check_deployed(const struct failure *failure, enum muster_rc rc, const struct muster_error *err,
                           struct complaint *ret)
{
    if (failure->deploys && rc != MUSTER_OK) {
        complain(ret, "deploying: %s", err->text);
    } else if (!failure->deploys && rc != failure->fault.rc) {
        complain(ret, "deploying is answered with %s instead of %s: '%s'", muster_rc_name(rc),
                 muster_rc_name(failure->fault.rc), err->text);
    }
}

static void check_one(const struct slots_subject *subject, const struct muster_runner *runner,
                      const struct failure *failure, struct complaint *ret)
{
    struct slots_run run;
    struct muster_error err = { 0 };
    enum muster_rc rc = slots_run_init(&run, subject, runner, &failure->fault, 0, &err);
    if (rc != MUSTER_OK) {
        complain(ret, "%s", err.text);
        slots_run_fini(&run);
        return;
    }
    rc = slots_run_deploy(&run, &err);
    check_deployed(failure, rc, &err, ret);
    slots_run_end(&run);
    slots_run_check_outcome(&run, failure->verdict, expected_text(failure), ret);
    if (slots_calls(failure->fault.slot) < failure->fault.call) {
        complain(ret, "the slot was called %u times only", slots_calls(failure->fault.slot));
    }
    muster_error_clear(&err);
    if (failure->leaves && slots_run_sweep(&run, &err) != MUSTER_OK) {
        complain(ret, "sweeping: %s", err.text);
    }
    slots_run_check_clean(&run, ret);
    slots_run_fini(&run);
}

static void check_all(const struct slots_subject *subject, const struct muster_runner *runner,
                      const struct failure *failures, size_t count, struct complaint *ret)
{
    for (size_t i = 0; i < count; i++) {
        struct complaint one = { "" };
        check_one(subject, runner, &failures[i], &one);
        if (complained(&one)) {
            complain(ret, "case %zu: %s", i + 1, one.text);
        }
    }
}

#define CHECK_ALL(failures)                                                                                  \
    check_all(subject, runner, failures, sizeof(failures) / sizeof((failures)[0]), ret)

static void up_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                     struct complaint *ret)
{
    static const struct failure failures[] = {
        { { SLOTS_UP, 1, MUSTER_EINFRA, false }, .verdict = MUSTER_INFRA },
        { { SLOTS_UP, 1, MUSTER_ENODE, true }, .verdict = MUSTER_FAIL }, /* All was created. */
        { { SLOTS_RENDER, 1, MUSTER_EINVAL, false }, .verdict = MUSTER_FAIL },
        { { SLOTS_RENDER, SLOTS_NODES, MUSTER_EINVAL, false }, .verdict = MUSTER_FAIL }, /* Half way. */
    };
    CHECK_ALL(failures);
}

static void endpoint_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                           struct complaint *ret)
{
    static const struct failure failures[] = {
        { { SLOTS_ENDPOINT, SLOTS_NODES, MUSTER_EINFRA, false }, .verdict = MUSTER_INFRA },
    };
    CHECK_ALL(failures);
}

static void collect_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                          struct complaint *ret)
{
    static const struct failure failures[] = {
        { { SLOTS_COLLECT, 1, MUSTER_EINFRA, false }, .deploys = true, .verdict = MUSTER_PASS },
    };
    CHECK_ALL(failures);
}

static void down_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                       struct complaint *ret)
{
    static const struct failure failures[] = {
        { { SLOTS_DOWN, 1, MUSTER_EINFRA, false }, true, true, MUSTER_INFRA },
    };
    CHECK_ALL(failures);
}

static void audit_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                        struct complaint *ret)
{
    static const struct failure failures[] = {
        { { SLOTS_AUDIT, 1, MUSTER_EINFRA, false }, true, true, MUSTER_INFRA },
    };
    CHECK_ALL(failures);
}

/* ---- Control ---- */

/* One call of a restart fails; node-1 can be started again afterwards. */
static void fail_and_recover(struct slots_run *run, const struct slots_fault *fault, struct complaint *ret)
{
    static const char sentence[] = "cannot restart node-1: made to fail";
    struct muster_error err = { 0 };
    struct muster_node_view view;
    slots_rearm(fault);
    enum muster_rc rc = muster_node_restart(run->run, 1, &err);
    if (rc != fault->rc || strcmp(err.text, sentence) != 0) {
        complain(ret, "restarting is answered with %s: '%s' instead of '%s'", muster_rc_name(rc), err.text,
                 sentence);
    }
    muster_error_clear(&err);
    muster_node_view(run->run, 1, &view);
    rc = view.state == MUSTER_NODE_STOPPED ? muster_node_start(run->run, 1, &err)
                                           : muster_node_restart(run->run, 1, &err);
    if (rc != MUSTER_OK) {
        complain(ret, "the second time: %s", err.text);
    }
}

static void control_fails(const struct slots_subject *subject, const struct muster_runner *runner,
                          struct complaint *ret)
{
    static const struct slots_fault none = { .slot = SLOTS_NONE };
    static const struct slots_fault faults[] = {
        { SLOTS_CONTROL, 1, MUSTER_ENODE, false }, /* The stop. */
        { SLOTS_CONTROL, 2, MUSTER_ENODE, false }, /* The start. */
        { SLOTS_ENDPOINT, 1, MUSTER_EINFRA, false }, /* Where it came back. */
    };
    struct slots_run run;
    struct muster_error err = { 0 };
    enum muster_rc rc = slots_run_init(&run, subject, runner, &none, MUSTER_NODE_CONTROL, &err);
    if (rc == MUSTER_OK) {
        rc = slots_run_deploy(&run, &err);
    }
    for (size_t i = 0; i < sizeof faults / sizeof faults[0] && rc == MUSTER_OK; i++) {
        struct complaint one = { "" };
        fail_and_recover(&run, &faults[i], &one);
        if (complained(&one)) {
            complain(ret, "case %zu: %s", i + 1, one.text);
        }
    }
    if (rc != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
    slots_run_end(&run);
    slots_run_check_outcome(&run, MUSTER_PASS, "", ret);
    slots_run_check_clean(&run, ret);
    slots_run_fini(&run);
}

const struct slots_promise slots_failures[] = {
    { "up_fails", false, up_fails },
    { "endpoint_fails", false, endpoint_fails },
    { "control_fails", true, control_fails },
    { "collect_fails", false, collect_fails },
    { "down_fails", false, down_fails },
    { "audit_fails", false, audit_fails },
    { 0 },
};
