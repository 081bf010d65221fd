/* What each expectation found. */
#ifndef MUSTER_SRC_EVIDENCE_FINDINGS_H
#define MUSTER_SRC_EVIDENCE_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "muster/run.h"

#define MUSTER__REPORT_NUMBERS_MAX 32u
#define MUSTER__REPORT_TEXTS_MAX 16u

struct muster__report_number {
    char name[MUSTER_NAME_BYTES];
    double value;
};

struct muster__report_text {
    char name[MUSTER_NAME_BYTES];
    char *text;
};

struct muster_report {
    char name[MUSTER_NAME_BYTES]; /* The expectation's. */
    bool judged;
    struct muster_error err; /* err.rc is MUSTER_OK if the expectation holds. */
    size_t number_count;
    struct muster__report_number numbers[MUSTER__REPORT_NUMBERS_MAX];
    size_t text_count;
    struct muster__report_text texts[MUSTER__REPORT_TEXTS_MAX];
};

void muster__report_init(struct muster_report *report, const char *name);
/** Forgets numbers and texts. */
void muster__report_clear(struct muster_report *report);
void muster__report_fini(struct muster_report *report);
/** Returns {name, verdict, text, numbers, texts}, or NULL if there is no memory. */
json_t *muster__report_to_json(const struct muster_report *report);

#endif
