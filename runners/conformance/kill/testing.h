/* A run directory made by hand, for the tests of the checks: sound, until a test spoils one thing. */
#ifndef MUSTER_CONFORMANCE_TESTING_H
#define MUSTER_CONFORMANCE_TESTING_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "kill/trace.h"
#include "ledger/ledger.h"

static struct trace trace;
static char testing_root[64];
static char testing_run_id[32]; /* Of this process alone: several of these tests may run at once. */
static char testing_lease[16]; /* The same, and outside of what runs lease. */

static inline void testing_put(const char *name, const char *text)
{
    char path[MUSTER__PATH_BYTES];
    snprintf(path, sizeof path, "%s/%.200s", trace.directory, name);
    ck_assert_int_eq(muster__file_write(path, text, strlen(text), NULL), MUSTER_OK);
}

static inline void testing_make_ledger(bool closed, bool with_lease)
{
    struct muster_ledger *ledger = NULL;
    ck_assert_int_eq(muster__ledger_create(trace.directory, testing_run_id, "local", &ledger, NULL),
                     MUSTER_OK);
    /* One that is gone: process 1 began at another time. */
    ck_assert_int_eq(muster__ledger_guardian(ledger, 1, 1, NULL), MUSTER_OK);
    if (with_lease) {
        ck_assert_int_eq(muster_ledger_created(ledger, "lease", testing_lease, NULL, NULL), MUSTER_OK);
    }
    if (closed) {
        ck_assert_int_eq(muster__ledger_state(ledger, "closed", NULL), MUSTER_OK);
    }
    muster__ledger_close(ledger);
}

/* A run root with a run directory in it that is empty yet. */
static inline void testing_begin(void)
{
    char directory[MUSTER__PATH_BYTES];
    char tag[96];
    snprintf(testing_root, sizeof testing_root, "/tmp/muster-conformance-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(testing_root));
    snprintf(testing_run_id, sizeof testing_run_id, "c0ffee%d", (int)getpid());
    snprintf(testing_lease, sizeof testing_lease, "127.%d.%d.", 200 + getpid() % 50, getpid() / 50 % 256);
    snprintf(directory, sizeof directory, "%s/muster-%s/nodes/node-0", testing_root, testing_run_id);
    ck_assert_int_eq(muster__directory_make(directory, 0700, NULL), MUSTER_OK);
    snprintf(tag, sizeof tag, "KILL_MATRIX_VICTIM=%s", testing_root);
    trace_init(&trace, testing_root, tag);
    trace_look(&trace);
    ck_assert_str_ne(trace.directory, "");
}

static inline void testing_end(void)
{
    ck_assert_int_eq(muster__directory_remove(testing_root, NULL), MUSTER_OK);
}

#endif
