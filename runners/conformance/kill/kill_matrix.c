/* The kill matrix: many victims, each ended at a random time, and nothing may be left of any. One method a
 * call, so that ctest can run several at once. */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kill/trial.h"
#include "muster/clock.h"
#include "muster/random.h"
#include "muster/registry.h"
#include "muster/variables.h"

#define JOBS_MAX 32u
#define TRIALS_MAX 10000u
#define NODES_MAX 9u
#define SECONDS_MAX 3600u
#define DROPPED_MAX 8u

static const char usage[] =
    "usage: kill_matrix --suite PROGRAM --muster PROGRAM --ctest PROGRAM --method NAME [--runner NAME]\n"
    "                   [--within SECONDS] [--nodes N] [--drop PREFIX]... [--trials N] [--jobs N] [--seed "
    "N]\n"
    "                   [--only INDEX]\n"
    "\n"
    "  --within   from the injection until nothing may be left; default: 3\n"
    "  --nodes    of each victim, at least 2; default: 3\n"
    "  --drop     victims do not get the variables whose names begin so\n"
    "\n"
    "Before there is a guardian, phases cannot be told apart: which part of set-up is hit is random.\n";

struct matrix {
    struct settings settings;
    const struct method *method;
    const char *dropped[DROPPED_MAX + 1];
    unsigned dropped_count;
    unsigned jobs;
    unsigned count;
    unsigned first; /* Index of the first victim; with --only the one that is wanted. */
    struct trial *trials;
    pthread_mutex_t mutex;
    unsigned next;
};

/* ---- Victims ---- */

static void report_complaint(const struct matrix *matrix, const struct trial *trial)
{
    printf("FAIL %s #%u (%s%s, in %s): %s\n     kept: %s\n     repeat: --method %s --seed %llu --only %u\n",
           matrix->method->name, trial->index, trial->fate.scenario,
           trial->fate.no_fork ? ", CK_FORK=no" : "", methods_phase_name(trial->phase), trial->complaint.text,
           trial->directory, matrix->method->name, (unsigned long long)matrix->settings.seed, trial->index);
    fflush(stdout);
}

static void *work(void *context)
{
    struct matrix *matrix = context;
    for (;;) {
        pthread_mutex_lock(&matrix->mutex);
        unsigned index = matrix->next++;
        pthread_mutex_unlock(&matrix->mutex);
        if (index >= matrix->count) {
            return NULL;
        }
        struct trial *trial = &matrix->trials[index];
        trial->method = matrix->method;
        trial->index = matrix->first + index;
        trial_run(&matrix->settings, trial);
        if (complained(&trial->complaint)) {
            report_complaint(matrix, trial);
        }
    }
}

static void run_all(struct matrix *matrix)
{
    pthread_t threads[JOBS_MAX];
    unsigned started = 0;
    while (started < matrix->jobs && pthread_create(&threads[started], NULL, work, matrix) == 0) {
        started++;
    }
    if (started == 0) {
        work(matrix);
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* ---- Sum ---- */

static int compare(const void *a, const void *b)
{
    const struct trial *const *left = a;
    const struct trial *const *right = b;
    return ((*left)->clear_ms > (*right)->clear_ms) - ((*left)->clear_ms < (*right)->clear_ms);
}

static void print_times(const struct matrix *matrix)
{
    const struct trial **injected = calloc(matrix->count, sizeof *injected);
    unsigned count = 0;
    for (unsigned i = 0; injected != NULL && i < matrix->count; i++) {
        if (matrix->trials[i].injected) {
            injected[count++] = &matrix->trials[i];
        }
    }
    if (count > 0) {
        qsort(injected, count, sizeof *injected, compare);
        const struct trial *longest = injected[count - 1];
        printf("until nothing was left: median %llu ms, 95 %% within %llu ms, longest %llu ms (#%u, in %s)\n",
               (unsigned long long)injected[count / 2]->clear_ms,
               (unsigned long long)injected[(count - 1) * 95 / 100]->clear_ms,
               (unsigned long long)longest->clear_ms, longest->index, methods_phase_name(longest->phase));
    }
    free(injected);
}

static unsigned print_sum(const struct matrix *matrix)
{
    unsigned failed = 0;
    unsigned attempts = 0;
    unsigned injected[MUSTER_PHASE_COUNT] = { 0 };
    for (unsigned i = 0; i < matrix->count; i++) {
        const struct trial *trial = &matrix->trials[i];
        failed += complained(&trial->complaint);
        attempts += trial->attempts;
        injected[trial->phase] += trial->injected;
    }
    printf("%s on %s, seed %llu: %u trials, %u failed, %u victims started\ninjected in", matrix->method->name,
           matrix->settings.runner->name, (unsigned long long)matrix->settings.seed, matrix->count, failed,
           attempts);
    for (int phase = 0; phase < MUSTER_PHASE_COUNT; phase++) {
        if (phase != MUSTER_PROBE) {
            printf(" %s %u", methods_phase_name((enum muster_phase)phase), injected[phase]);
        }
    }
    printf("\n");
    print_times(matrix);
    return failed;
}

/* ---- Beginning and end ---- */

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    char *end = NULL;
    *ret = strtoull(text, &end, 10);
    return end != text && *end == '\0' && text[0] != '-' && *ret <= max;
}

static bool drop(struct matrix *matrix, const char *prefix)
{
    bool fits = prefix[0] != '\0' && matrix->dropped_count < DROPPED_MAX;
    if (fits) {
        matrix->dropped[matrix->dropped_count++] = prefix;
    }
    return fits;
}

static bool take_option(struct matrix *matrix, int option, const char *value)
{
    uint64_t number = 0;
    bool is_number = parse_number(value, UINT64_MAX, &number);
    switch (option) {
    case 's':
        matrix->settings.suite_program = value;
        return value[0] == '/';
    case 'u':
        matrix->settings.muster_program = value;
        return value[0] == '/';
    case 'c':
        matrix->settings.ctest_program = value;
        return value[0] == '/';
    case 'm':
        matrix->method = methods_find(value);
        return matrix->method != NULL;
    case 'r':
        matrix->settings.runner = muster_runner_find(value);
        return matrix->settings.runner != NULL;
    case 'w':
        matrix->settings.clear_ms = number * 1000;
        return is_number && number >= 1 && number <= SECONDS_MAX;
    case 'k':
        matrix->settings.nodes = (unsigned)number;
        return is_number && number >= 2 && number <= NODES_MAX;
    case 'x':
        return drop(matrix, value);
    case 'n':
        matrix->count = (unsigned)number;
        return is_number && number >= 1 && number <= TRIALS_MAX;
    case 'j':
        matrix->jobs = (unsigned)number;
        return is_number && number >= 1 && number <= JOBS_MAX;
    case 'd':
        matrix->settings.seed = number;
        return is_number;
    case 'o':
        matrix->first = (unsigned)number;
        matrix->count = 1;
        return is_number && number <= TRIALS_MAX;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct matrix *matrix)
{
    static const struct option options[] = {
        { "suite", required_argument, NULL, 's' },
        { "muster", required_argument, NULL, 'u' },
        { "ctest", required_argument, NULL, 'c' },
        { "method", required_argument, NULL, 'm' },
        { "runner", required_argument, NULL, 'r' },
        { "trials", required_argument, NULL, 'n' },
        { "jobs", required_argument, NULL, 'j' },
        { "seed", required_argument, NULL, 'd' },
        { "only", required_argument, NULL, 'o' },
        { "within", required_argument, NULL, 'w' },
        { "nodes", required_argument, NULL, 'k' },
        { "drop", required_argument, NULL, 'x' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(matrix, option, optarg == NULL ? "" : optarg)) {
            return false;
        }
    }
    if (matrix->method != NULL && matrix->count == 0) {
        matrix->count = matrix->method->trials;
    }
    return optind == argc && matrix->method != NULL && matrix->settings.suite_program != NULL &&
           matrix->settings.muster_program != NULL && matrix->settings.ctest_program != NULL;
}

static bool make_work_directory(struct settings *settings)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(settings->work, sizeof settings->work, "%.200s/muster-kill-XXXXXX",
             temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
    return mkdtemp(settings->work) != NULL;
}

static bool read_slowdown(struct settings *settings)
{
    struct muster_error err = { 0 };
    MUSTER_CLEANUP(muster_variables_destroy) struct muster_variables *variables = NULL;
    if (muster_variables_read(&variables, &err) != MUSTER_OK) {
        fprintf(stderr, "kill_matrix: %s\n", err.text);
        return false;
    }
    settings->slowdown = muster_variables_slowdown(variables);
    settings->clear_ms = (uint64_t)((double)settings->clear_ms * settings->slowdown);
    return true;
}

static int run_matrix(struct matrix *matrix)
{
    struct complaint complaint = { "" };
    trial_measure(&matrix->settings, &complaint);
    if (complained(&complaint)) {
        printf("FAIL the healthy run that is measured first: %s\n     kept: %s\n", complaint.text,
               matrix->settings.work);
        return 1;
    }
    if (matrix->settings.skipped) {
        printf("skip: the runner '%s' cannot run here\n", matrix->settings.runner->name);
        rmdir(matrix->settings.work);
        return 77;
    }
    run_all(matrix);
    unsigned failed = print_sum(matrix);
    rmdir(matrix->settings.work); /* What failed stays in it. */
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct matrix matrix = { .jobs = 4, .mutex = PTHREAD_MUTEX_INITIALIZER };
    matrix.settings.seed = muster_random_new_seed();
    matrix.settings.runner = muster_runner_find("local");
    matrix.settings.clear_ms = 3000;
    matrix.settings.nodes = 3;
    matrix.settings.dropped = matrix.dropped;
    if (!parse(argc, argv, &matrix)) {
        fputs(usage, stderr);
        return 99;
    }
    matrix.trials = calloc(matrix.count, sizeof *matrix.trials);
    if (matrix.trials == NULL || !read_slowdown(&matrix.settings) || !make_work_directory(&matrix.settings)) {
        free(matrix.trials);
        return 99;
    }
    int code = run_matrix(&matrix);
    free(matrix.trials);
    return code;
}
