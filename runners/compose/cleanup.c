/* Down: in the guardian, or in a later process. It knows the ledger alone, asks the engine for what bears the
 * run's label, and touches nothing else. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "compose/calls.h"
#include "compose/ends.h"
#include "compose/look.h"
#include "muster/clock.h"

#define DOWN_MS 60000u /* Beyond the nodes' grace. */
#define SETTLE_MS 3000u /* An engine that was cut off in mid-up may still finish what it was asked for. */
#define PAUSE_MS 150
#define ENGINE_PATIENCE_MS 5000u /* For an engine that comes back at once, such as one that restarts. */
#define NAME_AND_STATE "{{.Names}}\t{{.State}}"

/* A removal under way. */
struct removal {
    const struct muster_ledger_view *view;
    const struct compose_record *record;
    uint32_t grace_ms;
    bool stopped;
    uint64_t empty_since_ms; /* 0: something was there at the last look. */
    uint64_t failing_since_ms; /* 0: the engine answered. */
    char said[512]; /* What the engine said last against a removal. */
    struct muster_error wrong; /* The first node that did not end as it should. */
};

/* ---- Stopping ---- */

/* Tells all that run to end, side by side. Whether that took as long as the engine waits before it kills:
 * else none can have ignored it. */
static bool stop_nodes(struct removal *removal, const struct compose_names *running)
{
    struct compose_calls stop = { .record = removal->record };
    uint64_t began_ms = muster_clock_ms();
    uint32_t wait_s = (removal->grace_ms + 999) / 1000; /* The engine counts whole ones. */
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", wait_s);
    if (compose__calls_add(&stop, compose__docker(&removal->record->engine, "stop", "-t", seconds, NULL),
                           running)) {
        compose__calls_run(&stop, removal->grace_ms + COMPOSE_CALL_MS, removal->said);
    }
    compose__calls_fini(&stop);
    return muster_clock_ms() - began_ms >= wait_s * 1000ULL;
}

/* What a node said of its end tells why that was wrong, and came after the evidence was saved. */
static void judge_ends(struct removal *removal, const struct compose_calls *asked, size_t count,
                       uint32_t killed_after_ms)
{
    uint32_t node;
    struct muster_error unsaved = { 0 };
    if (compose__judge_ends(removal->record, asked->tools, count, killed_after_ms, &node, &removal->wrong) !=
            MUSTER_OK &&
        compose__save_logs(removal->view, removal->record, node, 1, &unsaved) != MUSTER_OK) {
        snprintf(removal->said, sizeof removal->said, "%.500s", unsaved.text);
    }
}

/* How they ended is known until they are removed. Networks can go in the meantime: nothing uses them now. */
static void stop_all(struct removal *removal, const struct compose_names *running,
                     const struct compose_names *networks)
{
    const struct compose_engine *engine = &removal->record->engine;
    struct compose_calls calls = { .record = removal->record };
    bool killed = stop_nodes(removal, running);
    bool asks = compose__calls_add(
        &calls,
        compose__docker(engine, "inspect", "--type", "container", "--format", COMPOSE_STATE_FORMAT, NULL),
        running);
    size_t asked = calls.count;
    if (asks && compose__calls_add(&calls, compose__docker(engine, "network", "rm", NULL), networks)) {
        compose__calls_run(&calls, COMPOSE_CALL_MS, removal->said);
        judge_ends(removal, &calls, asked, killed ? removal->grace_ms : 0);
    }
    compose__calls_fini(&calls);
}

/* ---- Removing ---- */

static void remove_named(struct removal *removal, struct runner_argv argv, const struct compose_names *names)
{
    struct compose_calls calls = { .record = removal->record };
    if (compose__calls_add(&calls, argv, names)) {
        compose__calls_run(&calls, COMPOSE_CALL_MS, removal->said);
    }
    compose__calls_fini(&calls);
}

static void remove_all(struct removal *removal, const struct compose_found *found)
{
    const struct compose_engine *engine = &removal->record->engine;
    struct compose_names running;
    struct compose_names names[COMPOSE_KIND_COUNT];
    compose__names_read(&running, found->tools[COMPOSE_CONTAINERS].output, true);
    for (size_t i = 0; i < COMPOSE_KIND_COUNT; i++) {
        compose__names_read(&names[i], found->tools[i].output, false);
    }
    bool stops = !removal->stopped && running.count > 0;
    removal->stopped = true;
    if (stops) {
        stop_all(removal, &running, &names[COMPOSE_NETWORKS]);
    }
    remove_named(removal, compose__docker(engine, "rm", "-f", "-v", NULL), &names[COMPOSE_CONTAINERS]);
    if (!stops) {
        remove_named(removal, compose__docker(engine, "network", "rm", NULL), &names[COMPOSE_NETWORKS]);
    }
    remove_named(removal, compose__docker(engine, "volume", "rm", "-f", NULL), &names[COMPOSE_VOLUMES]);
    compose__names_fini(&running);
    for (size_t i = 0; i < COMPOSE_KIND_COUNT; i++) {
        compose__names_fini(&names[i]);
    }
}

static enum muster_rc engine_is_silent(struct removal *removal, uint64_t asked_ms,
                                       const struct muster_error *cause, bool *done, struct muster_error *err)
{
    if (removal->failing_since_ms == 0) {
        removal->failing_since_ms = asked_ms;
    }
    *done = muster_clock_ms() - removal->failing_since_ms > ENGINE_PATIENCE_MS;
    return *done ? muster_error_set(err, MUSTER_EINFRA,
                                    "%s; nothing was removed; `muster sweep` does it once the engine is back",
                                    cause->text)
                 : MUSTER_OK;
}

/* One look and what follows from it. */
static enum muster_rc remove_once(struct removal *removal, bool *done, struct muster_error *err)
{
    struct compose_found found;
    struct muster_error cause = { 0 };
    uint64_t asked_ms = muster_clock_ms();
    enum muster_rc rc = compose__look(removal->record, NAME_AND_STATE, &found, &cause);
    if (rc != MUSTER_OK) {
        compose__found_fini(&found);
        return engine_is_silent(removal, asked_ms, &cause, done, err);
    }
    removal->failing_since_ms = 0;
    if (compose__found_nothing(&found)) {
        uint64_t now_ms = muster_clock_ms();
        removal->empty_since_ms = removal->empty_since_ms == 0 ? now_ms : removal->empty_since_ms;
        *done = !removal->record->up_unfinished || now_ms - removal->empty_since_ms >= SETTLE_MS;
    } else {
        removal->empty_since_ms = 0;
        remove_all(removal, &found);
    }
    compose__found_fini(&found);
    return MUSTER_OK;
}

static enum muster_rc remove_rest(const struct muster_ledger_view *view, const struct compose_record *record,
                                  uint32_t grace_ms, struct muster_error *err)
{
    struct removal removal = {
        .view = view, .record = record, .grace_ms = grace_ms, .said = "it is still there"
    };
    uint64_t deadline_ms = muster_clock_ms() + grace_ms + DOWN_MS;
    bool done = false;
    enum muster_rc rc = MUSTER_OK;
    while (!done && rc == MUSTER_OK) {
        rc = remove_once(&removal, &done, err);
        if (rc == MUSTER_OK && !done && muster_clock_left_ms(deadline_ms) == 0) {
            return muster_error_set(err, MUSTER_EINFRA, "%s could not be removed within %.1f s: %s",
                                    record->project, (grace_ms + DOWN_MS) / 1000.0, removal.said);
        }
        if (!done && (removal.empty_since_ms != 0 || removal.failing_since_ms != 0)) {
            poll(NULL, 0, PAUSE_MS);
        }
    }
    /* All is gone by now; whether the nodes ended as they should is the run's business. */
    return rc != MUSTER_OK || removal.wrong.rc == MUSTER_OK
               ? rc
               : muster_error_set(err, removal.wrong.rc, "%s", removal.wrong.text);
}

enum muster_rc compose__down(const struct muster_ledger_view *view, uint32_t grace_ms,
                             struct muster_error *err)
{
    struct compose_record record;
    enum muster_rc rc = compose__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = remove_rest(view, &record, grace_ms, err);
    if (rc == MUSTER_OK) {
        rc = compose__judge_logs(view, &record, err);
    }
    compose__engine_fini(&record.engine);
    /* In a sweep nobody waits for such judgements. */
    return rc == MUSTER_ENODE && view->guardian_pid != getpid() ? MUSTER_OK : rc;
}
