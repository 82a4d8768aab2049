#include "ddl/restore_objects.h"

/* Ids are taken before the commit, which can't take any: as many as the source has tables, partitions and tablets. A table that
 * is replaced keeps its id, and its partitions theirs; tablets are new, so that nothing that is kept in memory for one is
 * taken for another's. */

#include "base/environment.h"
#include "base/fault.h"
#include "ddl/partition_fit.h"

typedef struct Restore {
    MetaStore *store;
    const CatalogDatabase *source;
    const RestoreTarget *target;
    uint64_t from_entry;     /* of the state */
    StrView database, table; /* where it goes */
    bool is_new;
    uint64_t *ids; /* fresh ones */
    uint32_t id_count, next_id;
    Arena arena;
    int64_t now_us;
} Restore;

static bool is_wanted(const Restore *restore, const CatalogTable *table)
{
    bool is_plain = table->schema->kind == TABLE_BASE || table->schema->kind == TABLE_VIEW;
    return restore->target->table.length > 0 ? strview_equal(table->name, restore->target->table) : is_plain;
}

static bool has_partition(const RestoreTarget *target, StrView name)
{
    for (uint32_t i = 0; i < target->partition_count; i++) {
        if (strview_equal_ci(target->partitions[i], name))
            return true;
    }
    return target->partition_count == 0;
}

static uint64_t take_id(Restore *restore)
{
    CHECK(restore->next_id < restore->id_count);
    return restore->ids[restore->next_id++];
}

static Status take_ids(Restore *restore, Diag *diag)
{
    uint64_t count = 1;
    for (uint32_t t = 0; t < catalog_table_count(restore->source); t++) {
        const CatalogTable *table = catalog_table_at(restore->source, t);
        count += 1 + table->partition_count;
        for (uint32_t p = 0; p < table->partition_count; p++)
            count += table->partitions[p]->tablet_count;
    }
    restore->ids = ARENA_NEW_ARRAY(&restore->arena, uint64_t, count);
    restore->id_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        restore->ids[i] = meta_new_id(restore->store);
        if (restore->ids[i] == 0)
            return RAISE(diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    }
    return OK;
}

static bool has_partition_id(const CatalogTable *table, uint64_t id)
{
    return table != NULL && catalog_partition_by_id(table, id) != NULL;
}

/* The partition as it was, under an id that nothing else has. old: the table that it comes into, or NULL. */
static void put_partition(Restore *restore, Change *change, uint64_t table_id, const CatalogTable *from, const CatalogPartition *partition,
                          const CatalogTable *old)
{
    CatalogPartition copy = *partition;
    const CatalogPartition *replaced = old == NULL ? NULL : catalog_partition(old, partition->name);
    bool keeps_id = from->id == table_id && (replaced == NULL ? !has_partition_id(old, partition->id) : replaced->id == partition->id);
    copy.id = keeps_id ? partition->id : take_id(restore);
    copy.visible_version = MAX(partition->visible_version, replaced == NULL ? 0 : replaced->visible_version) + 1;
    copy.visible_time_us = restore->now_us;
    copy.tablets = ARENA_NEW_ARRAY(&restore->arena, TabletVersion, partition->tablet_count);
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        copy.tablets[t] = partition->tablets[t];
        copy.tablets[t].id = take_id(restore);
    }
    if (replaced != NULL && replaced->id != copy.id)
        change_drop_partition(change, table_id, replaced->id);
    change_put_partition(change, table_id, from->schema, &copy);
}

static void restore_table(Restore *restore, Change *change, uint64_t database_id, StrView name, const CatalogTable *from, const CatalogTable *old)
{
    uint64_t id = old != NULL ? old->id : take_id(restore);
    change_put_table(change, id, database_id, name, from->schema);
    for (uint32_t p = 0; old != NULL && p < old->partition_count; p++) {
        if (catalog_partition(from, old->partitions[p]->name) == NULL)
            change_drop_partition(change, id, old->partitions[p]->id);
    }
    for (uint32_t p = 0; p < from->partition_count; p++) {
        if (has_partition(restore->target, from->partitions[p]->name))
            put_partition(restore, change, id, from, from->partitions[p], old);
    }
}

static Status check_partitions(const Restore *restore, const CatalogTable *from, Diag *diag)
{
    for (uint32_t i = 0; i < restore->target->partition_count; i++) {
        StrView name = restore->target->partitions[i];
        if (catalog_partition(from, name) == NULL)
            return RAISE(diag, NO_SUCH_PARTITION, "partition '%.*s' was not there in table '%.*s'", SV_ARGS(name), SV_ARGS(from->name));
    }
    return OK;
}

/* Into the table, which has gone on since: its definition stays. */
static Status restore_partitions(Restore *restore, Change *change, const CatalogTable *from, const CatalogTable *old, Diag *diag)
{
    if (old == NULL || old->id != from->id)
        return RAISE(diag, NO_SUCH_TABLE,
                     "partitions can only be restored into the table that they are of, '%.*s.%.*s'; AS gives a new one",
                     SV_ARGS(restore->database), SV_ARGS(restore->table));
    if (!partition_rows_fit(from->schema, old->schema))
        return RAISE(diag, NOT_SUPPORTED,
                     "table '%.*s' was altered so that its partitions of that time do not fit any more: restore them AS a new table",
                     SV_ARGS(from->name));
    for (uint32_t p = 0; p < from->partition_count; p++) {
        const CatalogPartition *partition = from->partitions[p];
        if (!has_partition(restore->target, partition->name))
            continue;
        const CatalogPartition *other = partition_conflict(old, partition);
        if (other != NULL)
            return RAISE(diag, PARTITION_EXISTS,
                         "partition '%.*s' has values of partition '%.*s': drop it first, or restore AS a new table", SV_ARGS(other->name),
                         SV_ARGS(partition->name));
        put_partition(restore, change, old->id, from, partition, old);
    }
    return OK;
}

static Status restore_one(Restore *restore, const CatalogDatabase *database, uint64_t database_id, const CatalogTable *from, Change *change, Diag *diag)
{
    StrView name = restore->table.length > 0 ? restore->table : from->name;
    const CatalogTable *old = database == NULL ? NULL : catalog_table(database, name);
    if (from->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(diag, NOT_SUPPORTED, "'%.*s' is a materialized view: it follows its base tables and is not restored by itself",
                     SV_ARGS(from->name));
    if (old != NULL && restore->is_new)
        return RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(name));
    TRY(check_partitions(restore, from, diag));
    if (restore->target->partition_count > 0 && !restore->is_new)
        return restore_partitions(restore, change, from, old, diag);
    restore_table(restore, change, database_id, name, from, old);
    return OK;
}

/* A database that is replaced holds nothing of the kinds that are restored but what it held then. */
static void drop_later(const Restore *restore, const CatalogDatabase *database, Change *change)
{
    for (uint32_t t = 0; t < catalog_table_count(database); t++) {
        const CatalogTable *table = catalog_table_at(database, t);
        if (is_wanted(restore, table) && catalog_table(restore->source, table->name) == NULL)
            change_drop_table(change, table->id);
    }
}

static Status build_restore(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Restore *restore = context;
    restore->next_id = 0;
    bool is_whole = restore->target->table.length == 0;
    const CatalogDatabase *database = catalog_database(catalog, restore->database);
    if (database == NULL && !is_whole)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(restore->database));
    if (database != NULL && is_whole && restore->is_new)
        return RAISE(diag, DATABASE_EXISTS, "Can't create database '%.*s'; database exists", SV_ARGS(restore->database));
    uint64_t database_id = database != NULL ? database->id : take_id(restore);
    if (database == NULL)
        change_put_database(change, database_id, restore->database, restore->source->comment);
    else if (is_whole)
        drop_later(restore, database, change);
    uint32_t count = 0;
    for (uint32_t t = 0; t < catalog_table_count(restore->source); t++) {
        const CatalogTable *from = catalog_table_at(restore->source, t);
        if (!is_wanted(restore, from))
            continue;
        TRY(restore_one(restore, database, database_id, from, change, diag));
        count++;
    }
    if (count == 0 && !is_whole)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s' in the state of journal entry %llu",
                     SV_ARGS(restore->target->database), SV_ARGS(restore->target->table), (unsigned long long)restore->from_entry);
    return OK;
}

Status ddl_restore_objects(MetaStore *store, const CatalogSnapshot *source, const RestoreTarget *target, Diag *diag)
{
    const CatalogDatabase *database = catalog_database(source, target->database);
    if (database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s' in the state of journal entry %llu", SV_ARGS(target->database),
                     (unsigned long long)source->entry_id);
    Restore restore = {.store = store, .source = database, .target = target, .from_entry = source->entry_id};
    restore.database = target->new_database.length > 0 ? target->new_database : target->database;
    restore.table = target->new_table.length > 0 ? target->new_table : target->table;
    restore.is_new = !strview_equal(restore.database, target->database) || !strview_equal(restore.table, target->table);
    restore.now_us = env_wall_us(meta_environment(store));
    arena_init(&restore.arena, NULL);
    Status status = take_ids(&restore, diag);
    if (status == OK)
        status = meta_commit(store, build_restore, &restore, diag);
    arena_deinit(&restore.arena);
    return status;
}
