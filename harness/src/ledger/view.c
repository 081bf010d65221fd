/* Reading a ledger back. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "ledger/ledger.h"

#define LEDGER_BYTES_MAX (64u * 1024u * 1024u)

static void fini_entry(struct muster_ledger_entry *entry)
{
    free(entry->kind);
    free(entry->id);
    free(entry->detail);
}

void muster_ledger_view_destroy(struct muster_ledger_view *view)
{
    if (view == NULL) {
        return;
    }
    for (size_t i = 0; i < view->entry_count; i++) {
        fini_entry(&view->entries[i]);
    }
    free(view->entries);
    free(view->directory);
    free(view->run_id);
    free(view->runner);
    free(view);
}

static enum muster_rc add_entry(struct muster_ledger_view *view, const char *kind, const char *id,
                                const json_t *detail)
{
    if ((view->entry_count & (view->entry_count - 1)) == 0) { /* Full at every power of two. */
        size_t room = view->entry_count == 0 ? 1 : view->entry_count * 2;
        void *grown = realloc(view->entries, room * sizeof *view->entries);
        if (grown == NULL) {
            return MUSTER_ENOMEM;
        }
        view->entries = grown;
    }
    struct muster_ledger_entry entry = { .kind = strdup(kind),
                                         .id = strdup(id),
                                         .detail = json_dumps(detail, JSON_COMPACT) };
    if (entry.kind == NULL || entry.id == NULL || entry.detail == NULL) {
        fini_entry(&entry);
        return MUSTER_ENOMEM;
    }
    view->entries[view->entry_count++] = entry;
    return MUSTER_OK;
}

static void drop_entry(struct muster_ledger_view *view, const char *kind, const char *id)
{
    for (size_t i = view->entry_count; i > 0; i--) {
        struct muster_ledger_entry *entry = &view->entries[i - 1];
        if (strcmp(entry->kind, kind) == 0 && strcmp(entry->id, id) == 0) {
            fini_entry(entry);
            memmove(entry, entry + 1, (view->entry_count - i) * sizeof *entry);
            view->entry_count--;
            return;
        }
    }
}

static enum muster_rc apply_run(struct muster_ledger_view *view, const json_t *line)
{
    const char *run_id = json_string_value(json_object_get(line, "run"));
    const char *runner = json_string_value(json_object_get(line, "runner"));
    if (run_id == NULL || runner == NULL || view->run_id != NULL) {
        return MUSTER_EREPLY;
    }
    view->run_id = strdup(run_id);
    view->runner = strdup(runner);
    return view->run_id == NULL || view->runner == NULL ? MUSTER_ENOMEM : MUSTER_OK;
}

static enum muster_rc apply_line(struct muster_ledger_view *view, const json_t *line)
{
    const char *op = json_string_value(json_object_get(line, "op"));
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *state = json_string_value(json_object_get(line, "state"));
    if (op == NULL) {
        return MUSTER_EREPLY;
    }
    if (strcmp(op, "run") == 0) {
        return apply_run(view, line);
    }
    if (strcmp(op, "guardian") == 0) {
        view->guardian_pid = (pid_t)json_integer_value(json_object_get(line, "pid"));
        view->guardian_start = (uint64_t)json_integer_value(json_object_get(line, "start"));
    } else if (strcmp(op, "created") == 0 && kind != NULL && id != NULL) {
        return add_entry(view, kind, id, json_object_get(line, "detail"));
    } else if (strcmp(op, "removed") == 0 && kind != NULL && id != NULL) {
        drop_entry(view, kind, id);
    } else if (strcmp(op, "state") == 0 && state != NULL) {
        view->closed = strcmp(state, "closed") == 0;
        view->preserved = strcmp(state, "preserved") == 0;
    }
    return MUSTER_OK;
}

/* Applies every line that parses. Skip a torn line: what it announced was never created. The first line names
 * the run and must be whole. */
static enum muster_rc apply_text(struct muster_ledger_view *view, char *text)
{
    char *newline;
    for (char *line = text; (newline = strchr(line, '\n')) != NULL; line = newline + 1) {
        json_t *json = json_loadb(line, (size_t)(newline - line), 0, NULL);
        if (json == NULL && view->run_id != NULL) {
            continue;
        }
        enum muster_rc rc = json == NULL ? MUSTER_EREPLY : apply_line(view, json);
        json_decref(json);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return view->run_id == NULL ? MUSTER_EREPLY : MUSTER_OK;
}

enum muster_rc muster_ledger_read(const char *run_directory, struct muster_ledger_view **ret,
                                  struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    char *text = NULL;
    enum muster_rc rc = muster__path(path, err, "%s/" MUSTER_LEDGER_FILE, run_directory);
    if (rc == MUSTER_OK) {
        rc = muster__file_read(path, LEDGER_BYTES_MAX, &text, NULL, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster_ledger_view *view = calloc(1, sizeof *view);
    if (view == NULL || (view->directory = strdup(run_directory)) == NULL) {
        rc = MUSTER_ENOMEM;
    } else {
        rc = apply_text(view, text);
    }
    free(text);
    if (rc != MUSTER_OK) {
        muster_ledger_view_destroy(view);
        return muster_error_set(err, rc, "'%s' %s", path,
                                rc == MUSTER_EREPLY ? "is not a ledger that can be read"
                                                    : "needs more memory");
    }
    *ret = view;
    return MUSTER_OK;
}
