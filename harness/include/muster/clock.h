/* Time: every deadline is on the monotonic clock; wall time is for people. */
#ifndef MUSTER_CLOCK_H
#define MUSTER_CLOCK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_SECONDS(n) ((int64_t)((n)*1000.0)) /* Fractions allowed; in milliseconds. */
#define MUSTER_DAY_MS ((int64_t)86400000)

/** Milliseconds, microseconds on the monotonic clock. Comparable between processes of one boot. */
uint64_t muster_clock_ms(void);
uint64_t muster_clock_us(void);

/** Initialises a condition whose timed waits take times of the monotonic clock. */
void muster_clock_init_condition(pthread_cond_t *condition);

/** Milliseconds since 1970 on the wall clock. */
uint64_t muster_clock_wall_ms(void);

/** Milliseconds left until `deadline_ms` (monotonic), 0 once it has passed. Fits poll()'s int. */
int muster_clock_left_ms(uint64_t deadline_ms);

#define MUSTER_TIMESTAMP_BYTES 32
/** Writes a wall time as "2026-01-02T03:04:05.678Z" (RFC 3339, UTC). Returns `text`. */
const char *muster_clock_format(uint64_t wall_ms, char text[MUSTER_TIMESTAMP_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
