#include <stdio.h>
#include <string.h>

#include "parts/chaos/recovers_judge.h"

#define LINE_BYTES 320u

static double seconds(const struct muster__recovers_terms *terms, uint64_t at_ms)
{
    return at_ms < terms->began_ms ? 0.0 : (double)(at_ms - terms->began_ms) / 1000.0;
}

static const char *done_word(enum muster__chaos_action action)
{
    static const char *const words[MUSTER__CHAOS_ACTIONS] = { "restarted", "killed", "paused" };
    return (unsigned)action < MUSTER__CHAOS_ACTIONS ? words[action] : "touched";
}

/* ---- One action ---- */

static bool is_at_tip(const struct muster__sight *sight, const struct muster__recovers_terms *terms)
{
    if (!sight->answers || sight->height + terms->lag_max < sight->best_height) {
        return false;
    }
    return !terms->has_branches ||
           (sight->on_tree && sight->common_height + terms->lag_max >= sight->best_height);
}

enum muster__recovery muster__recovers_judge(struct muster__deed *deed,
                                             const struct muster__recovers_terms *terms, bool others_away,
                                             uint64_t now_ms)
{
    if (deed->failure[0] != '\0' || deed->without_effect) {
        return MUSTER__RECOVERY_RED;
    }
    if (deed->return_ms == 0) {
        return MUSTER__RECOVERY_PENDING;
    }
    /* Whoever looks late finds it back all the same: only a node that is not back when looked at is late. */
    if (deed->ready_ms != 0 && is_at_tip(&deed->sight, terms)) {
        deed->tip_ms = now_ms;
        return MUSTER__RECOVERY_BACK;
    }
    if (others_away || deed->clock_ms == 0) {
        deed->clock_ms = others_away ? now_ms : deed->return_ms;
    }
    return now_ms < deed->clock_ms + terms->bound_ms ? MUSTER__RECOVERY_PENDING : MUSTER__RECOVERY_RED;
}

static const char *come_back_word(enum muster__chaos_action action)
{
    return action == MUSTER__CHAOS_PAUSE ? "resumed" : "started again";
}

/* How it stands, for the end of a sentence. */
static void describe_sight(const struct muster__deed *deed, const struct muster__recovers_terms *terms,
                           char *text, size_t bytes)
{
    const struct muster__sight *sight = &deed->sight;
    char since[48] = "before";
    if (sight->changed_ms >= deed->return_ms && sight->changed_ms != 0) {
        snprintf(since, sizeof since, "%.1f s", seconds(terms, sight->changed_ms));
    }
    if (deed->ready_ms == 0 || !sight->answers) {
        snprintf(text, bytes, "%s%s%s", deed->ready_ms == 0 ? "it is not ready" : "it answers nothing usable",
                 sight->failing_text[0] != '\0' ? ": " : "", sight->failing_text);
    } else if (sight->height + terms->lag_max < sight->best_height) {
        snprintf(text, bytes,
                 "it has been at height %llu since %s, %llu behind the cluster, which is at %llu (%llu "
                 "are allowed)",
                 (unsigned long long)sight->height, since,
                 (unsigned long long)(sight->best_height - sight->height),
                 (unsigned long long)sight->best_height, (unsigned long long)terms->lag_max);
    } else if (!sight->on_tree) {
        snprintf(text, bytes, "it is at height %llu with a tip that joins no chain seen at any node",
                 (unsigned long long)sight->height);
    } else {
        snprintf(text, bytes,
                 "it is at height %llu, since %s, on a branch of its own, which left the best chain, now at "
                 "%llu, after height %llu",
                 (unsigned long long)sight->height, since, (unsigned long long)sight->best_height,
                 (unsigned long long)sight->common_height);
    }
}

enum muster_rc muster__recovers_describe(const struct muster__deed *deed,
                                         const struct muster__recovers_terms *terms, uint64_t now_ms,
                                         struct muster_error *err)
{
    char sight[512];
    const char *action = muster__chaos_action_name(deed->action);
    if (deed->failure[0] != '\0' && deed->return_ms != 0) {
        return muster_error_set(err, MUSTER_EEXPECT,
                                "node-%u, %s at %.1f s (action %llu), did not come back: %s", deed->node,
                                done_word(deed->action), seconds(terms, deed->asked_ms),
                                (unsigned long long)deed->number, deed->failure);
    }
    if (deed->failure[0] != '\0') {
        return muster_error_set(err, MUSTER_EEXPECT, "the %s of node-%u at %.1f s (action %llu) failed: %s",
                                action, deed->node, seconds(terms, deed->asked_ms),
                                (unsigned long long)deed->number, deed->failure);
    }
    if (deed->without_effect) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "the %s of node-%u at %.1f s (action %llu) had no effect: the runner said that "
            "it was done at %.1f s, and the node went on answering",
            action, deed->node, seconds(terms, deed->asked_ms), (unsigned long long)deed->number,
            seconds(terms, deed->done_ms));
    }
    describe_sight(deed, terms, sight, sizeof sight);
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "node-%u, %s at %.1f s (action %llu) and %s at %.1f s, is not back at the cluster's "
        "tip %.1f s later (%.1f s allowed): %s",
        deed->node, done_word(deed->action), seconds(terms, deed->asked_ms), (unsigned long long)deed->number,
        come_back_word(deed->action), seconds(terms, deed->return_ms),
        (double)(now_ms - deed->return_ms) / 1000.0, (double)terms->bound_ms / 1000.0, sight);
}

/* ---- All of them ---- */

uint64_t muster__recovers_actions(const struct muster__recovers_tally *tally)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < MUSTER__CHAOS_ACTIONS; i++) {
        count += tally->actions[i];
    }
    return count;
}

void muster__recovers_count(struct muster__recovers_tally *tally, const struct muster__deed *deed)
{
    if (deed->done_ms != 0) {
        tally->actions[deed->action]++;
        tally->by_node[deed->node]++;
    }
    if (deed->ready_ms != 0 && deed->ready_ms - deed->return_ms > tally->worst_ready_ms) {
        tally->worst_ready_ms = deed->ready_ms - deed->return_ms;
    }
    if (deed->tip_ms != 0) {
        uint64_t took_ms = deed->tip_ms - deed->return_ms;
        tally->recovered++;
        tally->total_ms += took_ms;
        if (took_ms >= tally->worst_ms) {
            tally->worst_ms = took_ms;
            tally->worst_node = deed->node;
        }
    }
    if (tally->listed < MUSTER__DEEDS_LISTED_MAX) {
        tally->list[tally->listed++] = *deed;
    }
}

/* "3.21 s", or "never". */
static const char *moment(const struct muster__recovers_terms *terms, uint64_t at_ms, char text[24])
{
    if (at_ms == 0) {
        return "never";
    }
    snprintf(text, 24, "%.2f s", seconds(terms, at_ms));
    return text;
}

static void describe_deed(const struct muster__deed *deed, const struct muster__recovers_terms *terms,
                          char line[LINE_BYTES])
{
    char at[5][24];
    snprintf(line, LINE_BYTES,
             "%llu: %s node-%u: asked %s, gone %s%s%.80s, back asked %s, ready %s, at tip %s; height %llu "
             "before, %llu back",
             (unsigned long long)deed->number, muster__chaos_action_name(deed->action), deed->node,
             moment(terms, deed->asked_ms, at[0]), moment(terms, deed->gone_ms, at[1]),
             deed->gone_text[0] != '\0' ? ": " : "", deed->gone_text, moment(terms, deed->return_ms, at[2]),
             moment(terms, deed->ready_ms, at[3]), moment(terms, deed->tip_ms, at[4]),
             (unsigned long long)deed->height_before, (unsigned long long)deed->height_back);
}

static void report_list(const struct muster__recovers_tally *tally,
                        const struct muster__recovers_terms *terms, struct muster_report *report)
{
    char text[MUSTER__DEEDS_LISTED_MAX * LINE_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < tally->listed; i++) {
        char line[LINE_BYTES];
        describe_deed(&tally->list[i], terms, line);
        int bytes = snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? "\n" : "", line);
        used += bytes < 0 ? 0 : (size_t)bytes;
    }
    if (used > 0) {
        muster_report_text(report, "actions", "%s", text);
    }
}

void muster__recovers_report(const struct muster__recovers_tally *tally,
                             const struct muster__recovers_terms *terms, struct muster_report *report)
{
    uint32_t touched = 0;
    for (uint32_t i = 0; i < MUSTER_NODES_MAX; i++) {
        touched += tally->by_node[i] > 0;
    }
    double mean_ms = tally->recovered == 0 ? 0.0 : (double)tally->total_ms / (double)tally->recovered;
    muster_report_number(report, "actions", (double)muster__recovers_actions(tally));
    muster_report_number(report, "restarts", (double)tally->actions[MUSTER__CHAOS_RESTART]);
    muster_report_number(report, "kills", (double)tally->actions[MUSTER__CHAOS_KILL]);
    muster_report_number(report, "pauses", (double)tally->actions[MUSTER__CHAOS_PAUSE]);
    muster_report_number(report, "nodes_touched", touched);
    muster_report_number(report, "recovered", (double)tally->recovered);
    muster_report_number(report, "pending", (double)tally->pending);
    muster_report_number(report, "recovery_ms_mean", mean_ms);
    muster_report_number(report, "recovery_ms_worst", (double)tally->worst_ms);
    muster_report_number(report, "recovery_worst_node", tally->worst_node);
    muster_report_number(report, "ready_ms_worst", (double)tally->worst_ready_ms);
    muster_report_number(report, "bound_ms", (double)terms->bound_ms);
    muster_report_number(report, "lag_max", (double)terms->lag_max);
    report_list(tally, terms, report);
}
