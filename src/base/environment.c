#include "base/environment.h"

/* The real clock and the kernel's random generator. */

#include <sys/random.h>
#include <time.h>

#include "base/status.h"

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t real_wall_us(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic_us(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t real_random_u64(void *context)
{
    (void)context;
    uint64_t value = 0;
    CHECK(getrandom(&value, sizeof(value), 0) == (ssize_t)sizeof(value));
    return value;
}

static void real_sleep_us(void *context, int64_t duration_us)
{
    (void)context;
    struct timespec duration = {duration_us / 1000000, (duration_us % 1000000) * 1000};
    nanosleep(&duration, NULL);
}

static const Environment real_environment = {
    .wall_us = real_wall_us,
    .monotonic_us = real_monotonic_us,
    .random_u64 = real_random_u64,
    .sleep_us = real_sleep_us,
};

const Environment *environment_real(void)
{
    return &real_environment;
}
