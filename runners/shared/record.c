#include "shared/record.h"

#include <stdio.h>
#include <string.h>

#include "muster/runner.h"

const struct muster_ledger_entry *runner__ledger_find(const struct muster_ledger_view *view, const char *kind)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        if (strcmp(view->entries[i].kind, kind) == 0) {
            return &view->entries[i];
        }
    }
    return NULL;
}

void runner__log_path(const struct muster_ledger_view *view, const char *log_directory, uint32_t node,
                      const char *name, char path[RUNNER_LOG_PATH_BYTES])
{
    if (log_directory[0] == '\0') {
        snprintf(path, RUNNER_LOG_PATH_BYTES, "%.4000s/nodes/node-%u/%s", view->directory, node, name);
    } else {
        snprintf(path, RUNNER_LOG_PATH_BYTES, "%.4000s/muster-%.32s/node-%u.%s", log_directory, view->run_id,
                 node, name);
    }
}

enum muster_rc runner__log_directory_make(const struct muster_ledger_view *view, const char *log_directory,
                                          struct muster_error *err)
{
    char path[RUNNER_LOG_PATH_BYTES];
    if (log_directory[0] == '\0') {
        return MUSTER_OK;
    }
    snprintf(path, sizeof path, "%.4000s/muster-%.32s", log_directory, view->run_id);
    return muster_make_directory(path, err);
}
