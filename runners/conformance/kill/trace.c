#include "kill/trace.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/ledger.h"

void trace_init(struct trace *trace, const char *root, const char *tag)
{
    memset(trace, 0, sizeof *trace);
    trace->phase = MUSTER_BUILD;
    trace->entered_ms[MUSTER_BUILD] = muster_clock_ms();
    snprintf(trace->root, sizeof trace->root, "%s", root);
    snprintf(trace->tag, sizeof trace->tag, "%s", tag);
}

/* The directory's name has the run's id, so the id stays known after the run has removed the directory. */
static void find_directory(struct trace *trace)
{
    static const char prefix[] = "muster-";
    DIR *root = opendir(trace->root);
    struct dirent *entry;
    while (root != NULL && (entry = readdir(root)) != NULL) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0) {
            snprintf(trace->directory, sizeof trace->directory, "%s/%s", trace->root, entry->d_name);
            snprintf(trace->run_id, sizeof trace->run_id, "%.63s", entry->d_name + sizeof prefix - 1);
        }
    }
    if (root != NULL) {
        closedir(root);
    }
}

static void enter(struct trace *trace, enum muster_phase phase)
{
    if (trace->phase < phase) {
        trace->phase = phase;
        trace->entered_ms[phase] = muster_clock_ms();
    }
}

static void take_line(struct trace *trace, const char *line, size_t bytes)
{
    static const char wanted[] = "\"event\":\"phase\"";
    if (memmem(line, bytes, wanted, sizeof wanted - 1) == NULL) {
        return; /* Most lines are of blocks. Do not parse them. */
    }
    json_t *event = json_loadb(line, bytes, 0, NULL);
    const char *name = json_string_value(json_object_get(event, "phase"));
    for (int phase = 0; name != NULL && phase < MUSTER_PHASE_COUNT; phase++) {
        if (strcmp(muster_phase_name((enum muster_phase)phase), name) == 0) {
            enter(trace, (enum muster_phase)phase);
        }
    }
    json_decref(event);
}

static void read_events(struct trace *trace)
{
    char path[sizeof trace->directory + 32];
    char buffer[16384];
    ssize_t got = 0;
    snprintf(path, sizeof path, "%s/events.jsonl", trace->directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        enter(trace, MUSTER_DEPLOY); /* Deploy begins with opening this file. */
    }
    while (fd >= 0 && (got = pread(fd, buffer, sizeof buffer, trace->events_read)) > 0) {
        char *line = buffer;
        char *newline;
        while ((newline = memchr(line, '\n', (size_t)(buffer + got - line))) != NULL) {
            take_line(trace, line, (size_t)(newline - line));
            line = newline + 1;
        }
        if (line == buffer) {
            break; /* The rest of the line is not written yet. */
        }
        trace->events_read += line - buffer;
    }
    if (fd >= 0) {
        close(fd);
    }
}

void trace_look(struct trace *trace)
{
    if (trace->directory[0] == '\0') {
        find_directory(trace);
    }
    if (trace->directory[0] != '\0') {
        read_events(trace);
    }
}

bool trace_is_removed(const struct trace *trace)
{
    char path[sizeof trace->directory + 32];
    snprintf(path, sizeof path, "%s/events.jsonl", trace->directory);
    return trace->phase >= MUSTER_DEPLOY && access(path, F_OK) != 0;
}

void trace_read_ledger(struct trace *trace)
{
    struct muster_ledger_view *view = NULL;
    trace_look(trace);
    if (trace->directory[0] == '\0' || muster_ledger_read(trace->directory, &view, NULL) != MUSTER_OK) {
        return;
    }
    trace->has_ledger = true;
    snprintf(trace->run_id, sizeof trace->run_id, "%s", view->run_id);
    trace->guardian = view->guardian_pid;
    trace->guardian_start = view->guardian_start;
    for (size_t i = 0; i < view->entry_count; i++) {
        if (strcmp(view->entries[i].kind, "lease") == 0) {
            snprintf(trace->lease, sizeof trace->lease, "%s", view->entries[i].id);
        }
    }
    muster_ledger_view_destroy(view);
}
