#include "ddl/recycle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/environment.h"
#include "base/fault.h"
#include "base/log.h"
#include "codec/json_text.h"
#include "ddl/partition_fit.h"
#include "ddl/temporary_table.h"
#include "load/partition_router.h"
#include "types/number_text.h"

#define MODULE "recycle"
#define BIN_NAME "\x01recycle"

static const char *const kind_names[] = {"database", "table", "partition"};

/* ---- records ---- */

static void record_key(const Recycled *item, char out[64])
{
    snprintf(out, 64, "%s/%llu", kind_names[item->kind], (unsigned long long)item->id);
}

static void put_record(Change *change, const Recycled *item)
{
    char key[64];
    AUTO_BYTEBUF text = {0};
    record_key(item, key);
    bytebuf_printf(&text, "{\"type\":\"%s\",\"id\":%llu,\"holder\":%llu,\"database\":%llu,\"table\":%llu,\"time_us\":%lld,\"name\":",
                   kind_names[item->kind], (unsigned long long)item->id, (unsigned long long)item->holder_id,
                   (unsigned long long)item->database_id, (unsigned long long)item->table_id, (long long)item->time_us);
    json_quote(item->name, &text);
    bytebuf_append_text(&text, "}");
    change_put_record(change, MODULE, strview(key), bytebuf_view(&text));
}

static void drop_record(Change *change, const Recycled *item)
{
    char key[64];
    record_key(item, key);
    change_drop_record(change, MODULE, strview(key));
}

typedef struct Listing {
    Arena *arena;
    ARRAY_OF(Recycled) items;
} Listing;

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_record(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    json_t *object = json_loadb(value.data, value.length, 0, NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *name = json_string_value(json_object_get(object, "name"));
    Recycled item = {.id = number_of(object, "id"), .holder_id = number_of(object, "holder"), .database_id = number_of(object, "database"),
                     .table_id = number_of(object, "table"), .time_us = (int64_t)number_of(object, "time_us")};
    bool is_known = false;
    (void)key;
    for (uint8_t k = 0; type != NULL && name != NULL && k < COUNT_OF(kind_names); k++) {
        if (strcmp(type, kind_names[k]) != 0)
            continue;
        item.kind = k;
        item.name = strview(arena_strdup(listing->arena, name));
        is_known = true;
    }
    json_decref(object);
    if (is_known)
        ARRAY_PUSH(listing->arena, &listing->items, item);
}

static int newest_first(const void *a, const void *b)
{
    const Recycled *x = a;
    const Recycled *y = b;
    if (x->time_us != y->time_us)
        return x->time_us > y->time_us ? -1 : 1;
    return (x->id < y->id) - (x->id > y->id);
}

uint32_t recycle_list(const CatalogSnapshot *catalog, Arena *arena, Recycled **out)
{
    Listing listing = {.arena = arena};
    catalog_each_record(catalog, MODULE, read_record, &listing);
    if (listing.items.count > 1)
        qsort(listing.items.items, listing.items.count, sizeof(Recycled), newest_first);
    *out = listing.items.items;
    return listing.items.count;
}

/* ---- dropping ---- */

static StrView numbered(uint64_t id, char out[32])
{
    snprintf(out, 32, "%llu", (unsigned long long)id);
    return strview(out);
}

/* The database that holds tables and partitions is made with the first. */
static uint64_t bin_of(Change *change, const CatalogSnapshot *catalog, const RecycleIds *ids)
{
    const CatalogDatabase *bin = catalog_hidden_database(catalog, STR_VIEW(BIN_NAME));
    if (bin != NULL)
        return bin->id;
    change_put_database(change, ids->bin_id, STR_VIEW(BIN_NAME), STR_VIEW(""));
    return ids->bin_id;
}

void recycle_database(Change *change, const CatalogDatabase *database, int64_t now_us)
{
    char hidden[48];
    Recycled item = {.kind = RECYCLED_DATABASE, .id = database->id, .database_id = database->id, .name = database->name, .time_us = now_us};
    snprintf(hidden, sizeof(hidden), "\x01%llu", (unsigned long long)database->id);
    change_put_database(change, database->id, strview(hidden), database->comment);
    put_record(change, &item);
}

void recycle_table(Change *change, const CatalogSnapshot *catalog, const CatalogTable *table, const RecycleIds *ids)
{
    char name[32];
    Recycled item = {.kind = RECYCLED_TABLE, .id = table->id, .database_id = table->database_id, .name = table->name, .time_us = ids->now_us};
    change_put_table(change, table->id, bin_of(change, catalog, ids), numbered(table->id, name), table->schema);
    put_record(change, &item);
}

void recycle_partition(Change *change, const CatalogSnapshot *catalog, const CatalogTable *table, const CatalogPartition *partition,
                       const RecycleIds *ids, uint32_t at)
{
    char name[32];
    Recycled item = {.kind = RECYCLED_PARTITION, .id = partition->id, .holder_id = ids->holder_ids[at], .database_id = table->database_id,
                     .table_id = table->id, .name = partition->name, .time_us = ids->now_us};
    change_put_table(change, item.holder_id, bin_of(change, catalog, ids), numbered(item.holder_id, name), table->schema);
    change_put_partition(change, item.holder_id, table->schema, partition);
    change_drop_partition(change, table->id, partition->id);
    put_record(change, &item);
}

/* ---- coming back ---- */

typedef struct Recovery {
    const RecoverWanted *wanted;
    RecycledKind kind;
} Recovery;

static bool is_wanted(const Recycled *item, const Recovery *recovery, uint64_t database_id, uint64_t table_id)
{
    const RecoverWanted *wanted = recovery->wanted;
    if (item->kind != recovery->kind || (wanted->id != 0 && wanted->id != item->id))
        return false;
    if (recovery->kind == RECYCLED_DATABASE)
        return strview_equal(item->name, wanted->database);
    if (recovery->kind == RECYCLED_TABLE)
        return item->database_id == database_id && strview_equal(item->name, wanted->table);
    return item->table_id == table_id && strview_equal_ci(item->name, wanted->partition);
}

static bool find_wanted(const CatalogSnapshot *catalog, const Recovery *recovery, uint64_t database_id, uint64_t table_id, Arena *arena,
                        Recycled *out)
{
    Recycled *items;
    uint32_t count = recycle_list(catalog, arena, &items);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_wanted(&items[i], recovery, database_id, table_id))
            continue;
        *out = items[i];
        return true;
    }
    return false;
}

static StrView name_again(const RecoverWanted *wanted, const Recycled *item)
{
    return wanted->name.length > 0 ? wanted->name : item->name;
}

static Status recover_database(const Recovery *recovery, const CatalogSnapshot *catalog, Arena *arena, Change *change, Diag *diag)
{
    Recycled item;
    StrView wanted = recovery->wanted->database;
    if (!find_wanted(catalog, recovery, 0, 0, arena, &item))
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(wanted));
    const CatalogDatabase *database = catalog_database_by_id(catalog, item.id);
    StrView name = name_again(recovery->wanted, &item);
    if (database == NULL)
        return RAISE(diag, INTERNAL, "the recycle bin lacks database '%.*s'", SV_ARGS(wanted));
    if (catalog_database(catalog, name) != NULL)
        return RAISE(diag, DATABASE_EXISTS, "Can't create database '%.*s'; database exists", SV_ARGS(name));
    change_put_database(change, database->id, name, database->comment);
    drop_record(change, &item);
    return OK;
}

static Status recover_table(const Recovery *recovery, const CatalogSnapshot *catalog, Arena *arena, Change *change, Diag *diag)
{
    Recycled item;
    const RecoverWanted *wanted = recovery->wanted;
    const CatalogDatabase *database = catalog_database(catalog, wanted->database);
    const CatalogDatabase *bin = catalog_hidden_database(catalog, STR_VIEW(BIN_NAME));
    char stored[32];
    if (database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(wanted->database));
    if (bin == NULL || !find_wanted(catalog, recovery, database->id, 0, arena, &item))
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s' in the recycle bin", SV_ARGS(wanted->database), SV_ARGS(wanted->table));
    const CatalogTable *table = catalog_table(bin, numbered(item.id, stored));
    StrView name = name_again(wanted, &item);
    if (table == NULL)
        return RAISE(diag, INTERNAL, "the recycle bin lacks table '%.*s'", SV_ARGS(wanted->table));
    if (catalog_table(database, name) != NULL)
        return RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(name));
    change_put_table(change, table->id, database->id, name, table->schema);
    drop_record(change, &item);
    return OK;
}

static Status check_room(const CatalogTable *table, const CatalogPartition *partition, StrView name, Diag *diag)
{
    const CatalogPartition *other = partition_conflict(table, partition);
    if (catalog_partition(table, name) != NULL)
        return RAISE(diag, PARTITION_EXISTS, "Duplicate partition name %.*s", SV_ARGS(name));
    return other == NULL ? OK
                         : RAISE(diag, ANALYSIS, "Can not recover partition[%.*s]. Range conflict: partition '%.*s' has values of it.",
                                 SV_ARGS(name), SV_ARGS(other->name));
}

static Status recover_partition(const Recovery *recovery, const CatalogSnapshot *catalog, Arena *arena, Change *change, Diag *diag)
{
    Recycled item;
    const RecoverWanted *wanted = recovery->wanted;
    const CatalogDatabase *database = catalog_database(catalog, wanted->database);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, wanted->table);
    const CatalogDatabase *bin = catalog_hidden_database(catalog, STR_VIEW(BIN_NAME));
    char stored[32];
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(wanted->database), SV_ARGS(wanted->table));
    if (bin == NULL || !find_wanted(catalog, recovery, 0, table->id, arena, &item))
        return RAISE(diag, NO_SUCH_PARTITION, "No partition named '%.*s' in recycle bin that belongs to table '%.*s'", SV_ARGS(wanted->partition),
                     SV_ARGS(wanted->table));
    const CatalogTable *holder = catalog_table(bin, numbered(item.holder_id, stored));
    if (holder == NULL || holder->partition_count != 1 || !partition_rows_fit(holder->schema, table->schema))
        return RAISE(diag, NOT_SUPPORTED, "partition '%.*s' does not fit table '%.*s' any more", SV_ARGS(wanted->partition), SV_ARGS(wanted->table));
    CatalogPartition back;
    memcpy(&back, holder->partitions[0], sizeof(back));
    back.name = name_again(wanted, &item);
    TRY(check_room(table, &back, back.name, diag));
    change_drop_table(change, holder->id);
    change_put_partition(change, table->id, table->schema, &back);
    drop_record(change, &item);
    return OK;
}

static Status build_recovery(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Recovery *recovery = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    FAULT("recycle.before_recover", diag);
    if (recovery->kind == RECYCLED_DATABASE)
        return recover_database(recovery, catalog, &arena, change, diag);
    if (recovery->kind == RECYCLED_TABLE)
        return recover_table(recovery, catalog, &arena, change, diag);
    return recover_partition(recovery, catalog, &arena, change, diag);
}

static Status recover(MetaStore *store, const RecoverWanted *wanted, RecycledKind kind, Diag *diag)
{
    Recovery recovery = {wanted, kind};
    return meta_commit(store, build_recovery, &recovery, diag);
}

Status recycle_recover_database(MetaStore *store, const RecoverWanted *wanted, Diag *diag)
{
    return recover(store, wanted, RECYCLED_DATABASE, diag);
}

Status recycle_recover_table(MetaStore *store, const RecoverWanted *wanted, Diag *diag)
{
    return recover(store, wanted, RECYCLED_TABLE, diag);
}

Status recycle_recover_partition(MetaStore *store, const RecoverWanted *wanted, Diag *diag)
{
    return recover(store, wanted, RECYCLED_PARTITION, diag);
}

/* ---- erasing ---- */

typedef struct Erasure {
    int64_t before_us;
} Erasure;

static void erase_item(const CatalogSnapshot *catalog, const Recycled *item, Change *change)
{
    char stored[32];
    const CatalogDatabase *bin = catalog_hidden_database(catalog, STR_VIEW(BIN_NAME));
    uint64_t id = item->kind == RECYCLED_PARTITION ? item->holder_id : item->id;
    if (item->kind == RECYCLED_DATABASE && catalog_database_by_id(catalog, id) != NULL)
        change_drop_database(change, id);
    if (item->kind != RECYCLED_DATABASE && bin != NULL && catalog_table(bin, numbered(id, stored)) != NULL)
        change_drop_table(change, id);
    drop_record(change, item);
}

static Status build_erasure(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Erasure *erasure = context;
    (void)diag;
    AUTO_ARENA arena;
    Recycled *items;
    arena_init(&arena, NULL);
    uint32_t count = recycle_list(catalog, &arena, &items);
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].time_us <= erasure->before_us)
            erase_item(catalog, &items[i], change);
    }
    return OK;
}

static bool has_expired(MetaStore *store, int64_t before_us)
{
    AUTO_ARENA arena;
    Recycled *items;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(store);
    uint32_t count = catalog_record_count(catalog, MODULE) == 0 ? 0 : recycle_list(catalog, &arena, &items);
    catalog_unref(catalog);
    return count > 0 && items[count - 1].time_us <= before_us;
}

Status recycle_erase(MetaStore *store, int64_t before_us, Diag *diag)
{
    Erasure erasure = {before_us};
    return has_expired(store, before_us) ? meta_commit(store, build_erasure, &erasure, diag) : OK;
}

static int64_t keep_us(MetaStore *store)
{
    enum { DEFAULT_KEEP_S = 86400 };
    int64_t seconds = DEFAULT_KEEP_S;
    CatalogSnapshot *catalog = meta_snapshot(store);
    StrView text = catalog_setting(catalog, "config.catalog_trash_expire_second");
    if (text.data != NULL && (!int64_parse(text, &seconds) || seconds < 0))
        seconds = DEFAULT_KEEP_S;
    catalog_unref(catalog);
    return seconds * 1000000;
}

int64_t recycle_job(void *opaque, const _Atomic bool *stopping)
{
    enum { PAUSE_US = 5000000 };
    MetaStore *store = opaque;
    Diag diag = {0};
    (void)stopping;
    if (recycle_erase(store, env_wall_us(meta_environment(store)) - keep_us(store), &diag) != OK)
        LOG_WARN("recycle", "expired objects could not be erased: %s", diag.message);
    if (temporary_tables_drop(store, NULL, &diag) != OK)
        LOG_WARN("recycle", "temporary tables of earlier sessions could not be dropped: %s", diag.message);
    return PAUSE_US;
}
