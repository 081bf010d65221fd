/* Control of one node: start, stop, kill, restart, pause, resume. One at a time for each run. */
#include <stdio.h>

#include "base/json.h"
#include "muster/clock.h"
#include "nodes/ready.h"
#include "run/internal.h"
#include "run/observe.h"

uint64_t muster__run_ready_ms(const struct muster_run *run)
{
    if (run->plan->ready_ms != 0) {
        return run->plan->ready_ms;
    }
    uint32_t own_ms = run->session->runner->ready_ms(run->session->variables, run->plan->node_count);
    return (uint64_t)((double)own_ms * run->plan->slowdown);
}

/* ---- May it be done? ---- */

static enum muster_rc check_capability(const struct muster_run *run, const char *what,
                                       struct muster_error *err)
{
    const struct muster_runner *runner = run->session->runner;
    if (runner->control != NULL &&
        (runner->capabilities(run->session->variables) & MUSTER_NODE_CONTROL) != 0) {
        return MUSTER_OK;
    }
    const char *remedy = runner->remedy == NULL ? NULL : runner->remedy(MUSTER_NODE_CONTROL);
    return muster_error_set(err, MUSTER_ESKIP, "cannot %s: the runner '%s' has no node control%s%s", what,
                            runner->name, remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
}

static enum muster_rc check_time(struct muster_run *run, const char *what, bool late,
                                 struct muster_error *err)
{
    enum muster_phase phase = muster_run_phase(run);
    bool is_test = pthread_equal(pthread_self(), run->test_thread) != 0;
    if (!is_test && !late && atomic_load(&run->stopping)) {
        return muster_error_set(err, MUSTER_ESTOPPED, "the window has closed");
    }
    if (phase < MUSTER_CAPTURE || phase > MUSTER_EVALUATE) {
        return muster_error_set(err, MUSTER_ESTATE, "cannot %s in phase %s", what, muster_phase_name(phase));
    }
    return MUSTER_OK;
}

static const char *state_name(enum muster_node_state state)
{
    static const char *const names[] = { "not started", "running", "paused", "stopped", "gone" };
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static bool allows(enum muster_node_state state, enum muster_action action)
{
    switch (action) {
    case MUSTER_START:
        return state == MUSTER_NODE_STOPPED || state == MUSTER_NODE_ABSENT;
    case MUSTER_STOP:
    case MUSTER_KILL:
        return state == MUSTER_NODE_RUNNING || state == MUSTER_NODE_PAUSED;
    case MUSTER_PAUSE:
        return state == MUSTER_NODE_RUNNING;
    case MUSTER_RESUME:
        return state == MUSTER_NODE_PAUSED;
    }
    return false;
}

/* ---- Times in which a node is down on purpose ---- */

static void note_down(struct muster_run *run, uint32_t node)
{
    pthread_mutex_lock(&run->mutex);
    if (!run->down[node]) {
        run->down[node] = true;
        run->down_ms[node] = muster_clock_ms();
        /* Past the bound the last stretch goes on: less is judged then, and nothing wrongly. */
        if (run->down_count++ == 0 && run->outage_count < MUSTER__OUTAGES_MAX) {
            run->outages[run->outage_count++] = (struct muster__outage){ .began_ms = muster_clock_ms() };
        } else {
            run->outages[run->outage_count - 1].ended_ms = 0;
        }
        struct muster__outage *last = &run->outages[run->outage_count - 1];
        last->down_most = run->down_count > last->down_most ? run->down_count : last->down_most;
    }
    pthread_mutex_unlock(&run->mutex);
}

static void note_up(struct muster_run *run, uint32_t node)
{
    pthread_mutex_lock(&run->mutex);
    if (run->down[node]) {
        run->down[node] = false;
        if (--run->down_count == 0) {
            run->outages[run->outage_count - 1].ended_ms = muster_clock_ms();
        }
    }
    pthread_mutex_unlock(&run->mutex);
}

/* ---- Doing it ---- */

static enum muster_rc await_ready(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    struct muster_endpoint endpoint = { 0 };
    uint64_t deadline_ms = muster_clock_ms() + muster__run_ready_ms(run);
    enum muster_rc rc = run->session->runner->endpoint(run->runner_state, node, &endpoint, err);
    if (rc == MUSTER_OK) {
        muster__nodes_set_endpoint(run->nodes, node, &endpoint);
        muster__run_node_changed(run, node);
        rc = muster__ready_wait(run->plan, run->http, run->nodes, node, MUSTER__PEERS_IF_ANY_RUNS,
                                deadline_ms, err);
    }
    if (rc == MUSTER_OK) {
        note_up(run, node);
    }
    return rc;
}

static enum muster_rc start(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    /* First, so that one that ends at once is known to have run. */
    muster__nodes_set_state(run->nodes, node, MUSTER_NODE_RUNNING);
    enum muster_rc rc = run->session->runner->control(run->runner_state, node, MUSTER_START, err);
    if (rc != MUSTER_OK) {
        muster__nodes_set_state(run->nodes, node, MUSTER_NODE_STOPPED);
        return rc;
    }
    return await_ready(run, node, err);
}

/* A node that was told to stop has to do so in order. `before`: how its process before that one ended. */
static enum muster_rc judge_stop(const struct muster_run *run, uint32_t node,
                                 const struct muster_exit *before, struct muster_error *err)
{
    const struct muster_system *system = run->plan->system;
    struct muster_exit exit;
    char how[96];
    if (!muster__nodes_exit(run->nodes, node, &exit) || exit.at_ms == before->at_ms ||
        muster_exit_judge(&exit, system->end_code, node, NULL) == MUSTER_OK) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_ENODE, "told to stop, it %s", muster_exit_describe(&exit, how));
}

static enum muster_rc end(struct muster_run *run, uint32_t node, enum muster_action action,
                          struct muster_error *err)
{
    struct muster_exit before = { 0 };
    (void)muster__nodes_exit(run->nodes, node, &before);
    note_down(run, node);
    muster__nodes_ask_end(run->nodes, node, true);
    enum muster_rc rc = run->session->runner->control(run->runner_state, node, action, err);
    if (rc != MUSTER_OK) {
        muster__nodes_ask_end(run->nodes, node, false);
        return rc;
    }
    muster__nodes_set_state(run->nodes, node, MUSTER_NODE_STOPPED);
    muster__run_node_changed(run, node);
    return action == MUSTER_STOP ? judge_stop(run, node, &before, err) : MUSTER_OK;
}

static enum muster_rc pause_or_resume(struct muster_run *run, uint32_t node, enum muster_action action,
                                      struct muster_error *err)
{
    bool pause = action == MUSTER_PAUSE;
    if (pause) {
        note_down(run, node);
        muster__nodes_set_state(run->nodes, node, MUSTER_NODE_PAUSED);
    }
    enum muster_rc rc = run->session->runner->control(run->runner_state, node, action, err);
    if ((rc == MUSTER_OK) != pause) {
        muster__nodes_set_state(run->nodes, node, MUSTER_NODE_RUNNING);
        note_up(run, node);
    }
    muster__run_node_changed(run, node);
    return rc;
}

static enum muster_rc act(struct muster_run *run, uint32_t node, enum muster_action action,
                          struct muster_error *err)
{
    enum muster_node_state state = muster__nodes_state(run->nodes, node);
    if (!allows(state, action)) {
        return muster_error_set(err, MUSTER_ESTATE, "it is %s", state_name(state));
    }
    switch (action) {
    case MUSTER_START:
        return start(run, node, err);
    case MUSTER_STOP:
    case MUSTER_KILL:
        return end(run, node, action, err);
    case MUSTER_PAUSE:
    case MUSTER_RESUME:
        return pause_or_resume(run, node, action, err);
    }
    return MUSTER_EINVAL;
}

static void count_control(struct muster_run *run, bool begins)
{
    pthread_mutex_lock(&run->mutex);
    run->controls_under_way += begins ? 1u : -1u;
    run->controls_done += begins ? 0u : 1u;
    pthread_mutex_unlock(&run->mutex);
    muster__run_wake(run);
}

/* What a control does, in order; a second action of 0 is none. */
struct control {
    const char *verb;
    enum muster_action first;
    enum muster_action second;
    bool late; /* Also after the window has closed. */
};

static enum muster_rc perform(struct muster_run *run, uint32_t node, const struct control *control,
                              struct muster_error *err)
{
    uint64_t began_ms = muster_clock_ms();
    struct muster_error cause = { 0 };
    muster_run_event(run, "control_asked", "{s:I, s:s}", "node", (json_int_t)node, "action", control->verb);
    count_control(run, true);
    enum muster_rc rc = act(run, node, control->first, &cause);
    if (rc == MUSTER_OK && control->second != 0) {
        muster_run_event(run, "control_half_done", "{s:I, s:s}", "node", (json_int_t)node, "action",
                         control->verb);
        rc = act(run, node, control->second, &cause);
    }
    muster_run_event(run, "control_done", "{s:I, s:s, s:s, s:o, s:I}", "node", (json_int_t)node, "action",
                     control->verb, "code", muster_rc_name(rc), "text", muster__json_text(cause.text),
                     "took_ms", (json_int_t)(muster_clock_ms() - began_ms));
    count_control(run, false);
    if (rc == MUSTER_OK) {
        return rc;
    }
    muster_error_context(&cause, rc, "cannot %s node-%u", control->verb, node);
    return muster_error_set(err, rc, "%s", cause.text);
}

static enum muster_rc control_node(struct muster_run *run, uint32_t node, struct control control,
                                   struct muster_error *err)
{
    char what[64];
    snprintf(what, sizeof what, "%s node-%u", control.verb, node);
    if (node >= run->plan->node_count) {
        return muster_error_set(err, MUSTER_EINVAL, "cannot %s: the scenario has %u nodes, counted from 0",
                                what, run->plan->node_count);
    }
    enum muster_rc rc = check_capability(run, what, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    pthread_mutex_lock(&run->control);
    rc = check_time(run, what, control.late, err);
    if (rc == MUSTER_OK) {
        rc = perform(run, node, &control, err);
    }
    pthread_mutex_unlock(&run->control);
    return rc;
}

enum muster_rc muster_node_start(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(run, node, (struct control){ .verb = "start", .first = MUSTER_START }, err);
}

enum muster_rc muster_node_stop(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(run, node, (struct control){ .verb = "stop", .first = MUSTER_STOP }, err);
}

enum muster_rc muster_node_kill(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(run, node, (struct control){ .verb = "kill", .first = MUSTER_KILL }, err);
}

enum muster_rc muster_node_restart(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(
        run, node, (struct control){ .verb = "restart", .first = MUSTER_STOP, .second = MUSTER_START }, err);
}

enum muster_rc muster_node_pause(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(run, node, (struct control){ .verb = "pause", .first = MUSTER_PAUSE }, err);
}

enum muster_rc muster_node_resume(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    return control_node(run, node, (struct control){ .verb = "resume", .first = MUSTER_RESUME }, err);
}

enum muster_rc muster__node_bring_back(struct muster_run *run, uint32_t node, struct muster_error *err)
{
    switch (muster__nodes_state(run->nodes, node)) {
    case MUSTER_NODE_STOPPED:
        return control_node(run, node,
                            (struct control){ .verb = "start", .first = MUSTER_START, .late = true }, err);
    case MUSTER_NODE_PAUSED:
        return control_node(run, node,
                            (struct control){ .verb = "resume", .first = MUSTER_RESUME, .late = true }, err);
    case MUSTER_NODE_EXITED:
        return muster_error_set(err, MUSTER_ENODE, "node-%u has exited, unasked", node);
    default:
        return MUSTER_OK;
    }
}
