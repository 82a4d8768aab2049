#pragma once
/* What the tests of the metadata store share: a clock that stands until the test moves it, random numbers that count, and
 * no waiting. Each test program includes it once. */

#include "meta/store.h"

static int64_t fixture_now_us = INT64_C(1700000000000000);

static int64_t fixture_clock(void *context)
{
    (void)context;
    return fixture_now_us;
}

static uint64_t fixture_count(void *context)
{
    uint64_t *next = context;
    return ++*next;
}

static void fixture_no_sleep(void *context, int64_t us)
{
    (void)context, (void)us;
}

static uint64_t randomness;
static const Environment environment = {&randomness, fixture_clock, fixture_clock, fixture_count, fixture_no_sleep};

static inline MetaStore *open_store(Volume *volume)
{
    MetaStore *store = NULL;
    Diag diag = {0};
    if (meta_store_open(volume, &diag, &store) != OK)
        fail_msg("does not open: %s", diag.message);
    return store;
}
