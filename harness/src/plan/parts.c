/* The builder's workloads and expectations, in the order in which they are asked for. */
#include <stdlib.h>
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

/* ---- Parts with more than that ---- */

bool muster_has_part(const struct muster_scenario *s, const struct muster_part *part)
{
    for (size_t i = 0; s != NULL && i < s->part_count; i++) {
        if (s->parts[i].part == part) {
            return true;
        }
    }
    return false;
}

static void *copy_options(const struct muster_part *part, const void *options)
{
    void *copy = calloc(1, part->options_bytes + 1);
    if (copy != NULL && options != NULL) {
        memcpy(copy, options, part->options_bytes);
    }
    return copy;
}

/* Takes the places of a part in the order of workloads and expectations. */
static bool take_places(struct muster_scenario *s, struct muster__given_part *given)
{
    struct part_list workloads = workloads_of(s);
    struct part_list expectations = expectations_of(s);
    const struct muster_part *part = given->part;
    if ((part->workload != NULL && !take_place(s, &workloads, part->workload)) ||
        (part->expectation != NULL && !take_place(s, &expectations, part->expectation))) {
        return false;
    }
    given->workload = *workloads.count - 1;
    given->expectation = *expectations.count - 1;
    return true;
}

void muster_part(struct muster_scenario *s, const struct muster_part *part, const void *options)
{
    if (s == NULL) {
        return;
    }
    if (muster_has_part(s, part)) {
        muster__mistake(s, "%s is given twice; give it once", part->name);
        return;
    }
    if (s->part_count == MUSTER_PARTS_MAX) {
        muster__mistake(s, "%s is one part too many; a scenario has at most %u", part->name,
                        MUSTER_PARTS_MAX);
        return;
    }
    struct muster__given_part given = { .part = part, .options = copy_options(part, options) };
    if (given.options == NULL) {
        (void)muster_error_set(&s->mistake, MUSTER_ENOMEM, "out of memory");
        return;
    }
    if (!take_places(s, &given)) {
        free(given.options);
        return;
    }
    s->parts[s->part_count++] = given;
    muster_require(s, part->capabilities);
}
