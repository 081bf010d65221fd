#include "kill/check_after.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/files.h"
#include "kill/evidence.h"
#include "kill/leftovers.h"
#include "kill/tagged_processes.h"
#include "muster/clock.h"

#define LOOK_MS 15
#define SWEEP_INTERVAL_MS 250u

/* ---- Until nothing is left ---- */

/* Only runs without a guardian are swept: it was killed, or the suite ended before it had one. */
static bool needs_sweep(const struct attempt *attempt)
{
    bool killed = attempt->method->injection == INJECT_GUARDIAN ||
                  attempt->method->injection == INJECT_GUARDIAN_AND_SUITE;
    return attempt->trace.directory[0] != '\0' && (killed || attempt->trace.guardian == 0);
}

static bool directory_is_there(const struct attempt *attempt)
{
    struct stat status;
    return attempt->trace.directory[0] != '\0' && stat(attempt->trace.directory, &status) == 0;
}

static void find_what_is_left(struct attempt *attempt, struct complaint *ret)
{
    trace_read_ledger(&attempt->trace);
    leftovers_find(&attempt->trace, attempt->settings->runner, ret);
    if (directory_is_there(attempt) && !evidence_is_closed(&attempt->trace)) {
        complain(ret, "the ledger is not closed");
    }
}

/* Looks once, after a sweep where one is needed. True: nothing is left, and the victim has ended. */
static bool is_clear(struct attempt *attempt, uint64_t *next_sweep_ms, struct complaint *left)
{
    bool ended = victim_look(&attempt->victim);
    if (ended && needs_sweep(attempt) && muster_clock_left_ms(*next_sweep_ms) == 0) {
        trace_read_ledger(&attempt->trace); /* A guardian may be known by now: its run must not be swept. */
        attempt_sweep(attempt, left);
        *next_sweep_ms = muster_clock_ms() + SWEEP_INTERVAL_MS;
    }
    find_what_is_left(attempt, left);
    return ended && !complained(left);
}

uint64_t check_after_await(struct attempt *attempt, struct complaint *ret)
{
    uint64_t deadline_ms = attempt->injected_ms + attempt->settings->clear_ms;
    uint64_t next_sweep_ms = 0;
    struct complaint left;
    bool clear;
    do {
        left.text[0] = '\0';
        clear = is_clear(attempt, &next_sweep_ms, &left);
    } while (!clear && muster_clock_left_ms(deadline_ms) > 0 && poll(NULL, 0, LOOK_MS) == 0);
    uint64_t took_ms = muster_clock_ms() - attempt->injected_ms;
    if (!clear) {
        complain(ret, "after %.1f s there is left: %s", (double)took_ms / 1000.0, left.text);
        tagged_kill(attempt->trace.tag);
        victim_wait(&attempt->victim, muster_clock_ms() + attempt->settings->clear_ms);
    } else if (muster_clock_left_ms(deadline_ms) == 0) {
        complain(ret, "it took %.1f s until nothing was left", (double)took_ms / 1000.0);
    }
    return took_ms;
}

/* ---- What it left ---- */

static int exit_code(const struct attempt *attempt)
{
    return WIFEXITED(attempt->victim.status) ? WEXITSTATUS(attempt->victim.status) : -1;
}

/* An injection during clean-up may come too late to matter: the run had passed already. */
static bool passed_before(const struct attempt *attempt)
{
    return attempt->phase == MUSTER_CLEAN_UP && !directory_is_there(attempt);
}

/* Check 0.15.2 ends itself with code 2 when a test is killed while it writes to its message file. */
static bool check_gave_up(const struct attempt *attempt, const char *output)
{
    bool by_kill = attempt->method->injection == INJECT_TEST || attempt->method->injection == INJECT_CHECK;
    return by_kill && exit_code(attempt) == 2 && strstr(output, "check_msg.c:") != NULL;
}

static bool ended_right(const struct attempt *attempt, const char *output)
{
    const struct method *method = attempt->method;
    int status = attempt->victim.status;
    bool takes_suite_along = attempt->fate.no_fork && method->injection == INJECT_NONE;
    switch (method->injection) {
    case INJECT_SUITE:
        /* While it has no test forked, Check answers SIGINT with SIGKILL to its own process group. */
        return WIFSIGNALED(status) && (WTERMSIG(status) == method->signal ||
                                       (method->signal == SIGINT && WTERMSIG(status) == SIGKILL));
    case INJECT_GUARDIAN_AND_SUITE:
        /* The suite may have ended of the guardian's death before it was killed itself. */
        return (WIFSIGNALED(status) && WTERMSIG(status) == method->signal) ||
               exit_code(attempt) == method->exit_code;
    case INJECT_CTEST:
        return exit_code(attempt) != 0;
    case INJECT_TEST:
    case INJECT_GUARDIAN:
    case INJECT_CHECK:
    case INJECT_NONE:
        break;
    }
    return exit_code(attempt) == method->exit_code || check_gave_up(attempt, output) ||
           (takes_suite_along && exit_code(attempt) != 0);
}

/* The output must say where the evidence is. Not so when ctest's limit has passed, as ctest reads nothing any
 * more, and when the guardian is gone too, as nobody is left to print it. */
static bool is_told(const struct attempt *attempt, const char *output)
{
    return attempt->method->injection == INJECT_CTEST || needs_sweep(attempt) ||
           strstr(output, attempt->trace.directory) != NULL;
}

/* The guardian was killed before it reported to the suite program: the run never began and left nothing. */
static bool guardian_was_stillborn(const struct attempt *attempt, const char *output)
{
    return attempt->phase == MUSTER_BUILD && attempt->method->injection == INJECT_GUARDIAN &&
           strstr(output, "the guardian did not start") != NULL;
}

static void check_output(const struct attempt *attempt, const char *output, struct complaint *ret)
{
    char how[96];
    if (!ended_right(attempt, output) && !passed_before(attempt)) {
        complain(ret, "the suite program %s", victim_describe(&attempt->victim, how));
    }
    if (directory_is_there(attempt) && !is_told(attempt, output)) {
        complain(ret, "nobody says that the evidence is in %s", attempt->trace.directory);
    }
}

void check_after_injection(const struct attempt *attempt, struct complaint *ret)
{
    bool in_clean_up = attempt->phase == MUSTER_CLEAN_UP; /* A run that passed may be half removed. */
    bool all_up = attempt->phase >= MUSTER_CAPTURE && !in_clean_up && !attempt->fate.dies_in_deploy;
    char *output = attempt_output(attempt, ret);
    if (output == NULL) {
        return;
    }
    const struct evidence expected = {
        .must_be_kept = attempt->trace.has_ledger && !in_clean_up && !guardian_was_stillborn(attempt, output),
        .verdict = attempt->trace.guardian == 0 ? NULL : attempt->method->verdict,
        .nodes_with_logs = all_up ? attempt->settings->nodes : 0
    };
    check_output(attempt, output, ret);
    free(output);
    evidence_check(&attempt->trace, &expected, ret);
    leftovers_find(&attempt->trace, attempt->settings->runner, ret); /* Nothing came back. */
}

void check_after_pass(const struct attempt *attempt, struct complaint *ret)
{
    char how[96];
    if (exit_code(attempt) != 0) {
        complain(ret, "an undisturbed suite program %s", victim_describe(&attempt->victim, how));
    }
    evidence_check_gone(&attempt->trace, ret);
}

void check_after_miss(const struct attempt *attempt, struct complaint *ret)
{
    static const struct evidence of_failure = { .must_be_kept = true, .verdict = "fail" };
    if (exit_code(attempt) == 1) {
        evidence_check(&attempt->trace, &of_failure, ret);
    } else {
        check_after_pass(attempt, ret);
    }
}
