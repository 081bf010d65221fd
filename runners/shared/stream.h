/* Follows what a program writes, line by line: it writes into a FIFO of the run directory, so that its end,
 * too, is an event. */
#ifndef MUSTER_RUNNERS_SHARED_STREAM_H
#define MUSTER_RUNNERS_SHARED_STREAM_H

#include <stdint.h>
#include <time.h>

#include "shared/command.h"

struct runner_stream;

struct runner_stream_options {
    const char *name; /* Of the FIFO, and of the file that its complaints go to: "<name>.err". */
    size_t line_bytes_max; /* Longer lines are dropped. */

    /* These are called from the stream's own thread. */
    void (*line)(void *context, const char *line, size_t bytes);

    /* The program has ended. True: `again` is followed from here on. NULL: never. */
    bool (*ended)(void *context, const struct muster_exit *exit, struct runner_argv *again);

    /* No line comes any more, and it was not stopped: ended() said so, or the guardian is gone. The last
     * call. NULL: nobody waits for lines. */
    void (*lost)(void *context);
    void *context;
};

/** Starts the program and the thread that follows it. The caller calls runner__stream_stop() also after a
 * failure. MUSTER_OK; MUSTER_ENODE; MUSTER_EINFRA; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc runner__stream_start(struct runner_programs *programs,
                                                    const struct runner_argv *argv,
                                                    const struct runner_stream_options *options,
                                                    struct runner_stream **ret, struct muster_error *err);

/** Ends the thread; the program ends with the run. After it no callback runs. NULL is fine. */
void runner__stream_stop(struct runner_stream *stream);

/** In a callback: waits. False: the stream is being stopped. */
bool runner__stream_pause(struct runner_stream *stream, uint32_t ms);

/** A deadline as pthread_cond_timedwait() takes it, on a condition of muster_clock_init_condition(). */
static inline struct timespec runner__until(uint64_t deadline_ms)
{
    return (struct timespec){ .tv_sec = (time_t)(deadline_ms / 1000),
                              .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
}

#endif
