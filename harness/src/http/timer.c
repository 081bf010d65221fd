/* The engine's timers: a binary heap with the next timer first. */
#include <assert.h>
#include <stdlib.h>

#include "http/internal.h"
#include "muster/clock.h"

static bool is_before(const struct muster__timer *a, const struct muster__timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->sequence < b->sequence;
}

static void swap(struct muster__timer *a, struct muster__timer *b)
{
    struct muster__timer kept = *a;
    *a = *b;
    *b = kept;
}

static bool grow(struct muster_http *http)
{
    size_t capacity = http->timer_capacity == 0 ? 64 : http->timer_capacity * 2;
    if (http->timer_count < http->timer_capacity) {
        return true;
    }
    if (capacity > MUSTER__HTTP_TIMERS_MAX) {
        return false;
    }
    struct muster__timer *grown = realloc(http->timers, capacity * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    http->timers = grown;
    http->timer_capacity = capacity;
    return true;
}

bool muster__timers_add(struct muster_http *http, uint64_t at_ms, void (*fire)(void *), void *context)
{
    if (!grow(http)) {
        return false;
    }
    size_t i = http->timer_count++;
    http->timers[i] = (struct muster__timer){
        .at_ms = at_ms, .sequence = http->timer_sequence++, .fire = fire, .context = context
    };
    while (i > 0 && is_before(&http->timers[i], &http->timers[(i - 1) / 2])) {
        swap(&http->timers[i], &http->timers[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    return true;
}

static struct muster__timer pop(struct muster_http *http)
{
    assert(http->timer_count > 0);
    struct muster__timer first = http->timers[0];
    http->timers[0] = http->timers[--http->timer_count];
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < http->timer_count; child++) {
            if (is_before(&http->timers[child], &http->timers[least])) {
                least = child;
            }
        }
        if (least == i) {
            return first;
        }
        swap(&http->timers[i], &http->timers[least]);
        i = least;
    }
}

/* Timers that are set while others fire wait for the next round. Otherwise a timer that sets itself again at
 * once would block the loop for ever. */
void muster__timers_fire(struct muster_http *http)
{
    uint64_t now_ms = muster_clock_ms();
    (void)pthread_mutex_lock(&http->mutex);
    uint64_t sequence_end = http->timer_sequence;
    while (!http->stopping && http->timer_count > 0 && http->timers[0].at_ms <= now_ms &&
           http->timers[0].sequence < sequence_end) {
        struct muster__timer due = pop(http);
        (void)pthread_mutex_unlock(&http->mutex);
        due.fire(due.context);
        (void)pthread_mutex_lock(&http->mutex);
    }
    (void)pthread_mutex_unlock(&http->mutex);
}
