#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/files.h"
#include "kill/attempt.h"
#include "kill/evidence.h"
#include "kill/leftovers.h"
#include "kill/tagged_processes.h"
#include "muster/clock.h"

#define LOOK_MS 15
#define SWEEP_INTERVAL_MS 250u

/* ---- Until nothing is left ---- */

/* Sweeping is for runs without a guardian: it was killed, or the suite was before it had one. */
static bool needs_sweep(const struct attempt *attempt)
{
    bool killed =
        attempt->method->striker == STRIKE_GUARDIAN || attempt->method->striker == STRIKE_GUARDIAN_AND_SUITE;
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

/* One look; sweeps before it where that is called for. True: nothing is left, and the victim has ended. */
static bool is_clear(struct attempt *attempt, uint64_t *next_sweep_ms, struct complaint *left)
{
    bool ended = victim_look(&attempt->victim);
    if (ended && needs_sweep(attempt) && muster_clock_left_ms(*next_sweep_ms) == 0) {
        trace_read_ledger(&attempt->trace); /* What has one must not go with a sweep. */
        attempt_sweep(attempt, left);
        *next_sweep_ms = muster_clock_ms() + SWEEP_INTERVAL_MS;
    }
    find_what_is_left(attempt, left);
    return ended && !complained(left);
}

uint64_t aftermath_await(struct attempt *attempt, struct complaint *ret)
{
    uint64_t deadline_ms = attempt->struck_ms + attempt->settings->clear_ms;
    uint64_t next_sweep_ms = 0;
    struct complaint left;
    bool clear;
    do {
        left.text[0] = '\0';
        clear = is_clear(attempt, &next_sweep_ms, &left);
    } while (!clear && muster_clock_left_ms(deadline_ms) > 0 && poll(NULL, 0, LOOK_MS) == 0);
    uint64_t took_ms = muster_clock_ms() - attempt->struck_ms;
    if (!clear) {
        complain(ret, "after %.1f s there is left: %s", (double)took_ms / 1000.0, left.text);
        marked_kill(attempt->trace.mark);
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

/* A blow in the clean-up may come too late to matter: the run had passed already. */
static bool passed_before(const struct attempt *attempt)
{
    return attempt->phase == MUSTER_CLEAN_UP && !directory_is_there(attempt);
}

/* Check 0.15.2 ends itself with code 2 when a test is killed while it writes to its message file. */
static bool check_gave_up(const struct attempt *attempt, const char *output)
{
    bool by_kill = attempt->method->striker == STRIKE_TEST || attempt->method->striker == STRIKE_CHECK;
    return by_kill && exit_code(attempt) == 2 && strstr(output, "check_msg.c:") != NULL;
}

static bool ended_right(const struct attempt *attempt, const char *output)
{
    const struct method *method = attempt->method;
    int status = attempt->victim.status;
    bool takes_suite_along = attempt->fate.no_fork && method->striker == STRIKE_NONE;
    switch (method->striker) {
    case STRIKE_SUITE:
        /* While it has no test forked, Check answers SIGINT with SIGKILL to its own process group. */
        return WIFSIGNALED(status) && (WTERMSIG(status) == method->signal ||
                                       (method->signal == SIGINT && WTERMSIG(status) == SIGKILL));
    case STRIKE_GUARDIAN_AND_SUITE:
        /* Between the two blows it may have ended of the first. */
        return (WIFSIGNALED(status) && WTERMSIG(status) == method->signal) ||
               exit_code(attempt) == method->exit_code;
    case STRIKE_CTEST:
        return exit_code(attempt) != 0;
    case STRIKE_TEST:
    case STRIKE_GUARDIAN:
    case STRIKE_CHECK:
    case STRIKE_NONE:
        break;
    }
    return exit_code(attempt) == method->exit_code || check_gave_up(attempt, output) ||
           (takes_suite_along && exit_code(attempt) != 0);
}

/* Whoever sees the run fail must be told where to look. ctest reads nothing any more once its limit has
 * passed, and who killed the guardian as well has nobody left to say it. */
static bool is_told(const struct attempt *attempt, const char *output)
{
    return attempt->method->striker == STRIKE_CTEST || needs_sweep(attempt) ||
           strstr(output, attempt->trace.directory) != NULL;
}

/* Struck before it had told the suite program that it lives: the run never began, and so left nothing. */
static bool guardian_was_stillborn(const struct attempt *attempt, const char *output)
{
    return attempt->phase == MUSTER_BUILD && attempt->method->striker == STRIKE_GUARDIAN &&
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

void aftermath_check(const struct attempt *attempt, struct complaint *ret)
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

void aftermath_check_passed(const struct attempt *attempt, struct complaint *ret)
{
    char how[96];
    if (exit_code(attempt) != 0) {
        complain(ret, "an undisturbed suite program %s", victim_describe(&attempt->victim, how));
    }
    evidence_check_gone(&attempt->trace, ret);
}

void aftermath_check_missed(const struct attempt *attempt, struct complaint *ret)
{
    static const struct evidence of_failure = { .must_be_kept = true, .verdict = "fail" };
    if (exit_code(attempt) == 1) {
        evidence_check(&attempt->trace, &of_failure, ret);
    } else {
        aftermath_check_passed(attempt, ret);
    }
}
