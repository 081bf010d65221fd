#include "guardian/state.h"

#include <assert.h>

#define TO(state) (1u << (state))

/* A state without moves is final. */
static const unsigned test_moves[MUSTER__TEST_STATE_COUNT] = {
    [MUSTER__TEST_AWAITED] = TO(MUSTER__TEST_ATTACHED) | TO(MUSTER__TEST_ABANDONED),
    [MUSTER__TEST_ATTACHED] = TO(MUSTER__TEST_DONE) | TO(MUSTER__TEST_ABANDONED),
};

static const unsigned cluster_moves[MUSTER__CLUSTER_STATE_COUNT] = {
    [MUSTER__CLUSTER_UP] = TO(MUSTER__CLUSTER_SAVED),
    [MUSTER__CLUSTER_SAVED] = TO(MUSTER__CLUSTER_GOING_DOWN),
    [MUSTER__CLUSTER_GOING_DOWN] =
        TO(MUSTER__CLUSTER_DOWN) | TO(MUSTER__CLUSTER_PRESERVED) | TO(MUSTER__CLUSTER_LEFT),
};

bool muster__test_may_move(enum muster__test_state from, enum muster__test_state to)
{
    return (test_moves[from] & TO(to)) != 0;
}

bool muster__cluster_may_move(enum muster__cluster_state from, enum muster__cluster_state to)
{
    return (cluster_moves[from] & TO(to)) != 0;
}

void muster__test_move(enum muster__test_state *state, enum muster__test_state to)
{
    assert(muster__test_may_move(*state, to));
    *state = to;
}

void muster__cluster_move(enum muster__cluster_state *state, enum muster__cluster_state to)
{
    assert(muster__cluster_may_move(*state, to));
    *state = to;
}

bool muster__test_is_over(enum muster__test_state state)
{
    return test_moves[state] == 0;
}

bool muster__cluster_is_settled(enum muster__cluster_state state)
{
    return cluster_moves[state] == 0;
}
