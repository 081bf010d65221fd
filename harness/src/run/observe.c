/* What a run knows of how far its nodes are, through the observer of the plan. */

#include "run/observe.h"
#include "run/internal.h"

const struct muster_observer *muster__observer_of(const struct muster_plan *plan)
{
    return plan->system->observer != NULL ? plan->system->observer : &muster__progress_observer;
}

enum muster_rc muster__observation_create(struct muster_run *run, struct muster_error *err)
{
    return muster__observer_of(run->plan)->create(run, &run->observation, err);
}

enum muster_rc muster__observation_start(struct muster_run *run, struct muster_error *err)
{
    return muster__observer_of(run->plan)->start(run, run->observation, err);
}

void muster__observation_stop(struct muster_run *run)
{
    if (run->observation != NULL) {
        muster__observer_of(run->plan)->stop(run->observation);
    }
}

void muster__observation_destroy(struct muster_run *run)
{
    if (run->observation != NULL) {
        muster__observer_of(run->plan)->destroy(run->observation);
        run->observation = NULL;
    }
}

void muster__run_node_changed(struct muster_run *run, uint32_t node)
{
    muster__observer_of(run->plan)->node_changed(run->observation, node);
}

void muster__run_best(struct muster_run *run, struct muster_progress *ret)
{
    *ret = (struct muster_progress){ 0 };
    if (run->observation != NULL) {
        muster__observer_of(run->plan)->best(run->observation, ret);
    }
}

bool muster__run_has_branches(const struct muster_run *run)
{
    return muster__observer_of(run->plan)->common_height != NULL;
}

enum muster_rc muster__run_common_height(struct muster_run *run, const struct muster_progress *a,
                                         const struct muster_progress *b, uint64_t *ret)
{
    if (!muster__run_has_branches(run)) {
        *ret = a->height < b->height ? a->height : b->height;
        return MUSTER_OK;
    }
    return muster__observer_of(run->plan)->common_height(run->observation, a, b, ret);
}

void muster_node_view(struct muster_run *run, uint32_t node, struct muster_node_view *ret)
{
    *ret = (struct muster_node_view){ 0 };
    if (node >= run->plan->node_count || run->observation == NULL) {
        return;
    }
    muster__observer_of(run->plan)->view(run->observation, node, ret);
    pthread_mutex_lock(&run->mutex);
    ret->down_ms = run->down_ms[node];
    pthread_mutex_unlock(&run->mutex);
}
