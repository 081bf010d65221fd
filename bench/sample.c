/* Samples, and the table they are printed in. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void bench_sample_add(struct bench_sample *sample, double value)
{
    if (sample->count < BENCH_SAMPLES_MAX) {
        sample->values[sample->count++] = value;
    }
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_sample_quantile(struct bench_sample *sample, double share)
{
    if (sample->count == 0) {
        return 0;
    }
    qsort(sample->values, sample->count, sizeof sample->values[0], compare);
    return sample->values[(size_t)((double)(sample->count - 1) * share + 0.5)];
}

const char *bench_sample_text(struct bench_sample *sample, int decimals, char text[64])
{
    snprintf(text, 64, "%.*f (%.*f–%.*f)", decimals, bench_sample_quantile(sample, 0.5), decimals,
             bench_sample_quantile(sample, 0), decimals, bench_sample_quantile(sample, 1));
    return text;
}

void bench_row(const char *what, const char *figure, const char *floor, const char *note)
{
    printf("| %s | %s | %s | %s |\n", what, figure, floor, note);
    fflush(stdout);
}
