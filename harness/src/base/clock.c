/* Clocks and timestamps. */
#include "muster/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

static struct timespec now(clockid_t clock)
{
    struct timespec time = { 0 };
    /* It cannot fail: both clocks exist on every Linux, and the address is good. */
    (void)clock_gettime(clock, &time);
    return time;
}

uint64_t muster_clock_ms(void)
{
    return muster_clock_us() / 1000;
}

uint64_t muster_clock_us(void)
{
    struct timespec time = now(CLOCK_MONOTONIC);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

uint64_t muster_clock_wall_ms(void)
{
    struct timespec time = now(CLOCK_REALTIME);
    return (uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_nsec / 1000000u;
}

int muster_clock_left_ms(uint64_t deadline_ms)
{
    uint64_t now_ms = muster_clock_ms();
    if (deadline_ms <= now_ms) {
        return 0;
    }
    uint64_t left_ms = deadline_ms - now_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

void muster_clock_init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

const char *muster_clock_format(uint64_t wall_ms, char text[MUSTER_TIMESTAMP_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = { 0 };
    if (gmtime_r(&seconds, &parts) == NULL) {
        parts = (struct tm){ .tm_mday = 1, .tm_year = 70 };
    }
    size_t used = strftime(text, MUSTER_TIMESTAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + used, MUSTER_TIMESTAMP_BYTES - used, ".%03uZ", (unsigned)(wall_ms % 1000));
    return text;
}
