#include "chain/feed/kinship.h"

#include "muster/chain.h"
#include "run/internal.h"

/* Whether a node has a block. */
static enum muster_kinship ask_for_block(struct muster_run *run, uint32_t node, const struct muster_id *id)
{
    const struct muster_plan *plan = run->plan;
    struct muster_request request = { 0 };
    struct muster_reply reply = { 0 };
    struct muster_block block = { 0 };
    if (id->text[0] == '\0') {
        return MUSTER_KIN_NONE;
    }
    enum muster_rc rc = plan->system->chain->request_block(plan->system_state, id, &request, NULL);
    if (rc == MUSTER_OK) {
        rc = muster_node_request(run, node, &request, &reply, NULL);
    }
    bool answered = rc == MUSTER_OK;
    if (answered) {
        rc = plan->system->chain->parse_block(plan->system_state, id, &reply, &block, NULL);
    }
    muster_block_fini(&block);
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    return rc == MUSTER_OK ? MUSTER_KIN_SHARED : answered ? MUSTER_KIN_NONE : MUSTER_KIN_UNKNOWN;
}

/* A final block is what nodes of one network agree on; but the first block is not stored by every system, and
 * a node that lags lacks both of the other's. */
enum muster_kinship muster__look_for_block(struct muster_run *run, uint32_t node,
                                           const struct muster_progress *first,
                                           const struct muster_progress *own)
{
    const struct {
        uint32_t node;
        const struct muster_id *id;
    } questions[] = { { node, &first->final }, { 0, &own->final }, { 0, &own->tip }, { node, &first->tip } };
    enum muster_kinship found = MUSTER_KIN_NONE;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && found != MUSTER_KIN_SHARED; i++) {
        enum muster_kinship kinship = ask_for_block(run, questions[i].node, questions[i].id);
        found = kinship == MUSTER_KIN_NONE ? found : kinship;
    }
    return found;
}
