/* The guardian's children: nodes and tools. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "guardian.h"
#include "guardian_spawn.h"
#include "muster/clock.h"
#include "process.h"

extern char **environ;

#define EVENT_TIMEOUT_MS 200u

/* ---- What a request asks for ---- */

static void free_strings(char **strings)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        free(strings[i]);
    }
    free(strings);
}

static char **strings_from_json(const json_t *array)
{
    size_t count = json_array_size(array);
    char **strings = calloc(count + 1, sizeof *strings);
    for (size_t i = 0; strings != NULL && i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        strings[i] = strdup(text == NULL ? "" : text);
        if (strings[i] == NULL) {
            free_strings(strings);
            return NULL;
        }
    }
    return strings;
}

/* The runner's own variables are not the nodes' business; RUST_LOG is the runner's alone by contract. */
static bool is_inherited(const char *variable, bool for_node)
{
    static const char *const own[] = { "RUST_LOG=", "MUSTER_", "CK_" };
    for (size_t i = 0; for_node && i < sizeof own / sizeof own[0]; i++) {
        if (strncmp(variable, own[i], strlen(own[i])) == 0) {
            return false;
        }
    }
    return strncmp(variable, MUSTER__RUN_VARIABLE "=", sizeof MUSTER__RUN_VARIABLE) != 0;
}

static bool is_overridden(const char *variable, const json_t *own)
{
    size_t name_length = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < json_array_size(own); i++) {
        const char *text = json_string_value(json_array_get(own, i));
        if (text != NULL && strncmp(text, variable, name_length) == 0) {
            return true;
        }
    }
    return false;
}

static char **make_environment(const json_t *own, const char *run_id, bool for_node)
{
    json_t *all = json_array();
    for (char **variable = environ; *variable != NULL; variable++) {
        if (is_inherited(*variable, for_node) && !is_overridden(*variable, own)) {
            json_array_append_new(all, json_string(*variable)); /* Not UTF-8: left out. */
        }
    }
    for (size_t i = 0; i < json_array_size(own); i++) {
        json_array_append(all, json_array_get(own, i));
    }
    json_array_append_new(all, json_sprintf(MUSTER__RUN_VARIABLE "=%s", run_id));
    char **environment = strings_from_json(all);
    json_decref(all);
    return environment;
}

/* ---- Starting ---- */

static enum muster_rc make_room(struct muster__guardian *guardian, struct muster_error *err)
{
    if ((guardian->child_count & (guardian->child_count - 1)) == 0) { /* Full at every power of two. */
        size_t room = guardian->child_count == 0 ? 1 : guardian->child_count * 2;
        void *grown = realloc(guardian->children, room * sizeof *guardian->children);
        if (grown == NULL) {
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for another process");
        }
        guardian->children = grown;
    }
    return MUSTER_OK;
}

static void process_name(const struct muster__child *child, char name[48])
{
    snprintf(name, 48, "%d:%" PRIu64, (int)child->pid, child->start);
}

struct recording {
    struct muster__guardian *guardian;
    struct muster__child *child;
    const char *program;
};

static enum muster_rc record_process(void *context, pid_t pid, struct muster_error *err)
{
    struct recording *recording = context;
    struct muster__child *child = recording->child;
    char name[48];
    child->pid = pid;
    child->start = muster__process_start(pid);
    process_name(child, name);
    json_t *detail = json_pack("{s:s, s:I}", "program", recording->program, "node",
                               child->node == MUSTER_NO_NODE ? (json_int_t)-1 : (json_int_t)child->node);
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    enum muster_rc rc =
        muster_ledger_created(recording->guardian->session->ledger, "process", name, text, err);
    free(text);
    json_decref(detail);
    return rc;
}

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

enum muster_rc muster__child_spawn(struct muster__guardian *guardian, const json_t *request, uint32_t *ret,
                                   struct muster_error *err)
{
    enum muster_rc rc = make_room(guardian, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    json_int_t node = json_integer_value(json_object_get(request, "node"));
    struct muster__child child = { .node = node < 0 ? MUSTER_NO_NODE : (uint32_t)node, .running = true };
    struct muster__launch launch = {
        .argv = strings_from_json(json_object_get(request, "argv")),
        .env = make_environment(json_object_get(request, "env"), guardian->session->run_id, node >= 0),
        .directory = json_string_value(json_object_get(request, "directory")),
        .stdout_path = json_string_value(json_object_get(request, "stdout")),
        .stderr_path = json_string_value(json_object_get(request, "stderr")),
    };
    if (launch.argv == NULL || launch.argv[0] == NULL || launch.env == NULL) {
        rc = muster_error_set(err, MUSTER_EINVAL, "a process needs a program");
    } else {
        struct recording recording = { .guardian = guardian, .child = &child, .program = launch.argv[0] };
        rc = muster__launch(&launch, record_process, &recording, &child.pid, err);
    }
    if (rc == MUSTER_OK) {
        child.log_paths[0] = copy_or_null(launch.stdout_path);
        child.log_paths[1] = copy_or_null(launch.stderr_path);
        *ret = (uint32_t)guardian->child_count;
        guardian->children[guardian->child_count++] = child;
    } else if (child.start != 0) {
        char name[48];
        process_name(&child, name);
        muster__best_effort(muster_ledger_removed(guardian->session->ledger, "process", name, NULL));
    }
    free_strings(launch.argv);
    free_strings(launch.env);
    return rc;
}

void muster__children_free(struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        free(guardian->children[i].log_paths[0]);
        free(guardian->children[i].log_paths[1]);
    }
    free(guardian->children);
}

/* ---- Ending ---- */

static void write_exit_file(const struct muster__guardian *guardian, const struct muster__child *child)
{
    char path[MUSTER__PATH_BYTES];
    json_t *exit = muster__wire_exit_to_json(&child->exit);
    char *text = exit == NULL ? NULL : json_dumps(exit, JSON_INDENT(2));
    json_decref(exit);
    if (text != NULL && muster__path(path, NULL, "%s/nodes/node-%u/exit.json", guardian->session->directory,
                                     child->node) == MUSTER_OK) {
        /* Evidence only: a full disk must not stop the clean-up. */
        muster__best_effort(muster__file_write(path, text, strlen(text), NULL));
    }
    free(text);
}

static void tell_ended(struct muster__guardian *guardian, size_t process)
{
    const struct muster__child *child = &guardian->children[process];
    json_t *event = muster__wire_exit_to_json(&child->exit);
    json_object_set_new(event, "event", json_string("ended"));
    json_object_set_new(event, "process", json_integer((json_int_t)process));
    json_object_set_new(event, "node",
                        json_integer(child->node == MUSTER_NO_NODE ? -1 : (json_int_t)child->node));
    /* A test that is gone, or does not listen, is found out elsewhere. */
    muster__best_effort(
        muster__wire_send(guardian->socket_fd, event, muster_clock_ms() + EVENT_TIMEOUT_MS, NULL));
}

static void child_ended(struct muster__guardian *guardian, size_t process, const siginfo_t *info)
{
    struct muster__child *child = &guardian->children[process];
    bool exited = info->si_code == CLD_EXITED;
    child->running = false;
    child->exit = (struct muster_exit){
        .code = exited ? info->si_status : -1,
        .signal = exited ? 0 : info->si_status,
        .core_dumped = info->si_code == CLD_DUMPED,
        .out_of_memory =
            !exited && info->si_status == SIGKILL && muster__process_oom_kills() > guardian->oom_kills,
        .at_ms = muster_clock_ms(),
    };
    char name[48];
    process_name(child, name);
    /* Not written: whoever sweeps finds that it is gone. */
    muster__best_effort(muster_ledger_removed(guardian->session->ledger, "process", name, NULL));
    if (child->node != MUSTER_NO_NODE) {
        write_exit_file(guardian, child);
    }
    tell_ended(guardian, process);
}

void muster__children_reap(struct muster__guardian *guardian)
{
    siginfo_t info;
    for (;;) {
        memset(&info, 0, sizeof info);
        /* Looked at before it is reaped: until then its pid, and so its group, is nobody else's. */
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        size_t process = 0;
        while (process < guardian->child_count &&
               (guardian->children[process].pid != info.si_pid || !guardian->children[process].running)) {
            process++;
        }
        bool ours = process < guardian->child_count;
        if (ours) {
            kill(-info.si_pid, SIGKILL);
        }
        waitpid(info.si_pid, NULL, 0);
        if (ours) { /* Else an orphan that we adopted as subreaper. */
            child_ended(guardian, process, &info);
        }
    }
}

void muster__child_signal(struct muster__guardian *guardian, size_t process, int signal)
{
    const struct muster__child *child = &guardian->children[process];
    if (child->running) {
        kill(-child->pid, signal);
    }
}

bool muster__children_run(const struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        if (guardian->children[i].running) {
            return true;
        }
    }
    return false;
}

/* ---- Floods ---- */

static uint64_t log_bytes(const struct muster__child *child)
{
    uint64_t bytes = 0;
    for (int i = 0; i < 2; i++) {
        struct stat status;
        bool same = i == 1 && child->log_paths[0] != NULL && child->log_paths[1] != NULL &&
                    strcmp(child->log_paths[0], child->log_paths[1]) == 0;
        if (!same && child->log_paths[i] != NULL && stat(child->log_paths[i], &status) == 0) {
            bytes += (uint64_t)status.st_size;
        }
    }
    return bytes;
}

void muster__children_check_logs(struct muster__guardian *guardian)
{
    for (size_t i = 0; i < guardian->child_count; i++) {
        struct muster__child *child = &guardian->children[i];
        if (!child->running || child->flooded || child->node == MUSTER_NO_NODE) {
            continue;
        }
        uint64_t bytes = log_bytes(child);
        if (bytes > MUSTER__LOG_BYTES_MAX) {
            child->flooded = true;
            /* Before the disk is full; the clean-up wakes it to end it. */
            muster__child_signal(guardian, i, SIGSTOP);
            json_t *event = json_pack("{s:s, s:i, s:I}", "event", "flooded", "node", (int)child->node,
                                      "bytes", (json_int_t)bytes);
            muster__best_effort(
                muster__wire_send(guardian->socket_fd, event, muster_clock_ms() + EVENT_TIMEOUT_MS, NULL));
        }
    }
}
