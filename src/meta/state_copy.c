#include "meta/state_copy.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/parallel.h"
#include "base/strmap.h"
#include "meta/storage_volume.h"

enum { PIECE_BYTES = 8 << 20, PATH_BYTES = 256 };

/* ---- what is named, and what is there ---- */

typedef struct NamedObject {
    uint32_t volume_id;
    const char *path;
} NamedObject;

typedef struct Inventory {
    Arena *arena;
    Volume *home;
    StrMap named; /* by volume and path */
    StrMap there;
    ARRAY_OF(NamedObject) objects;
    ARRAY_OF(uint32_t) volumes; /* that were listed */
    uint32_t listing;
    bool skips_unknown;
    Status status;
    Diag *diag;
} Inventory;

static StrView key_of(Arena *arena, uint32_t volume_id, const char *path)
{
    return strview(arena_printf(arena, "%u %s", volume_id, path));
}

static void note_there(void *context, const char *path, uint64_t size)
{
    Inventory *inventory = context;
    (void)size;
    strmap_set(&inventory->there, key_of(inventory->arena, inventory->listing, path), inventory);
}

static Status list_volume(Inventory *inventory, uint32_t id)
{
    Volume *volume;
    for (uint32_t i = 0; i < inventory->volumes.count; i++) {
        if (inventory->volumes.items[i] == id)
            return OK;
    }
    ARRAY_PUSH(inventory->arena, &inventory->volumes, id);
    TRY(volume_by_id(inventory->home, id, inventory->diag, &volume));
    inventory->listing = id;
    return volume->ops->list(volume, "data", note_there, inventory, inventory->diag);
}

static void note_object(Inventory *inventory, uint32_t volume_id, StrView path)
{
    if (path.length == 0 || inventory->status != OK || (volume_id != 0 && inventory->skips_unknown))
        return;
    const char *name = arena_strndup(inventory->arena, path.data, path.length);
    if (strmap_put_if_absent(&inventory->named, key_of(inventory->arena, volume_id, name), inventory) != NULL)
        return;
    ARRAY_PUSH(inventory->arena, &inventory->objects, ((NamedObject){volume_id, name}));
    inventory->status = list_volume(inventory, volume_id);
}

static void note_segment(void *context, const SegmentRef *segment)
{
    note_object(context, segment->volume_id, segment->path);
    if (segment->deletes != NULL)
        note_object(context, segment->volume_id, segment->deletes->path);
}

/* Everything that the catalog names, and what of it the volumes of home list. */
static Status take_inventory(Inventory *inventory, Volume *home, const CatalogSnapshot *catalog, Arena *arena, Diag *diag)
{
    *inventory = (Inventory){.arena = arena, .home = home, .diag = diag, .skips_unknown = home->set == NULL};
    strmap_init(&inventory->named, arena, false);
    strmap_init(&inventory->there, arena, false);
    catalog_each_segment(catalog, note_segment, inventory);
    return inventory->status;
}

/* A listing can be stale: what it leaves out is asked for by name. */
static Status is_there(const Inventory *inventory, const NamedObject *object, bool *out)
{
    Volume *volume;
    VolumeObject *opened;
    Diag trouble = {0};
    *out = strmap_get(&inventory->there, key_of(inventory->arena, object->volume_id, object->path)) != NULL;
    if (*out)
        return OK;
    TRY(volume_by_id(inventory->home, object->volume_id, inventory->diag, &volume));
    Status status = volume_open_object(volume, object->path, &trouble, &opened);
    *out = status == OK;
    if (status == OK)
        volume_close_object(opened);
    return status == OK || status == ERR_NO_SUCH_OBJECT ? OK : diag_raise(inventory->diag, status, "%s", trouble.message);
}

Status meta_find_missing(Volume *home, const CatalogSnapshot *catalog, void (*visit)(void *context, StrView path), void *context,
                         Diag *diag)
{
    AUTO_ARENA arena;
    Inventory inventory;
    arena_init(&arena, NULL);
    TRY(take_inventory(&inventory, home, catalog, &arena, diag));
    for (uint32_t i = 0; i < inventory.objects.count; i++) {
        bool has;
        TRY(is_there(&inventory, &inventory.objects.items[i], &has));
        if (!has)
            visit(context, strview(inventory.objects.items[i].path));
    }
    return OK;
}

/* ---- copying ---- */

typedef struct Copying {
    const StateCopy *copy;
    ARRAY_OF(NamedObject) missing;
    _Atomic uint64_t done, bytes;
} Copying;

static Status copy_pieces(VolumeObject *object, VolumeWriter *writer, Volume *into, Diag *diag)
{
    for (uint64_t at = 0; at < object->size; at += PIECE_BYTES) {
        uint64_t length = MIN((uint64_t)PIECE_BYTES, object->size - at);
        TRY(volume_pin(object, at, length, diag));
        Status status = into->ops->append(writer, object->data + at, length, diag);
        volume_unpin(object, at, length);
        TRY(status);
    }
    return OK;
}

static Status copy_large(VolumeObject *object, Volume *into, const char *path, Diag *diag)
{
    VolumeWriter *writer;
    TRY(into->ops->open_writer(into, path, diag, &writer));
    Status status = copy_pieces(object, writer, into, diag);
    if (status == OK)
        return into->ops->commit(writer, diag);
    into->ops->abort(writer);
    return status;
}

static Status copy_opened(VolumeObject *object, Volume *from, Volume *into, const char *path, Diag *diag)
{
    AUTO_BYTEBUF bytes = {0};
    if (object->size > PIECE_BYTES)
        return copy_large(object, into, path, diag);
    TRY(volume_get(from, path, &bytes, diag));
    return volume_put(into, path, bytebuf_view(&bytes), diag);
}

static Status copy_one(void *context, uint32_t round, Diag *diag)
{
    Copying *copying = context;
    const StateCopy *copy = copying->copy;
    const NamedObject *named = &copying->missing.items[round];
    Volume *from, *into;
    VolumeObject *object;
    Diag trouble = {0};
    if (copy->cancelled != NULL && atomic_load(copy->cancelled))
        return RAISE(diag, CANCELLED, "copying was cancelled");
    FAULT("copy.before_object", diag);
    TRY(volume_by_id(copy->from, named->volume_id, diag, &from));
    TRY(volume_by_id(copy->into, named->volume_id, diag, &into));
    TRY(volume_open_object(from, named->path, diag, &object));
    uint64_t size = object->size;
    Status status = copy_opened(object, from, into, named->path, &trouble);
    volume_close_object(object);
    if (status != OK && status != ERR_OBJECT_EXISTS)
        return diag_raise(diag, status, "%s", trouble.message);
    atomic_fetch_add(&copying->bytes, size);
    uint64_t done = atomic_fetch_add(&copying->done, 1) + 1;
    if (copy->progress != NULL)
        copy->progress(copy->context, done, copying->missing.count);
    return OK;
}

Status meta_copy_objects(const StateCopy *copy, const CatalogSnapshot *catalog, Diag *diag, StateCopyReport *out_report)
{
    AUTO_ARENA arena;
    Inventory inventory;
    Copying copying = {.copy = copy};
    arena_init(&arena, NULL);
    TRY(take_inventory(&inventory, copy->into, catalog, &arena, diag));
    for (uint32_t i = 0; i < inventory.objects.count; i++) {
        bool has;
        TRY(is_there(&inventory, &inventory.objects.items[i], &has));
        if (!has)
            ARRAY_PUSH(&arena, &copying.missing, inventory.objects.items[i]);
    }
    if (copy->progress != NULL)
        copy->progress(copy->context, 0, copying.missing.count);
    TRY(parallel_for(copying.missing.count, copy_one, &copying, diag));
    *out_report = (StateCopyReport){inventory.objects.count, atomic_load(&copying.done), atomic_load(&copying.bytes)};
    return volume_flush(copy->into, diag);
}

/* ---- the state of another place ---- */

Status meta_change_state(CatalogSnapshot **in_out_catalog, const Change *change, Diag *diag)
{
    CatalogSnapshot *next;
    TRY(change_apply(*in_out_catalog, bytebuf_view(&change->bytes), (*in_out_catalog)->entry_id, 0, NULL, diag, &next));
    catalog_unref(*in_out_catalog);
    *in_out_catalog = next;
    return OK;
}

typedef struct Stripping {
    Change *change;
    const char *module;
} Stripping;

static void strip_record(void *context, StrView key, StrView value)
{
    const Stripping *stripping = context;
    (void)value;
    change_drop_record(stripping->change, stripping->module, key);
}

static Status strip(CatalogSnapshot **in_out_catalog, const char *const *modules, size_t count, Diag *diag)
{
    AUTO_CHANGE change = {0};
    for (size_t i = 0; i < count; i++) {
        Stripping stripping = {&change, modules[i]};
        catalog_each_record(*in_out_catalog, modules[i], strip_record, &stripping);
    }
    return meta_change_state(in_out_catalog, &change, diag);
}

Status meta_strip_nodes(CatalogSnapshot **in_out_catalog, Diag *diag)
{
    static const char *const modules[] = {"frontend", "frontend_dropped", "leader"};
    return strip(in_out_catalog, modules, COUNT_OF(modules), diag);
}

Status meta_strip_snapshots(CatalogSnapshot **in_out_catalog, Diag *diag)
{
    static const char *const modules[] = {"snapshot", "cluster_snapshot_job"};
    return strip(in_out_catalog, modules, COUNT_OF(modules), diag);
}

Status meta_move_volume(CatalogSnapshot **in_out_catalog, const VolumeMove *move, Diag *diag)
{
    AUTO_ARENA arena;
    AUTO_CHANGE change = {0};
    StorageVolume volume;
    arena_init(&arena, NULL);
    if (!storage_volume_find(*in_out_catalog, move->name, &arena, &volume))
        return RAISE(diag, BAD_CONFIG, "the cluster has no storage volume '%.*s'", SV_ARGS(move->name));
    bool is_s3 = strview_starts_with_ci(move->location, STR_VIEW("s3://"));
    if (!is_s3 && !strview_starts_with(move->location, STR_VIEW("file:///")))
        return RAISE(diag, BAD_CONFIG, "storage volume '%.*s' can't lie at '%.*s': s3://.. and file:///.. are possible",
                     SV_ARGS(move->name), SV_ARGS(move->location));
    volume.type = move->type.length > 0 ? move->type : is_s3 ? STR_VIEW("S3") : STR_VIEW("LOCAL");
    volume.location = move->location;
    if (move->comment.data != NULL)
        volume.comment = move->comment;
    if (move->property_count > 0) {
        volume.properties = move->properties;
        volume.property_count = move->property_count;
    }
    change_put_storage_volume(&change, &volume);
    return meta_change_state(in_out_catalog, &change, diag);
}
