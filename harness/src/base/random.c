/* Streams of chance from one seed. */
#include "muster/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "muster/clock.h"

/* Spreads every bit of the value over all of it: the finaliser of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

struct muster_random muster_random_stream(uint64_t seed, const char *label)
{
    uint64_t hash = mix(seed);
    for (const char *c = label; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u; /* The step of FNV-1a. */
    }
    hash = mix(hash);
    return (struct muster_random){ .state = { (unsigned short)(hash >> 16), (unsigned short)(hash >> 32),
                                              (unsigned short)(hash >> 48) } };
}

/* The _r functions, since the others share a buffer between threads. */
static uint32_t draw_32(struct muster_random *random)
{
    struct drand48_data data = { 0 };
    long value = 0;
    (void)jrand48_r(random->state, &data, &value);
    return (uint32_t)value;
}

uint64_t muster_random_below(struct muster_random *random, uint64_t bound)
{
    assert(bound >= 1);
    if (bound <= 1) {
        return 0;
    }
    /* As many of the top bits as the bound needs, drawn again while they are too much. The top ones,
     * because the low bits of a linear congruential generator repeat early. */
    unsigned shift = (unsigned)__builtin_clzll(bound - 1);
    for (;;) {
        uint64_t value = (uint64_t)draw_32(random) << 32;
        if (shift < 32) {
            value |= draw_32(random);
        }
        value >>= shift;
        if (value < bound) {
            return value;
        }
    }
}

uint64_t muster_random_between(struct muster_random *random, uint64_t low, uint64_t high)
{
    assert(low <= high);
    if (low == 0 && high == UINT64_MAX) {
        uint64_t upper = draw_32(random);
        return upper << 32 | draw_32(random);
    }
    return low + muster_random_below(random, high - low + 1);
}

double muster_random_unit(struct muster_random *random)
{
    struct drand48_data data = { 0 };
    double value = 0;
    (void)erand48_r(random->state, &data, &value);
    return value;
}

uint64_t muster_random_new_seed(void)
{
    uint64_t seed = 0;
    ssize_t bytes = 0;
    do {
        bytes = getrandom(&seed, sizeof seed, 0);
    } while (bytes < 0 && errno == EINTR);
    if (bytes != (ssize_t)sizeof seed) {
        seed = mix(muster_clock_us() ^ mix((uint64_t)getpid()));
    }
    /* 48 bits are all that a stream holds; so short a number also survives JSON readers that keep
     * numbers as doubles. */
    return seed >> 16;
}
