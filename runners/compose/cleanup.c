/* Down: in the guardian, or in a later process. It knows the ledger alone, asks the engine for what bears the
 * run's label, and touches nothing else. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"
#include "muster/clock.h"

#define DOWN_MS 60000u /* Beyond the nodes' grace. */
#define SETTLE_MS 3000u /* An engine that was cut off in mid-up may still finish what it was asked for. */
#define PAUSE_MS 150
#define ENGINE_PATIENCE_MS 5000u /* For an engine that comes back at once, such as one that restarts. */
#define NAME_AND_STATE "{{.Names}}\t{{.State}}"

/* The names of a list of names and states; of those that run only, where asked so. The caller frees it. */
static char *names_of(const char *list, bool running_only)
{
    char *names = calloc(1, strlen(list) + 2);
    size_t used = 0;
    while (names != NULL && *list != '\0') {
        size_t line_bytes = strcspn(list, "\n");
        size_t name_bytes = strcspn(list, "\t\n");
        const char *state = list + name_bytes;
        bool runs = strncmp(state, "\trunning", 8) == 0 || strncmp(state, "\tpaused", 7) == 0;
        if (name_bytes > 0 && (runs || !running_only)) {
            memcpy(names + used, list, name_bytes);
            names[used + name_bytes] = '\n';
            used += name_bytes + 1;
        }
        list += line_bytes + (list[line_bytes] == '\n');
    }
    return names;
}

/* ---- Removing ---- */

/* Runs argv with the lines of `list` behind it, as many as fit at a time. What fails is found by the next look.
 * `said` (or NULL) gets the complaints' first. */
static void run_on_list(const struct compose_record *record, struct runner_argv argv, const char *list,
                        uint32_t timeout_ms, char said[512])
{
    char *copy = strdup(list);
    char *rest = NULL;
    char *item = copy == NULL ? NULL : strtok_r(copy, "\n", &rest);
    while (item != NULL) {
        struct runner_argv full = argv;
        while (item != NULL && full.count < RUNNER_ARGS_MAX) {
            runner__argv_add(&full, item);
            item = strtok_r(NULL, "\n", &rest);
        }
        struct muster_error err = { 0 };
        struct muster_tool tool = { .argv = full.args, .env = runner__env_items(&record->engine.env) };
        enum muster_rc rc = muster_tool_run(&tool, 1, 1, timeout_ms, &err);
        if (rc != MUSTER_OK) {
            snprintf(said, 512, "%.500s", err.text);
        } else if (!muster_tool_succeeded(&tool)) {
            muster_tool_complaint(tool.complaint, said);
        }
        muster_tool_fini(&tool);
    }
    free(copy);
}

static void remove_all(const struct compose_record *record, const struct compose_found *found, char said[512])
{
    char *containers = names_of(found->tools[COMPOSE_CONTAINERS].output, false);
    run_on_list(record, compose__docker(&record->engine, "rm", "-f", "-v", NULL),
                containers == NULL ? "" : containers, COMPOSE_CALL_MS, said);
    run_on_list(record, compose__docker(&record->engine, "network", "rm", NULL),
                found->tools[COMPOSE_NETWORKS].output, COMPOSE_CALL_MS, said);
    run_on_list(record, compose__docker(&record->engine, "volume", "rm", "-f", NULL),
                found->tools[COMPOSE_VOLUMES].output, COMPOSE_CALL_MS, said);
    free(containers);
}

/* A removal under way. */
struct removal {
    const struct compose_record *record;
    uint32_t grace_ms;
    bool stopped;
    uint64_t empty_since_ms; /* 0: something was there at the last look. */
    uint64_t failing_since_ms; /* 0: the engine answered. */
    char said[512]; /* What the engine said last against a removal. */
    char stubborn[COMPOSE_NAME_BYTES]; /* The first that had to be killed; "". */
};

/* The engine kills what ignores SIGTERM and does not say so, but the state that is left does. */
static void find_stubborn(struct removal *removal, const char *list)
{
    const struct compose_record *record = removal->record;
    char *copy = strdup(list);
    char *rest = NULL;
    for (char *name = copy == NULL ? NULL : strtok_r(copy, "\n", &rest);
         name != NULL && removal->stubborn[0] == '\0'; name = strtok_r(NULL, "\n", &rest)) {
        struct runner_argv argv = compose__docker(&record->engine, "inspect", "--type", "container",
                                                  "--format", COMPOSE_STATE_FORMAT, name, NULL);
        struct muster_tool tool = { .argv = argv.args, .env = runner__env_items(&record->engine.env) };
        struct compose_state state;
        if (muster_tool_run(&tool, 1, 1, COMPOSE_CALL_MS, NULL) == MUSTER_OK &&
            muster_tool_succeeded(&tool) &&
            compose__read_state(tool.output, tool.output_bytes, 0, &state, NULL) == MUSTER_OK &&
            state.exit.signal == SIGKILL && !state.exit.out_of_memory) {
            snprintf(removal->stubborn, sizeof removal->stubborn, "%s", state.name);
        }
        muster_tool_fini(&tool);
    }
    free(copy);
}

static void stop_containers(struct removal *removal, const char *containers)
{
    char seconds[16];
    char *running = names_of(containers, true);
    if (running != NULL && running[0] != '\0') {
        uint64_t began_ms = muster_clock_ms();
        snprintf(seconds, sizeof seconds, "%u", (removal->grace_ms + 999) / 1000);
        run_on_list(removal->record, compose__docker(&removal->record->engine, "stop", "-t", seconds, NULL),
                    running, removal->grace_ms + COMPOSE_CALL_MS, removal->said);
        if (muster_clock_ms() - began_ms >= removal->grace_ms) { /* Else none can have ignored it. */
            find_stubborn(removal, running);
        }
    }
    free(running);
}

static enum muster_rc engine_is_silent(struct removal *removal, const struct muster_error *cause, bool *done,
                                       struct muster_error *err)
{
    uint64_t now_ms = muster_clock_ms();
    if (removal->failing_since_ms == 0) {
        removal->failing_since_ms = now_ms;
    }
    *done = now_ms - removal->failing_since_ms > ENGINE_PATIENCE_MS;
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
    enum muster_rc rc = compose__look(removal->record, NAME_AND_STATE, &found, &cause);
    if (rc != MUSTER_OK) {
        compose__found_fini(&found);
        return engine_is_silent(removal, &cause, done, err);
    }
    removal->failing_since_ms = 0;
    if (compose__found_nothing(&found)) {
        uint64_t now_ms = muster_clock_ms();
        removal->empty_since_ms = removal->empty_since_ms == 0 ? now_ms : removal->empty_since_ms;
        *done = !removal->record->up_unfinished || now_ms - removal->empty_since_ms >= SETTLE_MS;
    } else {
        removal->empty_since_ms = 0;
        if (!removal->stopped) {
            stop_containers(removal, found.tools[COMPOSE_CONTAINERS].output);
            removal->stopped = true;
        }
        remove_all(removal->record, &found, removal->said);
    }
    compose__found_fini(&found);
    return MUSTER_OK;
}

/* All is gone by now; whether a node ended as it should is the run's business. */
static enum muster_rc judge_stubborn(const struct removal *removal, struct muster_error *err)
{
    const char *node = strstr(removal->stubborn, "node-");
    return node == NULL ? MUSTER_OK
                        : muster_error_set(err, MUSTER_ENODE, "%s ignored SIGTERM for %.1f s and was killed",
                                           node, removal->grace_ms / 1000.0);
}

static enum muster_rc remove_rest(const struct compose_record *record, uint32_t grace_ms,
                                  struct muster_error *err)
{
    struct removal removal = { .record = record, .grace_ms = grace_ms, .said = "it is still there" };
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
    return rc != MUSTER_OK ? rc : judge_stubborn(&removal, err);
}

enum muster_rc compose__down(const struct muster_ledger_view *view, uint32_t grace_ms,
                             struct muster_error *err)
{
    struct compose_record record;
    enum muster_rc rc = compose__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = remove_rest(&record, grace_ms, err);
    if (rc == MUSTER_OK) {
        rc = compose__judge_logs(view, &record, err);
    }
    compose__engine_fini(&record.engine);
    /* In a sweep nobody waits for such judgements. */
    return rc == MUSTER_ENODE && view->guardian_pid != getpid() ? MUSTER_OK : rc;
}
