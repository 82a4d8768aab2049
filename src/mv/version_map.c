#include "mv/version_map.h"

#include <stdio.h>

#include "types/number_text.h"

/* Version 2 has the delete vectors of the segments; a record without any is written as version 1. */
enum { MAP_VERSION = 1, MAP_VERSION_DELETES = 2, MOST_MARKS = 4096 };

static const char *module_of(uint64_t view_id, char buffer[40])
{
    snprintf(buffer, 40, "mv_map.%llu", (unsigned long long)view_id);
    return buffer;
}

static StrView key_of(uint64_t partition_id, char buffer[24])
{
    int length = snprintf(buffer, 24, "%020llu", (unsigned long long)partition_id);
    return strview_n(buffer, (size_t)length);
}

static bool has_deletes(const MvMapEntry *entry)
{
    for (uint32_t t = 0; t < entry->table_count; t++) {
        for (uint32_t s = 0; s < entry->tables[t].count; s++) {
            const MvSource *source = &entry->tables[t].sources[s];
            for (uint32_t m = 0; m < source->mark_count && source->mark_count <= MOST_MARKS; m++) {
                if (source->marks[m].deletes_id != 0)
                    return true;
            }
        }
    }
    return false;
}

static void put_mark(const MvSegmentMark *mark, uint8_t version, ByteBuf *out)
{
    bytebuf_put_varint(out, mark->segment_id);
    bytebuf_put_varint(out, mark->deletes_id);
    if (version < MAP_VERSION_DELETES || mark->deletes_id == 0)
        return;
    bytebuf_put_varint(out, mark->deletes_count);
    bytebuf_put_sized(out, mark->deletes_bytes.data, mark->deletes_bytes.length);
    bytebuf_put_sized(out, mark->deletes_path.data, mark->deletes_path.length);
}

static void put_source(const MvSource *source, uint8_t version, ByteBuf *out)
{
    uint32_t marks = source->mark_count <= MOST_MARKS ? source->mark_count : 0;
    bytebuf_put_varint(out, source->partition_id);
    bytebuf_put_varint(out, source->data_version);
    bytebuf_put_sized(out, source->name.data, source->name.length);
    bytebuf_put_varint(out, marks);
    for (uint32_t m = 0; m < marks; m++)
        put_mark(&source->marks[m], version, out);
}

void mv_map_encode(const MvMapEntry *entry, ByteBuf *out)
{
    uint8_t version = has_deletes(entry) ? MAP_VERSION_DELETES : MAP_VERSION;
    bytebuf_put_u8(out, version);
    bytebuf_put_varint(out, entry->partition_id);
    bytebuf_put_u64(out, (uint64_t)entry->refreshed_us);
    bytebuf_put_varint(out, entry->rows.rows);
    bytebuf_put_u64(out, entry->rows.sums[0]);
    bytebuf_put_u64(out, entry->rows.sums[1]);
    bytebuf_put_varint(out, entry->table_count);
    for (uint32_t t = 0; t < entry->table_count; t++) {
        bytebuf_put_varint(out, entry->tables[t].table_id);
        bytebuf_put_varint(out, entry->tables[t].count);
        for (uint32_t s = 0; s < entry->tables[t].count; s++)
            put_source(&entry->tables[t].sources[s], version, out);
    }
}

/* A count of things that take at least two bytes each. */
static uint32_t read_count(ByteReader *reader)
{
    uint64_t count = byte_reader_varint(reader);
    if (count > byte_reader_left(reader) / 2)
        reader->failed = true;
    return reader->failed ? 0 : (uint32_t)count;
}

static void read_mark(ByteReader *reader, uint8_t version, MvSegmentMark *out)
{
    out->segment_id = byte_reader_varint(reader);
    out->deletes_id = byte_reader_varint(reader);
    if (version < MAP_VERSION_DELETES || out->deletes_id == 0)
        return;
    out->deletes_count = byte_reader_varint(reader);
    out->deletes_bytes = byte_reader_sized(reader);
    out->deletes_path = byte_reader_sized(reader);
}

static void read_table(ByteReader *reader, uint8_t version, Arena *arena, MvSourceTable *out)
{
    out->table_id = byte_reader_varint(reader);
    out->count = read_count(reader);
    out->sources = ARENA_NEW_ARRAY(arena, MvSource, MAX(out->count, 1u));
    for (uint32_t s = 0; s < out->count; s++) {
        out->sources[s].partition_id = byte_reader_varint(reader);
        out->sources[s].data_version = byte_reader_varint(reader);
        out->sources[s].name = byte_reader_sized(reader);
        out->sources[s].mark_count = read_count(reader);
        out->sources[s].marks = ARENA_NEW_ARRAY(arena, MvSegmentMark, MAX(out->sources[s].mark_count, 1u));
        for (uint32_t m = 0; m < out->sources[s].mark_count; m++)
            read_mark(reader, version, &out->sources[s].marks[m]);
    }
}

bool mv_map_parse(StrView bytes, Arena *arena, MvMapEntry *out)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    *out = (MvMapEntry){0};
    uint8_t version = byte_reader_u8(&reader);
    if (version != MAP_VERSION && version != MAP_VERSION_DELETES)
        return false;
    out->partition_id = byte_reader_varint(&reader);
    out->refreshed_us = (int64_t)byte_reader_u64(&reader);
    out->rows.rows = byte_reader_varint(&reader);
    out->rows.sums[0] = byte_reader_u64(&reader);
    out->rows.sums[1] = byte_reader_u64(&reader);
    out->table_count = read_count(&reader);
    out->tables = ARENA_NEW_ARRAY(arena, MvSourceTable, MAX(out->table_count, 1u));
    for (uint32_t t = 0; t < out->table_count && !reader.failed; t++)
        read_table(&reader, version, arena, &out->tables[t]);
    return !reader.failed && byte_reader_left(&reader) == 0;
}

void change_put_mv_map(Change *change, uint64_t view_id, const MvMapEntry *entry)
{
    char module[40], key[24];
    AUTO_BYTEBUF bytes = {0};
    mv_map_encode(entry, &bytes);
    change_put_record(change, module_of(view_id, module), key_of(entry->partition_id, key), bytebuf_view(&bytes));
}

void change_drop_mv_map(Change *change, uint64_t view_id, uint64_t partition_id)
{
    char module[40], key[24];
    change_drop_record(change, module_of(view_id, module), key_of(partition_id, key));
}

typedef struct Clearing {
    Change *change;
    const char *module;
} Clearing;

static void drop_record(void *context, StrView key, StrView value)
{
    const Clearing *clearing = context;
    (void)value;
    change_drop_record(clearing->change, clearing->module, key);
}

void change_clear_mv_map(Change *change, const CatalogSnapshot *snapshot, uint64_t view_id)
{
    char module[40];
    Clearing clearing = {change, module_of(view_id, module)};
    catalog_each_record(snapshot, module, drop_record, &clearing);
}

static void forget_rows(void *context, StrView key, StrView value)
{
    const Clearing *forgetting = context;
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    MvMapEntry entry;
    arena_init(&arena, NULL);
    if (!mv_map_parse(value, &arena, &entry))
        return;
    entry.rows.sums[0] = entry.rows.sums[1] = 0;
    mv_map_encode(&entry, &bytes);
    change_put_record(forgetting->change, forgetting->module, key, bytebuf_view(&bytes));
}

void change_forget_mv_rows(Change *change, const CatalogSnapshot *snapshot, uint64_t view_id)
{
    char module[40];
    Clearing forgetting = {change, module_of(view_id, module)};
    catalog_each_record(snapshot, module, forget_rows, &forgetting);
}

bool mv_map_find(const CatalogSnapshot *snapshot, uint64_t view_id, uint64_t partition_id, Arena *arena, MvMapEntry *out)
{
    char module[40], key[24];
    StrView bytes = catalog_record(snapshot, module_of(view_id, module), key_of(partition_id, key));
    return bytes.data != NULL && mv_map_parse(bytes, arena, out);
}

const MvSourceTable *mv_map_table(const MvMapEntry *entry, uint64_t table_id)
{
    for (uint32_t t = 0; t < entry->table_count; t++) {
        if (entry->tables[t].table_id == table_id)
            return &entry->tables[t];
    }
    return NULL;
}
