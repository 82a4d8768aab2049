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

/* A commit that changes little: a setting, which the catalog then has. */
static inline Status build_setting(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog, (void)diag;
    change_put_setting(change, strview(context), STR_VIEW("1"));
    return OK;
}

static inline Status set(MetaStore *store, const char *key)
{
    Diag diag = {0};
    return meta_commit(store, build_setting, (void *)(uintptr_t)key, &diag);
}

static inline bool has(MetaStore *store, const char *key)
{
    CatalogSnapshot *catalog = meta_snapshot(store);
    bool found = catalog_setting(catalog, key).data != NULL;
    catalog_unref(catalog);
    return found;
}
