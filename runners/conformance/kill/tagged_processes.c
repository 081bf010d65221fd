#include "kill/tagged_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/process.h"

#define ENVIRONMENT_BYTES (128u * 1024u)

static size_t read_whole(const char *path, char *buffer, size_t size)
{
    size_t length = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && length < size - 1 && (got = read(fd, buffer + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    if (fd >= 0) {
        close(fd);
    }
    buffer[length] = '\0';
    return length;
}

static bool has_tag(pid_t pid, const char *tag, char *buffer)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    size_t length = read_whole(path, buffer, ENVIRONMENT_BYTES);
    for (size_t at = 0; at < length; at += strlen(buffer + at) + 1) {
        if (strcmp(buffer + at, tag) == 0) {
            return true;
        }
    }
    return false;
}

/* Name and parent; the name may hold blanks and parentheses, so it ends at the last one. */
static bool describe(pid_t pid, struct tagged_process *ret)
{
    char path[64];
    char text[1024];
    char state;
    int parent;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_whole(path, text, sizeof text);
    char *opening = strchr(text, '(');
    char *closing = strrchr(text, ')');
    if (opening == NULL || closing == NULL || sscanf(closing + 1, " %c %d", &state, &parent) != 2) {
        return false;
    }
    *closing = '\0';
    *ret = (struct tagged_process){ .pid = pid, .parent = parent, .start = muster__process_start(pid) };
    snprintf(ret->name, sizeof ret->name, "%.19s", opening + 1);
    return muster__process_runs(pid, ret->start);
}

size_t tagged_find(const char *tag, struct tagged_process found[TAGGED_MAX])
{
    char *buffer = malloc(ENVIRONMENT_BYTES);
    DIR *proc = opendir("/proc");
    size_t count = 0;
    struct dirent *entry;
    while (buffer != NULL && proc != NULL && count < TAGGED_MAX && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && pid != getpid() && has_tag(pid, tag, buffer) && describe(pid, &found[count])) {
            count++;
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    free(buffer);
    return count;
}

bool tagged_child(const char *tag, pid_t parent, const char *name, struct tagged_process *ret)
{
    struct tagged_process found[TAGGED_MAX];
    size_t count = tagged_find(tag, found);
    for (size_t i = 0; i < count; i++) {
        if (found[i].parent == parent && strcmp(found[i].name, name) == 0) {
            *ret = found[i];
            return true;
        }
    }
    return false;
}

void tagged_kill(const char *tag)
{
    struct tagged_process found[TAGGED_MAX];
    size_t count = tagged_find(tag, found);
    for (size_t i = 0; i < count; i++) {
        muster__process_signal(found[i].pid, found[i].start, SIGKILL);
    }
}
