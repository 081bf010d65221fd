#include "testing/guardian_fixture.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

char guardian_root[64];

struct muster_variables *guardian_variables;

struct muster_plan *guardian_plan;

uint32_t guardian_no_capabilities(const struct muster_variables *unused)
{
    (void)unused;
    return 0;
}

const struct muster_runner guardian_plain_runner = { .name = "plain",
                                                     .capabilities = guardian_no_capabilities };

void guardian_make_root(void)
{
    struct muster_error err = { 0 };
    snprintf(guardian_root, sizeof guardian_root, "/tmp/guardian_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(guardian_root));
    setenv("MUSTER_RUN_ROOT", guardian_root, 1);
    ck_assert_msg(muster_variables_read(&guardian_variables, &err) == MUSTER_OK, "%s", err.text);
    guardian_plan = calloc(1, sizeof *guardian_plan);
    snprintf(guardian_plan->suite, sizeof guardian_plan->suite, "guardian");
    snprintf(guardian_plan->name, sizeof guardian_plan->name, "test");
    guardian_plan->grace_ms = 2000;
    guardian_plan->slowdown = 1;
    guardian_plan->node_count = 4;
}

void guardian_remove_root(void)
{
    struct muster_error err = { 0 };
    ck_assert_msg(muster__directory_remove(guardian_root, &err) == MUSTER_OK, "%s", err.text);
    muster_variables_destroy(guardian_variables);
    free(guardian_plan);
}

void guardian_on_ended(void *context, uint32_t process, uint32_t node, bool told,
                       const struct muster_exit *exit)
{
    struct guardian_seen *counts = context;
    (void)process;
    (void)node;
    (void)exit;
    pthread_mutex_lock(&counts->lock);
    counts->ended++;
    counts->told += told;
    pthread_mutex_unlock(&counts->lock);
}

void guardian_on_gone(void *context)
{
    struct guardian_seen *counts = context;
    pthread_mutex_lock(&counts->lock);
    counts->gone = true;
    pthread_mutex_unlock(&counts->lock);
}

void guardian_on_flooded(void *context, uint32_t node, uint64_t log_bytes)
{
    struct guardian_seen *counts = context;
    ck_assert_uint_eq(node, 1);
    ck_assert_uint_gt(log_bytes, 0);
    pthread_mutex_lock(&counts->lock);
    counts->flooded++;
    pthread_mutex_unlock(&counts->lock);
}

struct guardian_seen guardian_seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool guardian_wait_seen(const bool *flag, const unsigned *count)
{
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    bool yes = false;
    while (!yes && muster_clock_left_ms(deadline_ms) > 0) {
        pthread_mutex_lock(&guardian_seen.lock);
        yes = (flag != NULL && *flag) || (count != NULL && *count > 0);
        pthread_mutex_unlock(&guardian_seen.lock);
        poll(NULL, 0, 5);
    }
    return yes;
}

struct muster_session *guardian_open_session(void)
{
    struct muster_session *session = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster_session_open(guardian_plan, &guardian_plain_runner, guardian_variables, &session,
                                      &err) == MUSTER_OK,
                  "%s", err.text);
    return session;
}

struct muster_guardian_client *guardian_attach(const struct muster_session *session)
{
    const struct muster__guardian_callbacks callbacks = { .ended = guardian_on_ended,
                                                          .gone = guardian_on_gone,
                                                          .flooded = guardian_on_flooded,
                                                          .context = &guardian_seen };
    struct muster_guardian_client *client = NULL;
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_attach(session->test_fd, &callbacks, &client, &err) == MUSTER_OK, "%s",
                  err.text);
    return client;
}

enum muster_rc guardian_spawn(struct muster_guardian_client *client, const struct muster_spawn *what,
                              uint32_t *ret, struct muster_error *err)
{
    uint64_t ticket = 0;
    enum muster_rc rc = muster__guardian_spawn_begin(client, what, &ticket, err);
    return rc != MUSTER_OK ? rc : muster__guardian_spawn_end(client, ticket, ret, err);
}

uint32_t guardian_spawn_node(struct muster_session *session, struct muster_guardian_client *client,
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
    ck_assert_msg(guardian_spawn(client, &what, &process, &err) == MUSTER_OK, "%s", err.text);
    return process;
}

struct muster_exit guardian_wait_exit(struct muster_guardian_client *client, uint32_t process)
{
    struct muster_exit exit = { 0 };
    struct muster_error err = { 0 };
    ck_assert_msg(muster__guardian_wait_exit(client, process, GUARDIAN_PATIENCE_MS, &exit, &err) == MUSTER_OK,
                  "%s", err.text);
    return exit;
}

static void count_process(void *context, pid_t pid, uint64_t start)
{
    (void)pid;
    (void)start;
    (*(unsigned *)context)++;
}

unsigned guardian_processes_of(const char *run_id)
{
    unsigned count = 0;
    muster__process_each_of_run(run_id, count_process, &count);
    return count;
}

void guardian_await_processes(const char *run_id, unsigned count)
{
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    while (guardian_processes_of(run_id) < count && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
    ck_assert_uint_ge(guardian_processes_of(run_id), count);
}

bool guardian_await_no_process(const char *run_id)
{
    uint64_t deadline_ms = muster_clock_ms() + GUARDIAN_PATIENCE_MS;
    while (guardian_processes_of(run_id) > 0 && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 10);
    }
    return guardian_processes_of(run_id) == 0;
}

void guardian_finish(struct muster_guardian_client *client, enum muster_verdict verdict, bool keep)
{
    muster__guardian_done(client, verdict, "", keep);
    muster__guardian_detach(client);
}

char *guardian_read_run_file(const char *directory, const char *name)
{
    char path[5000];
    char *text = NULL;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct muster_error err = { 0 };
    ck_assert_msg(muster__file_read(path, 1 << 20, &text, NULL, &err) == MUSTER_OK, "%s", err.text);
    return text;
}
