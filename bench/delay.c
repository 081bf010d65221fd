/* How long after the first node accepted a block a subscriber has it. The nodes' logs say when they took it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/files.h"
#include "bench.h"
#include "muster/chain.h"
#include "muster/clock.h"
#include "muster/session.h"

#define NODES 3u
#define WINDOW_MS 20000
#define BLOCKS_MAX 1024u
#define NEXT_MS 100u
#define LOG_BYTES_MAX (16u * 1024u * 1024u)

/* 400 ms a block, as in the suites. */
static const struct muster_consensus consensus = { .slot_ms = 200,
                                                   .active_slot_coeff = 0.5,
                                                   .security_depth = 10 };

struct seen {
    size_t count;
    uint64_t height; /* Of the last block. */
    struct {
        struct muster_id id;
        double seen_wall_ms;
    } blocks[BLOCKS_MAX];
};

/* In memory shared with the run's process. */
struct delays {
    struct seen seen;
    uint32_t count;
    double ms[BLOCKS_MAX];
};

static double wall_ms(void)
{
    struct timespec time = { .tv_sec = 0 };
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* A block that a reorg brought was accepted when nobody could know yet that it is on the best chain: it says
 * how long the fork lasted, and nothing of us. */
static void keep(struct seen *seen, const struct muster_feed_event *event)
{
    bool by_reorg = event->height <= seen->height;
    if (event->kind != MUSTER_FEED_BLOCK) {
        return;
    }
    seen->height = by_reorg ? seen->height : event->height;
    if (!by_reorg && seen->count < BLOCKS_MAX) {
        seen->blocks[seen->count].seen_wall_ms = wall_ms();
        seen->blocks[seen->count++].id = event->block->id;
    }
}

static enum muster_rc subscribe(struct muster_run *run, void *context, struct muster_error *err)
{
    struct muster_feed_event event;
    MUSTER_CLEANUP(muster_feed_unsubscribe) struct muster_feed_subscription *feed = NULL;
    enum muster_rc rc = muster_feed_subscribe(run, UINT64_MAX, &feed, err);
    while (rc == MUSTER_OK && muster_run_active(run)) {
        rc = muster_feed_next(feed, NEXT_MS, &event);
        if (rc == MUSTER_OK) {
            keep(context, &event);
        }
        rc = rc == MUSTER_ETIMEDOUT ? MUSTER_OK : rc;
    }
    return rc == MUSTER_ESTOPPED ? MUSTER_OK : rc;
}

/* The wall time at the begin of a log line, 0 where there is none. */
static uint64_t line_wall_ms(const char *line)
{
    struct tm tm = { .tm_isdst = 0 };
    const char *fraction = strptime(line, "%Y-%m-%dT%H:%M:%S.", &tm);
    return fraction == NULL ? 0 : (uint64_t)timegm(&tm) * 1000u + strtoul(fraction, NULL, 10);
}

/* When the log says that its node took the block; UINT64_MAX when it does not. */
static uint64_t accepted_wall_ms(const char *log, const struct muster_id *id)
{
    char words[MUSTER_ID_BYTES + 16];
    snprintf(words, sizeof words, " block %s ", id->text);
    const char *found = strstr(log, words);
    if (found == NULL) {
        return UINT64_MAX;
    }
    while (found > log && found[-1] != '\n') {
        found--;
    }
    uint64_t taken_ms = line_wall_ms(found);
    return taken_ms == 0 ? UINT64_MAX : taken_ms;
}

static enum muster_rc read_logs(struct muster_run *run, char *logs[NODES], struct muster_error *err)
{
    for (uint32_t i = 0; i < NODES; i++) {
        char path[MUSTER__PATH_BYTES];
        enum muster_rc rc =
            muster__path(path, err, "%s/nodes/node-%u/stdout.log", muster_run_directory(run), i);
        if (rc == MUSTER_OK) {
            rc = muster__file_read(path, LOG_BYTES_MAX, &logs[i], NULL, err);
        }
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

static enum muster_rc compare(struct delays *delays, char *logs[NODES], struct muster_error *err)
{
    for (size_t i = 0; i < delays->seen.count; i++) {
        uint64_t first_ms = UINT64_MAX;
        for (uint32_t node = 0; node < NODES; node++) {
            uint64_t at_ms = accepted_wall_ms(logs[node], &delays->seen.blocks[i].id);
            first_ms = at_ms < first_ms ? at_ms : first_ms;
        }
        if (first_ms == UINT64_MAX) {
            return muster_error_set(err, MUSTER_ENOTFOUND, "no node's log says when it took block %s",
                                    delays->seen.blocks[i].id.text);
        }
        delays->ms[delays->count++] = delays->seen.blocks[i].seen_wall_ms - (double)first_ms;
    }
    return delays->count > 0 ? MUSTER_OK : muster_error_set(err, MUSTER_ENOTFOUND, "no block was seen");
}

static enum muster_rc watch(struct muster_session *session, struct muster_run *run, void *shared,
                            struct muster_error *err)
{
    char *logs[NODES] = { NULL };
    (void)session;
    enum muster_rc rc = muster_run_execute(run, err);
    if (rc == MUSTER_OK) {
        rc = read_logs(run, logs, err);
    }
    if (rc == MUSTER_OK) {
        rc = compare(shared, logs, err);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        free(logs[i]);
    }
    return rc;
}

static void print(struct bench_sample *ms, uint64_t interval_ms)
{
    char label[128];
    char figure[128];
    char note[128];
    double worst = bench_sample_quantile(ms, 1);
    snprintf(label, sizeof label, "block accepted to subscriber has it, blocks every %llu ms, ms",
             (unsigned long long)interval_ms);
    snprintf(figure, sizeof figure, "%.1f (p99 %.1f, worst %.1f of %zu)", bench_sample_quantile(ms, 0.5),
             bench_sample_quantile(ms, 0.99), worst, ms->count);
    snprintf(note, sizeof note, "worst %.1f %% of the interval (aim: 25 %%)",
             100 * worst / (double)interval_ms);
    bench_row(label, figure, "-", note);
}

enum muster_rc bench_delay(const struct bench *bench, struct muster_error *err)
{
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = NULL;
    struct bench_sample ms = { .count = 0 };
    struct delays *delays = bench_share(sizeof *delays);
    if (delays == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to share with the run's process");
    }
    const struct bench_run run = { .body = watch, .shared = delays };
    const struct muster_workload subscriber = { .name = "subscriber",
                                                .run = subscribe,
                                                .context = &delays->seen };
    const struct bench_plan wanted = {
        .nodes = NODES, .duration_ms = WINDOW_MS, .consensus = &consensus, .workload = &subscriber
    };
    enum muster_rc rc = bench_plan_build(bench, &wanted, &plan, err);
    for (uint32_t i = 0; rc == MUSTER_OK && i < bench->runs; i++) {
        struct bench_times times;
        delays->seen.count = delays->count = 0;
        delays->seen.height = 0;
        rc = bench_run(bench, plan, &run, &times, err);
        for (uint32_t k = 0; k < delays->count; k++) {
            bench_sample_add(&ms, delays->ms[k]);
        }
    }
    if (rc == MUSTER_OK) {
        print(&ms, plan->block_interval_ms);
    }
    bench_unshare(delays, sizeof *delays);
    return rc;
}
