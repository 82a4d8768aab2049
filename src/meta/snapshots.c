#include "meta/snapshots.h"

/* The catalogs of snapshots are kept in memory once they were needed: for who made one they are nodes that it shares with
 * the published state. After a start they are read when vacuum or a statement first asks. */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/fault.h"
#include "codec/json_text.h"
#include "meta/checkpoint.h"
#include "meta/record_json.h"
#include "meta/snapshots_int.h"
#include "meta/store_int.h"

#define MODULE "snapshot"

typedef struct Pin {
    uint64_t id;
    CatalogSnapshot *catalog;
} Pin;

typedef struct Moment {
    uint64_t entry_id;
    int64_t time_us;
    CatalogSnapshot *catalog;
} Moment;

enum { MOMENTS = 4 };

struct SnapshotPins {
    Mutex lock;
    Pin *pins;
    uint32_t count, room;
    Moment moments[MOMENTS]; /* of history, those asked for last */
    uint32_t next_moment;
};

SnapshotPins *snapshot_pins_open(void)
{
    SnapshotPins *pins = mem_alloc_zero(sizeof(*pins));
    mutex_init(&pins->lock);
    return pins;
}

void snapshot_pins_close(SnapshotPins *pins)
{
    for (uint32_t i = 0; i < pins->count; i++)
        catalog_unref(pins->pins[i].catalog);
    for (uint32_t i = 0; i < MOMENTS; i++)
        catalog_unref(pins->moments[i].catalog);
    mem_free(pins->pins);
    mutex_deinit(&pins->lock);
    mem_free(pins);
}

/* ---- records ---- */

const char *snapshot_scope_name(uint8_t scope)
{
    static const char *const NAMES[] = {"CLUSTER", "DATABASE", "TABLE"};
    return scope < COUNT_OF(NAMES) ? NAMES[scope] : "UNKNOWN";
}

static void put_member(ByteBuf *out, const char *key, StrView value)
{
    bytebuf_printf(out, ",\"%s\":", key);
    json_quote(value, out);
}

static void put_record(Change *change, const SnapshotInfo *info)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_printf(&text, "{\"id\":%" PRIu64 ",\"entry\":%" PRIu64 ",\"time_us\":%" PRId64 ",\"automated\":%s", info->id, info->entry_id,
                   info->time_us, info->is_automated ? "true" : "false");
    put_member(&text, "scope", strview(snapshot_scope_name(info->scope)));
    put_member(&text, "database", info->database);
    put_member(&text, "table", info->table);
    put_member(&text, "object", info->object);
    put_member(&text, "comment", info->comment);
    bytebuf_append_text(&text, "}");
    change_put_record(change, MODULE, info->name, bytebuf_view(&text));
}

static void read_record(StrView name, StrView value, Arena *arena, SnapshotInfo *out)
{
    json_t *object = json_loadb(value.data, value.length, 0, NULL);
    *out = (SnapshotInfo){.name = strview_n(arena_strndup(arena, name.data, name.length), name.length),
                          .id = (uint64_t)json_integer_value(json_object_get(object, "id")),
                          .entry_id = (uint64_t)json_integer_value(json_object_get(object, "entry")),
                          .time_us = json_integer_value(json_object_get(object, "time_us")),
                          .is_automated = json_is_true(json_object_get(object, "automated")),
                          .database = record_text(object, "database", arena),
                          .table = record_text(object, "table", arena),
                          .object = record_text(object, "object", arena),
                          .comment = record_text(object, "comment", arena)};
    StrView scope = record_text(object, "scope", arena);
    for (uint32_t s = SNAPSHOT_CLUSTER; s <= SNAPSHOT_TABLE; s++) {
        if (strview_is(scope, snapshot_scope_name((uint8_t)s)))
            out->scope = (uint8_t)s;
    }
    json_decref(object);
}

typedef struct Listing {
    Arena *arena;
    ARRAY_OF(SnapshotInfo) all;
} Listing;

static void list_record(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    SnapshotInfo info;
    read_record(key, value, listing->arena, &info);
    ARRAY_PUSH(listing->arena, &listing->all, info);
}

uint32_t snapshot_list(const CatalogSnapshot *catalog, Arena *arena, SnapshotInfo **out)
{
    Listing listing = {.arena = arena};
    catalog_each_record(catalog, MODULE, list_record, &listing);
    *out = listing.all.items;
    return listing.all.count;
}

bool snapshot_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, SnapshotInfo *out)
{
    StrView value = catalog_record(catalog, MODULE, name);
    if (value.data == NULL)
        return false;
    read_record(name, value, arena, out);
    return true;
}

/* ---- making ---- */

static CatalogDatabase *copy_database(const CatalogDatabase *from, const CatalogTable *only)
{
    CatalogDatabase *copy = mem_alloc_zero(sizeof(*copy));
    atomic_init(&copy->references, 1);
    arena_init(&copy->arena, NULL);
    copy->id = from->id;
    copy->name = strview_n(arena_strndup(&copy->arena, from->name.data, from->name.length), from->name.length);
    copy->comment = strview_n(arena_strndup(&copy->arena, from->comment.data, from->comment.length), from->comment.length);
    CatalogTable *table = (CatalogTable *)(uintptr_t)only;
    atomic_fetch_add(&table->references, 1);
    table_list_insert(&copy->tables, 0, table);
    return copy;
}

Status snapshot_reduce(const CatalogSnapshot *whole, const SnapshotInfo *info, Diag *diag, CatalogSnapshot **out)
{
    if (info->scope == SNAPSHOT_CLUSTER) {
        *out = catalog_ref((CatalogSnapshot *)(uintptr_t)whole);
        return OK;
    }
    const CatalogDatabase *database = catalog_database(whole, info->database);
    if (database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(info->database));
    const CatalogTable *table = info->scope == SNAPSHOT_TABLE ? catalog_table(database, info->table) : NULL;
    if (info->scope == SNAPSHOT_TABLE && table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(info->database), SV_ARGS(info->table));
    CatalogSnapshot *reduced = catalog_new_empty();
    reduced->entry_id = whole->entry_id;
    reduced->next_id = whole->next_id;
    reduced->databases = ARENA_NEW_ARRAY(&reduced->arena, CatalogDatabase *, 1);
    reduced->database_count = 1;
    if (table != NULL) {
        reduced->databases[0] = copy_database(database, table);
    } else {
        reduced->databases[0] = (CatalogDatabase *)(uintptr_t)database;
        atomic_fetch_add(&reduced->databases[0]->references, 1);
    }
    for (uint32_t t = 0; t < catalog_table_count(reduced->databases[0]); t++) {
        const CatalogTable *held = catalog_table_at(reduced->databases[0], t);
        id_map_put(&reduced->homes, held->id, &(IdHome){held->database_id, held->name});
    }
    *out = reduced;
    return OK;
}

static Status put_object(MetaStore *store, const SnapshotInfo *info, CatalogSnapshot *catalog, Diag *diag)
{
    ImageContent content CLEANUP(image_content_deinit);
    AUTO_BYTEBUF image = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    image_content_init(&content);
    content.catalog = catalog_ref(catalog);
    content.head = (ImageHead){.entry_id = catalog->entry_id, .incarnation = store->journal.incarnation, .next_sequence = 1,
                               .time_us = info->time_us};
    if (info->scope == SNAPSHOT_CLUSTER) {
        content.label_count = label_set_list(store->labels, catalog->entry_id, &content.arena, &content.labels);
        content.kept = store->kept;
        content.kept_count = store->kept_count;
    }
    image_write(&content, &image);
    FAULT("snapshot.before_put", diag);
    return volume_put_if_absent(store->journal.volume, arena_strndup(&arena, info->object.data, info->object.length), bytebuf_view(&image), diag);
}

static void add_pin(SnapshotPins *pins, uint64_t id, CatalogSnapshot *catalog)
{
    if (pins->count == pins->room) {
        pins->room = pins->room * 2 + 8;
        pins->pins = mem_realloc(pins->pins, pins->room * sizeof(*pins->pins));
    }
    pins->pins[pins->count++] = (Pin){id, catalog_ref(catalog)};
}

static Status build_create(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const SnapshotInfo *info = context;
    if (catalog_record(catalog, MODULE, info->name).data != NULL)
        return RAISE(diag, SNAPSHOT_EXISTS, "Snapshot '%.*s' already exists", SV_ARGS(info->name));
    put_record(change, info);
    return OK;
}

/* The reference to the catalog keeps its objects until the pin does. */
static Status create_of(MetaStore *store, SnapshotInfo *info, CatalogSnapshot *whole, Diag *diag)
{
    CatalogSnapshot *catalog = NULL;
    char object[IMAGE_PATH_BYTES];
    TRY(snapshot_reduce(whole, info, diag, &catalog));
    info->id = meta_new_id(store);
    info->entry_id = whole->entry_id;
    info->time_us = env_wall_us(store->journal.volume->environment);
    snprintf(object, sizeof(object), "meta/%" PRIu64 "/snapshot/%" PRIu64 ".image", store->journal.incarnation, info->id);
    info->object = strview(object);
    Status status = put_object(store, info, catalog, diag);
    mutex_lock(&store->pins->lock);
    if (status == OK)
        status = meta_commit(store, build_create, info, diag);
    if (status == OK)
        add_pin(store->pins, info->id, catalog);
    mutex_unlock(&store->pins->lock);
    if (status != OK && status != ERR_OUTCOME_UNKNOWN) {
        Diag unused = {0};
        status_ignore(volume_remove(store->journal.volume, object, &unused)); /* nothing names it */
    }
    info->object = (StrView){0};
    catalog_unref(catalog);
    return status;
}

Status meta_snapshot_create(MetaStore *store, SnapshotInfo *in_out_info, Diag *diag)
{
    CatalogSnapshot *whole = meta_snapshot(store);
    Status status = create_of(store, in_out_info, whole, diag);
    catalog_unref(whole);
    return status;
}

typedef struct Drop {
    StrView name;
    Arena *arena;
    SnapshotInfo info;
} Drop;

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Drop *drop = context;
    if (!snapshot_find(catalog, drop->name, drop->arena, &drop->info))
        return RAISE(diag, NO_SUCH_SNAPSHOT, "Unknown snapshot '%.*s'", SV_ARGS(drop->name));
    change_drop_record(change, MODULE, drop->name);
    return OK;
}

Status meta_snapshot_drop(MetaStore *store, StrView name, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Drop drop = {.name = name, .arena = &arena};
    TRY(meta_commit(store, build_drop, &drop, diag));
    Diag unused = {0};
    char *object = arena_strndup(&arena, drop.info.object.data, drop.info.object.length);
    if (object[0] != '\0') /* one that stays is in nobody's way */
        status_ignore(volume_remove(store->journal.volume, object, &unused));
    return OK;
}

/* ---- reading ---- */

static Status read_object(MetaStore *store, const SnapshotInfo *info, Diag *diag, CatalogSnapshot **out)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF image = {0};
    ImageContent content CLEANUP(image_content_deinit);
    arena_init(&arena, NULL);
    image_content_init(&content);
    char *object = arena_strndup(&arena, info->object.data, info->object.length);
    TRY(volume_get(store->journal.volume, object, &image, diag));
    TRY(image_read(bytebuf_view(&image), object, diag, &content));
    *out = content.catalog;
    content.catalog = NULL;
    return OK;
}

/* Lock held. */
static Status get_pin(MetaStore *store, const SnapshotInfo *info, Diag *diag, CatalogSnapshot **out)
{
    SnapshotPins *pins = store->pins;
    for (uint32_t i = 0; i < pins->count; i++) {
        if (pins->pins[i].id != info->id)
            continue;
        *out = catalog_ref(pins->pins[i].catalog);
        return OK;
    }
    Status status = read_object(store, info, diag, out);
    if (status != OK)
        diag_add_context(diag, "snapshot '%.*s' can't be read", SV_ARGS(info->name));
    else
        add_pin(pins, info->id, *out);
    return status;
}

Status meta_snapshot_open(MetaStore *store, const SnapshotInfo *info, Diag *diag, CatalogSnapshot **out_catalog)
{
    LOCK_GUARD(&store->pins->lock);
    return get_pin(store, info, diag, out_catalog);
}

/* Lock held: lets go of what was dropped. */
static void prune(SnapshotPins *pins, const SnapshotInfo *infos, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t p = 0; p < pins->count; p++) {
        uint32_t i = 0;
        while (i < count && infos[i].id != pins->pins[p].id)
            i++;
        if (i < count)
            pins->pins[kept++] = pins->pins[p];
        else
            catalog_unref(pins->pins[p].catalog);
    }
    pins->count = kept;
}

Status meta_pinned(MetaStore *store, Diag *diag, CatalogSnapshot ***out_catalogs, uint32_t *out_count)
{
    AUTO_ARENA arena;
    SnapshotInfo *infos;
    arena_init(&arena, NULL);
    LOCK_GUARD(&store->pins->lock);
    CatalogSnapshot *now = meta_snapshot(store);
    uint32_t count = snapshot_list(now, &arena, &infos);
    catalog_unref(now);
    prune(store->pins, infos, count);
    CatalogSnapshot **all = mem_alloc((count + 1) * sizeof(*all));
    Status status = OK;
    uint32_t got = 0;
    for (; got < count && status == OK; got += status == OK)
        status = get_pin(store, &infos[got], diag, &all[got]);
    if (status == OK) {
        *out_catalogs = all;
        *out_count = count;
        return OK;
    }
    while (got > 0)
        catalog_unref(all[--got]);
    mem_free(all);
    return status;
}

/* ---- history ---- */

/* In an earlier incarnation, if that was alive then. */
Status store_open_moment(MetaStore *store, uint64_t entry_id, int64_t time_us, Diag *diag, MetaStore **out)
{
    MetaOpen options = {.is_read_only = true, .until_entry = entry_id, .until_time_us = time_us};
    Volume *volume = store->journal.volume;
    TRY(incarnation_of_moment(volume, store->journal.incarnation, entry_id, time_us, diag, &options.incarnation));
    TRY(meta_store_open_as(volume, &options, diag, out));
    uint64_t reached = meta_journal_entries(*out);
    if (entry_id != 0 ? reached == entry_id : reached > 0)
        return OK;
    meta_store_close(*out);
    return RAISE(diag, BAD_VALUE, "nothing is known of that moment: the history of incarnation %" PRIu64 " ends at entry %" PRIu64,
                 options.incarnation, reached);
}

static Status read_history(MetaStore *store, uint64_t entry_id, int64_t time_us, Diag *diag, CatalogSnapshot **out)
{
    MetaStore *then;
    TRY(store_open_moment(store, entry_id, time_us, diag, &then));
    *out = meta_snapshot(then);
    meta_store_close(then);
    return OK;
}

Status meta_history(MetaStore *store, uint64_t entry_id, int64_t time_us, Diag *diag, CatalogSnapshot **out_catalog)
{
    SnapshotPins *pins = store->pins;
    CatalogSnapshot *now = meta_snapshot(store);
    bool is_now = entry_id != 0 ? entry_id == now->entry_id : time_us >= env_wall_us(store->journal.volume->environment);
    uint64_t newest = now->entry_id;
    if (is_now) {
        *out_catalog = now;
        return OK;
    }
    catalog_unref(now);
    if (entry_id > newest)
        return RAISE(diag, BAD_VALUE, "version %" PRIu64 " is in the future: the newest is %" PRIu64, entry_id, newest);
    LOCK_GUARD(&pins->lock);
    for (uint32_t i = 0; i < MOMENTS; i++) {
        if (pins->moments[i].catalog == NULL || pins->moments[i].entry_id != entry_id || pins->moments[i].time_us != time_us)
            continue;
        *out_catalog = catalog_ref(pins->moments[i].catalog);
        return OK;
    }
    TRY(read_history(store, entry_id, time_us, diag, out_catalog));
    Moment *moment = &pins->moments[pins->next_moment++ % MOMENTS];
    catalog_unref(moment->catalog);
    *moment = (Moment){entry_id, time_us, catalog_ref(*out_catalog)};
    return OK;
}
