#include "kill/inject.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/process.h"
#include "kill/tagged_processes.h"
#include "muster/clock.h"

#define WATCH_MS 2 /* Between two looks at what a victim does. */
#define PASS_MS 1000u /* From the end of a test that passed to the end of its suite. */

static bool look(struct attempt *attempt)
{
    trace_look(&attempt->trace);
    return !victim_look(&attempt->victim);
}

/* False: it ended before that. */
static bool await_phase(struct attempt *attempt)
{
    uint64_t deadline_ms = muster_clock_ms() + attempt_life_ms(attempt);
    while (look(attempt) && attempt->trace.phase < attempt->fate.phase) {
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return false;
        }
        poll(NULL, 0, WATCH_MS);
    }
    return !attempt->victim.ended;
}

static bool nap(struct attempt *attempt, uint64_t duration_ms)
{
    uint64_t deadline_ms = muster_clock_ms() + duration_ms;
    int left_ms;
    while ((left_ms = muster_clock_left_ms(deadline_ms)) > 0) {
        poll(NULL, 0, left_ms);
    }
    return look(attempt);
}

/* The suite program's name, as the kernel cuts it. */
static void process_name(const struct attempt *attempt, char name[16])
{
    snprintf(name, 16, "%s", strrchr(attempt->settings->suite_program, '/') + 1);
}

/* Finds the test's process. Before deploy a child of the suite may be the guardian's parent instead. */
static bool find_test(struct attempt *attempt, struct tagged_process *ret)
{
    char name[16];
    process_name(attempt, name);
    while (look(attempt)) {
        if (attempt->trace.phase >= MUSTER_DEPLOY) {
            return tagged_child(attempt->trace.tag, attempt->victim.pid, name, ret);
        }
        poll(NULL, 0, WATCH_MS);
    }
    return false;
}

static bool find_guardian(struct attempt *attempt)
{
    while (look(attempt)) {
        trace_read_ledger(&attempt->trace);
        if (attempt->trace.guardian > 0) {
            return true;
        }
        poll(NULL, 0, WATCH_MS);
    }
    return false;
}

static bool inject_into_guardian(struct attempt *attempt)
{
    return find_guardian(attempt) &&
           muster__process_signal(attempt->trace.guardian, attempt->trace.guardian_start, SIGKILL);
}

static bool inject(struct attempt *attempt)
{
    struct tagged_process test;
    switch (attempt->method->injection) {
    case INJECT_SUITE:
        return kill(attempt->victim.pid, attempt->method->signal) == 0;
    case INJECT_TEST:
        return find_test(attempt, &test) && muster__process_signal(test.pid, test.start, SIGKILL);
    case INJECT_GUARDIAN:
        return inject_into_guardian(attempt);
    case INJECT_GUARDIAN_AND_SUITE:
        return inject_into_guardian(attempt) && kill(attempt->victim.pid, SIGKILL) == 0;
    case INJECT_CHECK:
    case INJECT_CTEST:
    case INJECT_NONE:
        break;
    }
    return false;
}

/* The run may have passed since the last look and be removing the files that tell its phase. */
static enum muster_phase phase_now(const struct attempt *attempt)
{
    return trace_is_removed(&attempt->trace) ? MUSTER_CLEAN_UP : attempt->trace.phase;
}

/* A held victim goes on where nothing has ended it: the injection missed, or only its guardian was killed. */
static void inject_from_outside(struct attempt *attempt, struct complaint *ret)
{
    if (await_phase(attempt) && nap(attempt, attempt->delay_ms)) {
        trace_read_ledger(&attempt->trace);
        attempt->injected = inject(attempt);
        attempt->injected_ms = muster_clock_ms();
        attempt->phase = phase_now(attempt);
    }
    if (attempt->held && (!attempt->injected || attempt->method->injection == INJECT_GUARDIAN)) {
        attempt_go_on(attempt, ret);
    }
}

/* ---- Ends that are not sent from here ---- */

/* Finds the process whose end is watched: the test's where it has one, else the suite program. */
static bool find_dying(struct attempt *attempt, struct tagged_process *ret)
{
    char name[16];
    process_name(attempt, name);
    if (attempt->method->injection != INJECT_CTEST) {
        return !attempt->fate.no_fork && find_test(attempt, ret);
    }
    while (look(attempt)) {
        if (tagged_child(attempt->trace.tag, attempt->victim.pid, name, ret)) {
            return true;
        }
        poll(NULL, 0, WATCH_MS);
    }
    return false;
}

/* A suite that passed ended before the injection. */
static bool has_passed(struct attempt *attempt)
{
    return victim_wait(&attempt->victim, attempt->injected_ms + PASS_MS) && attempt->victim.status == 0;
}

/* Whether the output of Check or ctest says that the limit passed. Check may give up instead, see
 * check_gave_up(). */
static bool limit_has_passed(struct attempt *attempt, struct complaint *ret)
{
    if (!victim_wait(&attempt->victim, attempt->injected_ms + attempt->settings->clear_ms)) {
        return true; /* check_after_await() complains of what goes on. */
    }
    char *output = attempt_output(attempt, ret);
    bool passed = output != NULL && (attempt->method->injection == INJECT_CTEST
                                         ? strstr(output, "***Timeout") != NULL
                                         : strstr(output, "Test timeout expired") != NULL ||
                                               strstr(output, "check_msg.c:") != NULL);
    free(output);
    return passed;
}

static void watch_it_die(struct attempt *attempt, struct complaint *ret)
{
    struct tagged_process dying;
    uint64_t deadline_ms = muster_clock_ms() + attempt_life_ms(attempt);
    bool found = find_dying(attempt, &dying);
    while (found ? muster__process_runs(dying.pid, dying.start) : look(attempt)) {
        if (muster_clock_left_ms(deadline_ms) == 0) {
            complain(ret, "it did not die");
            return;
        }
        trace_read_ledger(&attempt->trace);
        poll(NULL, 0, WATCH_MS);
    }
    attempt->injected_ms = muster_clock_ms();
    attempt->phase = phase_now(attempt);
    attempt->injected = attempt->limit_ms > 0 ? limit_has_passed(attempt, ret) : !has_passed(attempt);
}

void attempt_inject(struct attempt *attempt, struct complaint *ret)
{
    bool by_others = attempt->method->injection == INJECT_NONE ||
                     attempt->method->injection == INJECT_CHECK || attempt->method->injection == INJECT_CTEST;
    if (by_others) {
        watch_it_die(attempt, ret);
    } else {
        inject_from_outside(attempt, ret);
    }
}
