/* The chaos workload: does what the schedule says, and brings back what it took away. */
#include "parts/chaos/chaos.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "muster/clock.h"
#include "parts/chaos/watch.h"
#include "run/internal.h"

#define MUSTER_LOG_MODULE "chaos"
#include "muster/log.h"

#define WATCH_MS_MAX 50u
#define PROBE_MS 250u
#define PROBE_AGAIN_MS 20u
#define EFFECT_MS 2000u /* From when the runner said so until the node must be seen to be gone. */

/* ---- Deeds ---- */

static void tell(const struct muster__chaos *chaos, const char *kind, const struct muster__deed *deed,
                 const char *text)
{
    muster_run_event(chaos->run, kind, "{s:I, s:I, s:s, s:o}", "number", (json_int_t)deed->number, "node",
                     (json_int_t)deed->node, "action", muster__chaos_action_name(deed->action), "text",
                     muster__json_text(text));
}

static struct muster__deed *begin(struct muster__chaos *chaos, const struct muster__chaos_step *step)
{
    struct muster__deed *deed = &chaos->deeds[step->node];
    struct muster_node_view view;
    muster_node_view(chaos->run, step->node, &view);
    pthread_mutex_lock(&chaos->mutex);
    *deed = (struct muster__deed){ .number = ++chaos->asked,
                                   .node = step->node,
                                   .action = step->action,
                                   .asked_ms = muster_clock_ms(),
                                   .height_before = view.progress.height };
    chaos->open[step->node] = true;
    pthread_mutex_unlock(&chaos->mutex);
    muster_log_info("action %llu: %s of node-%u", (unsigned long long)deed->number,
                    muster__chaos_action_name(deed->action), deed->node);
    tell(chaos, "chaos_asked", deed, "");
    return deed;
}

/* The window closed before it began: it never was. */
static void cancel(struct muster__chaos *chaos, const struct muster__deed *deed)
{
    tell(chaos, "chaos_cancelled", deed, "the window has closed");
    pthread_mutex_lock(&chaos->mutex);
    chaos->open[deed->node] = false;
    pthread_mutex_unlock(&chaos->mutex);
}

static enum muster_rc fail(struct muster__chaos *chaos, struct muster__deed *deed, enum muster_rc rc,
                           const struct muster_error *cause, struct muster_error *err)
{
    pthread_mutex_lock(&chaos->mutex);
    /* The first judge may have been the test's thread, when the time was up. */
    if (chaos->open[deed->node]) {
        snprintf(deed->failure, sizeof deed->failure, "%.511s", cause->text);
        muster__chaos_end_deed(chaos, deed->node, MUSTER__RECOVERY_RED, muster_clock_ms());
    }
    pthread_mutex_unlock(&chaos->mutex);
    return muster_error_set(err, rc, "action %llu, the %s of node-%u at %.1f s: %s",
                            (unsigned long long)deed->number, muster__chaos_action_name(deed->action),
                            deed->node, muster__run_seconds(chaos->run, deed->asked_ms), cause->text);
}

static void set_time(struct muster__chaos *chaos, uint64_t *field)
{
    pthread_mutex_lock(&chaos->mutex);
    *field = muster_clock_ms();
    pthread_mutex_unlock(&chaos->mutex);
}

/* ---- Is it really gone? ---- */

/* Whether it still answers well where it did before; `text` says what came instead. */
static bool answers(struct muster_run *run, const struct muster_endpoint *endpoint, char text[160])
{
    const struct muster_system *system = run->plan->system;
    struct muster_error cause = { 0 };
    struct muster_request request = { 0 };
    struct muster_reply reply = { 0 };
    struct muster_progress progress = { 0 };
    enum muster_rc rc = system->request_progress(run->plan->system_state, &request, &cause);
    if (rc == MUSTER_OK) {
        request.timeout_ms = (uint32_t)(PROBE_MS * run->plan->slowdown);
        rc = muster__http_perform(run->http, endpoint, &request, &reply, &cause);
    }
    if (rc == MUSTER_OK) {
        rc = system->parse_progress(run->plan->system_state, &reply, &progress, &cause);
    }
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    snprintf(text, 160, "%.159s", cause.text);
    return rc == MUSTER_OK;
}

/* What the runner knows of its end, and what a request to it came to. */
static void note_gone(struct muster__chaos *chaos, struct muster__deed *deed, const char *seen)
{
    char how[96];
    struct muster_exit exit;
    bool ended = deed->action != MUSTER__CHAOS_PAUSE &&
                 muster__nodes_exit(chaos->run->nodes, deed->node, &exit) && exit.at_ms >= deed->asked_ms;
    pthread_mutex_lock(&chaos->mutex);
    deed->gone_ms = muster_clock_ms();
    snprintf(deed->gone_text, sizeof deed->gone_text, "%s%s%.120s",
             ended ? muster_exit_describe(&exit, how) : "", ended ? "; " : "", seen);
    pthread_mutex_unlock(&chaos->mutex);
    tell(chaos, "chaos_gone", deed, deed->gone_text);
}

static void see_gone(struct muster__chaos *chaos, struct muster__deed *deed,
                     const struct muster_endpoint *endpoint)
{
    struct muster_run *run = chaos->run;
    uint64_t changes = 0;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)(EFFECT_MS * run->plan->slowdown);
    char seen[160];
    while (answers(run, endpoint, seen)) {
        if (muster_clock_left_ms(deadline_ms) == 0) {
            pthread_mutex_lock(&chaos->mutex);
            deed->without_effect = true;
            pthread_mutex_unlock(&chaos->mutex);
            tell(chaos, "chaos_without_effect", deed, "it goes on answering");
            return;
        }
        muster__run_wait(run, muster_clock_ms() + PROBE_AGAIN_MS, &changes);
    }
    note_gone(chaos, deed, seen);
}

/* ---- There and back ---- */

static enum muster_rc take_away(struct muster__chaos *chaos, const struct muster__deed *deed,
                                struct muster_error *err)
{
    switch (deed->action) {
    case MUSTER__CHAOS_KILL:
        return muster_node_kill(chaos->run, deed->node, err);
    case MUSTER__CHAOS_PAUSE:
        return muster_node_pause(chaos->run, deed->node, err);
    default:
        return muster_node_stop(chaos->run, deed->node, err);
    }
}

static enum muster_rc bring_back(struct muster__chaos *chaos, uint32_t node, struct muster_error *err)
{
    struct muster__deed *deed = &chaos->deeds[node];
    struct muster_error cause = { 0 };
    set_time(chaos, &deed->return_ms);
    tell(chaos, "chaos_return_asked", deed, "");
    enum muster_rc rc = muster__node_bring_back(chaos->run, node, &cause);
    if (rc != MUSTER_OK) {
        return fail(chaos, deed, rc, &cause, err);
    }
    set_time(chaos, &deed->ready_ms);
    tell(chaos, "chaos_ready", deed, "");
    muster__chaos_returned(&chaos->schedule, node, muster_clock_ms());
    return MUSTER_OK;
}

static enum muster_rc act(struct muster__chaos *chaos, const struct muster__chaos_step *step,
                          struct muster_error *err)
{
    struct muster_endpoint endpoint = { 0 };
    struct muster_error cause = { 0 };
    struct muster__deed *deed = begin(chaos, step);
    enum muster_rc rc = muster__nodes_endpoint(chaos->run->nodes, step->node, &endpoint, &cause);
    if (rc == MUSTER_OK) {
        rc = take_away(chaos, deed, &cause);
    }
    if (rc == MUSTER_ESTOPPED) {
        cancel(chaos, deed);
        return rc;
    }
    if (rc != MUSTER_OK) {
        return fail(chaos, deed, rc, &cause, err);
    }
    set_time(chaos, &deed->done_ms);
    tell(chaos, "chaos_done", deed, "");
    if (step->action != MUSTER__CHAOS_RESTART) {
        muster__chaos_did(&chaos->schedule, step->node, step->action, muster_clock_ms());
        see_gone(chaos, deed, &endpoint);
        return MUSTER_OK;
    }
    see_gone(chaos, deed, &endpoint);
    rc = bring_back(chaos, step->node, err);
    muster__chaos_did(&chaos->schedule, step->node, step->action, muster_clock_ms());
    return rc;
}

/* ---- The window ---- */

static void note_up(struct muster__chaos *chaos)
{
    uint32_t up = muster__chaos_up(&chaos->schedule);
    pthread_mutex_lock(&chaos->mutex);
    chaos->fewest_up = up < chaos->fewest_up ? up : chaos->fewest_up;
    chaos->obstacle = chaos->schedule.obstacle;
    pthread_mutex_unlock(&chaos->mutex);
}

/* Tells the schedule who has caught up, and who is down for a reason that is not ours. */
static void refresh(struct muster__chaos *chaos)
{
    struct muster_run *run = chaos->run;
    muster__chaos_observe(chaos);
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        bool runs = muster__nodes_state(run->nodes, i) == MUSTER_NODE_RUNNING;
        pthread_mutex_lock(&chaos->mutex);
        bool behind = chaos->open[i] || (chaos->deeds[i].number != 0 && chaos->deeds[i].tip_ms == 0 &&
                                         chaos->deeds[i].done_ms != 0);
        pthread_mutex_unlock(&chaos->mutex);
        muster__chaos_set_behind(&chaos->schedule, i, behind || !runs);
    }
}

static enum muster_rc wait_until(struct muster_run *run, uint64_t until_ms)
{
    uint64_t now_ms = muster_clock_ms();
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 1;
    return muster_run_sleep(run, left_ms < WATCH_MS_MAX ? left_ms : WATCH_MS_MAX);
}

static enum muster_rc go_on(struct muster__chaos *chaos, struct muster_error *err)
{
    refresh(chaos);
    struct muster__chaos_step step = muster__chaos_next(&chaos->schedule, muster_clock_ms());
    enum muster_rc rc = step.kind == MUSTER__CHAOS_ACT      ? act(chaos, &step, err)
                        : step.kind == MUSTER__CHAOS_RETURN ? bring_back(chaos, step.node, err)
                                                            : wait_until(chaos->run, step.until_ms);
    note_up(chaos);
    return rc;
}

/* The cluster is judged whole: whoever is away comes back, and a failure leaves none paused at least. */
static enum muster_rc bring_all_back(struct muster__chaos *chaos, enum muster_rc rc, struct muster_error *err)
{
    for (uint32_t i = 0; i < chaos->run->plan->node_count; i++) {
        const struct muster__chaos_node *node = &chaos->schedule.nodes[i];
        bool paused = chaos->deeds[i].action == MUSTER__CHAOS_PAUSE;
        if (node->state != MUSTER__CHAOS_AWAY || !(rc == MUSTER_OK || rc == MUSTER_ESTOPPED || paused)) {
            continue;
        }
        struct muster_error cause = { 0 };
        enum muster_rc back = bring_back(chaos, i, &cause);
        if (back != MUSTER_OK && (rc == MUSTER_OK || rc == MUSTER_ESTOPPED)) {
            rc = muster_error_set(err, back, "%s", cause.text);
        }
    }
    return rc;
}

static void tell_options(struct muster_run *run, const struct muster_chaos *given)
{
    muster_run_event(run, "chaos_began", "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "min_delay_ms",
                     (json_int_t)given->min_delay_ms, "max_delay_ms", (json_int_t)given->max_delay_ms,
                     "cooldown_ms", (json_int_t)given->cooldown_ms, "restart_weight",
                     (json_int_t)given->restart_weight, "kill_weight", (json_int_t)given->kill_weight,
                     "pause_weight", (json_int_t)given->pause_weight, "down_ms", (json_int_t)given->down_ms,
                     "pause_ms", (json_int_t)given->pause_ms, "quorum", (json_int_t)given->quorum);
}

enum muster_rc muster__chaos_run(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster__chaos *chaos = context;
    uint64_t opened_ms = 0;
    uint64_t closes_ms = 0;
    muster_run_window(run, &opened_ms, &closes_ms);
    muster__chaos_schedule_init(&chaos->schedule, &chaos->options, run->plan->node_count,
                                muster_run_random(run, "chaos"), opened_ms, closes_ms);
    tell_options(run, &chaos->options.given);
    enum muster_rc rc = MUSTER_OK;
    while (rc == MUSTER_OK && muster_run_active(run)) {
        rc = go_on(chaos, err);
    }
    return bring_all_back(chaos, rc, err);
}
