/* Reproducible chance: each use draws from its own stream of the run's one seed. */
#ifndef MUSTER_RANDOM_H
#define MUSTER_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One stream; copy it freely, one thread at a time. The generator is POSIX's nrand48() family. */
struct muster_random {
    unsigned short state[3];
};

/** The stream that belongs to `label` under `seed`: the same two always give the same stream. */
struct muster_random muster_random_stream(uint64_t seed, const char *label);

/** Uniform in [0, bound), without modulo bias. bound must be 1 or more. */
uint64_t muster_random_below(struct muster_random *random, uint64_t bound);

/** Uniform in [low, high], both included; low must not be above high. */
uint64_t muster_random_between(struct muster_random *random, uint64_t low, uint64_t high);

/** Uniform in [0, 1). */
double muster_random_unit(struct muster_random *random);

/** A seed from the operating system, for runs that were given none. */
uint64_t muster_random_new_seed(void);

#ifdef __cplusplus
}
#endif
#endif
