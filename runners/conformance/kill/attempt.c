#include "kill/attempt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "muster/clock.h"

#define LIFE_MS 60000u /* Without the time that a backend takes. */
#define OUTPUT_BYTES_MAX (1u << 20)

/* ---- Start ---- */

/* Makes a folder for ctest whose one test is the suite program, with a time limit. */
static enum muster_rc write_ctest_file(const struct attempt *attempt, struct muster_error *err)
{
    char path[MUSTER__PATH_BYTES];
    char text[2048];
    enum muster_rc rc = muster__path(path, err, "%s/CTestTestfile.cmake", attempt->directory);
    int length = snprintf(text, sizeof text,
                          "add_test([==[victim]==] [==[%s]==])\n"
                          "set_tests_properties([==[victim]==] PROPERTIES TIMEOUT %.3f)\n",
                          attempt->settings->suite_program, (double)attempt->limit_ms / 1000.0);
    return rc != MUSTER_OK ? rc : muster__file_write(path, text, (size_t)length, err);
}

static enum muster_rc make_directories(struct attempt *attempt, char root[MUSTER__PATH_BYTES],
                                       struct muster_error *err)
{
    enum muster_rc rc = muster__path(root, err, "%s/root", attempt->directory);
    if (rc == MUSTER_OK) {
        rc = muster__directory_make(root, 0700, err);
    }
    if (rc == MUSTER_OK && attempt->method->injection == INJECT_CTEST) {
        rc = write_ctest_file(attempt, err);
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
    return rc != MUSTER_OK ? rc
                           : victim_start(&attempt->victim,
                                          attempt->method->injection == INJECT_CTEST ? with_ctest : alone,
                                          env, attempt->settings->dropped, output, err);
}

static bool go_on_path(const struct attempt *attempt, char path[MUSTER__PATH_BYTES])
{
    return muster__path(path, NULL, "%s/go-on", attempt->directory) == MUSTER_OK;
}

enum muster_rc attempt_start(struct attempt *attempt, struct muster_error *err)
{
    char root[MUSTER__PATH_BYTES];
    char tag[96];
    char root_variable[MUSTER__PATH_BYTES + 32];
    char temporary[MUSTER__PATH_BYTES + 32];
    char runner[64];
    char scenario[96];
    char phase[64];
    char delay[64];
    char limit[64];
    char nodes[64];
    char go_on[MUSTER__PATH_BYTES] = "";
    char hold[MUSTER__PATH_BYTES + 32];
    enum muster_rc rc = make_directories(attempt, root, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    /* The directory is this attempt's alone, so its name is a unique tag. */
    snprintf(tag, sizeof tag, "KILL_MATRIX_VICTIM=%.60s", strrchr(attempt->directory, '/') + 1);
    snprintf(root_variable, sizeof root_variable, "MUSTER_RUN_ROOT=%s", root);
    /* Check puts its message file here. A suite that is killed cannot remove it. */
    snprintf(temporary, sizeof temporary, "TEMP=%s", attempt->directory);
    snprintf(runner, sizeof runner, "MUSTER_RUNNER=%s", attempt->settings->runner->name);
    snprintf(scenario, sizeof scenario, "CK_RUN_CASE=%s", attempt->fate.scenario);
    snprintf(phase, sizeof phase, "KILL_MATRIX_PHASE=%s", muster_phase_name(attempt->fate.phase));
    snprintf(delay, sizeof delay, "KILL_MATRIX_DELAY_MS=%llu", (unsigned long long)attempt->delay_ms);
    snprintf(limit, sizeof limit, "KILL_MATRIX_LIMIT_MS=%llu",
             (unsigned long long)(attempt->method->injection == INJECT_CHECK ? attempt->limit_ms : 0));
    snprintf(nodes, sizeof nodes, "KILL_MATRIX_NODES=%u", attempt->settings->nodes);
    snprintf(hold, sizeof hold, "KILL_MATRIX_HOLD=%s", go_on_path(attempt, go_on) ? go_on : "");
    const char *fork = attempt->fate.no_fork ? "CK_FORK=no" : "CK_FORK=yes";
    const char *const env[] = { tag,
                                root_variable,
                                temporary,
                                runner,
                                scenario,
                                phase,
                                delay,
                                limit,
                                nodes,
                                fork,
                                attempt->held ? hold : NULL,
                                NULL };
    trace_init(&attempt->trace, root, tag);
    return launch(attempt, env, err);
}

/* ---- While the victim runs ---- */

void attempt_go_on(const struct attempt *attempt, struct complaint *ret)
{
    struct muster_error err = { 0 };
    char path[MUSTER__PATH_BYTES];
    if (go_on_path(attempt, path) && muster__file_write(path, "", 0, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
}

uint64_t attempt_life_ms(const struct attempt *attempt)
{
    const struct settings *settings = attempt->settings;
    return (uint64_t)(LIFE_MS * settings->slowdown) + 2 * settings->clear_ms + attempt->limit_ms;
}

/* ---- Afterwards ---- */

char *attempt_output(const struct attempt *attempt, struct complaint *ret)
{
    struct muster_error err = { 0 };
    char path[MUSTER__PATH_BYTES];
    char *output = NULL;
    enum muster_rc rc = muster__path(path, &err, "%s/output.log", attempt->directory);
    if (rc != MUSTER_OK || muster__file_read(path, OUTPUT_BYTES_MAX, &output, NULL, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    }
    return output;
}

void attempt_sweep(const struct attempt *attempt, struct complaint *ret)
{
    struct victim sweep;
    struct muster_error err = { 0 };
    char root[TRACE_PATH_BYTES + 32];
    char output[TRACE_PATH_BYTES + 32];
    char how[96];
    uint64_t sweep_ms = attempt_life_ms(attempt);
    const char *const argv[] = { attempt->settings->muster_program, "sweep", NULL };
    const char *const env[] = { root, NULL };
    snprintf(root, sizeof root, "MUSTER_RUN_ROOT=%s", attempt->trace.root);
    snprintf(output, sizeof output, "%s/output.log", attempt->directory);
    if (victim_start(&sweep, argv, env, attempt->settings->dropped, output, &err) != MUSTER_OK) {
        complain(ret, "%s", err.text);
    } else if (!victim_wait(&sweep, muster_clock_ms() + sweep_ms)) {
        complain(ret, "muster sweep takes longer than %llu ms", (unsigned long long)sweep_ms);
        kill(sweep.pid, SIGKILL);
        victim_wait(&sweep, muster_clock_ms() + sweep_ms);
    } else if (sweep.status != 0) {
        complain(ret, "muster sweep %s", victim_describe(&sweep, how));
    }
}
