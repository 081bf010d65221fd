/* Processes by identity: a pid alone may be somebody else's by now. */
#ifndef MUSTER_SRC_PROCESS_H
#define MUSTER_SRC_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In every process of a run, so that those which escaped their parents are found again. */
#define MUSTER__RUN_VARIABLE "MUSTER_RUN_ID"

/** When a process started, in clock ticks since boot (proc(5), stat field 22); 0 when there is none. */
uint64_t muster__process_start(pid_t pid);

/** Whether that very process runs; a zombie does not. */
bool muster__process_runs(pid_t pid, uint64_t start);

/** A close-on-exec pidfd of that very process, or -1 when it is gone. Readable once it has ended. */
int muster__process_open(pid_t pid, uint64_t start);

/** Signals that very process. True when it was there. */
bool muster__process_signal(pid_t pid, uint64_t start, int signal);

/** Calls found() for every running process whose environment has MUSTER_RUN_ID=run_id, but our own. */
void muster__process_each_of_run(const char *run_id, void (*found)(void *context, pid_t pid, uint64_t start),
                                 void *context);

/** Calls found() for every child of ours that is not reaped, whether it runs or not. */
void muster__process_each_child(void (*found)(void *context, pid_t pid), void *context);

/** The kernel's count of out-of-memory kills since boot (/proc/vmstat); 0 where it has none. */
uint64_t muster__process_oom_kills(void);

#endif
