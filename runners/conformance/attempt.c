#include "attempt.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "marked.h"
#include "muster/clock.h"
#include "process.h"

#define WATCH_MS 2 /* Between two looks at what a victim does. */
#define LIFE_MS 60000u /* No victim takes longer by itself. */
#define PASS_MS 1000u /* From the end of a test that passed to the end of its suite. */
#define SWEEP_MS 20000u

/* ---- The start ---- */

/* ctest with a limit of its own: the one test is the suite program. */
static enum muster_rc write_ctest_file(const struct attempt *attempt, uint64_t limit_ms,
                                       struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    char text[2048];
    enum muster_rc rc = muster__path(path, err, "%s/CTestTestfile.cmake", attempt->directory);
    int length = snprintf(text, sizeof text,
                          "add_test([==[victim]==] [==[%s]==])\n"
                          "set_tests_properties([==[victim]==] PROPERTIES TIMEOUT %.3f)\n",
                          attempt->settings->suite_program, (double)limit_ms / 1000.0);
    return rc != MUSTER_OK ? rc : muster__file_write(path, text, (size_t)length, err);
}

/* How long after its start a victim is in its phase for delay_ms. Check counts from the test's own start. */
static uint64_t moment_ms(const struct attempt *attempt)
{
    uint64_t sum_ms = attempt->delay_ms;
    int first = attempt->method->striker == STRIKE_CHECK ? MUSTER_DEPLOY : MUSTER_BUILD;
    for (int phase = first; phase < (int)attempt->fate.phase; phase++) {
        sum_ms += attempt->settings->phase_ms[phase];
    }
    return sum_ms == 0 ? 1 : sum_ms; /* For Check and ctest 0 is no limit. */
}

static enum muster_rc make_directories(struct attempt *attempt, char root[MUSTER__PATH_BYTES],
                                       struct muster_error *err)
{
    enum muster_rc rc = muster__path(root, err, "%s/root", attempt->directory);
    if (rc == MUSTER_OK) {
        rc = muster__directory_make(root, 0700, err);
    }
    if (rc == MUSTER_OK && attempt->method->striker == STRIKE_CTEST) {
        rc = write_ctest_file(attempt, moment_ms(attempt), err);
    }
    return rc;
}

static enum muster_rc launch(struct attempt *attempt, const char *const *env, struct muster_error *err)
{
    const struct settings *settings = attempt->settings;
    const char *const alone[] = { settings->suite_program, NULL };
    const char *const with_ctest[] = { settings->ctest_program, "--test-dir", attempt->directory, "-V",
                                       NULL };
    char output[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__path(output, err, "%s/output.log", attempt->directory);
    return rc != MUSTER_OK
               ? rc
               : victim_start(&attempt->victim, attempt->method->striker == STRIKE_CTEST ? with_ctest : alone,
                              env, output, err);
}

enum muster_rc attempt_start(struct attempt *attempt, struct muster_error *err)
{
    char root[MUSTER__PATH_BYTES];
    char mark[96];
    char root_variable[MUSTER__PATH_BYTES + 32];
    char runner[64];
    char scenario[96];
    char phase[64];
    char delay[64];
    char limit[64];
    enum muster_rc rc = make_directories(attempt, root, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    /* The directory is this attempt's alone, and so the mark is. */
    snprintf(mark, sizeof mark, "KILL_MATRIX_VICTIM=%.60s", strrchr(attempt->directory, '/') + 1);
    snprintf(root_variable, sizeof root_variable, "MUSTER_RUN_ROOT=%s", root);
    snprintf(runner, sizeof runner, "MUSTER_RUNNER=%s", attempt->settings->runner->name);
    snprintf(scenario, sizeof scenario, "CK_RUN_CASE=%s", attempt->fate.scenario);
    snprintf(phase, sizeof phase, "KILL_MATRIX_PHASE=%s", muster_phase_name(attempt->fate.phase));
    snprintf(delay, sizeof delay, "KILL_MATRIX_DELAY_MS=%llu", (unsigned long long)attempt->delay_ms);
    snprintf(limit, sizeof limit, "KILL_MATRIX_LIMIT_MS=%llu", (unsigned long long)moment_ms(attempt));
    const char *const env[] = { mark,   root_variable,
                                runner, scenario,
                                phase,  delay,
                                limit,  attempt->fate.no_fork ? "CK_FORK=no" : "CK_FORK=yes",
                                NULL };
    trace_init(&attempt->trace, root, mark);
    return launch(attempt, env, err);
}

/* ---- The blow ---- */

static bool look(struct attempt *attempt)
{
    trace_look(&attempt->trace);
    return !victim_look(&attempt->victim);
}

/* False: it ended before that. */
static bool await_phase(struct attempt *attempt)
{
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)(LIFE_MS * attempt->settings->slowdown);
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

/* The test's process, once it runs for sure: the guardian is born of a child of the suite's, too. */
static bool find_test(struct attempt *attempt, struct marked *ret)
{
    char name[16];
    process_name(attempt, name);
    while (look(attempt)) {
        if (attempt->trace.phase >= MUSTER_DEPLOY) {
            return marked_child(attempt->trace.mark, attempt->victim.pid, name, ret);
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

static bool strike_guardian(struct attempt *attempt)
{
    return find_guardian(attempt) &&
           muster__process_signal(attempt->trace.guardian, attempt->trace.guardian_start, SIGKILL);
}

static bool strike(struct attempt *attempt)
{
    struct marked test;
    switch (attempt->method->striker) {
    case STRIKE_SUITE:
        return kill(attempt->victim.pid, attempt->method->signal) == 0;
    case STRIKE_TEST:
        return find_test(attempt, &test) && muster__process_signal(test.pid, test.start, SIGKILL);
    case STRIKE_GUARDIAN:
        return strike_guardian(attempt);
    case STRIKE_GUARDIAN_AND_SUITE:
        return strike_guardian(attempt) && kill(attempt->victim.pid, SIGKILL) == 0;
    case STRIKE_CHECK:
    case STRIKE_CTEST:
    case STRIKE_NONE:
        break;
    }
    return false;
}

static void strike_from_outside(struct attempt *attempt)
{
    if (!await_phase(attempt) || !nap(attempt, attempt->delay_ms)) {
        return;
    }
    trace_read_ledger(&attempt->trace);
    attempt->struck = strike(attempt);
    attempt->struck_ms = muster_clock_ms();
    attempt->phase = attempt->trace.phase;
}

/* ---- Deaths that are not ours ---- */

/* Who is seen to die: the test's process where it has one, else the suite program. */
static bool find_dying(struct attempt *attempt, struct marked *ret)
{
    char name[16];
    process_name(attempt, name);
    if (attempt->method->striker != STRIKE_CTEST) {
        return !attempt->fate.no_fork && find_test(attempt, ret);
    }
    while (look(attempt)) {
        if (marked_child(attempt->trace.mark, attempt->victim.pid, name, ret)) {
            return true;
        }
        poll(NULL, 0, WATCH_MS);
    }
    return false;
}

/* A suite that passed was done before it could die. */
static bool has_passed(struct attempt *attempt)
{
    return victim_wait(&attempt->victim, attempt->struck_ms + PASS_MS) && attempt->victim.status == 0;
}

static void watch_it_die(struct attempt *attempt, struct complaint *ret)
{
    struct marked dying;
    uint64_t deadline_ms = muster_clock_ms() + (uint64_t)(LIFE_MS * attempt->settings->slowdown);
    bool found = find_dying(attempt, &dying);
    while (found ? muster__process_runs(dying.pid, dying.start) : look(attempt)) {
        if (muster_clock_left_ms(deadline_ms) == 0) {
            complain(ret, "it did not die");
            return;
        }
        trace_read_ledger(&attempt->trace);
        poll(NULL, 0, WATCH_MS);
    }
    attempt->struck_ms = muster_clock_ms();
    attempt->struck = !has_passed(attempt);
    attempt->phase = attempt->trace.phase;
}

void attempt_strike(struct attempt *attempt, struct complaint *ret)
{
    bool by_others = attempt->method->striker == STRIKE_NONE || attempt->method->striker == STRIKE_CHECK ||
                     attempt->method->striker == STRIKE_CTEST;
    if (by_others) {
        watch_it_die(attempt, ret);
    } else {
        strike_from_outside(attempt);
    }
}

/* ---- After it ---- */

void attempt_sweep(const struct attempt *attempt, struct complaint *ret)
{
    struct victim sweep;
    struct muster_error err = { 0 };
    char root[TRACE_PATH_BYTES + 32];
    char output[TRACE_PATH_BYTES + 32];
    char how[96];
    const char *const argv[] = { attempt->settings->muster_program, "sweep", NULL };
    const char *const env[] = { root, NULL };
    snprintf(root, sizeof root, "MUSTER_RUN_ROOT=%s", attempt->trace.root);
    snprintf(output, sizeof output, "%s/output.log", attempt->directory);
    if (victim_start(&sweep, argv, env, output, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    } else if (!victim_wait(&sweep, muster_clock_ms() + SWEEP_MS)) {
        complain(ret, "muster sweep takes longer than %u ms", SWEEP_MS);
        kill(sweep.pid, SIGKILL);
        victim_wait(&sweep, muster_clock_ms() + SWEEP_MS);
    } else if (sweep.status != 0) {
        complain(ret, "muster sweep %s", victim_describe(&sweep, how));
    }
}
