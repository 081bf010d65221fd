#include "summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"

#define NUMBERS_SHOWN_MAX 8u

/* ---- The command that repeats a run ---- */

/* Bare where a shell takes it as it is, else in single quotes. */
static void write_quoted(const char *word, FILE *out)
{
    if (word[0] != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                        "_-./:=,@%+") == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*c, out);
        }
    }
    fputc('\'', out);
}

/* What else decides how a run goes; what is merely about logs is left out. */
static void write_variables(const struct muster_variables *variables, FILE *out)
{
    static const enum muster_variable numbers[] = { MUSTER_VAR_SLOT_TIME, MUSTER_VAR_ACTIVE_SLOT_COEFF };
    static const enum muster_variable counts[] = { MUSTER_VAR_DEMO_NODES, MUSTER_VAR_DEMO_RUN_SECS };
    static const enum muster_variable texts[] = { MUSTER_VAR_NODE_BIN, MUSTER_VAR_IMAGE,
                                                  MUSTER_VAR_EXTERNAL_NODES };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (muster_variable_is_set(variables, numbers[i])) {
            fprintf(out, "%s=%.17g ", muster_variable_info(numbers[i])->name,
                    muster_variable_number(variables, numbers[i]));
        }
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (muster_variable_is_set(variables, counts[i])) {
            fprintf(out, "%s=%llu ", muster_variable_info(counts[i])->name,
                    (unsigned long long)muster_variable_uint(variables, counts[i]));
        }
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (muster_variable_is_set(variables, texts[i])) {
            fprintf(out, "%s=", muster_variable_info(texts[i])->name);
            write_quoted(muster_variable_text(variables, texts[i]), out);
            fputc(' ', out);
        }
    }
    if (muster_variable_flag(variables, MUSTER_VAR_NODE_CONTROL)) {
        fprintf(out, "%s=1 ", muster_variable_info(MUSTER_VAR_NODE_CONTROL)->name);
    }
}

void muster__summary_command(struct muster_run *run, FILE *out)
{
    fprintf(out, "MUSTER_SEED=%llu MUSTER_RUNNER=%s ", (unsigned long long)run->plan->seed,
            run->session->runner->name);
    write_variables(run->session->variables, out);
    fprintf(out, "CK_RUN_CASE=%s ", run->plan->name);
    write_quoted(program_invocation_name, out);
    fputc('\n', out);
}

/* ---- The summary ---- */

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
    struct muster__counts counts;
    enum muster_rc rc = muster__run_failure(run, &cause);
    write_head(run, rc, out);
    for (size_t i = 0; i < run->plan->expectation_count; i++) {
        write_report(&run->reports[i], out);
    }
    muster__run_counts(run, &counts);
    if (run->followed_count > 0) {
        fprintf(out, "  transactions: %llu sent, %llu accepted, %llu included, %llu final\n",
                (unsigned long long)counts.sent, (unsigned long long)counts.accepted,
                (unsigned long long)counts.included, (unsigned long long)counts.final);
    }
    if (run->kept) {
        fprintf(out, "  artifacts: %s\n", run->session->directory);
    }
    if (rc != MUSTER_OK) {
        write_cause(cause.text, out);
        fputs("  to repeat it:\n", out);
        muster__summary_command(run, out);
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
