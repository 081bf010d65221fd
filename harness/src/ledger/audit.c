#include "ledger/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/ports.h"
#include "host/process.h"

void muster_audit_found(struct muster_audit *audit, const char *format, ...)
{
    size_t used = strlen(audit->text);
    if (audit->count++ > 0) {
        snprintf(audit->text + used, sizeof audit->text - used, "; ");
        used = strlen(audit->text);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(audit->text + used, sizeof audit->text - used, format, arguments);
    va_end(arguments);
}

static void found_process(void *context, pid_t pid, uint64_t start)
{
    (void)start;
    muster_audit_found(context, "process %d", (int)pid);
}

static void find_listeners(const struct muster_ledger_view *view, struct muster_audit *audit)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        char listeners[1024];
        if (strcmp(view->entries[i].kind, "lease") == 0 &&
            muster__ports_listening(view->entries[i].id, listeners, sizeof listeners) > 0) {
            muster_audit_found(audit, "listening ports %s", listeners);
        }
    }
}

enum muster_rc muster__audit(const struct muster_runner *runner, const struct muster_ledger_view *view,
                             struct muster_error *err)
{
    struct muster_audit audit = { 0 };
    muster__process_each_of_run(view->run_id, found_process, &audit);
    find_listeners(view, &audit);
    if (runner != NULL && runner->audit != NULL) {
        enum muster_rc rc = runner->audit(view, &audit, err);
        if (rc != MUSTER_OK) {
            return muster_error_context(err, rc, "looking for what is left of run %s", view->run_id);
        }
    }
    return audit.count == 0 ? MUSTER_OK : muster_error_set(err, MUSTER_ELEAK, "left behind: %s", audit.text);
}
