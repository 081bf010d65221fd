#include "kill/leftovers.h"

#include <stdio.h>
#include <string.h>

#include "host/ports.h"
#include "host/process.h"
#include "kill/backend_count.h"
#include "kill/tagged_processes.h"
#include "ledger/audit.h"

bool leftovers_lease_is_held(const char *prefix)
{
    char wanted[64];
    char line[512];
    bool held = false;
    FILE *file = fopen("/proc/net/unix", "re");
    int length = snprintf(wanted, sizeof wanted, "@muster-lease-%s", prefix);
    while (file != NULL && !held && fgets(line, sizeof line, file) != NULL) {
        const char *name = strchr(line, '@');
        held = name != NULL && strncmp(name, wanted, (size_t)length) == 0 &&
               (name[length] == '\n' || name[length] == '\0' || name[length] == '@');
    }
    if (file != NULL) {
        fclose(file);
    }
    return held;
}

static void find_marked(const struct trace *trace, struct complaint *ret)
{
    struct tagged_process found[TAGGED_MAX];
    size_t count = tagged_find(trace->tag, found);
    for (size_t i = 0; i < count; i++) {
        complain(ret, "process %d (%s) runs", (int)found[i].pid, found[i].name);
    }
}

static void found_of_run(void *context, pid_t pid, uint64_t start)
{
    (void)start;
    complain(context, "process %d of the run runs", (int)pid);
}

/* The runner looks for what only it knows, such as containers; the ledger says what to look for. Asking a
 * cluster costs what those that are still at work need, so it comes last. */
static void ask_runner(const struct trace *trace, const struct muster_runner *runner, struct complaint *ret)
{
    struct muster_ledger_view *view = NULL;
    struct muster_error err = { 0 };
    if (muster_ledger_read(trace->directory, &view, NULL) != MUSTER_OK) {
        return; /* Removed after a pass, or never written. */
    }
    if (muster__audit(runner, view, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
    muster_ledger_view_destroy(view);
}

/* Works also for a run that removed its directory, and without muster's code. */
static void ask_backend(const struct trace *trace, const struct muster_runner *runner, struct complaint *ret)
{
    int count = backend_count(runner->name, trace->run_id);
    if (count < 0) {
        complain(ret, "the backend of %s does not say what it has of the run", runner->name);
    } else if (count > 0) {
        complain(ret, "the backend of %s has %d things with the label muster.run=%s", runner->name, count,
                 trace->run_id);
    }
}

void leftovers_find(const struct trace *trace, const struct muster_runner *runner, struct complaint *ret)
{
    char listeners[1024];
    find_marked(trace, ret);
    if (trace->run_id[0] != '\0') {
        muster__process_each_of_run(trace->run_id, found_of_run, ret);
    }
    if (trace->guardian != 0 && muster__process_runs(trace->guardian, trace->guardian_start)) {
        complain(ret, "the guardian, process %d, runs", (int)trace->guardian);
    }
    if (trace->lease[0] != '\0' && leftovers_lease_is_held(trace->lease)) {
        complain(ret, "the lease of %s0/24 is held", trace->lease);
    }
    if (trace->lease[0] != '\0' && muster__ports_listening(trace->lease, listeners, sizeof listeners) > 0) {
        complain(ret, "somebody listens at %s", listeners);
    }
    if (trace->directory[0] != '\0' && !complained(ret)) {
        ask_runner(trace, runner, ret);
    }
    if (trace->run_id[0] != '\0' && !complained(ret)) {
        ask_backend(trace, runner, ret);
    }
}
