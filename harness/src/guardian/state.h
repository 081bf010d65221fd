/* What the guardian knows of the test, and how far the clean-up has come. */
#ifndef MUSTER_SRC_GUARDIAN_STATE_H
#define MUSTER_SRC_GUARDIAN_STATE_H

#include <stdbool.h>

enum muster__test_state {
    MUSTER__TEST_AWAITED, /* No test has said hello. */
    MUSTER__TEST_ATTACHED, /* A test said hello. */
    MUSTER__TEST_DONE, /* The test sent its verdict. */
    MUSTER__TEST_ABANDONED, /* The guardian ends the run without a verdict from the test. */
    MUSTER__TEST_STATE_COUNT
};

enum muster__cluster_state {
    MUSTER__CLUSTER_UP, /* Nodes may run. Also the state before the first node. */
    MUSTER__CLUSTER_SAVED, /* The runner was asked to save the evidence; nodes may still run. */
    MUSTER__CLUSTER_GOING_DOWN,
    MUSTER__CLUSTER_DOWN, /* The audit found nothing. */
    MUSTER__CLUSTER_PRESERVED, /* Left up because a preserve variable is set. */
    MUSTER__CLUSTER_LEFT, /* The clean-up failed or found a leak; `muster sweep` needs the ledger. */
    MUSTER__CLUSTER_STATE_COUNT
};

bool muster__test_may_move(enum muster__test_state from, enum muster__test_state to);
bool muster__cluster_may_move(enum muster__cluster_state from, enum muster__cluster_state to);

/** Only a bug in the guardian makes a move that is not in the table. */
void muster__test_move(enum muster__test_state *state, enum muster__test_state to);
void muster__cluster_move(enum muster__cluster_state *state, enum muster__cluster_state to);

/** True once the guardian serves no more requests. */
bool muster__test_is_over(enum muster__test_state state);
/** True once the clean-up has ended, well or not. */
bool muster__cluster_is_settled(enum muster__cluster_state state);

#endif
