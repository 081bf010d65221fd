#include "chain/transactions/tracker.h"
#include "muster/chain.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct tracked {
    struct muster__record record; /* First: the tree of identities points at it. */
    TAILQ_ENTRY(tracked) entries; /* In order of sending. */
};

/* One appearance on the best chain, in order of height. What it replaced is kept, for a reorg to restore. */
struct appearance {
    uint64_t height;
    uint64_t previous_height;
    bool first; /* Of its transaction. */
    struct tracked *entry;
};

struct muster__tracker {
    pthread_mutex_t mutex;
    size_t capacity;
    uint32_t within_blocks;
    uint32_t security_depth;
    void *identities; /* A tsearch() tree of entries. */
    TAILQ_HEAD(, tracked) sent;
    size_t entry_count;
    struct appearance *appearances; /* Two for each transaction in memory, so that it cannot run full. */
    size_t appearance_count;
    size_t final_count; /* So many of them, from the oldest on, are final. */
    size_t retired_count; /* So many of them are of the past and wait to be removed. */
    uint64_t best_height;
    uint64_t pending; /* Accepted, not included. */
    struct muster__counts counts;
    struct muster__rebuff refused;
    struct muster__rebuff unanswered;
};

static int compare(const void *a, const void *b)
{
    const struct tracked *left = a;
    const struct tracked *right = b;
    return strcmp(left->record.identity.text, right->record.identity.text);
}

struct muster__tracker *muster__tracker_create(size_t capacity, uint32_t within_blocks,
                                               uint32_t security_depth)
{
    struct muster__tracker *tracker = calloc(1, sizeof *tracker);
    if (tracker == NULL) {
        return NULL;
    }
    tracker->appearances = calloc(2 * capacity, sizeof *tracker->appearances);
    if (tracker->appearances == NULL) {
        free(tracker);
        return NULL;
    }
    pthread_mutex_init(&tracker->mutex, NULL);
    TAILQ_INIT(&tracker->sent);
    tracker->capacity = capacity;
    tracker->within_blocks = within_blocks;
    tracker->security_depth = security_depth;
    return tracker;
}

static void forget(struct muster__tracker *tracker, struct tracked *entry)
{
    tdelete(entry, &tracker->identities, compare);
    TAILQ_REMOVE(&tracker->sent, entry, entries);
    tracker->entry_count--;
    free(entry);
}

void muster__tracker_destroy(struct muster__tracker *tracker)
{
    if (tracker == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&tracker->sent)) {
        forget(tracker, TAILQ_FIRST(&tracker->sent));
    }
    pthread_mutex_destroy(&tracker->mutex);
    free(tracker->appearances);
    free(tracker);
}

static struct tracked *find(struct muster__tracker *tracker, const struct muster_id *identity)
{
    struct tracked key;
    key.record.identity = *identity;
    void *found = tfind(&key, &tracker->identities, compare);
    return found == NULL ? NULL : *(struct tracked **)found;
}

/* ---- Memory ---- */

/* Nothing is wrong with it and nothing can change: it only takes up room. */
static bool may_retire(const struct muster__tracker *tracker, const struct muster__record *record)
{
    return record->accepted && record->appearances == 1 &&
           record->included_height <= record->accepted_height + tracker->within_blocks;
}

static void drop_retired(struct muster__tracker *tracker)
{
    size_t dropped = tracker->retired_count;
    tracker->appearance_count -= dropped;
    tracker->final_count -= dropped;
    tracker->retired_count = 0;
    memmove(tracker->appearances, tracker->appearances + dropped,
            tracker->appearance_count * sizeof *tracker->appearances);
}

/* Retires an eighth at a time, so that moving the rest up costs little for each. */
static void make_room(struct muster__tracker *tracker)
{
    size_t wanted = tracker->capacity / 8 + 1;
    for (size_t i = 0; i < tracker->final_count && wanted > 0; i++) {
        struct tracked *entry = tracker->appearances[i].entry;
        tracker->retired_count = i + 1;
        if (may_retire(tracker, &entry->record)) {
            forget(tracker, entry);
            tracker->counts.retired++;
            wanted--;
        }
    }
    drop_retired(tracker);
}

/* ---- From sent to answered ---- */

static struct tracked *add(struct muster__tracker *tracker, const struct muster_id *identity)
{
    struct tracked *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->record.identity = *identity;
    if (tsearch(entry, &tracker->identities, compare) == NULL) {
        free(entry);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&tracker->sent, entry, entries);
    tracker->entry_count++;
    return entry;
}

enum muster_rc muster__tracker_sent(struct muster__tracker *tracker,
                                    const struct muster_submission *submission, uint32_t node,
                                    uint64_t now_ms)
{
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&tracker->mutex);
    struct tracked *entry = find(tracker, &submission->identity);
    if (entry == NULL) {
        if (tracker->entry_count >= tracker->capacity) {
            make_room(tracker);
        }
        if (tracker->entry_count >= tracker->capacity) {
            rc = MUSTER_ESTATE;
        } else if ((entry = add(tracker, &submission->identity)) == NULL) {
            rc = MUSTER_ENOMEM;
        } else {
            entry->record.sent_ms = now_ms;
            entry->record.wallet = submission->wallet;
            tracker->counts.sent++;
        }
    }
    if (rc == MUSTER_OK) {
        entry->record.node = node;
        tracker->counts.in_flight++;
    }
    pthread_mutex_unlock(&tracker->mutex);
    return rc;
}

void muster__tracker_retried(struct muster__tracker *tracker)
{
    pthread_mutex_lock(&tracker->mutex);
    tracker->counts.retried++;
    pthread_mutex_unlock(&tracker->mutex);
}

void muster__tracker_held_back(struct muster__tracker *tracker, uint64_t count)
{
    pthread_mutex_lock(&tracker->mutex);
    tracker->counts.held_back += count;
    pthread_mutex_unlock(&tracker->mutex);
}

void muster__tracker_accepted(struct muster__tracker *tracker, const struct muster_id *identity,
                              uint32_t node, uint64_t now_ms, uint64_t best_height)
{
    pthread_mutex_lock(&tracker->mutex);
    struct tracked *entry = find(tracker, identity);
    tracker->counts.in_flight--;
    if (entry != NULL && !entry->record.accepted) {
        entry->record.accepted = true;
        entry->record.node = node;
        entry->record.accepted_ms = now_ms;
        entry->record.accepted_height = best_height;
        tracker->counts.accepted++;
        if (entry->record.appearances == 0) {
            tracker->pending++;
        } else {
            tracker->counts.included++;
        }
    }
    pthread_mutex_unlock(&tracker->mutex);
}

static void remember(struct muster__rebuff *rebuff, uint32_t node, uint64_t now_ms, const char *text)
{
    if (!rebuff->known) {
        *rebuff = (struct muster__rebuff){ .known = true, .node = node, .at_ms = now_ms };
        snprintf(rebuff->text, sizeof rebuff->text, "%s", text);
    }
}

void muster__tracker_refused(struct muster__tracker *tracker, uint32_t node, uint64_t now_ms,
                             const char *text)
{
    pthread_mutex_lock(&tracker->mutex);
    tracker->counts.in_flight--;
    tracker->counts.refused++;
    remember(&tracker->refused, node, now_ms, text);
    pthread_mutex_unlock(&tracker->mutex);
}

void muster__tracker_unanswered(struct muster__tracker *tracker, uint32_t node, uint64_t now_ms,
                                const char *text, bool cut_off)
{
    pthread_mutex_lock(&tracker->mutex);
    tracker->counts.in_flight--;
    if (cut_off) {
        tracker->counts.cut_off++;
    } else {
        tracker->counts.unanswered++;
        remember(&tracker->unanswered, node, now_ms, text);
    }
    pthread_mutex_unlock(&tracker->mutex);
}

/* ---- The best chain ---- */

static void update_final(struct muster__tracker *tracker)
{
    while (tracker->final_count < tracker->appearance_count &&
           tracker->appearances[tracker->final_count].height + tracker->security_depth <=
               tracker->best_height) {
        tracker->counts.final += tracker->appearances[tracker->final_count].first;
        tracker->final_count++;
    }
}

static void count_inclusion(struct muster__tracker *tracker, const struct muster__record *record, bool gained)
{
    if (record->accepted) {
        tracker->counts.included += gained ? 1u : -1ull;
        tracker->pending -= gained ? 1u : -1ull;
    }
}

static void appear(struct muster__tracker *tracker, struct tracked *entry, const struct muster_block *block,
                   uint64_t height, uint64_t seen_ms)
{
    struct muster__record *record = &entry->record;
    if (tracker->appearance_count >= 2 * tracker->capacity) {
        return; /* On average each was spent twice: more of it changes no judgement. */
    }
    tracker->appearances[tracker->appearance_count++] =
        (struct appearance){ .height = height,
                             .previous_height = record->included_height,
                             .first = record->appearances == 0,
                             .entry = entry };
    if (record->appearances++ == 0) {
        record->first_height = height;
        record->included_ms = seen_ms;
        record->block = block->id;
        count_inclusion(tracker, record, true);
    }
    record->included_height = height;
}

void muster__tracker_block(struct muster__tracker *tracker, const struct muster_block *block, uint64_t height,
                           uint64_t seen_ms)
{
    pthread_mutex_lock(&tracker->mutex);
    tracker->best_height = height;
    for (size_t i = 0; i < block->identity_count; i++) {
        struct tracked *entry = find(tracker, &block->identities[i]);
        if (entry != NULL) {
            appear(tracker, entry, block, height, seen_ms);
        }
    }
    update_final(tracker);
    pthread_mutex_unlock(&tracker->mutex);
}

void muster__tracker_reorg(struct muster__tracker *tracker, uint64_t height)
{
    pthread_mutex_lock(&tracker->mutex);
    while (tracker->appearance_count > 0 &&
           tracker->appearances[tracker->appearance_count - 1].height > height) {
        struct appearance *last = &tracker->appearances[--tracker->appearance_count];
        struct muster__record *record = &last->entry->record;
        if (tracker->final_count > tracker->appearance_count) {
            tracker->final_count = tracker->appearance_count;
            tracker->counts.final -= last->first;
        }
        record->included_height = last->previous_height;
        if (--record->appearances == 0) {
            record->included_ms = 0;
            count_inclusion(tracker, record, false);
        }
    }
    tracker->best_height = height;
    pthread_mutex_unlock(&tracker->mutex);
}

/* ---- What is known ---- */

void muster__tracker_counts(struct muster__tracker *tracker, struct muster__counts *ret)
{
    pthread_mutex_lock(&tracker->mutex);
    *ret = tracker->counts;
    pthread_mutex_unlock(&tracker->mutex);
}

bool muster__tracker_settled(struct muster__tracker *tracker, uint64_t *height)
{
    pthread_mutex_lock(&tracker->mutex);
    bool settled = tracker->counts.in_flight == 0 && tracker->pending == 0;
    *height = tracker->appearance_count == 0 ? 0 : tracker->appearances[tracker->appearance_count - 1].height;
    pthread_mutex_unlock(&tracker->mutex);
    return settled;
}

void muster__tracker_rebuffs(struct muster__tracker *tracker, struct muster__rebuff *refused,
                             struct muster__rebuff *unanswered)
{
    pthread_mutex_lock(&tracker->mutex);
    *refused = tracker->refused;
    *unanswered = tracker->unanswered;
    pthread_mutex_unlock(&tracker->mutex);
}

void muster__tracker_each(struct muster__tracker *tracker,
                          void (*visit)(void *context, const struct muster__record *record), void *context)
{
    struct tracked *entry = NULL;
    pthread_mutex_lock(&tracker->mutex);
    TAILQ_FOREACH(entry, &tracker->sent, entries)
    {
        visit(context, &entry->record);
    }
    pthread_mutex_unlock(&tracker->mutex);
}
