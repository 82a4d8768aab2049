#include "meta/store_int.h"

/* ADMIN SET CLUSTER READ ONLY. A journaled setting: "draining" while what runs may still commit, then "true". The gate is
 * in the commit itself and looks at what a change does, so that nothing can slip past it; what begins is refused
 * earlier, for a quicker answer. */

enum { LOOK_US = 10000 };

static const char setting_key[] = "cluster.read_only";

typedef enum Freeze { FREEZE_NONE, FREEZE_DRAINING, FREEZE_FULL } Freeze;

static Freeze freeze_of(const CatalogSnapshot *catalog)
{
    StrView value = catalog_setting(catalog, setting_key);
    return strview_is(value, "true") ? FREEZE_FULL : strview_is(value, "draining") ? FREEZE_DRAINING : FREEZE_NONE;
}

static Status refuse(Diag *diag)
{
    return RAISE(diag, READ_ONLY, "the cluster is read only until ADMIN SET CLUSTER READ WRITE: try again later");
}

Status store_check_frozen(const CatalogSnapshot *catalog, StrView change, Diag *diag)
{
    if (freeze_of(catalog) != FREEZE_FULL || change_is_upkeep(change))
        return OK;
    return refuse(diag);
}

void store_note_freeze(MetaStore *store)
{
    atomic_store(&store->freeze, (int)freeze_of(store->published));
}

static Freeze current(MetaStore *store)
{
    return (Freeze)atomic_load(&store->freeze);
}

bool meta_is_read_only(MetaStore *store)
{
    return current(store) != FREEZE_NONE;
}

Status meta_check_writable(MetaStore *store, Diag *diag)
{
    return current(store) == FREEZE_NONE ? OK : refuse(diag);
}

static Status build_freeze(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)diag;
    if (!strview_equal(catalog_setting(catalog, setting_key), strview(context)))
        change_put_setting(change, strview(setting_key), strview(context));
    return OK;
}

static Status set(MetaStore *store, const char *value, Diag *diag)
{
    char text[16];
    memcpy(text, value, strlen(value) + 1);
    return meta_commit(store, build_freeze, text, diag);
}

static uint32_t count_writers(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->lease_count;
}

Status meta_set_read_only(MetaStore *store, int64_t timeout_us, const _Atomic bool *cancelled, Diag *diag, uint32_t *out_left)
{
    const Environment *environment = store->journal.volume->environment;
    int64_t deadline_us = env_monotonic_us(environment) + timeout_us;
    if (current(store) != FREEZE_FULL)
        TRY(set(store, "draining", diag));
    while ((*out_left = count_writers(store)) > 0 && env_monotonic_us(environment) < deadline_us) {
        if (atomic_load(cancelled)) {
            Diag undone = {0};
            status_ignore(set(store, "false", &undone)); /* the statement says that it was cancelled */
            return RAISE(diag, CANCELLED, "Query execution was interrupted");
        }
        env_sleep_us(environment, LOOK_US);
    }
    return set(store, "true", diag);
}

Status meta_set_read_write(MetaStore *store, Diag *diag)
{
    return set(store, "false", diag);
}
