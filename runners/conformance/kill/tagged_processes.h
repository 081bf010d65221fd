/* Processes found by a mark in their environment. Forks keep it and so does what a node execs, so it finds
 * a suite program, its tests, the guardian and the nodes, whatever became of their parents. */
#ifndef MUSTER_CONFORMANCE_MARKED_H
#define MUSTER_CONFORMANCE_MARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MARKED_MAX 64u

struct marked {
    pid_t pid;
    pid_t parent;
    uint64_t start; /* See muster__process_start(). */
    char name[20]; /* As the kernel has it: cut to 15 characters. */
};

/** Finds what runs (zombies do not) with the entry `mark` ("NAME=value") in the environment it was executed
 * with. Returns how many, at most MARKED_MAX. */
size_t marked_find(const char *mark, struct marked found[MARKED_MAX]);

/** Finds the child of `parent` that has this name. False: there is none now. */
bool marked_child(const char *mark, pid_t parent, const char *name, struct marked *ret);

/** Kills all that is marked, so that a victim which failed its checks does not stay. */
void marked_kill(const char *mark);

#endif
