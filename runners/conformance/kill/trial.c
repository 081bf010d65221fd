#include "kill/trial.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/files.h"
#include "kill/attempt.h"
#include "kill/check_after.h"
#include "kill/inject.h"
#include "kill/tagged_processes.h"
#include "muster/clock.h"
#include "muster/random.h"

#define ATTEMPTS_MAX 6u
#define SKIPPED 77 /* A suite program's exit code. */
#define FREE_ATTEMPTS 2u /* Later victims are held, so that they cannot be over before the injection. */
#define LIMIT_SLACK_MS 100u

static bool begin(const struct settings *settings, struct attempt *attempt, const char *name,
                  struct complaint *ret)
{
    struct muster_error err = { 0 };
    attempt->settings = settings;
    snprintf(attempt->directory, sizeof attempt->directory, "%s/%s", settings->work, name);
    if (attempt_start(attempt, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
        return false;
    }
    return true;
}

static void discard(const struct attempt *attempt, struct complaint *ret)
{
    struct muster_error err = { 0 };
    if (muster__directory_remove(attempt->directory, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
}

/* Each attempt is drawn from an earlier part of the phase, as the one before was too late. The last one comes
 * at the begin. */
static uint64_t draw_delay_ms(const struct settings *settings, const struct trial *trial, uint64_t seed)
{
    char label[64];
    snprintf(label, sizeof label, "%s-%u-%u", trial->method->name, trial->index, trial->attempts);
    struct muster_random random = muster_random_stream(seed, label);
    double longest_ms = (double)settings->phase_ms[trial->fate.phase] / (1u << trial->attempts);
    return trial->attempts + 1 == ATTEMPTS_MAX ? 0 : (uint64_t)(muster_random_unit(&random) * longest_ms);
}

static bool is_limit(const struct method *method)
{
    return method->injection == INJECT_CHECK || method->injection == INJECT_CTEST;
}

/* Check counts from the test's start and ctest from the program's, and neither can be told to wait for a
 * phase. So the victim waits in the phase for the limit. A limit that passed before the phase is doubled for
 * the next attempt. */
static uint64_t choose_limit_ms(const struct settings *settings, const struct trial *trial, uint64_t delay_ms)
{
    uint64_t lead_ms = LIMIT_SLACK_MS;
    int first = trial->method->injection == INJECT_CHECK ? MUSTER_DEPLOY : MUSTER_BUILD;
    for (int phase = first; phase < (int)trial->fate.phase; phase++) {
        lead_ms += settings->phase_ms[phase] + settings->phase_ms[phase] / 2;
    }
    return is_limit(trial->method) ? (lead_ms << trial->early) + delay_ms : 0;
}

/* Where suite program and guardian are killed together, every other test hangs: only the kernel is left to
 * end it. */
static bool is_held(const struct trial *trial)
{
    bool hangs = trial->method->injection == INJECT_GUARDIAN_AND_SUITE && trial->index % 2 == 1;
    return trial->method->injection != INJECT_NONE &&
           (hangs || is_limit(trial->method) || trial->attempts >= FREE_ATTEMPTS);
}

static struct attempt plan_attempt(const struct settings *settings, const struct trial *trial)
{
    uint64_t delay_ms = draw_delay_ms(settings, trial, settings->seed);
    return (struct attempt){ .method = trial->method,
                             .fate = trial->fate,
                             .delay_ms = delay_ms,
                             .limit_ms = choose_limit_ms(settings, trial, delay_ms),
                             .held = is_held(trial) };
}

/* False: another attempt is needed. The victim was over before the injection, or its limit passed before the
 * phase. */
static bool try_once(const struct settings *settings, struct trial *trial)
{
    char name[96];
    struct attempt attempt = plan_attempt(settings, trial);
    snprintf(name, sizeof name, "%s-%u-%u-%llx", trial->method->name, trial->index, trial->attempts,
             (unsigned long long)settings->seed);
    trial->attempts++;
    if (!begin(settings, &attempt, name, &trial->complaint)) {
        return true;
    }
    attempt_inject(&attempt, &trial->complaint);
    if (attempt.injected) {
        trial->clear_ms = check_after_await(&attempt, &trial->complaint);
        check_after_injection(&attempt, &trial->complaint);
    } else if (victim_wait(&attempt.victim, muster_clock_ms() + attempt_life_ms(&attempt))) {
        check_after_miss(&attempt, &trial->complaint);
    } else {
        complain(&trial->complaint, "it did not end");
    }
    bool early = attempt.injected && attempt.limit_ms > 0 && attempt.phase < trial->fate.phase;
    trial->early += early;
    trial->injected = attempt.injected && !early;
    trial->phase = attempt.phase;
    snprintf(trial->directory, sizeof trial->directory, "%s", attempt.directory);
    tagged_kill(attempt.trace.tag); /* Nothing, unless there was a complaint. */
    if (!complained(&trial->complaint)) {
        discard(&attempt, &trial->complaint);
    }
    return trial->injected || complained(&trial->complaint);
}

void trial_run(const struct settings *settings, struct trial *trial)
{
    trial->fate = methods_fate(trial->method, trial->index);
    while (trial->attempts < ATTEMPTS_MAX && !try_once(settings, trial)) {
    }
    if (!trial->injected && !complained(&trial->complaint)) {
        complain(&trial->complaint,
                 "of %u victims %u had their limit pass before %s, and the others were done", trial->attempts,
                 trial->early, methods_phase_name(trial->fate.phase));
    }
}

/* ---- How long a healthy run's phases take ---- */

static void measure_phases(struct settings *settings, const struct attempt *attempt)
{
    uint64_t until_ms = attempt->victim.ended_ms;
    for (int phase = MUSTER_CLEAN_UP; phase >= MUSTER_BUILD; phase--) {
        uint64_t entered_ms = attempt->trace.entered_ms[phase];
        settings->phase_ms[phase] = entered_ms == 0 ? 0 : until_ms - entered_ms;
        until_ms = entered_ms == 0 ? until_ms : entered_ms;
    }
}

void trial_measure(struct settings *settings, struct complaint *ret)
{
    static const struct method nobody = { .name = "healthy", .injection = INJECT_NONE };
    struct attempt attempt = { .method = &nobody, .fate = { .scenario = "healthy", .phase = MUSTER_PROBE } };
    char name[64];
    snprintf(name, sizeof name, "healthy-%llx", (unsigned long long)settings->seed);
    if (!begin(settings, &attempt, name, ret)) {
        return;
    }
    uint64_t deadline_ms = muster_clock_ms() + attempt_life_ms(&attempt);
    while (!victim_look(&attempt.victim) && muster_clock_left_ms(deadline_ms) > 0) {
        trace_look(&attempt.trace);
        poll(NULL, 0, 2);
    }
    settings->skipped = WIFEXITED(attempt.victim.status) && WEXITSTATUS(attempt.victim.status) == SKIPPED;
    if (settings->skipped) {
        discard(&attempt, ret);
        return;
    }
    measure_phases(settings, &attempt);
    check_after_pass(&attempt, ret);
    attempt.injected_ms = attempt.victim.ended_ms;
    check_after_await(&attempt, ret);
    if (!complained(ret)) {
        discard(&attempt, ret);
    }
}
