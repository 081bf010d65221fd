/* Down: in the guardian, or in a later process. It knows the ledger alone, asks the API server for what bears
 * the run's label, and touches nothing else: of a namespace that was there before, only that. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/orders.h"
#include "k8s/record.h"
#include "muster/clock.h"

#define DOWN_MS 120000u /* Beyond the nodes' grace. */
#define SETTLE_MS 3000u /* A request that was cut off in mid-up may still be carried out. */
#define GENTLE_MS 15000u /* Beyond the grace: what is still there is then removed by force. */
#define PAUSE_MS 150
#define PATIENCE_MS 15000u /* For an API server that comes back. */
#define OBJECTS "pods,services,configmaps,persistentvolumeclaims"

/* A removal under way. */
struct removal {
    const struct muster_ledger_view *view;
    const struct k8s_record *record;
    uint32_t grace_ms;
    uint64_t deadline_ms;
    bool stopped;
    bool by_force; /* The pods: a kubelet may be minutes late to see that one is to go. */
    uint64_t empty_since_ms; /* 0: something was there at the last look. */
    uint64_t failing_since_ms; /* 0: the API server answered. */
    char said[512]; /* What it said last against a removal. */
    struct muster_error judged; /* The first node that did not end as it should. */
    uint32_t judged_node;
};

/* ---- The nodes' own ending ---- */

static void judge_end(struct removal *removal, const char *name, const struct k8s_ended *ended)
{
    const struct k8s_record *record = removal->record;
    uint32_t node = k8s__node_of(record->prefix, name, record->node_count);
    if (removal->judged.rc != MUSTER_OK) {
        return;
    }
    enum muster_rc rc = !ended->forced
                            ? muster_exit_judge(&ended->exit, record->end_code, node, &removal->judged)
                            : muster_error_set(&removal->judged, MUSTER_ENODE,
                                               "node-%u ignored SIGTERM for %.1f s and was killed", node,
                                               removal->grace_ms / 1000.0);
    if (rc != MUSTER_OK) {
        removal->judged_node = node;
    }
}

/* What a node said of its end tells why that was wrong, and came after the evidence was saved. */
static void save_last_words(struct removal *removal)
{
    struct muster_error unsaved = { 0 };
    if (removal->judged.rc != MUSTER_OK &&
        k8s__save_logs(removal->view, removal->record, removal->judged_node, 1, &unsaved) != MUSTER_OK) {
        snprintf(removal->said, sizeof removal->said, "%.500s", unsaved.text);
    }
}

static enum muster_rc run_calls(void *context, const struct runner_argv *argvs, struct k8s_said *said,
                                size_t count, struct muster_error *err)
{
    const struct removal *removal = context;
    struct muster_tool *tools = calloc(count, sizeof *tools);
    if (tools == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for %zu calls of kubectl", count);
    }
    enum muster_rc rc =
        k8s__tools(removal->record, argvs, tools, count, removal->grace_ms + K8S_CALL_MS, err);
    for (size_t i = 0; i < count; i++) {
        said[i] = (struct k8s_said){ .output = tools[i].output, .complaint = tools[i].complaint };
    }
    free(tools);
    return rc == MUSTER_ENOMEM ? rc : MUSTER_OK; /* Of one that took too long the others are told. */
}

static size_t list_running(const struct k8s_thing *things, size_t count, struct k8s_member *ret)
{
    size_t running = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(things[i].kind, "Pod") == 0 && strcmp(things[i].phase, "Running") == 0) {
            ret[running++] = (struct k8s_member){ .space = things[i].space,
                                                  .pod = things[i].name,
                                                  .address = things[i].address };
        }
    }
    return running;
}

/* The keepers are asked, as they keep the grace to the millisecond and say who ignored it. What cannot be
 * asked is removed all the same. */
static void stop_nodes(struct removal *removal, const struct k8s_thing *things, size_t thing_count)
{
    struct k8s_member *members = calloc(thing_count, sizeof *members);
    size_t count = members == NULL ? 0 : list_running(things, thing_count, members);
    if (count > 0 && k8s__order_all(&removal->record->cluster, "stop", members, count, run_calls, removal,
                                    NULL) == MUSTER_OK) {
        for (size_t i = 0; i < count; i++) {
            struct k8s_ended ended;
            if (k8s__read_ended(members[i].answer, &ended, NULL) == MUSTER_OK) {
                judge_end(removal, members[i].pod, &ended);
            }
        }
        save_last_words(removal);
    }
    free(members);
}

/* ---- Removing ---- */

static void run_both(struct removal *removal, const struct runner_argv *argvs, size_t count,
                     uint32_t timeout_ms)
{
    struct muster_tool tools[2] = { { .argv = NULL } };
    struct muster_error err = { 0 };
    if (k8s__tools(removal->record, argvs, tools, count, timeout_ms, &err) != MUSTER_OK) {
        snprintf(removal->said, sizeof removal->said, "%.500s", err.text);
    }
    for (size_t i = 0; i < count; i++) {
        if (tools[i].rc == MUSTER_OK && tools[i].exit.code != 0) {
            muster_tool_complaint(tools[i].complaint, removal->said);
        }
        muster_tool_fini(&tools[i]);
    }
}

/* A pod that is still being started needs its files to be able to end: without them the kubelet waits two
 * minutes. */
static bool any_starts(const struct k8s_thing *things, size_t count)
{
    bool starts = false;
    for (size_t i = 0; i < count; i++) {
        starts = starts || (strcmp(things[i].kind, "Pod") == 0 && strcmp(things[i].phase, "Pending") == 0);
    }
    return starts;
}

/* A namespace is removed only as long as it bears the run's label. Its own removal takes a while to begin, so
 * it is asked for at the same time. */
static void remove_all(struct removal *removal, bool pods_only)
{
    const struct k8s_record *record = removal->record;
    char field[K8S_NAME_BYTES + 32];
    char timeout[32];
    uint32_t left_ms = (uint32_t)muster_clock_left_ms(removal->deadline_ms);
    if (!removal->by_force && left_ms > GENTLE_MS) {
        left_ms = GENTLE_MS;
    }
    uint64_t began_ms = muster_clock_ms();
    snprintf(field, sizeof field, "metadata.name=%s", record->space);
    snprintf(timeout, sizeof timeout, "--timeout=%us", left_ms / 1000 + 1);
    const struct runner_argv argvs[] = {
        k8s__kubectl(&record->cluster, "delete", pods_only ? "pods" : OBJECTS, "-n", record->space, "-l",
                     record->selector, removal->by_force ? "--grace-period=0" : "--grace-period=1",
                     removal->by_force ? "--force=true" : "--force=false", "--ignore-not-found", timeout,
                     NULL),
        k8s__kubectl(&record->cluster, "delete", "namespaces", "--field-selector", field, "-l",
                     record->selector, "--ignore-not-found", timeout, NULL),
    };
    run_both(removal, argvs, record->owns_space && !pods_only ? 2 : 1, left_ms + 1000);
    removal->by_force = removal->by_force || muster_clock_ms() - began_ms >= left_ms;
}

static enum muster_rc server_is_silent(struct removal *removal, uint64_t asked_ms,
                                       const struct muster_error *cause, bool *done, struct muster_error *err)
{
    if (removal->failing_since_ms == 0) {
        removal->failing_since_ms = asked_ms;
    }
    *done = muster_clock_ms() - removal->failing_since_ms > PATIENCE_MS;
    return *done ? muster_error_set(err, MUSTER_EINFRA,
                                    "%s; what is left of the run is in namespace %s; `muster sweep` removes "
                                    "it once the API server is back",
                                    cause->text, removal->record->space)
                 : MUSTER_OK;
}

/* One look and what follows from it. */
static enum muster_rc remove_once(struct removal *removal, bool *done, struct muster_error *err)
{
    struct k8s_thing *things = NULL;
    size_t count = 0;
    struct muster_error cause = { 0 };
    uint64_t asked_ms = muster_clock_ms();
    if (k8s__look(removal->record, &things, &count, &cause) != MUSTER_OK) {
        return server_is_silent(removal, asked_ms, &cause, done, err);
    }
    removal->failing_since_ms = 0;
    if (count == 0) {
        uint64_t now_ms = muster_clock_ms();
        removal->empty_since_ms = removal->empty_since_ms == 0 ? now_ms : removal->empty_since_ms;
        *done = !removal->record->up_unfinished || now_ms - removal->empty_since_ms >= SETTLE_MS;
    } else {
        removal->empty_since_ms = 0;
        if (!removal->stopped) {
            stop_nodes(removal, things, count);
            removal->stopped = true;
        }
        remove_all(removal, any_starts(things, count));
    }
    free(things);
    return MUSTER_OK;
}

static enum muster_rc remove_rest(const struct muster_ledger_view *view, const struct k8s_record *record,
                                  uint32_t grace_ms, struct muster_error *err)
{
    struct removal removal = { .view = view,
                               .record = record,
                               .grace_ms = grace_ms,
                               .deadline_ms = muster_clock_ms() + grace_ms + DOWN_MS,
                               .said = "it is still there" };
    bool done = false;
    enum muster_rc rc = MUSTER_OK;
    while (!done && rc == MUSTER_OK) {
        rc = remove_once(&removal, &done, err);
        if (rc == MUSTER_OK && !done && muster_clock_left_ms(removal.deadline_ms) == 0) {
            return muster_error_set(
                err, MUSTER_EINFRA,
                "what the run created in namespace %s could not be removed within %.1f s: "
                "%s",
                record->space, (grace_ms + DOWN_MS) / 1000.0, removal.said);
        }
        if (!done && (removal.empty_since_ms != 0 || removal.failing_since_ms != 0)) {
            poll(NULL, 0, PAUSE_MS);
        }
    }
    /* All is gone by now; whether a node ended as it should is the run's business. */
    return rc != MUSTER_OK || removal.judged.rc == MUSTER_OK
               ? rc
               : muster_error_set(err, removal.judged.rc, "%s", removal.judged.text);
}

enum muster_rc k8s__down(const struct muster_ledger_view *view, uint32_t grace_ms, struct muster_error *err)
{
    struct k8s_record record;
    enum muster_rc rc = k8s__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = remove_rest(view, &record, grace_ms, err);
    k8s__cluster_fini(&record.cluster);
    /* In a sweep nobody waits for that judgement. */
    return rc == MUSTER_ENODE && view->guardian_pid != getpid() ? MUSTER_OK : rc;
}
