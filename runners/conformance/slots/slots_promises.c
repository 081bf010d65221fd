/* Promises about nodes that come and go, and about what is refused. */
#include "slots/slots_promises.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "run/internal.h"
#include "slots/slots_later.h"

#define HEIGHT 3u
#define HEIGHT_MS 60000u
#define LOG_BYTES_MAX (1u << 20)

static const struct slots_fault no_fault = { .slot = SLOTS_NONE };

/* Deploys and waits until node 0 has data to keep. */
static enum muster_rc deploy(struct slots_run *run, const struct slots_subject *subject,
                             const struct muster_runner *runner, struct muster_error *err)
{
    enum muster_rc rc = slots_run_init(run, subject, runner, &no_fault, 0, err);
    if (rc == MUSTER_OK) {
        rc = slots_run_deploy(run, err);
    }
    return rc == MUSTER_OK ? muster_node_wait_height(run->run, 0, HEIGHT, HEIGHT_MS, err) : rc;
}

static void end_well(struct slots_run *run, enum muster_rc rc, const struct muster_error *err,
                     struct complaint *ret)
{
    if (rc != MUSTER_OK) {
        complain(ret, "%s", err->text);
    }
    slots_run_end(run);
    if (rc == MUSTER_OK) {
        slots_run_check_outcome(run, MUSTER_PASS, "", ret);
        slots_run_check_clean(run, ret);
    }
}

/* ---- A stopped node keeps its data, and is found where it comes back ---- */

static enum muster_rc stop_all(struct slots_run *run, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t i = 0; i < SLOTS_NODES && rc == MUSTER_OK; i++) {
        rc = muster_node_stop(run->run, i, err);
    }
    return rc;
}

/* Starts node 0 while all others are stopped, so that its data cannot come from a peer. */
static enum muster_rc start_alone(struct slots_run *run, uint64_t height_before, const char *after_what,
                                  struct complaint *ret, struct muster_error *err)
{
    struct muster_progress progress = { 0 };
    unsigned asked = slots_calls(SLOTS_ENDPOINT);
    enum muster_rc rc = muster_node_start(run->run, 0, err);
    if (rc == MUSTER_OK) {
        rc = muster_node_progress(run->run, 0, &progress, err);
    }
    if (rc == MUSTER_OK && progress.height < height_before) {
        complain(ret, "node-0 was at height %llu before it was %s and is at %llu after",
                 (unsigned long long)height_before, after_what, (unsigned long long)progress.height);
    }
    if (rc == MUSTER_OK && slots_calls(SLOTS_ENDPOINT) != asked + 1) {
        complain(ret, "where node-0 is was asked %u times after its start",
                 slots_calls(SLOTS_ENDPOINT) - asked);
    }
    return rc;
}

static enum muster_rc stop_and_kill(struct slots_run *run, struct complaint *ret, struct muster_error *err)
{
    struct muster_progress progress = { 0 };
    enum muster_rc rc = muster_node_progress(run->run, 0, &progress, err);
    if (rc == MUSTER_OK) {
        rc = stop_all(run, err);
    }
    if (rc == MUSTER_OK) {
        rc = start_alone(run, progress.height, "stopped", ret, err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_node_kill(run->run, 0, err);
    }
    return rc == MUSTER_OK ? start_alone(run, progress.height, "killed", ret, err) : rc;
}

static void stop_keeps_data(const struct slots_subject *subject, const struct muster_runner *runner,
                            struct complaint *ret)
{
    struct slots_run run;
    struct muster_error err = { 0 };
    enum muster_rc rc = deploy(&run, subject, runner, &err);
    if (rc == MUSTER_OK) {
        rc = stop_and_kill(&run, ret, &err);
    }
    end_well(&run, rc, &err, ret);
    slots_run_fini(&run);
}

/* ---- How a stopped node ended is known once it is stopped ---- */

static void stop_tells_the_end(const struct slots_subject *subject, const struct muster_runner *runner,
                               struct complaint *ret)
{
    struct slots_run run;
    struct muster_exit exit;
    struct muster_error err = { 0 };
    enum muster_rc rc = deploy(&run, subject, runner, &err);
    if (rc == MUSTER_OK) {
        rc = muster_node_stop(run.run, 1, &err);
    }
    if (rc == MUSTER_OK && !muster__nodes_exit(run.run->nodes, 1, &exit)) {
        complain(ret, "node-1 was stopped, and nobody was told how it ended");
    }
    end_well(&run, rc, &err, ret);
    slots_run_fini(&run);
}

/* ---- Logs are complete ---- */

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static void check_log(const struct slots_run *run, uint32_t node, unsigned starts, unsigned stops,
                      struct complaint *ret)
{
    char path[4200];
    char *log = NULL;
    struct muster_error err = { 0 };
    snprintf(path, sizeof path, "%.4000s/nodes/node-%u/stdout.log", run->directory, node);
    if (muster__file_read(path, LOG_BYTES_MAX, &log, NULL, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
        return;
    }
    unsigned hellos = count_of(log, run->subject->hello);
    unsigned farewells = count_of(log, run->subject->farewell);
    if (hellos != starts || farewells < stops) {
        complain(
            ret,
            "the log of node-%u tells of %u starts and %u ends; it was started %u times and stopped %u times",
            node, hellos, farewells, starts, stops);
    }
    free(log);
}

static void logs_are_complete(const struct slots_subject *subject, const struct muster_runner *runner,
                              struct complaint *ret)
{
    struct slots_run run;
    struct muster_error err = { 0 };
    enum muster_rc rc = deploy(&run, subject, runner, &err);
    if (rc == MUSTER_OK) {
        rc = muster_node_kill(run.run, 1, &err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_node_start(run.run, 1, &err);
    }
    if (rc == MUSTER_OK) {
        rc = muster_node_stop(run.run, 1, &err);
    }
    end_well(&run, rc, &err, ret);
    if (rc == MUSTER_OK) {
        check_log(&run, 0, 1, 0, ret);
        check_log(&run, 1, 2, 1, ret);
    }
    slots_run_fini(&run);
}

/* ---- Refused at probe ---- */

static uint32_t no_capabilities(const struct muster_variables *variables)
{
    (void)variables;
    return 0;
}

static bool is_empty(const char *directory)
{
    DIR *open = opendir(directory);
    size_t count = 0;
    while (open != NULL && readdir(open) != NULL) {
        count++;
    }
    if (open != NULL) {
        closedir(open);
    }
    return open != NULL && count == 2; /* "." and "..". */
}

static void check_table(const struct slots_run *run, struct complaint *ret)
{
    const struct muster_runner *real = run->real;
    if (real->name == NULL || real->capabilities == NULL || real->ready_ms == NULL || real->up == NULL ||
        real->endpoint == NULL || real->detach == NULL) {
        complain(ret, "a slot that must be there is NULL");
    } else if (real->control == NULL && (real->capabilities(run->variables) & MUSTER_NODE_CONTROL) != 0) {
        complain(ret, "it says that it has node control, and has not");
    } else if (real->ready_ms(run->variables, SLOTS_NODES) == 0) {
        complain(ret, "it gives nodes no time until ready");
    }
    if ((real->down == NULL) != (real->audit == NULL)) {
        complain(ret, "down without audit, or the other way round");
    }
}

static void missing_capability_is_refused(const struct slots_subject *subject,
                                          const struct muster_runner *runner, struct complaint *ret)
{
    struct slots_run run;
    struct muster_error err = { 0 };
    if (slots_run_init(&run, subject, runner, &no_fault, MUSTER_NODE_CONTROL, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
        slots_run_fini(&run);
        return;
    }
    struct muster_runner without = *slots_wrap_runner(runner);
    without.capabilities = no_capabilities;
    enum muster_rc rc = muster_session_probe(run.plan, &without, run.variables, &err);
    char sentence[128];
    snprintf(sentence, sizeof sentence,
             "conformance.slots needs node control, which the runner '%s' does not have here; ",
             runner->name);
    if (rc != MUSTER_ESKIP || strstr(err.text, sentence) == NULL) {
        complain(ret, "a missing capability is answered with %s: '%s'", muster_rc_name(rc), err.text);
    }
    for (int slot = SLOTS_NONE; slot < SLOTS_COUNT; slot++) {
        if (slots_calls((enum slots_slot)slot) != 0) {
            complain(ret, "slot %d was called", slot);
        }
    }
    if (!is_empty(run.root)) {
        complain(ret, "something was created");
    }
    check_table(&run, ret);
    slots_run_fini(&run);
}

const struct slots_promise slots_promises[] = {
    { "stop_keeps_data", true, stop_keeps_data },
    { "stop_tells_the_end", true, stop_tells_the_end },
    { "logs_are_complete", true, logs_are_complete },
    { "down_in_a_later_process", false, slots_down_in_a_later_process },
    { "missing_capability_is_refused", false, missing_capability_is_refused },
    { 0 },
};
