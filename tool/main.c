/* muster: what is done outside of a test. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "muster/registry.h"
#include "muster/session.h"
#include "muster/sweep.h"

static const char usage[] =
    "usage: muster sweep [--evidence] [--preserved] [RUN_DIRECTORY…]\n"
    "\n"
    "Removes what runs left whose guardian was killed: processes, containers, namespaces that their\n"
    "ledgers name, and nothing else. Without a directory, all runs below MUSTER_RUN_ROOT (else TMPDIR,\n"
    "else /tmp). Runs that go on are left alone.\n"
    "\n"
    "  --preserved  also remove what a preserve variable left up\n"
    "  --evidence   also remove the run directories of runs that are over\n"
    "  --help       this text\n"
    "\n"
    "exit: 0 nothing is left; 1 something could not be removed; 99 wrong arguments or environment\n";

static int complain(const struct muster_error *err)
{
    fprintf(stderr, "muster: %s\n", err->text);
    return 99;
}

static int parse_options(int argc, char **argv, struct muster_sweep_options *options, int *first)
{
    for (*first = 2; *first < argc && argv[*first][0] == '-'; (*first)++) {
        const char *option = argv[*first];
        if (strcmp(option, "--evidence") == 0) {
            options->evidence = true;
        } else if (strcmp(option, "--preserved") == 0) {
            options->preserved = true;
        } else {
            fprintf(stderr, "muster: sweep knows no option '%s'; see muster --help\n", option);
            return 99;
        }
    }
    return 0;
}

static void print_step(void *context, const char *directory, const char *what)
{
    (void)context;
    printf("%s: %s\n", directory, what);
}

static int sweep(int argc, char **argv)
{
    struct muster_error err = { 0 };
    struct muster_sweep_options options = { .runners = muster_runners(), .step = print_step };
    int first = 0;
    int code = parse_options(argc, argv, &options, &first);
    if (code != 0) {
        return code;
    }
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *variables = NULL;
    if (muster_variables_read(&variables, &err) != MUSTER_OK) {
        return complain(&err);
    }
    options.directories = (const char *const *)argv + first;
    options.directory_count = (size_t)(argc - first);
    enum muster_rc rc = muster_sweep(variables, &options, &err);
    if (rc == MUSTER_OK) {
        return 0;
    }
    complain(&err);
    return rc == MUSTER_ELEAK ? 1 : 99;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "sweep") == 0 && !(argc == 3 && strcmp(argv[2], "--help") == 0)) {
        return sweep(argc, argv);
    }
    bool asked = argc >= 2 && (strcmp(argv[argc - 1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    fputs(usage, asked ? stdout : stderr);
    return asked ? 0 : 99;
}
