/* Lanes: a limit on the requests of one node that are under way. Nodes may share an address, as behind a
 * proxy, so a limit for each address would let one node that hangs use up the connections of all. Requests
 * beyond the limit wait here and not in libcurl, because libcurl does not time a request that has no
 * connection. Engine's thread. */
#include <assert.h>
#include <stdlib.h>

#include "http/internal.h"

/* Reuses an empty lane of another node: so there are never more lanes than nodes that were busy at once. */
static struct muster__lane *find(struct muster_http *http, uint64_t node_hash)
{
    struct muster__lane **bucket = &http->lanes[node_hash % MUSTER__HTTP_BUCKETS];
    struct muster__lane *lane = NULL;
    for (struct muster__lane *it = *bucket; it != NULL; it = it->next) {
        if (it->node_hash == node_hash) {
            return it;
        }
        lane = it->live == 0 ? it : lane;
    }
    if (lane == NULL) {
        lane = calloc(1, sizeof(*lane));
        if (lane == NULL) {
            return NULL;
        }
        TAILQ_INIT(&lane->waiting);
        lane->next = *bucket;
        *bucket = lane;
    }
    lane->node_hash = node_hash;
    return lane;
}

bool muster__lane_enter(struct muster__transfer *transfer)
{
    struct muster__lane *lane = find(transfer->http, transfer->node_hash);
    if (lane == NULL) { /* No memory: the request is not counted. */
        return true;
    }
    if (lane->live >= MUSTER__HTTP_NODE_REQUESTS) {
        transfer->waited = true;
        TAILQ_INSERT_TAIL(&lane->waiting, transfer, waiting);
        return false;
    }
    lane->live++;
    transfer->lane = lane;
    return true;
}

void muster__lane_leave(struct muster__transfer *transfer)
{
    struct muster__lane *lane = transfer->lane;
    if (lane == NULL) {
        return;
    }
    struct muster__transfer *next = TAILQ_FIRST(&lane->waiting);
    transfer->lane = NULL;
    assert(lane->live > 0);
    if (next == NULL) {
        lane->live--;
        return;
    }
    TAILQ_REMOVE(&lane->waiting, next, waiting);
    next->lane = lane; /* Takes the place of the one that ended, so `live` stays. */
    TAILQ_INSERT_TAIL(&transfer->http->ready, next, waiting);
}

static uint64_t take_overdue(struct muster__lane *lane, uint64_t now_ms, struct muster__waiting *ret)
{
    uint64_t due_ms = UINT64_MAX;
    struct muster__transfer *next = NULL;
    for (struct muster__transfer *it = TAILQ_FIRST(&lane->waiting); it != NULL; it = next) {
        uint64_t deadline_ms = muster__transfer_deadline_ms(it);
        next = TAILQ_NEXT(it, waiting);
        if (deadline_ms <= now_ms) {
            TAILQ_REMOVE(&lane->waiting, it, waiting);
            TAILQ_INSERT_TAIL(ret, it, waiting);
        } else if (deadline_ms < due_ms) {
            due_ms = deadline_ms;
        }
    }
    return due_ms;
}

uint64_t muster__lanes_take_overdue(struct muster_http *http, uint64_t now_ms, struct muster__waiting *ret)
{
    uint64_t due_ms = UINT64_MAX;
    for (size_t i = 0; i < MUSTER__HTTP_BUCKETS; i++) {
        for (struct muster__lane *lane = http->lanes[i]; lane != NULL; lane = lane->next) {
            uint64_t lane_ms = take_overdue(lane, now_ms, ret);
            due_ms = lane_ms < due_ms ? lane_ms : due_ms;
        }
    }
    return due_ms;
}

void muster__lanes_free(struct muster_http *http)
{
    for (size_t i = 0; i < MUSTER__HTTP_BUCKETS; i++) {
        while (http->lanes[i] != NULL) {
            struct muster__lane *lane = http->lanes[i];
            http->lanes[i] = lane->next;
            free(lane);
        }
    }
}
