/* Finds processes by a tag, an entry of their environment. Forks and executed programs inherit it, so it
 * finds a suite program, its tests, the guardian and the nodes, whatever became of their parents. */
#ifndef MUSTER_CONFORMANCE_TAGGED_PROCESSES_H
#define MUSTER_CONFORMANCE_TAGGED_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAGGED_MAX 64u

struct tagged_process {
    pid_t pid;
    pid_t parent;
    uint64_t start; /* See muster__process_start(). */
    char name[20]; /* As the kernel has it: cut to 15 characters. */
};

/** Finds running processes, not zombies, that were executed with the entry `tag` ("NAME=value") in their
 * environment. Returns how many, at most TAGGED_MAX. */
size_t tagged_find(const char *tag, struct tagged_process found[TAGGED_MAX]);

/** Finds the child of `parent` that has this name. False: there is none. */
bool tagged_child(const char *tag, pid_t parent, const char *name, struct tagged_process *ret);

/** Kills all that have the tag, so that no victim that failed its checks stays. */
void tagged_kill(const char *tag);

#endif
