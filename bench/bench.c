/* Measures muster and prints a Markdown table. Not a test: nothing here fails because it is slow. */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/logos.h"
#include "muster/registry.h"

#define RUNS_DEFAULT 7u

static const struct part {
    const char *name;
    enum muster_rc (*measure)(const struct bench *bench, struct muster_error *err);
} parts[] = {
    { "deploy", bench_deploy }, { "compose", bench_compose }, { "k8s", bench_k8s },
    { "submit", bench_submit }, { "idle", bench_idle },       { "delay", bench_delay },
};
#define PART_COUNT (sizeof parts / sizeof parts[0])

static const char usage[] =
    "usage: bench_muster [--runs N] [deploy|compose|k8s|submit|idle|delay]...\n"
    "\n"
    "Measures each part (without a name: all) N times (1 to 31; 7) and prints a Markdown\n"
    "table: median, and in brackets the range.\n";

static bool parse_runs(const char *text, uint32_t *ret)
{
    char *end = NULL;
    unsigned long runs = strtoul(text, &end, 10);
    *ret = (uint32_t)runs;
    return *text >= '0' && *text <= '9' && *end == '\0' && runs >= 1 && runs <= BENCH_RUNS_MAX;
}

static bool is_wanted(const struct part *part, char **names)
{
    bool wanted = *names == NULL;
    for (; *names != NULL; names++) {
        wanted = wanted || strcmp(*names, part->name) == 0;
    }
    return wanted;
}

static bool all_known(char **names)
{
    for (; *names != NULL; names++) {
        bool known = false;
        for (size_t i = 0; i < PART_COUNT; i++) {
            known = known || strcmp(*names, parts[i].name) == 0;
        }
        if (!known) {
            fprintf(stderr, "bench: there is no part '%s'\n%s", *names, usage);
            return false;
        }
    }
    return true;
}

static enum muster_rc measure_all(const struct bench *bench, char **names, struct muster_error *err)
{
    bench_row("what", "muster", "floor", "compared");
    bench_row("---", "---", "---", "---");
    for (size_t i = 0; i < PART_COUNT; i++) {
        enum muster_rc rc = is_wanted(&parts[i], names) ? parts[i].measure(bench, err) : MUSTER_OK;
        if (rc != MUSTER_OK) {
            return muster_error_context(err, rc, "%s", parts[i].name);
        }
    }
    return MUSTER_OK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "runs", required_argument, NULL, 'r' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct bench bench = { .runs = RUNS_DEFAULT };
    struct muster_error err = { .rc = MUSTER_OK };
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *variables = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'r' || !parse_runs(optarg, &bench.runs)) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    if (!all_known(argv + optind)) {
        return EXIT_FAILURE;
    }
    enum muster_rc rc = muster_variables_read(&variables, &err);
    if (rc == MUSTER_OK) {
        bench.variables = variables;
        bench.system = muster_logos_system();
        bench.runner = muster_runner_find("local");
        rc = measure_all(&bench, argv + optind, &err);
    }
    if (rc != MUSTER_OK) {
        fprintf(stderr, "bench: %s\n", err.text);
    }
    return rc == MUSTER_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
