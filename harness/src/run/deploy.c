/* Deploy and capture: from a session to a cluster that is ready, with all baselines taken. */
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "guardian/suite.h"
#include "muster/clock.h"
#include "nodes/ready.h"
#include "run/attach.h"
#include "run/conclude.h"
#include "run/deployment.h"
#include "run/internal.h"
#include "run/observe.h"
#include "run/run_json.h"

/* ---- What the guardian tells, from its client's thread ---- */

static void on_ended(void *context, uint32_t process, uint32_t node, bool told,
                     const struct muster_exit *exit)
{
    struct muster_run *run = context;
    char how[96];
    muster_run_event(run, "process_ended", "{s:I, s:I, s:b, s:s}", "process", (json_int_t)process, "node",
                     node == MUSTER_NO_NODE ? (json_int_t)-1 : (json_int_t)node, "told", told, "how",
                     muster_exit_describe(exit, how));
    if (node == MUSTER_NO_NODE) {
        return;
    }
    if (told) {
        muster__nodes_ended(run->nodes, node, exit);
    } else {
        muster__nodes_died(run->nodes, node, exit);
    }
}

static void on_gone(void *context)
{
    struct muster_run *run = context;
    muster_run_event(run, "guardian_gone", NULL);
    muster__nodes_fail(run->nodes, MUSTER_EINFRA,
                       "the guardian of this run was killed; `muster sweep` removes what it could not");
}

static void on_flooded(void *context, uint32_t node, uint64_t log_bytes)
{
    struct muster_run *run = context;
    muster_run_event(run, "log_flood", "{s:I, s:I}", "node", (json_int_t)node, "log_bytes",
                     (json_int_t)log_bytes);
    muster__nodes_fail(run->nodes, MUSTER_ENODE,
                       "node-%u floods its log: %.1f MB by %.1f s; it was stopped before the disk filled",
                       node, (double)log_bytes / 1e6, muster__run_seconds(run, muster_clock_ms()));
}

/* ---- The parts ---- */

static enum muster_rc open_events(struct muster_run *run, struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(path, err, "%s/events.jsonl", run->session->directory);
    return rc != MUSTER_OK ? rc : muster__events_open(path, run->session->began_ms, &run->events, err);
}

static enum muster_rc make_parts(struct muster_run *run, struct muster_error *err)
{
    struct muster_session *session = run->session;
    enum muster_rc rc =
        muster__nodes_create(run->plan->node_count, session->directory, session->began_ms, &run->nodes, err);
    if (rc == MUSTER_OK) {
        muster__nodes_on_change(run->nodes, muster__run_wake, run);
        rc = muster__guardian_attach(
            session->test_fd,
            &(struct muster__guardian_callbacks){
                .ended = on_ended, .gone = on_gone, .flooded = on_flooded, .context = run },
            &run->guardian, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__http_create(&run->http, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__observation_create(run, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__deployment_create(session, run->guardian, run->nodes, &run->deployment, err);
    }
    return rc;
}

/* ---- The cluster ---- */

static enum muster_rc find_endpoints(struct muster_run *run, struct muster_error *err)
{
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_endpoint endpoint = { 0 };
        enum muster_rc rc = run->session->runner->endpoint(run->runner_state, i, &endpoint, err);
        if (rc != MUSTER_OK) {
            return muster_error_context(err, rc, "finding where node-%u answers", i);
        }
        muster__nodes_set_endpoint(run->nodes, i, &endpoint);
        muster_run_event(run, "endpoint", "{s:I, s:s}", "node", (json_int_t)i, "url", endpoint.base_url);
    }
    return MUSTER_OK;
}

static enum muster_rc await_ready(struct muster_run *run, struct muster_error *err)
{
    bool attaches = run->session->runner->attaches;
    uint64_t deadline_ms = muster_clock_ms() + muster__run_ready_ms(run);
    enum muster_rc rc =
        muster__ready_wait(run->plan, run->http, run->nodes, MUSTER_EVERY_NODE,
                           attaches ? MUSTER__PEERS_OF_OTHERS : MUSTER__PEERS_OF_LAYOUT, deadline_ms, err);
    if (rc == MUSTER_OK && attaches) {
        rc = muster__network_check(run, err);
    }
    return rc;
}

static enum muster_rc bring_up(struct muster_run *run, struct muster_error *err)
{
    /* Before they start: one that ends at once must find itself known as running, to be a failure. */
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        muster__nodes_set_state(run->nodes, i, MUSTER_NODE_RUNNING);
    }
    run->runner_was_up = true;
    enum muster_rc rc = run->session->runner->up(run->deployment, &run->runner_state, err);
    if (rc == MUSTER_OK) {
        muster_run_event(run, "up", "{s:I}", "nodes", (json_int_t)run->plan->node_count);
        rc = find_endpoints(run, err);
    }
    if (rc == MUSTER_OK) {
        rc = await_ready(run, err);
    }
    if (rc == MUSTER_OK) {
        muster_run_event(run, "ready", NULL);
    }
    return rc;
}

/* The lines that scripts look for; their form is fixed. */
static void print_endpoints(struct muster_run *run)
{
    const struct muster_variables *variables = run->session->variables;
    if (!muster_variable_flag(variables, MUSTER_VAR_PRINT_ENDPOINTS)) {
        return;
    }
    const char *metrics = muster_variable_text(variables, MUSTER_VAR_METRICS_QUERY_URL);
    size_t bytes = strlen(metrics);
    printf("TESTNET_ENDPOINTS prometheus=%s%s grafana=<disabled>\n", bytes == 0 ? "<disabled>" : metrics,
           bytes > 0 && metrics[bytes - 1] != '/' ? "/" : "");
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_endpoint at = { 0 };
        if (muster__nodes_endpoint(run->nodes, i, &at, NULL) == MUSTER_OK) {
            printf("TESTNET_PPROF node_%u=%s/debug/pprof/profile?seconds=15&format=proto\n", i, at.base_url);
            printf("TESTNET_NODE node_%u=%s\n", i, at.base_url);
        }
    }
    fflush(stdout);
}

static enum muster_rc deploy(struct muster_run *run, struct muster_error *err)
{
    enum muster_rc rc = open_events(run, err); /* First: the phase is an event itself. */
    muster__run_enter(run, MUSTER_DEPLOY);
    if (rc == MUSTER_OK) {
        rc = make_parts(run, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster__run_save(run, err);
    }
    if (rc == MUSTER_OK) {
        muster__run_note(run); /* Nobody was there to note it when the phase began. */
        rc = bring_up(run, err);
    }
    if (rc == MUSTER_OK) {
        print_endpoints(run);
        rc = muster__run_capture(run, err);
    }
    return rc;
}

enum muster_rc muster_session_deploy(struct muster_session *session, struct muster_run **ret,
                                     struct muster_error *err)
{
    struct muster_error cause = { 0 };
    if (session->run != NULL) {
        return muster_error_set(err, MUSTER_ESTATE, "'%s' is deployed already", session->plan->name);
    }
    struct muster_run *run = muster__run_create(session);
    if (run == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a run of '%s'", session->plan->name);
    }
    session->run = run;
    muster__session_end_with_suite(session);
    enum muster_rc rc = deploy(run, &cause);
    if (rc != MUSTER_OK) {
        muster_error_context(&cause, rc, "deploying '%s.%s' on %s", session->plan->suite, session->plan->name,
                             session->runner->name);
        muster__run_fail(run, &cause);
        muster__run_blame_backend(run);
        muster__run_conclude(run);
        return muster__run_failure(run, err);
    }
    *ret = run;
    return MUSTER_OK;
}
