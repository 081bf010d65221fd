/* The guardian's children (nodes and tools): signals, ends, floods. */
#include <assert.h>
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

#include "base/files.h"
#include "guardian/guardian.h"
#include "host/process.h"
#include "muster/clock.h"

#define EVENT_TIMEOUT_MS 200u

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
        /* A full disk must not stop the clean-up. */
        muster__best_effort(muster__file_write(path, text, strlen(text), NULL));
    }
    free(text);
}

static void tell_ended(struct muster__guardian *guardian, size_t process)
{
    const struct muster__child *child = &guardian->children[process];
    assert(!child->running);
    json_t *event = muster__wire_exit_to_json(&child->exit);
    json_object_set_new(event, "event", json_string("ended"));
    json_object_set_new(event, "told", json_boolean(child->told_to_end));
    json_object_set_new(event, "process", json_integer((json_int_t)process));
    json_object_set_new(event, "node",
                        json_integer(child->node == MUSTER_NO_NODE ? -1 : (json_int_t)child->node));
    /* The loop notices a test that is gone. */
    muster__best_effort(
        muster__wire_send(guardian->socket_fd, event, muster_clock_ms() + EVENT_TIMEOUT_MS, NULL));
}

static void child_ended(struct muster__guardian *guardian, size_t process, const siginfo_t *info)
{
    struct muster__child *child = &guardian->children[process];
    bool exited = info->si_code == CLD_EXITED;
    assert(child->running);
    child->running = false;
    child->exit = (struct muster_exit){
        .code = exited ? info->si_status : -1,
        .signal = exited ? 0 : info->si_status,
        .core_dumped = info->si_code == CLD_DUMPED,
        .out_of_memory =
            !exited && info->si_status == SIGKILL && muster__process_oom_kills() > guardian->oom_kills,
        .at_ms = muster_clock_ms(),
    };
    char name[MUSTER__PROCESS_NAME_BYTES];
    muster__process_name(child->pid, name); /* The child is a zombie, so it still has its start time. */
    /* If this is not written, a sweep finds that the process is gone. */
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
        /* WNOWAIT keeps the zombie: until it is reaped, no other process or group can get its pid. */
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        size_t process = 0;
        while (process < guardian->child_count &&
               (guardian->children[process].pid != info.si_pid || !guardian->children[process].running)) {
            process++;
        }
        if (process < guardian->child_count) { /* Otherwise it is an orphan that we adopted as subreaper. */
            kill(-info.si_pid, SIGKILL);
            child_ended(guardian, process, &info);
        }
        waitpid(info.si_pid, NULL, 0);
    }
}

void muster__child_signal(struct muster__guardian *guardian, size_t process, int signal)
{
    assert(process < guardian->child_count);
    struct muster__child *child = &guardian->children[process];
    if (child->running) {
        child->told_to_end = child->told_to_end || signal == SIGTERM || signal == SIGKILL;
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
            /* Stop the node before the disk is full. The clean-up continues it to end it. */
            muster__child_signal(guardian, i, SIGSTOP);
            json_t *event = json_pack("{s:s, s:i, s:I}", "event", "flooded", "node", (int)child->node,
                                      "bytes", (json_int_t)bytes);
            muster__best_effort(
                muster__wire_send(guardian->socket_fd, event, muster_clock_ms() + EVENT_TIMEOUT_MS, NULL));
        }
    }
}
