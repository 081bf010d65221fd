#include "crash_death.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"

static const char *kind; /* The scenario's name; no death of that name: nothing happens. */
static enum muster_phase wanted;
static uint64_t delay_ms;
static double limit_ms;
static pthread_t test_thread;
static atomic_bool cleaning_up;

static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

void death_prepare(void)
{
    const char *phase = getenv("KILL_MATRIX_PHASE");
    const char *scenario = getenv("CK_RUN_CASE");
    kind = scenario == NULL ? "" : scenario;
    wanted = MUSTER_PHASE_COUNT;
    for (int i = 0; phase != NULL && i < MUSTER_PHASE_COUNT; i++) {
        if (strcmp(muster_phase_name((enum muster_phase)i), phase) == 0) {
            wanted = (enum muster_phase)i;
        }
    }
    delay_ms = number_of("KILL_MATRIX_DELAY_MS", 0);
    limit_ms = (double)number_of("KILL_MATRIX_LIMIT_MS", 3000);
}

uint64_t death_delay_ms(void)
{
    return delay_ms;
}

double death_limit_ms(void)
{
    return limit_ms;
}

void death_nap(uint64_t duration_ms)
{
    uint64_t deadline_ms = muster_clock_ms() + duration_ms;
    int left_ms;
    while ((left_ms = muster_clock_left_ms(deadline_ms)) > 0) {
        poll(NULL, 0, left_ms);
    }
}

static bool is(const char *name)
{
    return strcmp(kind, name) == 0;
}

void death_crash(void)
{
    static volatile int *volatile nowhere;
    *nowhere = 1;
}

/* As a signal handler it meets the test's thread at whatever it is doing. */
static void die(int signal)
{
    (void)signal;
    if (is("crashes") || is("crashes_in_thread")) {
        death_crash();
    } else if (is("aborts")) {
        abort();
    } else if (is("exits_0")) {
        _exit(0);
    } else if (is("exits_3")) {
        _exit(3);
    }
}

/* The run is freed at the end of its clean-up: it is not asked for its phase once that has begun. */
static void await_phase(struct muster_run *run)
{
    while (!atomic_load(&cleaning_up) && (wanted == MUSTER_CLEAN_UP || muster_run_phase(run) < wanted)) {
        death_nap(1);
    }
}

static void *bring_death(void *context)
{
    await_phase(context);
    death_nap(delay_ms);
    if (is("crashes_in_thread")) {
        die(0);
    }
    pthread_kill(test_thread, SIGUSR1);
    return NULL;
}

void death_capture(struct muster_run *run)
{
    static const char *const sudden[] = { "crashes", "crashes_in_thread", "aborts", "exits_0", "exits_3" };
    pthread_t thread;
    death_in_test_at(run, MUSTER_CAPTURE);
    for (size_t i = 0; i < sizeof sudden / sizeof sudden[0]; i++) {
        if (is(sudden[i])) {
            test_thread = pthread_self();
            signal(SIGUSR1, die);
            if (pthread_create(&thread, NULL, bring_death, run) == 0) {
                pthread_detach(thread);
            }
        }
    }
}

/* How long to go on until the delay is over. A check in the window comes when the window has been open for a
 * while. */
static uint64_t left_ms(struct muster_run *run)
{
    uint64_t opened_ms = 0;
    uint64_t closes_ms = 0;
    if (wanted != MUSTER_EXECUTE) {
        return delay_ms;
    }
    muster_run_window(run, &opened_ms, &closes_ms);
    return (uint64_t)muster_clock_left_ms(opened_ms + delay_ms);
}

void death_in_test_at(struct muster_run *run, enum muster_phase phase)
{
    if (is("asserts") && phase == wanted) {
        death_nap(left_ms(run));
        ck_abort_msg("this assertion fails on purpose");
    }
}

void death_clean_up(void)
{
    atomic_store(&cleaning_up, true);
}
