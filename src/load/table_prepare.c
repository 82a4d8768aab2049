#include "load/table_loader_int.h"

/* Loaders to prepared tables and back. A prepared table lists the flushes of all lanes in the order of their rows;
 * the keys of a flush are read from its segment again, keys to delete are kept. */

_Static_assert(sizeof(KeyHash) == 16, "stored in prepared transactions as it is");

static PreparedFlush flush_of(uint64_t partition_id, uint64_t tablet_id, const SegmentRef *segment)
{
    PreparedFlush flush = {.partition_id = partition_id, .tablet_id = tablet_id, .has_segment = segment != NULL};
    if (segment != NULL)
        flush.segment = *segment;
    return flush;
}

Status table_loader_prepare(const TableLoader *loader, Arena *arena, Diag *diag, PreparedTable *out)
{
    bool is_keyed = table_keeps_last(loader->table->schema);
    uint32_t room = 1;
    if (loader->options.merge != NULL)
        return RAISE(diag, NOT_SUPPORTED, "a transaction with partial_update or merge_condition can't be prepared, only committed: table '%.*s'",
                     SV_ARGS(loader->table->name));
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next)
        room += is_keyed ? lane->flushes.count : lane->segments.count;
    *out = (PreparedTable){.table_id = loader->table->id, .flushes = ARENA_NEW_ARRAY(arena, PreparedFlush, room)};
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; is_keyed && i < lane->flushes.count; i++) {
            const KeyFlush *from = &lane->flushes.items[i];
            PreparedFlush *flush = &out->flushes[out->count++];
            *flush = flush_of(from->partition_id, from->tablet_id, from->segment);
            flush->deleted = strview_n((const char *)from->deleted, from->deleted_count * sizeof(KeyHash));
        }
        for (uint32_t i = 0; !is_keyed && i < lane->segments.count; i++) {
            const NewSegments *from = &lane->segments.items[i];
            out->flushes[out->count++] = flush_of(from->partition_id, from->tablet_id, from->segments);
        }
    }
    return OK;
}

static Status adopt_flush(LoaderLane *lane, const PreparedFlush *from, Diag *diag)
{
    const TableLoader *loader = lane->loader;
    const SegmentRef *segment = from->has_segment ? &from->segment : NULL;
    NewSegments fresh = {from->partition_id, from->tablet_id, segment, 1};
    if (segment != NULL)
        ARRAY_PUSH(&lane->arena, &lane->segments, fresh);
    if (!table_keeps_last(loader->table->schema))
        return OK;
    KeyFlush flush = {.partition_id = from->partition_id, .tablet_id = from->tablet_id, .segment = segment};
    KeyHash *deleted = ARENA_NEW_ARRAY(&lane->arena, KeyHash, from->deleted.length / sizeof(KeyHash) + 1);
    memcpy(deleted, from->deleted.data, from->deleted.length);
    flush.deleted = deleted;
    flush.deleted_count = (uint32_t)(from->deleted.length / sizeof(KeyHash));
    if (segment != NULL)
        TRY(key_flush_load(loader->options.volume, loader->table->schema, segment, &lane->arena, diag, &flush.keys));
    ARRAY_PUSH(&lane->arena, &lane->flushes, flush);
    return OK;
}

Status table_loader_adopt(TableLoader *loader, const PreparedTable *prepared, Diag *diag)
{
    LoaderLane *lane;
    TRY(table_loader_lane(loader, diag, &lane));
    for (uint32_t i = 0; i < prepared->count; i++)
        TRY(adopt_flush(lane, &prepared->flushes[i], diag));
    return OK;
}
