#include "kill/trial.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/files.h"
#include "kill/attempt.h"
#include "kill/tagged_processes.h"
#include "muster/clock.h"
#include "muster/random.h"

#define ATTEMPTS_MAX 6u
#define SKIPPED 77 /* A suite program's exit code. */
#define FREE_ATTEMPTS 2u /* After so many a victim is held: it cannot be done before the blow falls. */
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

/* Each attempt comes a bit earlier in the phase, as the last one was too late; the last one at its begin. */
static uint64_t draw_delay_ms(const struct settings *settings, const struct moment *moment, uint64_t seed)
{
    char label[64];
    snprintf(label, sizeof label, "%s-%u-%u", moment->method->name, moment->index, moment->attempts);
    struct muster_random random = muster_random_stream(seed, label);
    double longest_ms = (double)settings->phase_ms[moment->fate.phase] / (1u << moment->attempts);
    return moment->attempts + 1 == ATTEMPTS_MAX ? 0 : (uint64_t)(muster_random_unit(&random) * longest_ms);
}

static bool is_limit(const struct method *method)
{
    return method->striker == STRIKE_CHECK || method->striker == STRIKE_CTEST;
}

/* Check counts from the test's start and ctest from the program's, and neither can be told to wait for a
 * phase. So the victim waits for the limit; one that passed too early is doubled for the next attempt. */
static uint64_t choose_limit_ms(const struct settings *settings, const struct moment *moment,
                                uint64_t delay_ms)
{
    uint64_t lead_ms = LIMIT_SLACK_MS;
    int first = moment->method->striker == STRIKE_CHECK ? MUSTER_DEPLOY : MUSTER_BUILD;
    for (int phase = first; phase < (int)moment->fate.phase; phase++) {
        lead_ms += settings->phase_ms[phase] + settings->phase_ms[phase] / 2;
    }
    return is_limit(moment->method) ? (lead_ms << moment->early) + delay_ms : 0;
}

/* Of those whose suite program and guardian die together every other one hangs: only the kernel is left to
 * end it. */
static bool is_held(const struct moment *moment)
{
    bool hangs = moment->method->striker == STRIKE_GUARDIAN_AND_SUITE && moment->index % 2 == 1;
    return moment->method->striker != STRIKE_NONE &&
           (hangs || is_limit(moment->method) || moment->attempts >= FREE_ATTEMPTS);
}

static struct attempt plan_attempt(const struct settings *settings, const struct moment *moment)
{
    uint64_t delay_ms = draw_delay_ms(settings, moment, settings->seed);
    return (struct attempt){ .method = moment->method,
                             .fate = moment->fate,
                             .delay_ms = delay_ms,
                             .limit_ms = choose_limit_ms(settings, moment, delay_ms),
                             .held = is_held(moment) };
}

/* True: that was it. False: the victim was done before the blow fell, or its limit passed before the phase.
 */
static bool try_once(const struct settings *settings, struct moment *moment)
{
    char name[96];
    struct attempt attempt = plan_attempt(settings, moment);
    snprintf(name, sizeof name, "%s-%u-%u-%llx", moment->method->name, moment->index, moment->attempts,
             (unsigned long long)settings->seed);
    moment->attempts++;
    if (!begin(settings, &attempt, name, &moment->complaint)) {
        return true;
    }
    attempt_strike(&attempt, &moment->complaint);
    if (attempt.struck) {
        moment->clear_ms = aftermath_await(&attempt, &moment->complaint);
        aftermath_check(&attempt, &moment->complaint);
    } else if (victim_wait(&attempt.victim, muster_clock_ms() + attempt_life_ms(&attempt))) {
        aftermath_check_missed(&attempt, &moment->complaint);
    } else {
        complain(&moment->complaint, "it did not end");
    }
    bool early = attempt.struck && attempt.limit_ms > 0 && attempt.phase < moment->fate.phase;
    moment->early += early;
    moment->struck = attempt.struck && !early;
    moment->phase = attempt.phase;
    snprintf(moment->directory, sizeof moment->directory, "%s", attempt.directory);
    marked_kill(attempt.trace.mark); /* Nothing, unless there was a complaint. */
    if (!complained(&moment->complaint)) {
        discard(&attempt, &moment->complaint);
    }
    return moment->struck || complained(&moment->complaint);
}

void moment_run(const struct settings *settings, struct moment *moment)
{
    moment->fate = methods_fate(moment->method, moment->index);
    while (moment->attempts < ATTEMPTS_MAX && !try_once(settings, moment)) {
    }
    if (!moment->struck && !complained(&moment->complaint)) {
        complain(&moment->complaint,
                 "of %u victims %u had their limit pass before %s, and the others were done",
                 moment->attempts, moment->early, methods_phase_name(moment->fate.phase));
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

void moment_measure(struct settings *settings, struct complaint *ret)
{
    static const struct method nobody = { .name = "healthy", .striker = STRIKE_NONE };
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
    aftermath_check_passed(&attempt, ret);
    attempt.struck_ms = attempt.victim.ended_ms;
    aftermath_await(&attempt, ret);
    if (!complained(ret)) {
        discard(&attempt, ret);
    }
}
