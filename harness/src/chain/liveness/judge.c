#include <math.h>
#include <stdio.h>

#include "chain/liveness/binomial.h"
#include "chain/liveness/judge.h"
#include "muster/chain.h"

#define LAG_BLOCKS_PLAUSIBLE_MAX 10u

/* ---- Which slots count ---- */

/* First slot that begins at `at_ms` or later; slots begin at origin_ms + n * slot_ms. */
static uint64_t first_slot_from(int64_t origin_ms, uint32_t slot_ms, uint64_t at_ms)
{
    int64_t since_ms = (int64_t)at_ms - origin_ms;
    return since_ms <= 0 ? 0 : ((uint64_t)since_ms + slot_ms - 1) / slot_ms;
}

/* How many slots are over by `at_ms`. */
static uint64_t slots_over_by(int64_t origin_ms, uint32_t slot_ms, uint64_t at_ms)
{
    int64_t since_ms = (int64_t)at_ms - origin_ms;
    return since_ms <= 0 ? 0 : (uint64_t)since_ms / slot_ms;
}

static size_t add_slots(int64_t origin_ms, uint32_t slot_ms, uint64_t began_ms, uint64_t ended_ms,
                        struct muster__slots *ret)
{
    uint64_t from = first_slot_from(origin_ms, slot_ms, began_ms);
    uint64_t end = slots_over_by(origin_ms, slot_ms, ended_ms);
    if (began_ms >= ended_ms || from >= end) {
        return 0;
    }
    *ret = (struct muster__slots){ .from = from, .to = end - 1 };
    return 1;
}

size_t muster__slots_that_count(int64_t origin_ms, uint32_t slot_ms, struct muster__stretch window,
                                const struct muster__stretch *outages, size_t outage_count,
                                struct muster__slots *ret)
{
    size_t count = 0;
    uint64_t at_ms = window.began_ms;
    for (size_t i = 0; i < outage_count && at_ms < window.ended_ms; i++) {
        uint64_t until_ms = outages[i].began_ms < window.ended_ms ? outages[i].began_ms : window.ended_ms;
        count += add_slots(origin_ms, slot_ms, at_ms, until_ms, &ret[count]);
        at_ms = outages[i].ended_ms > at_ms ? outages[i].ended_ms : at_ms;
    }
    return count + add_slots(origin_ms, slot_ms, at_ms, window.ended_ms, &ret[count]);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

size_t muster__slots_of_outages(int64_t origin_ms, uint32_t slot_ms, struct muster__stretch window,
                                const struct muster__stretch *outages, size_t outage_count,
                                uint64_t recovery_ms, struct muster__slots *ret)
{
    size_t count = 0;
    uint64_t recovered_ms = window.began_ms;
    for (size_t i = 0; i < outage_count && outages[i].began_ms < window.ended_ms; i++) {
        uint64_t from_ms = later(outages[i].began_ms + slot_ms, recovered_ms);
        uint64_t until_ms =
            outages[i].ended_ms == UINT64_MAX ? UINT64_MAX : outages[i].ended_ms - recovery_ms;
        until_ms = until_ms < window.ended_ms ? until_ms : window.ended_ms;
        count += add_slots(origin_ms, slot_ms, from_ms, until_ms, &ret[count]);
        recovered_ms = later(recovered_ms, outages[i].ended_ms);
    }
    return count;
}

double muster__liveness_rate(double active_slot_coeff, double up_share)
{
    /* A slot stays empty with chance (1 - f) to the power of the stake that is up. */
    return 1.0 - pow(1.0 - active_slot_coeff, up_share);
}

uint64_t muster__liveness_silence_ms(double active_slot_coeff, uint32_t slot_ms, double up_share,
                                     double false_alarm)
{
    double empty = 1.0 - muster__liveness_rate(active_slot_coeff, up_share);
    double slots = empty <= 0.0 ? 1.0 : ceil(log(false_alarm) / log(empty));
    return (uint64_t)(slots + 1.0) * slot_ms;
}

/* ---- Blocks ---- */

static double seconds(const struct muster__liveness_facts *facts, uint64_t at_ms)
{
    return at_ms < facts->began_ms ? 0.0 : (double)(at_ms - facts->began_ms) / 1000.0;
}

static enum muster_rc judge_silence(const struct muster__liveness_facts *facts, struct muster_error *err)
{
    if (facts->silent_ms <= facts->silent_ms_max) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EEXPECT,
                            "the cluster has been at height %llu for %.1f s; %.1f s are plausible",
                            (unsigned long long)facts->best_height, (double)facts->silent_ms / 1000.0,
                            (double)facts->silent_ms_max / 1000.0);
}

/* What is expected while nodes are down: as if those that were down at once were down all the time. */
static enum muster_rc judge_with_outages(const struct muster__liveness_facts *facts, bool whole_window,
                                         double false_alarm, struct muster_report *report,
                                         struct muster_error *err)
{
    uint64_t slots = facts->outage_slots + (whole_window ? facts->slots : 0);
    uint64_t won = facts->outage_won + (whole_window ? facts->won : 0);
    double rate = muster__liveness_rate(facts->active_slot_coeff, facts->outage_share_up);
    uint64_t least = muster__binomial_least(slots, rate, false_alarm);
    muster_report_number(report, whole_window ? "all_slots_won_least" : "outage_slots_won_least",
                         (double)least);
    if (won >= least) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "blocks were made in %llu of %llu slots of the window, %llu of them while nodes were "
        "down on purpose; with never less than %.0f %% of the nodes up at least %llu are "
        "expected (one false alarm in %.3g)",
        (unsigned long long)won, (unsigned long long)slots, (unsigned long long)facts->outage_slots,
        facts->outage_share_up * 100, (unsigned long long)least, 1.0 / false_alarm);
}

/* Alone, they would show a chain that stands whenever a node is down; together with the others, they may be
 * enough to judge where neither are. */
static enum muster_rc judge_outages(const struct muster__liveness_facts *facts, double false_alarm,
                                    struct muster_report *report, struct muster_error *err)
{
    muster_report_number(report, "outage_slots", (double)facts->outage_slots);
    muster_report_number(report, "outage_slots_won", (double)facts->outage_won);
    enum muster_rc rc = judge_with_outages(facts, false, false_alarm, report, err);
    return rc == MUSTER_OK ? judge_with_outages(facts, true, false_alarm, report, err) : rc;
}

enum muster_rc muster__liveness_judge_blocks(const struct muster__liveness_facts *facts,
                                             struct muster_report *report, struct muster_error *err)
{
    uint64_t least = 0;
    /* Judged three times, each with a third of the chance to be wrong. */
    double false_alarm = facts->outage_slots > 0 ? facts->false_alarm / 3 : facts->false_alarm;
    muster_report_number(report, "blocks", (double)facts->blocks);
    if (facts->has_slots) {
        least = muster__binomial_least(facts->slots, facts->active_slot_coeff, false_alarm);
        muster_report_number(report, "slots", (double)facts->slots);
        muster_report_number(report, "slots_won", (double)facts->won);
        muster_report_number(report, "slots_won_least", (double)least);
        muster_report_number(report, "false_alarm", facts->false_alarm);
    }
    if (facts->blocks == 0) {
        return muster_error_set(err, MUSTER_EEXPECT,
                                "no block was made in the window of %.1f s (slots of %.3f s): the cluster is "
                                "at height %llu",
                                facts->window_s, facts->slot_ms / 1000.0,
                                (unsigned long long)facts->best_height);
    }
    if (facts->has_slots && facts->won < least) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "blocks were made in %llu of %llu slots of the window; with a leader in %.3g of "
            "the slots at least %llu are expected (one false alarm in %.3g)",
            (unsigned long long)facts->won, (unsigned long long)facts->slots, facts->active_slot_coeff,
            (unsigned long long)least, 1.0 / false_alarm);
    }
    if (facts->has_slots && facts->outage_slots > 0 &&
        judge_outages(facts, false_alarm, report, err) != MUSTER_OK) {
        return MUSTER_EEXPECT;
    }
    return judge_silence(facts, err);
}

/* ---- Nodes ---- */

static enum muster_rc judge_answer(const struct muster__liveness_facts *facts, uint32_t node,
                                   uint64_t lag_max, struct muster_error *err)
{
    (void)lag_max;
    const struct muster__liveness_node *it = &facts->nodes[node];
    if (it->answers) {
        return MUSTER_OK;
    }
    if (it->failing_since_ms == 0 && it->heard_ms == 0) {
        return muster_error_set(err, MUSTER_EEXPECT,
                                "node-%u answers nothing usable and was never heard of: %s", node,
                                it->failing_text);
    }
    if (it->failing_since_ms == 0) {
        /* A stream may go on while requests hang, so since when they do is not known. */
        return muster_error_set(err, MUSTER_EEXPECT,
                                "node-%u answers nothing usable, though it was last heard of at %.1f s: %s",
                                node, seconds(facts, it->heard_ms), it->failing_text);
    }
    return muster_error_set(err, MUSTER_EEXPECT, "node-%u answers nothing usable since %.1f s: %s", node,
                            seconds(facts, it->failing_since_ms), it->failing_text);
}

static enum muster_rc judge_height(const struct muster__liveness_facts *facts, uint32_t node,
                                   uint64_t lag_max, struct muster_error *err)
{
    const struct muster__liveness_node *it = &facts->nodes[node];
    if (it->height + lag_max >= facts->best_height) {
        return MUSTER_OK;
    }
    char since[48] = "the beginning";
    if (it->changed_ms != 0) {
        snprintf(since, sizeof since, "%.1f s", seconds(facts, it->changed_ms));
    }
    char branch[80] = "";
    if (it->on_tree && it->common_height < it->height) {
        snprintf(branch, sizeof branch, "; its chain left the best one after height %llu",
                 (unsigned long long)it->common_height);
    }
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "node-%u has been at height %llu since %s while the cluster is at %llu (%llu blocks "
        "behind are allowed)%s",
        node, (unsigned long long)it->height, since, (unsigned long long)facts->best_height,
        (unsigned long long)lag_max, branch);
}

static enum muster_rc judge_branch(const struct muster__liveness_facts *facts, uint32_t node,
                                   uint64_t lag_max, struct muster_error *err)
{
    const struct muster__liveness_node *it = &facts->nodes[node];
    if (!it->on_tree) {
        return muster_error_set(err, MUSTER_EEXPECT,
                                "node-%u is at height %llu with a tip that joins no chain seen at any node",
                                node, (unsigned long long)it->height);
    }
    if (it->common_height + lag_max < facts->best_height) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "node-%u is at height %llu on a branch of its own: it left the best chain, now "
            "at %llu, after height %llu",
            node, (unsigned long long)it->height, (unsigned long long)facts->best_height,
            (unsigned long long)it->common_height);
    }
    if (it->final_known && it->final_common_height != it->final_height) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "node-%u holds a final block at height %llu that is not on the best chain: they "
            "part after height %llu",
            node, (unsigned long long)it->final_height, (unsigned long long)it->final_common_height);
    }
    return MUSTER_OK;
}

typedef enum muster_rc (*node_judge)(const struct muster__liveness_facts *facts, uint32_t node,
                                     uint64_t lag_max, struct muster_error *err);

static enum muster_rc judge_each(const struct muster__liveness_facts *facts, node_judge judge,
                                 uint64_t lag_max, struct muster_error *err)
{
    for (uint32_t i = 0; i < facts->node_count; i++) {
        enum muster_rc rc =
            facts->nodes[i].state != MUSTER_NODE_RUNNING ? MUSTER_OK : judge(facts, i, lag_max, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

static void report_nodes(const struct muster__liveness_facts *facts, uint64_t lag_max, uint32_t judged,
                         struct muster_report *report)
{
    uint64_t worst_lag = 0;
    for (uint32_t i = 0; i < facts->node_count; i++) {
        const struct muster__liveness_node *it = &facts->nodes[i];
        if (it->state == MUSTER_NODE_RUNNING && it->answers && it->height < facts->best_height) {
            uint64_t lag = facts->best_height - it->height;
            worst_lag = lag > worst_lag ? lag : worst_lag;
        }
    }
    muster_report_number(report, "nodes_judged", judged);
    muster_report_number(report, "lag_blocks_worst", (double)worst_lag);
    muster_report_number(report, "lag_blocks_max", (double)lag_max);
}

enum muster_rc muster__liveness_judge_nodes(const struct muster__liveness_facts *facts,
                                            struct muster_report *report, struct muster_error *err)
{
    uint32_t judged = 0;
    uint64_t plausible = facts->lag_blocks_plausible < LAG_BLOCKS_PLAUSIBLE_MAX ? facts->lag_blocks_plausible
                                                                                : LAG_BLOCKS_PLAUSIBLE_MAX;
    uint64_t lag_max = facts->lag_blocks_max + plausible;
    for (uint32_t i = 0; i < facts->node_count; i++) {
        judged += facts->nodes[i].state == MUSTER_NODE_RUNNING;
    }
    report_nodes(facts, lag_max, judged, report);
    if (judged == 0) {
        return muster_error_set(err, MUSTER_EEXPECT, "no node is left running: there is nothing to agree on");
    }
    /* The plainest fact first, over all nodes: who answers nonsense holds others up as well. */
    enum muster_rc rc = judge_each(facts, judge_answer, lag_max, err);
    rc = rc == MUSTER_OK ? judge_each(facts, judge_height, lag_max, err) : rc;
    return rc == MUSTER_OK ? judge_each(facts, judge_branch, lag_max, err) : rc;
}

void muster__liveness_resolve(struct muster_liveness *options)
{
    options->false_alarm = options->false_alarm != 0 ? options->false_alarm : 1e-6;
    options->lag_blocks_max = options->lag_blocks_max != 0 ? options->lag_blocks_max : 2;
}
