#include "run/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/clock.h"
#include "run/internal.h"
#include "run/observe.h"

#define JOIN_MS 2000u /* Times slow-down: how long a node that fell behind is given to show what it has. */
#define POLL_MS 100u
#define ANSWER_TIMEOUT_MS 2000u
#define LISTED_MAX 8u

struct network {
    struct muster_run *run;
    struct muster__answer *answers; /* By node, of the last round. */
    enum muster_kinship *kinship; /* With node 0. */
};

static bool same(const struct muster_id *a, const struct muster_id *b)
{
    return a->text[0] != '\0' && strcmp(a->text, b->text) == 0;
}

static enum muster_kinship compare(const struct network *network, uint32_t node)
{
    const struct muster__answer *first = &network->answers[0];
    const struct muster__answer *own = &network->answers[node];
    if (first->rc != MUSTER_OK || own->rc != MUSTER_OK) {
        return MUSTER_KIN_UNKNOWN;
    }
    const struct muster_progress *a = &first->progress;
    const struct muster_progress *b = &own->progress;
    if (a->network.text[0] != '\0' && b->network.text[0] != '\0') {
        return same(&a->network, &b->network) ? MUSTER_KIN_SHARED : MUSTER_KIN_NONE;
    }
    const struct muster_observer *observer = muster__observer_of(network->run->plan);
    if (observer->compare == NULL || same(&a->final, &b->final) || same(&a->tip, &b->tip)) {
        return MUSTER_KIN_SHARED;
    }
    return observer->compare(network->run, node, a, b);
}

/* One round over all that are not known to belong. True: all do. */
static bool compare_all(struct network *network)
{
    bool all = true;
    muster__ask_progress(network->run, (uint32_t)(ANSWER_TIMEOUT_MS * network->run->plan->slowdown),
                         network->answers);
    for (uint32_t i = 1; i < network->run->plan->node_count; i++) {
        if (network->kinship[i] != MUSTER_KIN_SHARED) {
            network->kinship[i] = compare(network, i);
        }
        all = all && network->kinship[i] == MUSTER_KIN_SHARED;
    }
    return all;
}

/* ---- In words ---- */

static void name_node(const struct network *network, uint32_t node, char text[600])
{
    struct muster_endpoint at = { 0 };
    bool known = muster__nodes_endpoint(network->run->nodes, node, &at, NULL) == MUSTER_OK;
    snprintf(text, 600, "node-%u%s%s", node, known ? " at " : "", at.base_url);
}

static enum muster_rc say_apart(const struct network *network, struct muster_error *err)
{
    char list[3000] = "";
    char first[600];
    uint32_t apart = 0;
    uint32_t count = network->run->plan->node_count;
    name_node(network, 0, first);
    for (uint32_t i = 1; i < count; i++) {
        size_t used = strlen(list);
        char name[600];
        if (network->kinship[i] == MUSTER_KIN_SHARED) {
            continue;
        }
        name_node(network, i, name);
        if (apart++ < LISTED_MAX && used + sizeof name < sizeof list) {
            snprintf(list + used, sizeof list - used, "%s%s%s", used > 0 ? ", " : "", name,
                     network->kinship[i] == MUSTER_KIN_UNKNOWN ? " (which did not answer)" : "");
        }
    }
    bool named = network->answers[0].progress.network.text[0] != '\0';
    const char *why = named ? "they say so themselves" : muster__observer_of(network->run->plan)->apart;
    if (count > 2 && apart == count - 1) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "%s is not of one network with any other node: %s; name nodes of one network",
                                first, why);
    }
    return muster_error_set(err, MUSTER_EINVAL,
                            "%s: not of one network with %s: %s; name nodes of one network", list, first,
                            why);
}

static enum muster_rc compare_until_joined(struct network *network, struct muster_error *err)
{
    uint64_t changes = 0;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)(JOIN_MS * network->run->plan->slowdown);
    while (!compare_all(network)) {
        enum muster_rc rc = muster__nodes_failure(network->run->nodes, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return say_apart(network, err);
        }
        muster__run_wait(network->run, muster_clock_ms() + POLL_MS, &changes);
    }
    return MUSTER_OK;
}

enum muster_rc muster__network_check(struct muster_run *run, struct muster_error *err)
{
    struct network network = { .run = run,
                               .answers = calloc(run->plan->node_count, sizeof *network.answers),
                               .kinship = calloc(run->plan->node_count, sizeof *network.kinship) };
    enum muster_rc rc = MUSTER_ENOMEM;
    if (network.answers == NULL || network.kinship == NULL) {
        muster_error_set(err, rc, "no memory to compare %u nodes", run->plan->node_count);
    } else {
        rc = compare_until_joined(&network, err);
    }
    free(network.answers);
    free(network.kinship);
    return rc;
}
