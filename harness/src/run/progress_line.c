#include "run/progress_line.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "muster/clock.h"
#include "run/parts.h"

#define TERMINAL_INTERVAL_MS 200u
#define LINE_INTERVAL_MS 10000u
#define COLUMNS_DEFAULT 80u

/* ---- The text ---- */

struct text {
    char *bytes;
    size_t used;
    size_t limit; /* Without the final NUL. */
};

MUSTER_PRINTF(2, 3)
static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(text->bytes + text->used, text->limit + 1 - text->used, format, arguments);
    va_end(arguments);
    text->used += bytes < 0 ? 0 : (size_t)bytes;
    text->used = text->used < text->limit ? text->used : text->limit;
}

static void add_each_height(struct text *text, const struct muster__progress_facts *facts)
{
    for (uint32_t i = 0; i < facts->node_count; i++) {
        if (facts->running[i]) {
            add(text, " %llu", (unsigned long long)facts->heights[i]);
        } else {
            add(text, " -");
        }
    }
}

static void add_height_range(struct text *text, const struct muster__progress_facts *facts)
{
    uint64_t lowest = UINT64_MAX;
    uint64_t highest = 0;
    uint32_t running = 0;
    for (uint32_t i = 0; i < facts->node_count; i++) {
        if (facts->running[i]) {
            lowest = facts->heights[i] < lowest ? facts->heights[i] : lowest;
            highest = facts->heights[i] > highest ? facts->heights[i] : highest;
            running++;
        }
    }
    add(text, " %llu to %llu, %u of %u nodes up", (unsigned long long)(running == 0 ? 0 : lowest),
        (unsigned long long)highest, running, facts->node_count);
}

const char *muster__progress_format(const struct muster__progress_facts *facts, size_t width,
                                    char bytes[MUSTER__PROGRESS_BYTES])
{
    struct text text = { .bytes = bytes, .limit = MUSTER__PROGRESS_BYTES - 1 };
    text.limit = width < text.limit ? width : text.limit;
    bytes[0] = '\0';
    add(&text, "%s %s %.1f of %.1f s | heights", facts->name, facts->phase, facts->elapsed_s, facts->total_s);
    if (facts->node_count <= MUSTER__PROGRESS_NODES_MAX) {
        add_each_height(&text, facts);
    } else {
        add_height_range(&text, facts);
    }
    if (facts->parts != NULL && facts->parts[0] != '\0') {
        add(&text, " | %s", facts->parts);
    }
    add(&text, " | restarts %llu", (unsigned long long)facts->restarts);
    return bytes;
}

/* ---- The facts ---- */

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) {
        return COLUMNS_DEFAULT - 1;
    }
    /* A line that fills the last column wraps on some terminals. */
    return (size_t)size.ws_col - 1;
}

static const char *format_now(const struct muster__progress_line *line, struct muster_run *run, size_t width,
                              char text[MUSTER__PROGRESS_BYTES])
{
    uint64_t heights[MUSTER_NODES_MAX] = { 0 };
    bool running[MUSTER_NODES_MAX] = { false };
    char parts[MUSTER__PART_TEXT_BYTES];
    struct muster__progress_facts facts = {
        .name = run->plan->name,
        .phase = muster_phase_name(muster_run_phase(run)),
        .elapsed_s = (double)(muster_clock_ms() - line->phase_began_ms) / 1000.0,
        .total_s = (double)line->phase_total_ms / 1000.0,
        .node_count = run->plan->node_count,
        .heights = heights,
        .running = running,
    };
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        struct muster_node_view view;
        muster_node_view(run, i, &view);
        heights[i] = view.progress.height;
        running[i] = view.state == MUSTER_NODE_RUNNING;
        facts.restarts += muster__nodes_restarts(run->nodes, i);
    }
    muster__parts_progress(run, parts);
    facts.parts = parts;
    return muster__progress_format(&facts, width, text);
}

void muster__progress_begin(struct muster__progress_line *line, uint64_t phase_total_ms)
{
    uint64_t now_ms = muster_clock_ms();
    *line = (struct muster__progress_line){ .terminal = isatty(STDERR_FILENO) == 1,
                                            .phase_began_ms = now_ms,
                                            .phase_total_ms = phase_total_ms };
    line->next_ms = line->terminal ? now_ms : now_ms + LINE_INTERVAL_MS;
}

void muster__progress_update(struct muster__progress_line *line, struct muster_run *run)
{
    char text[MUSTER__PROGRESS_BYTES];
    uint64_t now_ms = muster_clock_ms();
    if (now_ms < line->next_ms) {
        return;
    }
    line->next_ms = now_ms + (line->terminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS);
    if (line->terminal) {
        /* Back to the first column, the line, and the rest of the old one wiped off. */
        fprintf(stderr, "\r%s\033[K", format_now(line, run, terminal_width(), text));
        line->shown = true;
    } else {
        fprintf(stderr, "muster: %s\n", format_now(line, run, MUSTER__PROGRESS_BYTES, text));
    }
    fflush(stderr);
}

void muster__progress_end(struct muster__progress_line *line)
{
    if (line->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        line->shown = false;
    }
}
