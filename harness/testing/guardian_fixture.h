/* For tests of the guardian: a session with real processes, and the test's side of it. */
#ifndef MUSTER_SRC_GUARDIAN_TEST_FIXTURE_H
#define MUSTER_SRC_GUARDIAN_TEST_FIXTURE_H

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "guardian/charge.h"
#include "guardian/client.h"
#include "host/process.h"
#include "muster/clock.h"
#include "muster/session.h"
#include "testing/unit_test.h"

#define PATIENCE_MS 20000u

static char root[64];
static struct muster_variables *variables;
static struct muster_plan *plan;

static inline uint32_t no_capabilities(const struct muster_variables *unused)
{
    (void)unused;
    return 0;
}

static const struct muster_runner plain_runner = { .name = "plain", .capabilities = no_capabilities };

static inline void make_root(void)
{
    struct muster_error err = { 0 };
    snprintf(root, sizeof root, "/tmp/guardian_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    setenv("MUSTER_RUN_ROOT", root, 1);
    ck_assert_msg(muster_variables_read(&variables, &err) == MUSTER_OK, "%s", err.text);
    plan = calloc(1, sizeof *plan);
    snprintf(plan->suite, sizeof plan->suite, "guardian");
    snprintf(plan->name, sizeof plan->name, "test");
    plan->grace_ms = 2000;
    plan->slowdown = 1;
    plan->node_count = 4;
}

static inline void remove_root(void)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_remove(root, &err) == MUSTER_OK, "%s", err.text);
    muster_variables_destroy(variables);
    free(plan);
}

/* ---- A test's side ---- */

struct seen {
    pthread_mutex_t lock;
    unsigned ended;
    unsigned told; /* Of those, the ones that were told to. */
    unsigned flooded;
    bool gone;
};

static inline void on_ended(void *context, uint32_t process, uint32_t node, bool told,
                            const struct muster_exit *exit)
{
    struct seen *seen = context;
    (void)process;
    (void)node;
    (void)exit;
    pthread_mutex_lock(&seen->lock);
    seen->ended++;
    seen->told += told;
    pthread_mutex_unlock(&seen->lock);
}

static inline void on_gone(void *context)
{
    struct seen *seen = context;
    pthread_mutex_lock(&seen->lock);
    seen->gone = true;
    pthread_mutex_unlock(&seen->lock);
}

static inline void on_flooded(void *context, uint32_t node, uint64_t log_bytes)
{
    struct seen *seen = context;
    ck_assert_uint_eq(node, 1);
    ck_assert_uint_gt(log_bytes, 0);
    pthread_mutex_lock(&seen->lock);
    seen->flooded++;
    pthread_mutex_unlock(&seen->lock);
}

static struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline bool wait_seen(const bool *flag, const unsigned *count)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    bool yes = false;
    while (!yes && muster_clock_left_ms(deadline_ms) > 0) {
        pthread_mutex_lock(&seen.lock);
        yes = (flag != NULL && *flag) || (count != NULL && *count > 0);
        pthread_mutex_unlock(&seen.lock);
        poll(NULL, 0, 5);
    }
    return yes;
}

static inline struct muster_session *open_session(void)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_session_open(plan, &plain_runner, variables, &session, &err) == MUSTER_OK, "%s",
                  err.text);
    return session;
}

static inline struct muster_guardian_client *attach(const struct muster_session *session)
{
    const struct muster__guardian_callbacks callbacks = {
        .ended = on_ended, .gone = on_gone, .flooded = on_flooded, .context = &seen
    };
    struct muster_guardian_client *client = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_attach(session->test_fd, &callbacks, &client, &err) == MUSTER_OK, "%s",
                  err.text);
    return client;
}

static inline enum muster_rc spawn(struct muster_guardian_client *client, const struct muster_spawn *what,
                                   uint32_t *ret, struct muster_error *err)
{
    uint64_t ticket = 0;
    enum muster_rc rc = muster__guardian_spawn_begin(client, what, &ticket, err);
    return rc != MUSTER_OK ? rc : muster__guardian_spawn_end(client, ticket, ret, err);
}

/* A node that is a shell command. */
static inline uint32_t spawn_node(struct muster_session *session, struct muster_guardian_client *client,
                                  uint32_t node, const char *command)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    char directory[5000];
    char log[5100];
    snprintf(directory, sizeof directory, "%s/nodes/node-%u", session->directory, node);
    snprintf(log, sizeof log, "%s/stdout.log", directory);
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__directory_make(directory, 0700, &err), MUSTER_OK);
    const struct muster_spawn what = {
        .argv = argv, .directory = directory, .stdout_path = log, .stderr_path = log, .node = node
    };
    uint32_t process = 0;
    ck_assert_msg(spawn(client, &what, &process, &err) == MUSTER_OK, "%s", err.text);
    return process;
}

static inline struct muster_exit wait_exit(struct muster_guardian_client *client, uint32_t process)
{
    struct muster_exit exit = { 0 };
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_wait_exit(client, process, PATIENCE_MS, &exit, &err) == MUSTER_OK, "%s",
                  err.text);
    return exit;
}

static inline void count_process(void *context, pid_t pid, uint64_t start)
{
    (void)pid;
    (void)start;
    (*(unsigned *)context)++;
}

static inline unsigned processes_of(const char *run_id)
{
    unsigned count = 0;
    muster__process_each_of_run(run_id, count_process, &count);
    return count;
}

/* A process may be between its shell and its program, where it shows no environment. */
static inline void await_processes(const char *run_id, unsigned count)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    while (processes_of(run_id) < count && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
    ck_assert_uint_ge(processes_of(run_id), count);
}

static inline bool await_no_process(const char *run_id)
{
    uint64_t deadline_ms = muster_clock_ms() + PATIENCE_MS;
    while (processes_of(run_id) > 0 && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    return processes_of(run_id) == 0;
}

static inline void finish(struct muster_guardian_client *client, enum muster_verdict verdict, bool keep)
{
    muster__guardian_done(client, verdict, "", keep);
    muster__guardian_detach(client);
}

static inline char *read_run_file(const char *directory, const char *name)
{
    char path[5000];
    char *text = NULL;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__file_read(path, 1 << 20, &text, NULL, &err) == MUSTER_OK, "%s", err.text);
    return text;
}

#endif
