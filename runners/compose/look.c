/* What still bears a run's label. In the guardian, or in a later process. */
#include "compose/look.h"

#include <stdio.h>
#include <string.h>

void compose__found_fini(struct compose_found *found)
{
    for (size_t i = 0; i < COMPOSE_KIND_COUNT; i++) {
        muster_tool_fini(&found->tools[i]);
    }
}

enum muster_rc compose__look(const struct compose_record *record, const char *format,
                             struct compose_found *found, struct muster_error *err)
{
    const struct compose_engine *engine = &record->engine;
    const struct runner_argv argvs[COMPOSE_KIND_COUNT] = {
        [COMPOSE_CONTAINERS] =
            compose__docker(engine, "ps", "-a", "--filter", record->label, "--format", format, NULL),
        [COMPOSE_NETWORKS] = compose__docker(engine, "network", "ls", "--filter", record->label, "--format",
                                             "{{.Name}}", NULL),
        [COMPOSE_VOLUMES] =
            compose__docker(engine, "volume", "ls", "--filter", record->label, "--format", "{{.Name}}", NULL),
    };
    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < COMPOSE_KIND_COUNT; i++) {
        found->tools[i].argv = argvs[i].args;
        found->tools[i].env = runner__env_items(&engine->env);
    }
    enum muster_rc rc =
        muster_tool_run(found->tools, COMPOSE_KIND_COUNT, COMPOSE_KIND_COUNT, COMPOSE_CALL_MS, err);
    for (size_t i = 0; i < COMPOSE_KIND_COUNT && rc == MUSTER_OK; i++) {
        char line[512];
        if (!muster_tool_succeeded(&found->tools[i])) {
            rc = muster_error_set(err, MUSTER_EINFRA, "the Docker engine does not say: %s",
                                  muster_tool_complaint(found->tools[i].complaint, line));
        }
        found->tools[i].argv = NULL; /* They end with this function. */
    }
    return rc == MUSTER_OK ? MUSTER_OK
                           : muster_error_context(err, MUSTER_EINFRA, "asking the engine what is left of %s",
                                                  record->project);
}

bool compose__found_nothing(const struct compose_found *found)
{
    for (size_t i = 0; i < COMPOSE_KIND_COUNT; i++) {
        if (found->tools[i].output[0] != '\0') {
            return false;
        }
    }
    return true;
}

/* ---- Audit ---- */

static void add_found(struct muster_audit *audit, const char *what, const char *list)
{
    while (*list != '\0') {
        size_t bytes = strcspn(list, "\n");
        if (bytes > 0) {
            muster_audit_found(audit, "%s %.*s", what, bytes < 200 ? (int)bytes : 200, list);
        }
        list += bytes + (list[bytes] == '\n');
    }
}

enum muster_rc compose__audit(const struct muster_ledger_view *view, struct muster_audit *audit,
                              struct muster_error *err)
{
    static const char *const words[COMPOSE_KIND_COUNT] = { "container", "network", "volume" };
    struct compose_record record;
    struct compose_found found;
    enum muster_rc rc = compose__record_read(view, &record, err);
    if (rc != MUSTER_OK) {
        return rc == MUSTER_ENOTFOUND ? MUSTER_OK : rc;
    }
    rc = compose__look(&record, "{{.Names}} ({{.Status}})", &found, err);
    for (size_t i = 0; i < COMPOSE_KIND_COUNT && rc == MUSTER_OK; i++) {
        add_found(audit, words[i], found.tools[i].output);
    }
    compose__found_fini(&found);
    compose__engine_fini(&record.engine);
    return rc;
}
