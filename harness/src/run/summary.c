#include "run/summary.h"

#include <stdlib.h>

#include "muster/clock.h"
#include "run/deployment.h"
#include "run/parts.h"

#define NUMBERS_SHOWN_MAX 8u

static void write_head(struct muster_run *run, enum muster_rc rc, FILE *out)
{
    uint64_t opened_ms = atomic_load(&run->opened_ms);
    uint64_t closed_ms = atomic_load(&run->closed_ms);
    fprintf(out, "muster: %s.%s on %s: %s after %.1f s", run->plan->suite, run->plan->name,
            run->session->runner->name, muster_verdict_name(muster__verdict_of(rc)),
            (double)muster_run_elapsed_ms(run) / 1000.0);
    if (closed_ms > opened_ms) {
        fprintf(out, ", window of %.1f s", (double)(closed_ms - opened_ms) / 1000.0);
    }
    fprintf(out, ", seed %llu\n", (unsigned long long)run->plan->seed);
}

static void write_report(const struct muster_report *report, FILE *out)
{
    const char *verdict = !report->judged ? "not judged" : report->err.rc == MUSTER_OK ? "holds" : "FAILED";
    fprintf(out, "  %s: %s", report->name, verdict);
    for (size_t i = 0; i < report->number_count && i < NUMBERS_SHOWN_MAX; i++) {
        fprintf(out, "%s %s=%.6g", i == 0 ? ";" : ",", report->numbers[i].name, report->numbers[i].value);
    }
    fputc('\n', out);
}

/* A cause may have several lines; all but the first are set in. */
static void write_cause(const char *text, FILE *out)
{
    fputs("  cause: ", out);
    for (const char *c = text; *c != '\0'; c++) {
        fputc(*c, out);
        if (*c == '\n') {
            fputs("    ", out);
        }
    }
    fputc('\n', out);
}

void muster__summary_write(struct muster_run *run, FILE *out)
{
    struct muster_error cause = { 0 };
    enum muster_rc rc = muster__run_failure(run, &cause);
    write_head(run, rc, out);
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        write_report(&run->reports[i], out);
    }
    muster__parts_summary(run, out);
    if (run->kept) {
        fprintf(out, "  artifacts: %s\n", run->session->directory);
    }
    char logs[4096];
    if (muster__log_directory(run->session->variables, run->session->run_id, logs, NULL) == MUSTER_OK &&
        logs[0] != '\0') {
        fprintf(out, "  node logs: %s\n", logs);
    }
    if (rc != MUSTER_OK) {
        write_cause(cause.text, out);
    }
}

void muster__summary_print(struct muster_run *run)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory == NULL) {
        return;
    }
    muster__summary_write(run, memory);
    /* In one piece, so that tests that run side by side do not cut into each other's lines. */
    if (fclose(memory) == 0) {
        fflush(stdout);
        fwrite(text, 1, bytes, stderr);
        fflush(stderr);
    }
    free(text);
}
