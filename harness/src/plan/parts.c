/* The builder's workloads and expectations, in the order in which they are asked for. */
#include <string.h>

#include "plan/internal.h"

/* One list of parts. */
struct part_list {
    const char *kind; /* For messages. */
    char (*names)[MUSTER_NAME_BYTES];
    size_t *count;
};

static struct part_list workloads_of(struct muster_scenario *s)
{
    return (struct part_list){ "workload", s->owned->workload_names, &s->owned->plan.workload_count };
}

static struct part_list expectations_of(struct muster_scenario *s)
{
    return (struct part_list){ "expectation", s->owned->expectation_names,
                               &s->owned->plan.expectation_count };
}

/* Takes the next place for a part of this name; false, with the mistake made, when it cannot be had. */
static bool take_place(struct muster_scenario *s, const struct part_list *list, const char *name)
{
    if (!muster__is_name(name)) {
        muster__mistake(s, "%s name is '%.80s'; a name needs 1 to %u of a-z, 0-9 and _", list->kind,
                        name != NULL ? name : "", MUSTER_NAME_BYTES - 1);
        return false;
    }
    for (size_t i = 0; i < *list->count; i++) {
        if (strcmp(list->names[i], name) == 0) {
            muster__mistake(s, "%s '%s' is given twice; each needs a name of its own", list->kind, name);
            return false;
        }
    }
    if (*list->count == MUSTER_PARTS_MAX) {
        muster__mistake(s, "%s '%s' is one too many; a scenario has at most %u", list->kind, name,
                        MUSTER_PARTS_MAX);
        return false;
    }
    memcpy(list->names[(*list->count)++], name, strlen(name) + 1);
    return true;
}

/* Whether the workload found its place in the plan. */
static bool add_workload(struct muster_scenario *s, const struct muster_workload *workload)
{
    if (workload->run == NULL && muster__is_name(workload->name)) {
        muster__mistake(s, "workload '%s' has no run; give it the function to call", workload->name);
        return false;
    }
    struct part_list list = workloads_of(s);
    if (!take_place(s, &list, workload->name)) {
        return false;
    }
    struct muster_plan *plan = &s->owned->plan;
    struct muster_workload *place = &plan->workloads[plan->workload_count - 1];
    *place = *workload;
    place->name = s->owned->workload_names[plan->workload_count - 1];
    return true;
}

void muster_workload(struct muster_scenario *s, const struct muster_workload *workload)
{
    if (workload == NULL) {
        if (s != NULL) {
            muster__mistake(s, "workload is NULL; give a struct with name and run");
        }
        return;
    }
    /* The context is ours from here on, so a refused one is destroyed at once. */
    if ((s == NULL || !add_workload(s, workload)) && workload->destroy != NULL) {
        workload->destroy(workload->context);
    }
}

static bool add_expectation(struct muster_scenario *s, const struct muster_expectation *expectation)
{
    if (expectation->evaluate == NULL && muster__is_name(expectation->name)) {
        muster__mistake(s, "expectation '%s' has no evaluate; give it the function to call",
                        expectation->name);
        return false;
    }
    struct part_list list = expectations_of(s);
    if (!take_place(s, &list, expectation->name)) {
        return false;
    }
    struct muster_plan *plan = &s->owned->plan;
    struct muster_expectation *place = &plan->expectations[plan->expectation_count - 1];
    *place = *expectation;
    place->name = s->owned->expectation_names[plan->expectation_count - 1];
    return true;
}

void muster_expectation(struct muster_scenario *s, const struct muster_expectation *expectation)
{
    if (expectation == NULL) {
        if (s != NULL) {
            muster__mistake(s, "expectation is NULL; give a struct with name and evaluate");
        }
        return;
    }
    if ((s == NULL || !add_expectation(s, expectation)) && expectation->destroy != NULL) {
        expectation->destroy(expectation->context);
    }
}

struct muster__builtin muster__take_places(struct muster_scenario *s, const char *workload,
                                           const char *expectation)
{
    struct part_list workloads = workloads_of(s);
    struct part_list expectations = expectations_of(s);
    bool taken = take_place(s, &workloads, workload) && take_place(s, &expectations, expectation);
    return (struct muster__builtin){ .wanted = taken,
                                     .workload = *workloads.count - 1,
                                     .expectation = *expectations.count - 1 };
}

/* Ranges that NaN fails too; 0 stands for the default. */
static void check_transactions(struct muster_scenario *s, const struct muster_transactions *given)
{
    if (given->rate_per_block > MUSTER_RATE_MAX) {
        muster__mistake(s, "transactions.rate_per_block is %u; use 1 to %u", given->rate_per_block,
                        MUSTER_RATE_MAX);
    }
    if (given->users > MUSTER_WALLETS_MAX) {
        muster__mistake(s, "transactions.users is %u; use at most the number of wallets", given->users);
    }
    if (!(given->min_ratio >= 0 && given->min_ratio <= 1)) {
        muster__mistake(s, "transactions.min_ratio is %g; use a share above 0, to 1", given->min_ratio);
    }
    if (given->within_blocks > MUSTER_DEPTH_MAX) {
        muster__mistake(s, "transactions.within_blocks is %u; use 1 to %u blocks", given->within_blocks,
                        MUSTER_DEPTH_MAX);
    }
}

void muster_transactions(struct muster_scenario *s, const struct muster_transactions *transactions)
{
    if (s == NULL) {
        return;
    }
    if (s->transactions.wanted) {
        muster__mistake(s, "transactions is given twice; give it once, with the sum of both rates");
        return;
    }
    struct muster_transactions given =
        transactions != NULL ? *transactions : (struct muster_transactions){ 0 };
    check_transactions(s, &given);
    s->transactions = muster__take_places(s, "transactions", "inclusion");
    s->transactions_options = given;
}

void muster_expect_consensus_liveness(struct muster_scenario *s, const struct muster_liveness *liveness)
{
    if (s == NULL) {
        return;
    }
    if (s->liveness.wanted) {
        muster__mistake(s, "consensus_liveness is expected twice; expect it once");
        return;
    }
    struct muster_liveness given = liveness != NULL ? *liveness : (struct muster_liveness){ 0 };
    if (!(given.false_alarm >= 0 && given.false_alarm < 1)) {
        muster__mistake(s, "liveness.false_alarm is %g; use a chance above 0 and below 1", given.false_alarm);
    }
    if (given.lag_blocks_max > MUSTER_DEPTH_MAX) {
        muster__mistake(s, "liveness.lag_blocks_max is %u; use 1 to %u blocks", given.lag_blocks_max,
                        MUSTER_DEPTH_MAX);
    }
    struct part_list list = expectations_of(s);
    s->liveness.wanted = take_place(s, &list, "consensus_liveness");
    s->liveness.expectation = *list.count - 1;
    s->liveness_options = given;
}
