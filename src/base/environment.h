#pragma once
/* Clock and randomness behind a function table, so that the simulator can own both.
 *
 * environment_real() reads the system. Code of meta, storage, volume and job takes an Environment
 * and never calls the system's clock itself. Thread-safe. */

#include "base/compiler.h"

typedef struct Environment {
    void *context;
    int64_t (*wall_us)(void *context);      /* microseconds since 1970-01-01 UTC */
    int64_t (*monotonic_us)(void *context); /* never goes back */
    uint64_t (*random_u64)(void *context);  /* from the system's generator, or a seed */
    void (*sleep_us)(void *context, int64_t duration_us);
} Environment;

const Environment *environment_real(void);

static inline int64_t env_wall_us(const Environment *env)
{
    return env->wall_us(env->context);
}
static inline int64_t env_monotonic_us(const Environment *env)
{
    return env->monotonic_us(env->context);
}
static inline uint64_t env_random(const Environment *env)
{
    return env->random_u64(env->context);
}
static inline void env_sleep_us(const Environment *env, int64_t duration_us)
{
    env->sleep_us(env->context, duration_us);
}

/* A small seeded generator (splitmix64) for tests, sampling and the simulator. */
typedef struct Random {
    uint64_t state;
} Random;
static inline uint64_t random_next(Random *random)
{
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
