#include "meta/restore_live.h"

/* The entry holds the difference between now and then, found under the commit lock; nodes that both share are not looked into.
 * Partitions that differ get new tablets, whose ids the entry itself reserves, so that nothing that is kept in memory for a
 * tablet is taken for another's. */

#include <stdio.h>

#include "base/environment.h"
#include "base/fault.h"
#include "base/strmap.h"
#include "meta/encode.h"
#include "meta/restore.h"
#include "meta/storage_volume.h"
#include "meta/store_int.h"
#include "types/number_text.h"

typedef struct Live {
    const CatalogSnapshot *now, *then;
    const ImageContent *content;
    MetaStore *store;
    Change *change;
    LiveRestoreReport report;
    uint64_t next_id;
    int64_t now_us;
    Arena *arena;
} Live;

/* ---- databases and tables ---- */

/* Temporary tables belong to sessions of now. */
static bool is_of_sessions(const CatalogDatabase *database)
{
    return strview_is(database->name, CATALOG_TEMPORARY_TABLES);
}

static const CatalogTable *table_of(const CatalogSnapshot *catalog, uint64_t id, const CatalogDatabase **out_database)
{
    IdHome home;
    uint32_t at = 0;
    *out_database = id_map_find(catalog->homes, id, &home) ? catalog_database_by_id(catalog, home.database_id) : NULL;
    bool is_there = *out_database != NULL && table_list_find_id(&(*out_database)->tables, home.name, id, &at);
    return is_there ? catalog_table_at(*out_database, at) : NULL;
}

static void put_databases(Live *live)
{
    for (uint32_t d = 0; d < live->then->database_count; d++) {
        const CatalogDatabase *database = live->then->databases[d];
        const CatalogDatabase *now = catalog_database_by_id(live->now, database->id);
        bool is_same = now != NULL && strview_equal(now->name, database->name) && strview_equal(now->comment, database->comment);
        if (!is_same && !is_of_sessions(database))
            change_put_database(live->change, database->id, database->name, database->comment);
    }
}

static void drop_later_tables(Live *live)
{
    for (uint32_t d = 0; d < live->now->database_count; d++) {
        const CatalogDatabase *database = live->now->databases[d], *home;
        if (is_of_sessions(database))
            continue;
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            const CatalogTable *table = catalog_table_at(database, t);
            if (table_of(live->then, table->id, &home) != NULL)
                continue;
            change_drop_table(live->change, table->id);
            live->report.tables_dropped++;
        }
    }
}

static void drop_later_databases(Live *live)
{
    for (uint32_t d = 0; d < live->now->database_count; d++) {
        const CatalogDatabase *database = live->now->databases[d];
        if (is_of_sessions(database) || catalog_database_by_id(live->then, database->id) != NULL)
            continue;
        change_drop_database(live->change, database->id);
        live->report.databases_dropped++;
    }
}

static bool is_same_schema(const TableSchema *a, const TableSchema *b)
{
    AUTO_BYTEBUF left = {0}, right = {0};
    if (a == b)
        return true;
    encode_schema(&left, a);
    encode_schema(&right, b);
    return strview_equal(bytebuf_view(&left), bytebuf_view(&right));
}

static bool is_same_partition(const TableSchema *schema, const CatalogPartition *a, const CatalogPartition *b)
{
    AUTO_BYTEBUF left = {0}, right = {0};
    if (a == b)
        return true;
    encode_partition(&left, schema, a);
    encode_partition(&right, schema, b);
    return strview_equal(bytebuf_view(&left), bytebuf_view(&right));
}

static void put_partition(Live *live, const CatalogTable *table, const CatalogPartition *then, const CatalogPartition *now)
{
    CatalogPartition copy = *then;
    copy.visible_version = MAX(then->visible_version, now == NULL ? 0 : now->visible_version) + 1;
    copy.visible_time_us = live->now_us;
    copy.tablets = ARENA_NEW_ARRAY(live->arena, TabletVersion, then->tablet_count);
    for (uint32_t t = 0; t < then->tablet_count; t++) {
        copy.tablets[t] = then->tablets[t];
        copy.tablets[t].id = live->next_id++;
    }
    change_put_partition(live->change, table->id, table->schema, &copy);
    live->report.partitions_put++;
}

static void put_table(Live *live, const CatalogTable *then)
{
    const CatalogDatabase *home;
    const CatalogTable *now = table_of(live->now, then->id, &home);
    if (now == then)
        return;
    bool has_schema = now != NULL && is_same_schema(then->schema, now->schema);
    uint64_t operations = live->change->bytes.length;
    if (!has_schema || home->id != then->database_id || !strview_equal(now->name, then->name))
        change_put_table(live->change, then->id, then->database_id, then->name, then->schema);
    for (uint32_t p = 0; now != NULL && p < now->partition_count; p++) {
        if (catalog_partition_by_id(then, now->partitions[p]->id) == NULL)
            change_drop_partition(live->change, then->id, now->partitions[p]->id);
    }
    for (uint32_t p = 0; p < then->partition_count; p++) {
        const CatalogPartition *old = now == NULL ? NULL : catalog_partition_by_id(now, then->partitions[p]->id);
        if (old == NULL || !has_schema || !is_same_partition(then->schema, then->partitions[p], old))
            put_partition(live, then, then->partitions[p], old);
    }
    live->report.tables_put += live->change->bytes.length > operations;
}

static void put_tables(Live *live)
{
    for (uint32_t d = 0; d < live->then->database_count; d++) {
        const CatalogDatabase *database = live->then->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database) && !is_of_sessions(database); t++)
            put_table(live, catalog_table_at(database, t));
    }
}

/* ---- records ---- */

static bool is_of_now(const char *module)
{
    static const char *const MODULES[] = {"frontend", "frontend_dropped",     "leader",   "cluster",
                                          "snapshot", "cluster_snapshot_job", "task_run", "storage_volume"};
    for (size_t i = 0; i < COUNT_OF(MODULES); i++) {
        if (strcmp(module, MODULES[i]) == 0)
            return true;
    }
    return false;
}

typedef struct RecordPass {
    Live *live;
    const char *module;
    const CatalogSnapshot *other;
} RecordPass;

static void drop_later_record(void *context, StrView key, StrView value)
{
    RecordPass *pass = context;
    (void)value;
    if (catalog_record(pass->other, pass->module, key).data == NULL)
        change_drop_record(pass->live->change, pass->module, key);
}

static void put_then_record(void *context, StrView key, StrView value)
{
    RecordPass *pass = context;
    StrView now = catalog_record(pass->other, pass->module, key);
    if (now.data == NULL || !strview_equal(now, value))
        change_put_record(pass->live->change, pass->module, key, value);
}

static void put_records(Live *live)
{
    for (uint32_t at = 0;; at++) {
        StrView name = catalog_record_module(live->now, at);
        if (name.data == NULL)
            break;
        RecordPass pass = {live, arena_strndup(live->arena, name.data, name.length), live->then};
        if (!is_of_now(pass.module))
            catalog_each_record(live->now, pass.module, drop_later_record, &pass);
    }
    for (uint32_t at = 0;; at++) {
        StrView name = catalog_record_module(live->then, at);
        if (name.data == NULL)
            break;
        RecordPass pass = {live, arena_strndup(live->arena, name.data, name.length), live->now};
        if (!is_of_now(pass.module))
            catalog_each_record(live->then, pass.module, put_then_record, &pass);
    }
}

typedef struct VolumePass {
    Live *live;
    Diag *diag;
} VolumePass;

/* Volumes that were dropped since come back, for tables lie in them; those of now keep their keys. */
static void put_volume(void *context, uint32_t id)
{
    VolumePass *pass = context;
    StorageVolume then, now;
    CHECK(storage_volume_by_id(pass->live->then, id, pass->live->arena, &then));
    if (!storage_volume_find(pass->live->now, then.name, pass->live->arena, &now))
        change_put_storage_volume(pass->live->change, &then);
    else if (now.id != id && !diag_has_error(pass->diag))
        status_ignore(RAISE(pass->diag, BAD_CONFIG,
                            "storage volume '%.*s' of then was dropped, and another has its name now: drop that one first",
                            SV_ARGS(then.name)));
}

/* ---- settings, labels, prepared transactions ---- */

/* Counters never go back: values that were given out are not given out again. */
static bool is_less(StrView a, StrView b)
{
    int64_t left = 0, right = 0;
    return int64_parse(a, &left) && int64_parse(b, &right) && left < right;
}

static void put_settings(Live *live)
{
    for (uint32_t i = 0; i < live->then->setting_count; i++) {
        const Property *then = &live->then->settings[i];
        StrView now = catalog_setting(live->now, then->key.data);
        bool is_counter = strview_starts_with_ci(then->key, STR_VIEW("auto_increment."));
        bool is_behind = is_counter && now.data != NULL && !is_less(now, then->value);
        if (!is_behind && !strview_is(then->key, "cluster.read_only") && !(now.data != NULL && strview_equal(now, then->value)))
            change_put_setting(live->change, then->key, then->value);
    }
}

/* Loads whose rows are gone may be sent again. */
static void forget_labels(Live *live)
{
    AUTO_ARENA arena;
    LabelEntry *now;
    StrMap there;
    AUTO_BYTEBUF key = {0};
    arena_init(&arena, NULL);
    strmap_init(&there, &arena, false);
    for (uint32_t i = 0; i < live->content->label_count; i++) {
        const LabelEntry *label = &live->content->labels[i];
        const char *text = arena_printf(&arena, "%llu %.*s", (unsigned long long)label->database_id, SV_ARGS(label->label));
        strmap_set(&there, strview(text), live);
    }
    uint32_t count = label_set_list(live->store->labels, live->now->entry_id, &arena, &now);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_clear(&key);
        bytebuf_printf(&key, "%llu %.*s", (unsigned long long)now[i].database_id, SV_ARGS(now[i].label));
        if (strmap_get(&there, bytebuf_view(&key)) != NULL)
            continue;
        change_drop_label(live->change, now[i].database_id, now[i].label);
        live->report.labels_forgotten++;
    }
}

/* Their tablets are others now. */
static void roll_back_prepared(Live *live)
{
    for (uint32_t i = 0; i < live->now->prepared_count; i++)
        change_drop_prepared(live->change, live->now->prepared[i]->database_id, live->now->prepared[i]->label);
}

static Status build(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Live *live = context;
    VolumePass volumes = {live, diag};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    live->arena = &arena;
    live->now = catalog;
    live->change = change;
    live->report = (LiveRestoreReport){.from_entry = live->content->head.entry_id};
    live->next_id = catalog->next_id;
    change->is_whole_state = true;
    FAULT("restore_live.before_commit", diag);
    put_databases(live);
    drop_later_tables(live);
    put_tables(live);
    drop_later_databases(live);
    storage_volume_each(live->then, put_volume, &volumes);
    if (diag_has_error(diag))
        return diag->code;
    put_records(live);
    put_settings(live);
    forget_labels(live);
    roll_back_prepared(live);
    change_reserve_ids(change, live->next_id);
    return OK;
}

Status meta_snapshot_content(MetaStore *store, const SnapshotInfo *info, Diag *diag, ImageContent *content)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF image = {0};
    arena_init(&arena, NULL);
    char *object = arena_strndup(&arena, info->object.data, info->object.length);
    TRY(volume_get(store->journal.volume, object, &image, diag));
    TRY(image_read(bytebuf_view(&image), object, diag, content));
    content->head.entry_id = info->entry_id;
    return OK;
}

Status meta_history_content(MetaStore *store, int64_t time_us, Diag *diag, ImageContent *content)
{
    MetaStore *then;
    TRY(store_open_moment(store, 0, time_us, diag, &then));
    meta_content(then, content);
    content->kept_count = 0; /* those go with the store */
    meta_store_close(then);
    return OK;
}

Status meta_restore_live(MetaStore *store, const ImageContent *then, Diag *diag, LiveRestoreReport *out_report)
{
    Live live = {.then = then->catalog, .content = then, .store = store, .now_us = env_wall_us(meta_environment(store))};
    TRY(meta_commit(store, build, &live, diag));
    *out_report = live.report;
    return OK;
}
