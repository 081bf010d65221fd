#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "attempt.h"
#include "evidence.h"
#include "files.h"
#include "leftovers.h"
#include "marked.h"
#include "muster/clock.h"

#define CLEAR_MS 3000u /* From the blow until nothing may be left. */
#define LOOK_MS 15
#define SWEEP_INTERVAL_MS 250u
#define OUTPUT_BYTES_MAX (1u << 20)

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

uint64_t aftermath_await(struct attempt *attempt, struct complaint *ret)
{
    uint64_t deadline_ms = attempt->struck_ms + (uint64_t)(CLEAR_MS * attempt->settings->slowdown);
    uint64_t sweep_ms = 0;
    for (;;) {
        struct complaint left = { "" };
        bool ended = victim_look(&attempt->victim);
        if (ended && needs_sweep(attempt) && muster_clock_left_ms(sweep_ms) == 0) {
            attempt_sweep(attempt, &left);
            sweep_ms = muster_clock_ms() + SWEEP_INTERVAL_MS;
        }
        find_what_is_left(attempt, &left);
        if (!complained(&left) && ended) {
            return muster_clock_ms() - attempt->struck_ms;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            complain(ret, "after %.1f s there is left: %s",
                     (double)(muster_clock_ms() - attempt->struck_ms) / 1e3, left.text);
            marked_kill(attempt->trace.mark);
            victim_wait(&attempt->victim, muster_clock_ms() + CLEAR_MS);
            return muster_clock_ms() - attempt->struck_ms;
        }
        poll(NULL, 0, LOOK_MS);
    }
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

static void check_end(const struct attempt *attempt, struct complaint *ret)
{
    const struct method *method = attempt->method;
    char how[96];
    bool dies_with_it = attempt->fate.no_fork && (method->striker == STRIKE_NONE);
    int status = attempt->victim.status;
    bool right = true;
    if (method->striker == STRIKE_SUITE || method->striker == STRIKE_GUARDIAN_AND_SUITE) {
        right = WIFSIGNALED(status) && WTERMSIG(status) == method->signal;
    } else if (method->striker == STRIKE_CTEST || dies_with_it) {
        right = exit_code(attempt) != 0;
    } else if (method->exit_code != ANY_EXIT) {
        right = exit_code(attempt) == method->exit_code;
    }
    if (!right && !passed_before(attempt)) {
        complain(ret, "the suite program %s", victim_describe(&attempt->victim, how));
    }
}

/* Whoever sees the run fail must be told where to look. */
static void check_that_it_is_said(const struct attempt *attempt, struct complaint *ret)
{
    char path[TRACE_PATH_BYTES + 32];
    char *output = NULL;
    snprintf(path, sizeof path, "%s/output.log", attempt->directory);
    if (muster__file_read(path, OUTPUT_BYTES_MAX, &output, NULL, NULL) != MUSTER_OK ||
        strstr(output, attempt->trace.directory) == NULL) {
        complain(ret, "nobody says that the evidence is in %s", attempt->trace.directory);
    }
    free(output);
}

void aftermath_check(const struct attempt *attempt, struct complaint *ret)
{
    bool had_directory = attempt->trace.directory[0] != '\0';
    bool all_up = attempt->phase >= MUSTER_CAPTURE && !attempt->fate.dies_in_deploy;
    const struct evidence expected = { .must_be_kept = had_directory && attempt->phase != MUSTER_CLEAN_UP,
                                       .verdict = attempt->method->verdict,
                                       .nodes_with_logs = all_up ? 3 : 0 };
    check_end(attempt, ret);
    evidence_check(&attempt->trace, &expected, ret);
    if (directory_is_there(attempt) && !needs_sweep(attempt)) {
        check_that_it_is_said(attempt, ret);
    }
}

void aftermath_check_passed(const struct attempt *attempt, struct complaint *ret)
{
    char how[96];
    if (exit_code(attempt) != 0) {
        complain(ret, "an undisturbed suite program %s", victim_describe(&attempt->victim, how));
    }
    evidence_check_gone(&attempt->trace, ret);
}
