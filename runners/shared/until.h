/* Deadlines for timed waits. */
#ifndef MUSTER_RUNNERS_SHARED_UNTIL_H
#define MUSTER_RUNNERS_SHARED_UNTIL_H

#include <stdint.h>
#include <time.h>

/** A deadline as pthread_cond_timedwait() takes it, on a condition of muster_clock_init_condition(). */
static inline struct timespec runner__until(uint64_t deadline_ms)
{
    return (struct timespec){ .tv_sec = (time_t)(deadline_ms / 1000),
                              .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
}

#endif
