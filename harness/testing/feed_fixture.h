/* A feed over the fake nodes of feed_nodes.h, and what tests do to them and expect of it. */
#ifndef MUSTER_TESTING_FEED_FIXTURE_H
#define MUSTER_TESTING_FEED_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/feed/internal.h"
#include "muster/clock.h"
#include "testing/feed_nodes.h"

extern struct muster_nodes *feed_nodes;
extern struct muster_feed *tested_feed;

/* How many lines of events.jsonl hold both. */
unsigned feed_count_events(const char *kind, const char *part);

/* Checked setups: a feed that is not started yet, over nodes of that system. */
void feed_make_polled(void);

void feed_make_streamed(void);

void feed_tear_down(void);

void feed_start(void);

/* Adds a block that the nodes in `had_by` serve. */
void feed_add(const char *id, const char *parent, unsigned slot, const char *leader, unsigned had_by);

/* `had_by` names the nodes, a bit each. */
void feed_set_tip(unsigned had_by, const char *id, unsigned height);

/* Sends a line on all streams. */
void feed_bring(const char *line);

/* Sets a flag of a fake node, under the mutex. */
void feed_set_flag(bool *flag, bool value);

/* Until a node was asked so many more times. */
void feed_wait_asked(const unsigned *counter, unsigned more);

struct muster_feed_subscription *feed_subscribe(uint64_t from_height);

/* Asserts what comes next on a subscription. */
void feed_expect_block(struct muster_feed_subscription *subscription, const char *id, uint64_t height);

void feed_expect_reorg(struct muster_feed_subscription *subscription, uint64_t height);

void feed_expect_nothing(struct muster_feed_subscription *subscription);

/* Until a view satisfies what is asked of it. */
struct muster_node_view feed_wait_view(uint32_t node, bool (*good)(const struct muster_node_view *view));

/* What feed_wait_view() may be asked for. */
bool feed_fails(const struct muster_node_view *view);

bool feed_answers(const struct muster_node_view *view);

bool feed_is_at_two(const struct muster_node_view *view);

/* Adds the blocks <letter><first> to <letter><last>, the first one on `below`. */
void feed_add_chain(const char *letter, unsigned first, unsigned last, const char *below, unsigned had_by);

#endif
