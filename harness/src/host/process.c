#include "host/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EMPTY_LOOKS 5

/* Reads a small file of /proc whole; returns its length, -1 when it is not there. */
static ssize_t read_proc(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t length = 0;
    ssize_t got = 0;
    while (length < size - 1 && (got = read(fd, buffer + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    buffer[length] = '\0';
    return got < 0 ? -1 : (ssize_t)length;
}

struct status {
    char state; /* Its letter. */
    pid_t parent;
    uint64_t start;
};

/* False when there is no such process. */
static bool read_stat(pid_t pid, struct status *ret)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_proc(path, text, sizeof text) <= 0) {
        return false;
    }
    /* The command's name may hold blanks and parentheses: fields are counted from the last ')'. */
    char *field = strrchr(text, ')');
    if (field == NULL || sscanf(field + 1, " %c %d", &ret->state, &ret->parent) != 2) {
        return false;
    }
    field++;
    for (int skipped = 0; skipped < 19 && field != NULL; skipped++) {
        field = strchr(field + 1, ' ');
    }
    return field != NULL && sscanf(field, "%" SCNu64, &ret->start) == 1;
}

uint64_t muster__process_start(pid_t pid)
{
    struct status status;
    return read_stat(pid, &status) ? status.start : 0;
}

bool muster__process_runs(pid_t pid, uint64_t start)
{
    struct status status;
    return read_stat(pid, &status) && status.start == start && status.state != 'Z' && status.state != 'X';
}

int muster__process_open(pid_t pid, uint64_t start)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    /* Checked after opening: from here on the descriptor means this process and no later one. */
    if (fd >= 0 && muster__process_start(pid) != start) {
        close(fd);
        return -1;
    }
    return fd;
}

bool muster__process_signal(pid_t pid, uint64_t start, int signal)
{
    int fd = muster__process_open(pid, start);
    if (fd < 0) {
        return false;
    }
    bool sent = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0;
    close(fd);
    return sent;
}

static bool has_variable(const char *environment, size_t length, const char *wanted)
{
    size_t wanted_length = strlen(wanted);
    for (size_t at = 0; at < length; at += strlen(environment + at) + 1) {
        if (strlen(environment + at) == wanted_length && strcmp(environment + at, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* A kernel thread has no program; nor has a zombie. */
static bool has_program(pid_t pid)
{
    char path[64];
    char program[8];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return readlink(path, program, sizeof program) > 0;
}

/* In the middle of an exec a process shows no environment: it gets a few looks. */
static bool belongs_to_run(pid_t pid, const char *wanted, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    ssize_t length = read_proc(path, buffer, size);
    for (int looks = 1; looks < EMPTY_LOOKS && length == 0 && has_program(pid); looks++) {
        poll(NULL, 0, 1);
        length = read_proc(path, buffer, size);
    }
    return length > 0 && has_variable(buffer, (size_t)length, wanted);
}

/* The next one but our own; 0 when there is none. */
static pid_t next_process(DIR *proc)
{
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && pid != getpid()) {
            return pid;
        }
    }
    return 0;
}

static void close_processes(DIR *proc)
{
    if (proc != NULL) {
        closedir(proc);
    }
}

void muster__process_each_of_run(const char *run_id, void (*found)(void *context, pid_t pid, uint64_t start),
                                 void *context)
{
    enum { ENVIRONMENT_BYTES = 256 * 1024 };
    char *buffer = malloc(ENVIRONMENT_BYTES);
    DIR *proc = opendir("/proc");
    char wanted[128];
    snprintf(wanted, sizeof wanted, MUSTER__RUN_VARIABLE "=%s", run_id);
    pid_t pid;
    while (buffer != NULL && (pid = next_process(proc)) != 0) {
        if (!belongs_to_run(pid, wanted, buffer, ENVIRONMENT_BYTES)) {
            continue;
        }
        uint64_t start = muster__process_start(pid);
        if (muster__process_runs(pid, start)) {
            found(context, pid, start);
        }
    }
    close_processes(proc);
    free(buffer);
}

/* Not from /proc/self/task/<tid>/children: not every kernel is built with it. */
void muster__process_each_child(void (*found)(void *context, pid_t pid), void *context)
{
    DIR *proc = opendir("/proc");
    pid_t pid;
    while ((pid = next_process(proc)) != 0) {
        struct status status;
        if (read_stat(pid, &status) && status.parent == getpid()) {
            found(context, pid);
        }
    }
    close_processes(proc);
}

uint64_t muster__process_oom_kills(void)
{
    static const char key[] = "\noom_kill ";
    enum { VMSTAT_BYTES = 32 * 1024 };
    char *text = malloc(VMSTAT_BYTES);
    uint64_t kills = 0;
    if (text != NULL && read_proc("/proc/vmstat", text, VMSTAT_BYTES) > 0) {
        const char *line = strstr(text, key);
        kills = line == NULL ? 0 : strtoull(line + sizeof key - 1, NULL, 10);
    }
    free(text);
    return kills;
}
