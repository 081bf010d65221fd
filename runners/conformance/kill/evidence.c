#include "kill/evidence.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "muster/ledger.h"

bool evidence_is_closed(const struct trace *trace)
{
    struct muster_ledger_view *view = NULL;
    bool closed = muster_ledger_read(trace->directory, &view, NULL) == MUSTER_OK && view->closed;
    muster_ledger_view_destroy(view);
    return closed;
}

static void check_ledger(const struct trace *trace, struct complaint *ret)
{
    struct muster_ledger_view *view = NULL;
    struct muster_error err = { 0 };
    if (muster_ledger_read(trace->directory, &view, &err) != MUSTER_OK) {
        complain(ret, "no ledger: %s", err.text);
    } else if (!view->closed) {
        complain(ret, "the ledger is not closed");
    }
    muster_ledger_view_destroy(view);
}

static void check_verdict(const json_t *report, const char *expected, struct complaint *ret)
{
    const char *verdict = json_string_value(json_object_get(report, "verdict"));
    const char *cause = json_string_value(json_object_get(report, "cause"));
    bool right =
        verdict != NULL && (expected == NULL ? strcmp(verdict, "fail") == 0 || strcmp(verdict, "infra") == 0
                                             : strcmp(verdict, expected) == 0);
    if (!right) {
        complain(ret, "run.json has the verdict '%s' instead of '%s' (cause: %.500s)",
                 verdict == NULL ? "" : verdict, expected == NULL ? "fail or infra" : expected,
                 cause == NULL ? "" : cause);
    }
    if (cause == NULL || cause[0] == '\0') {
        complain(ret, "run.json names no cause");
    }
}

static void check_report(const struct trace *trace, const char *verdict, struct complaint *ret)
{
    char path[sizeof trace->directory + 32];
    json_error_t error;
    snprintf(path, sizeof path, "%s/run.json", trace->directory);
    json_t *report = json_load_file(path, 0, &error);
    if (report == NULL) {
        complain(ret, "run.json: %s", error.text);
        return;
    }
    check_verdict(report, verdict, ret);
    json_decref(report);
}

static bool has_said_something(const struct trace *trace, uint32_t node)
{
    static const char *const names[] = { "stdout.log", "stderr.log" };
    off_t bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[sizeof trace->directory + 64];
        struct stat status;
        snprintf(path, sizeof path, "%s/nodes/node-%u/%s", trace->directory, node, names[i]);
        bytes += stat(path, &status) == 0 ? status.st_size : 0;
    }
    return bytes > 0;
}

static void check_logs(const struct trace *trace, uint32_t nodes, struct complaint *ret)
{
    for (uint32_t node = 0; node < nodes; node++) {
        if (!has_said_something(trace, node)) {
            complain(ret, "node-%u has no log", node);
        }
    }
}

/* Nothing may lie beside the run directory below the run root. */
static void check_root(const struct trace *trace, const char *allowed, struct complaint *ret)
{
    DIR *root = opendir(trace->root);
    struct dirent *entry;
    while (root != NULL && (entry = readdir(root)) != NULL) {
        bool own = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!own && (allowed == NULL || strcmp(entry->d_name, allowed) != 0)) {
            complain(ret, "%s/%s is left", trace->root, entry->d_name);
        }
    }
    if (root != NULL) {
        closedir(root);
    }
}

void evidence_check_gone(const struct trace *trace, struct complaint *ret)
{
    check_root(trace, NULL, ret);
}

void evidence_check(const struct trace *trace, const struct evidence *expected, struct complaint *ret)
{
    struct stat status;
    const char *name = strrchr(trace->directory, '/');
    bool there = name != NULL && stat(trace->directory, &status) == 0;
    check_root(trace, there ? name + 1 : NULL, ret);
    if (!there) {
        if (expected->must_be_kept) {
            complain(ret, "the run directory is gone, and the evidence with it");
        }
        return;
    }
    check_ledger(trace, ret);
    check_report(trace, expected->verdict, ret);
    check_logs(trace, expected->nodes_with_logs, ret);
}
