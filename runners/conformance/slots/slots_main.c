#include "slots/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/registry.h"
#include "slots/slots_promises.h"

static const struct slots_promise *find_in(const struct slots_promise *promise, const char *name)
{
    while (promise->name != NULL && strcmp(promise->name, name) != 0) {
        promise++;
    }
    return promise->name == NULL ? NULL : promise;
}

static const struct slots_promise *find(const char *name)
{
    const struct slots_promise *promise = find_in(slots_promises, name);
    return promise == NULL ? find_in(slots_failures, name) : promise;
}

/* Whether the runner can run here, and has what the promise is about. */
static enum muster_rc probe(const struct slots_subject *subject, const struct muster_runner *runner,
                            const struct slots_promise *promise, struct muster_error *err)
{
    struct slots_run run;
    const struct slots_fault none = { .slot = SLOTS_NONE };
    enum muster_rc rc =
        slots_run_init(&run, subject, runner, &none, promise->needs_control ? MUSTER_NODE_CONTROL : 0, err);
    if (rc == MUSTER_OK) {
        rc = muster_session_probe(run.plan, runner, run.variables, err);
    }
    slots_run_fini(&run);
    return rc;
}

enum muster_rc slots_try(const struct slots_subject *subject, const struct muster_runner *runner,
                         const char *promise, struct complaint *ret, struct muster_error *err)
{
    const struct slots_promise *found = find(promise);
    if (found == NULL) {
        return muster_error_set(err, MUSTER_ENOTFOUND, "there is no promise '%s'", promise);
    }
    enum muster_rc rc = probe(subject, runner, found, err);
    if (rc == MUSTER_OK) {
        found->check(subject, runner, ret);
    }
    return rc;
}

int slots_main(int argc, char **argv, const struct slots_subject *subject)
{
    struct complaint complaint = { "" };
    struct muster_error err = { 0 };
    const struct muster_runner *runner = argc == 3 ? muster_runner_find(argv[1]) : NULL;
    if (runner == NULL) {
        fprintf(stderr, "usage: %s RUNNER PROMISE\n", argv[0]);
        return EXIT_FAILURE;
    }
    enum muster_rc rc = slots_try(subject, runner, argv[2], &complaint, &err);
    if (rc != MUSTER_OK) {
        printf("%s%s\n", rc == MUSTER_ESKIP ? "skip: " : "", err.text);
        return rc == MUSTER_ESKIP ? 77 : EXIT_FAILURE;
    }
    if (complained(&complaint)) {
        printf("%s on %s does not hold: %s\n", argv[2], runner->name, complaint.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
