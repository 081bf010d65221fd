#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/transactions/inclusion_judge.h"

#define LATENCIES_MAX 65536u
#define LIST_BYTES 3000u

/* A list of what was found wrong in one way: how many, and the first of them in words. */
struct list {
    uint64_t count;
    uint32_t listed;
    size_t used;
    char text[LIST_BYTES];
};

struct judgement {
    const struct muster__inclusion_facts *facts;
    struct list lost; /* Had their blocks and were not included. */
    struct list pending; /* Not included, and had fewer blocks. */
    struct list late;
    struct list duplicated;
    struct list partial; /* Missing on some node. */
    uint64_t missing_by_node[MUSTER_NODES_MAX];
    uint64_t good;
    size_t latency_count;
    uint32_t *latencies_ms;
};

static double seconds(const struct judgement *judgement, uint64_t at_ms)
{
    uint64_t began_ms = judgement->facts->began_ms;
    return at_ms < began_ms ? 0.0 : (double)(at_ms - began_ms) / 1000.0;
}

MUSTER_PRINTF(4, 5)
static void add(const struct judgement *judgement, struct list *list, const struct muster__record *record,
                const char *format, ...)
{
    list->count++;
    if (list->listed >= MUSTER__LISTED_MAX) {
        return;
    }
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    int bytes =
        snprintf(list->text + list->used, sizeof list->text - list->used,
                 "%s%.16s of wallet %u, accepted by node-%u at %.1f s at height %llu: %s",
                 list->listed == 0 ? "" : "\n", record->identity.text, record->wallet, record->node,
                 seconds(judgement, record->accepted_ms), (unsigned long long)record->accepted_height, what);
    list->used += bytes < 0 ? 0 : (size_t)bytes;
    list->used = list->used < sizeof list->text ? list->used : sizeof list->text - 1;
    list->listed++;
}

/* ---- One transaction ---- */

static void judge_absent(struct judgement *judgement, const struct muster__record *record)
{
    uint64_t best = judgement->facts->best_height;
    uint64_t after = best > record->accepted_height ? best - record->accepted_height : 0;
    struct list *list = after >= judgement->facts->within_blocks ? &judgement->lost : &judgement->pending;
    add(judgement, list, record, "not included %llu blocks after acceptance", (unsigned long long)after);
}

/* Whether every node has the block; names the first that has not. */
static bool is_everywhere(struct judgement *judgement, const struct muster__record *record)
{
    bool everywhere = true;
    for (uint32_t i = 0; i < judgement->facts->node_count; i++) {
        const struct muster__inclusion_node *node = &judgement->facts->nodes[i];
        if (!node->judged || (node->known && node->common_height >= record->first_height)) {
            continue;
        }
        judgement->missing_by_node[i]++;
        if (everywhere) {
            add(judgement, &judgement->partial, record, "in block %.16s at height %llu, which node-%u %s%s",
                record->block.text, (unsigned long long)record->first_height, i,
                node->silent == NULL ? "does not have" : "does not show: ",
                node->silent == NULL ? "" : node->silent);
        }
        everywhere = false;
    }
    return everywhere;
}

static void keep_latency(struct judgement *judgement, const struct muster__record *record)
{
    if (judgement->latency_count < LATENCIES_MAX) {
        uint64_t took_ms = record->included_ms > record->sent_ms ? record->included_ms - record->sent_ms : 0;
        judgement->latencies_ms[judgement->latency_count++] =
            took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
    }
}

static void judge_record(void *context, const struct muster__record *record)
{
    struct judgement *judgement = context;
    if (!record->accepted) {
        return;
    }
    if (record->appearances == 0) {
        judge_absent(judgement, record);
        return;
    }
    keep_latency(judgement, record);
    bool good = is_everywhere(judgement, record);
    if (record->appearances > 1) {
        add(judgement, &judgement->duplicated, record, "%u times on the best chain, at heights %llu and %llu",
            record->appearances, (unsigned long long)record->first_height,
            (unsigned long long)record->included_height);
        good = false;
    }
    if (record->first_height > record->accepted_height + judgement->facts->within_blocks) {
        add(judgement, &judgement->late, record, "included at height %llu, %llu blocks later",
            (unsigned long long)record->first_height,
            (unsigned long long)(record->first_height - record->accepted_height));
        good = false;
    }
    judgement->good += good;
}

/* ---- All of them ---- */

static int compare_latencies(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static double percentile(const struct judgement *judgement, unsigned percent)
{
    size_t count = judgement->latency_count;
    return count == 0 ? 0.0 : judgement->latencies_ms[(count - 1) * percent / 100];
}

static void report_list(struct muster_report *report, const char *name, const struct list *list)
{
    muster_report_number(report, name, (double)list->count);
    if (list->count > 0) {
        muster_report_text(report, name, "%s", list->text);
    }
}

static double ratio_of(const struct judgement *judgement, const struct muster__counts *counts)
{
    return counts->accepted == 0 ? 0.0
                                 : (double)(judgement->good + counts->retired) / (double)counts->accepted;
}

static void report_all(const struct judgement *judgement, const struct muster__counts *counts,
                       struct muster_report *report)
{
    muster_report_number(report, "sent", (double)counts->sent);
    muster_report_number(report, "accepted", (double)counts->accepted);
    muster_report_number(report, "included", (double)counts->included);
    muster_report_number(report, "final", (double)counts->final);
    muster_report_number(report, "refused", (double)counts->refused);
    muster_report_number(report, "unanswered", (double)counts->unanswered);
    muster_report_number(report, "cut_off", (double)counts->cut_off);
    muster_report_number(report, "retried", (double)counts->retried);
    muster_report_number(report, "held_back", (double)counts->held_back);
    report_list(report, "lost", &judgement->lost);
    report_list(report, "pending", &judgement->pending);
    report_list(report, "late", &judgement->late);
    report_list(report, "duplicated", &judgement->duplicated);
    report_list(report, "missing_on_nodes", &judgement->partial);
    muster_report_number(report, "ratio", ratio_of(judgement, counts));
    muster_report_number(report, "min_ratio", judgement->facts->min_ratio);
    muster_report_number(report, "within_blocks", judgement->facts->within_blocks);
    muster_report_number(report, "inclusion_ms_p50", percentile(judgement, 50));
    muster_report_number(report, "inclusion_ms_p99", percentile(judgement, 99));
}

static enum muster_rc judge_sending(struct muster__tracker *tracker, const struct muster__counts *counts,
                                    const struct judgement *judgement, struct muster_error *err)
{
    struct muster__rebuff refused;
    struct muster__rebuff unanswered;
    muster__tracker_rebuffs(tracker, &refused, &unanswered);
    if (counts->sent == 0) {
        return muster_error_set(
            err, MUSTER_EEXPECT, "no transaction was submitted in the window%s",
            judgement->facts->blocks == 0 ? ": each new block releases some, and no block came" : "");
    }
    if (counts->refused > 0) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "%llu of %llu valid transactions were refused; the first by node-%u at %.1f s: %s",
            (unsigned long long)counts->refused, (unsigned long long)counts->sent, refused.node,
            seconds(judgement, refused.at_ms), refused.text);
    }
    if (counts->unanswered > 0) {
        return muster_error_set(
            err, MUSTER_EEXPECT,
            "%llu of %llu transactions were taken by no node, however often tried; the first was given up at "
            "%.1f s, last asked was node-%u: %s",
            (unsigned long long)counts->unanswered, (unsigned long long)counts->sent,
            seconds(judgement, unanswered.at_ms), unanswered.node, unanswered.text);
    }
    if (counts->accepted == 0) {
        return muster_error_set(err, MUSTER_EEXPECT,
                                "none of %llu transactions was accepted before the window closed",
                                (unsigned long long)counts->sent);
    }
    return MUSTER_OK;
}

/* The node that lacks most, for the sentence; MUSTER_EVERY_NODE when none lacks any. */
static uint32_t worst_node(const struct judgement *judgement)
{
    uint32_t worst = MUSTER_EVERY_NODE;
    for (uint32_t i = 0; i < judgement->facts->node_count; i++) {
        if (judgement->missing_by_node[i] > 0 &&
            (worst == MUSTER_EVERY_NODE ||
             judgement->missing_by_node[i] > judgement->missing_by_node[worst])) {
            worst = i;
        }
    }
    return worst;
}

/* Wallets are funded by the network's first block, which is made from the seed and the scenario's name. */
static const char *hint_of(const struct judgement *judgement, const struct muster__counts *counts)
{
    bool none = judgement->latency_count == 0 && counts->retired == 0;
    return none && judgement->facts->attached ? "; none at all were: a network that was made with another "
                                                "MUSTER_SEED, or for another scenario, has "
                                                "not the funds of these wallets"
                                              : "";
}

static enum muster_rc describe_ratio(const struct judgement *judgement, const struct muster__counts *counts,
                                     struct muster_error *err)
{
    const struct list *lists[] = { &judgement->lost, &judgement->pending, &judgement->partial,
                                   &judgement->late };
    char text[LIST_BYTES];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i]->count > 0 && used < sizeof text) {
            int bytes = snprintf(text + used, sizeof text - used, "\n%s", lists[i]->text);
            used += bytes < 0 ? 0 : (size_t)bytes;
        }
    }
    uint32_t worst = worst_node(judgement);
    char where[96] = "";
    if (worst != MUSTER_EVERY_NODE) {
        snprintf(where, sizeof where, ", %llu of them on node-%u",
                 (unsigned long long)judgement->missing_by_node[worst], worst);
    }
    return muster_error_set(
        err, MUSTER_EEXPECT,
        "of %llu accepted transactions %llu were included on every node within %u blocks (ratio %.4f, at "
        "least "
        "%.4f expected): %llu lost, %llu not included when the time was up, %llu late, %llu missing on a "
        "node%s%s%s",
        (unsigned long long)counts->accepted, (unsigned long long)(judgement->good + counts->retired),
        judgement->facts->within_blocks, ratio_of(judgement, counts), judgement->facts->min_ratio,
        (unsigned long long)judgement->lost.count, (unsigned long long)judgement->pending.count,
        (unsigned long long)judgement->late.count, (unsigned long long)judgement->partial.count, where,
        hint_of(judgement, counts), text);
}

static enum muster_rc judge_all(struct muster__tracker *tracker, struct judgement *judgement,
                                struct muster_report *report, struct muster_error *err)
{
    struct muster__counts counts;
    muster__tracker_each(tracker, judge_record, judgement);
    muster__tracker_counts(tracker, &counts);
    if (judgement->latency_count > 0) {
        qsort(judgement->latencies_ms, judgement->latency_count, sizeof *judgement->latencies_ms,
              compare_latencies);
    }
    report_all(judgement, &counts, report);
    enum muster_rc rc = judge_sending(tracker, &counts, judgement, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (judgement->duplicated.count > 0) {
        return muster_error_set(err, MUSTER_EEXPECT, "%llu transactions were spent more than once:\n%s",
                                (unsigned long long)judgement->duplicated.count, judgement->duplicated.text);
    }
    if (ratio_of(judgement, &counts) < judgement->facts->min_ratio) {
        return describe_ratio(judgement, &counts, err);
    }
    return MUSTER_OK;
}

enum muster_rc muster__inclusion_judge(struct muster__tracker *tracker,
                                       const struct muster__inclusion_facts *facts,
                                       struct muster_report *report, struct muster_error *err)
{
    struct judgement *judgement = calloc(1, sizeof *judgement);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (judgement != NULL) {
        judgement->facts = facts;
        judgement->latencies_ms = calloc(LATENCIES_MAX, sizeof *judgement->latencies_ms);
        rc = judgement->latencies_ms == NULL ? MUSTER_ENOMEM : judge_all(tracker, judgement, report, err);
        free(judgement->latencies_ms);
    }
    free(judgement);
    return rc == MUSTER_ENOMEM ? muster_error_set(err, rc, "no memory to judge the transactions") : rc;
}
