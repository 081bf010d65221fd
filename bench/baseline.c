/* The floor of a deploy: the same program and files, started by a loop, asked until all are ready. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "bench.h"
#include "muster/clock.h"

#define READY_MS 60000
#define TEARDOWN_MS 10000
#define POLL_US 1000
#define HOST_BYTES 32
#define REPLY_BYTES 4096

struct floor_node {
    char host[HOST_BYTES];
    char directory[4096];
    struct muster_rendering rendering;
    pid_t pid;
    CURL *ask_ready;
    CURL *ask_peers;
    bool answers;
    bool ready;
    size_t reply_bytes;
    char reply[REPLY_BYTES];
};

struct floor {
    const struct muster_plan *plan;
    char program[4096];
    char directory[4096];
    struct floor_node *nodes;
    const char **hosts;
};

static enum muster_rc write_file(const char *directory, const struct muster_file *file,
                                 struct muster_error *err)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", directory, file->name);
    FILE *out = fopen(path, "we");
    bool written = out != NULL && fputs(file->text, out) >= 0;
    if (out != NULL && fclose(out) != 0) {
        written = false;
    }
    return written ? MUSTER_OK : muster_error_errno(err, MUSTER_EIO, errno, "cannot write %s", path);
}

enum muster_rc bench_write_node(const struct muster_plan *plan, uint32_t node,
                                const struct muster_addresses *addresses, const char *directory,
                                struct muster_rendering *rendering, struct muster_error *err)
{
    char data[8192];
    snprintf(data, sizeof data, "%.4096s/data", directory);
    enum muster_rc rc = muster_make_directory(data, err);
    if (rc == MUSTER_OK) {
        rc = plan->system->render(plan, node, addresses, rendering, err);
    }
    for (size_t i = 0; rc == MUSTER_OK && i < rendering->file_count; i++) {
        rc = write_file(directory, &rendering->files[i], err);
    }
    return rc;
}

static enum muster_rc write_node(struct floor *floor, uint32_t index, uint64_t wall_ms,
                                 struct muster_error *err)
{
    struct floor_node *node = &floor->nodes[index];
    const struct muster_addresses addresses = { .listen_host = node->host,
                                                .peer_hosts = floor->hosts,
                                                .data_directory = "data",
                                                .deployed_wall_ms = wall_ms };
    snprintf(node->directory, sizeof node->directory, "%.4000s/node-%u", floor->directory, index);
    return bench_write_node(floor->plan, index, &addresses, node->directory, &node->rendering, err);
}

static size_t keep_reply(char *bytes, size_t size, size_t count, void *context)
{
    struct floor_node *node = context;
    size_t length = size * count;
    if (length >= REPLY_BYTES - node->reply_bytes) {
        return 0;
    }
    memcpy(node->reply + node->reply_bytes, bytes, length);
    node->reply_bytes += length;
    node->reply[node->reply_bytes] = '\0';
    return length;
}

static CURL *make_question(struct floor_node *node, const struct muster_system *system,
                           const struct muster_request *request)
{
    char url[1024];
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }
    snprintf(url, sizeof url, "http://%s:%u%s", node->host, system->ports[0].number, request->path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 2000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, node);
    return easy;
}

static enum muster_rc make_questions(struct floor *floor, struct floor_node *node, struct muster_error *err)
{
    const struct muster_system *system = floor->plan->system;
    struct muster_request ready = { 0 };
    struct muster_request peers = { 0 };
    enum muster_rc rc = system->request_ready(floor->plan->system_state, &ready, err);
    if (rc == MUSTER_OK) {
        rc = system->request_peers(floor->plan->system_state, &peers, err);
    }
    if (rc == MUSTER_OK) {
        node->ask_ready = make_question(node, system, &ready);
        node->ask_peers = make_question(node, system, &peers);
    }
    if (rc == MUSTER_OK && (node->ask_ready == NULL || node->ask_peers == NULL)) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "no memory for a request");
    }
    muster_request_fini(&ready);
    muster_request_fini(&peers);
    return rc;
}

static enum muster_rc prepare(struct floor *floor, struct muster_error *err)
{
    static unsigned times; /* Each time other addresses, so that no port is still in use. */
    uint64_t wall_ms = muster_clock_wall_ms();
    enum muster_rc rc = MUSTER_OK;
    times++;
    for (uint32_t i = 0; i < floor->plan->node_count; i++) {
        /* Above what the local runner leases. */
        snprintf(floor->nodes[i].host, HOST_BYTES, "127.%u.%u.%u", 130u + (unsigned)getpid() % 100u,
                 times % 250u, i + 1);
        floor->hosts[i] = floor->nodes[i].host;
    }
    for (uint32_t i = 0; rc == MUSTER_OK && i < floor->plan->node_count; i++) {
        rc = write_node(floor, i, wall_ms, err);
        if (rc == MUSTER_OK) {
            rc = make_questions(floor, &floor->nodes[i], err);
        }
    }
    return rc;
}

/* ---- Start ---- */

static char **make_environment(const struct muster_rendering *rendering)
{
    size_t inherited = 0;
    while (environ[inherited] != NULL) {
        inherited++;
    }
    char **env = calloc(inherited + rendering->env_count + 1, sizeof *env);
    if (env != NULL) { /* The first of two with one name counts. */
        memcpy(env, rendering->env, rendering->env_count * sizeof *env);
        memcpy(env + rendering->env_count, environ, inherited * sizeof *env);
    }
    return env;
}

static int spawn_node(struct floor *floor, struct floor_node *node)
{
    char *argv[MUSTER_ARGS_MAX + 2] = { floor->program };
    char **env = make_environment(&node->rendering);
    posix_spawn_file_actions_t actions;
    if (env == NULL || posix_spawn_file_actions_init(&actions) != 0) {
        free(env);
        return ENOMEM;
    }
    memcpy(argv + 1, node->rendering.args, node->rendering.arg_count * sizeof *argv);
    posix_spawn_file_actions_addchdir_np(&actions, node->directory);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "stdout.log", O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "stderr.log", O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    int error = posix_spawn(&node->pid, floor->program, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    return error;
}

static bool ask(struct floor_node *node, CURL *question, struct muster_reply *reply)
{
    long status = 0;
    node->reply_bytes = 0;
    if (curl_easy_perform(question) != CURLE_OK) {
        return false;
    }
    curl_easy_getinfo(question, CURLINFO_RESPONSE_CODE, &status);
    *reply = (struct muster_reply){ .status = status, .body = node->reply, .body_bytes = node->reply_bytes };
    return true;
}

static void advance(struct floor *floor, uint32_t index)
{
    const struct muster_plan *plan = floor->plan;
    struct floor_node *node = &floor->nodes[index];
    struct muster_reply reply;
    uint32_t peers = 0;
    if (!node->answers) {
        node->answers = ask(node, node->ask_ready, &reply) &&
                        plan->system->parse_ready(plan->system_state, &reply, NULL) == MUSTER_OK;
    }
    if (node->answers && ask(node, node->ask_peers, &reply) &&
        plan->system->parse_peers(plan->system_state, &reply, &peers, NULL) == MUSTER_OK) {
        node->ready = peers >= muster_layout_degree(plan->layout, plan->node_count, index);
    }
}

static enum muster_rc wait_ready(struct floor *floor, struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + READY_MS;
    uint32_t ready = 0;
    while (ready < floor->plan->node_count) {
        ready = 0;
        for (uint32_t i = 0; i < floor->plan->node_count; i++) {
            if (!floor->nodes[i].ready) {
                advance(floor, i);
            }
            ready += floor->nodes[i].ready;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return muster_error_set(err, MUSTER_ETIMEDOUT, "the floor's nodes: %u of %u ready after %d ms",
                                    ready, floor->plan->node_count, READY_MS);
        }
        if (ready < floor->plan->node_count) {
            nanosleep(&(struct timespec){ .tv_nsec = POLL_US * 1000 }, NULL);
        }
    }
    return MUSTER_OK;
}

static enum muster_rc start(struct floor *floor, struct muster_error *err)
{
    for (uint32_t i = 0; i < floor->plan->node_count; i++) {
        int error = spawn_node(floor, &floor->nodes[i]);
        if (error != 0) {
            return muster_error_errno(err, MUSTER_EINFRA, error, "cannot start %s", floor->program);
        }
    }
    return wait_ready(floor, err);
}

/* ---- Stop ---- */

static enum muster_rc reap(struct floor_node *node, uint64_t deadline_ms, struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    while (node->pid > 0 && waitpid(node->pid, NULL, WNOHANG) == 0) {
        if (muster_clock_left_ms(deadline_ms) == 0) {
            kill(node->pid, SIGKILL);
            rc = muster_error_set(err, MUSTER_ETIMEDOUT, "a node did not end within %d ms of its TERM",
                                  TEARDOWN_MS);
        }
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    node->pid = 0;
    return rc;
}

static enum muster_rc stop(struct floor *floor, struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + TEARDOWN_MS;
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t i = 0; i < floor->plan->node_count; i++) {
        if (floor->nodes[i].pid > 0) {
            kill(floor->nodes[i].pid, SIGTERM);
        }
    }
    for (uint32_t i = 0; i < floor->plan->node_count; i++) {
        enum muster_rc reaped = reap(&floor->nodes[i], deadline_ms, err);
        rc = rc == MUSTER_OK ? reaped : rc;
    }
    return rc;
}

static void release(struct floor *floor)
{
    for (uint32_t i = 0; floor->nodes != NULL && i < floor->plan->node_count; i++) {
        curl_easy_cleanup(floor->nodes[i].ask_ready);
        curl_easy_cleanup(floor->nodes[i].ask_peers);
        muster_rendering_fini(&floor->nodes[i].rendering);
    }
    if (muster__directory_remove(floor->directory, NULL) != MUSTER_OK) {
        fprintf(stderr, "bench: %s is left\n", floor->directory);
    }
    free(floor->nodes);
    free(floor->hosts);
}

static enum muster_rc measure(struct floor *floor, struct bench_times *ret, struct muster_error *err)
{
    enum muster_rc rc = prepare(floor, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    uint64_t began_us = muster_clock_us();
    rc = start(floor, err);
    uint64_t ready_us = muster_clock_us();
    enum muster_rc stopped = stop(floor, err);
    ret->deploy_ms = (double)(ready_us - began_us) / 1000.0;
    ret->teardown_ms = (double)(muster_clock_us() - ready_us) / 1000.0;
    return rc == MUSTER_OK ? stopped : rc;
}

enum muster_rc bench_floor(const struct bench *bench, const struct muster_plan *plan, struct bench_times *ret,
                           struct muster_error *err)
{
    struct floor floor = { .plan = plan, .directory = "/tmp/muster-bench-XXXXXX" };
    enum muster_rc rc = muster_program_find(plan->system, bench->variables, floor.program, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (mkdtemp(floor.directory) == NULL) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make a directory in /tmp");
    }
    floor.nodes = calloc(plan->node_count, sizeof *floor.nodes);
    floor.hosts = calloc(plan->node_count, sizeof *floor.hosts);
    rc = floor.nodes == NULL || floor.hosts == NULL
             ? muster_error_set(err, MUSTER_ENOMEM, "no memory for %u nodes", plan->node_count)
             : measure(&floor, ret, err);
    release(&floor);
    return rc;
}
