#include "meta/encode.h"

/* Every record starts with a format version; counts are bounded by what is left in the buffer, so
 * that damaged bytes can't ask for memory. */

/* Definitions of version 1 have no indexes. */
enum { SCHEMA_VERSION = 2, PARTITION_VERSION = 2 };

void encode_view(ByteBuf *out, StrView text)
{
    bytebuf_put_sized(out, text.data, text.length);
}

StrView decode_view(ByteReader *reader, Arena *arena)
{
    StrView text = byte_reader_sized(reader);
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

/* A count of things that take at least one byte each. */
static uint32_t decode_count(ByteReader *reader)
{
    uint64_t count = byte_reader_varint(reader);
    if (count > byte_reader_left(reader))
        reader->failed = true;
    return reader->failed ? 0 : (uint32_t)count;
}

static void encode_numbers(ByteBuf *out, const uint32_t *numbers, uint32_t count)
{
    bytebuf_put_varint(out, count);
    for (uint32_t i = 0; i < count; i++)
        bytebuf_put_varint(out, numbers[i]);
}

static uint32_t *decode_numbers(ByteReader *reader, Arena *arena, uint32_t limit, uint32_t *out_count)
{
    *out_count = decode_count(reader);
    uint32_t *numbers = ARENA_NEW_ARRAY(arena, uint32_t, *out_count);
    for (uint32_t i = 0; i < *out_count; i++) {
        numbers[i] = (uint32_t)byte_reader_varint(reader);
        if (numbers[i] >= limit) {
            reader->failed = true;
            numbers[i] = 0;
        }
    }
    return numbers;
}

static void encode_column(ByteBuf *out, const TableColumn *column)
{
    bytebuf_put_varint(out, column->unique_id);
    encode_view(out, column->name);
    type_encode(column->type, out);
    bytebuf_put_u8(out, (uint8_t)(column->is_nullable | column->is_key << 1 | column->is_auto_increment << 2));
    bytebuf_put_u8(out, column->default_kind);
    encode_view(out, column->default_text);
    encode_view(out, column->aggregate);
    encode_view(out, column->generated);
    encode_view(out, column->comment);
}

static Status decode_column(ByteReader *reader, Arena *arena, Diag *diag, TableColumn *out)
{
    out->unique_id = (uint32_t)byte_reader_varint(reader);
    out->name = decode_view(reader, arena);
    TRY(type_decode(reader, arena, diag, &out->type));
    uint8_t flags = byte_reader_u8(reader);
    out->is_nullable = (flags & 1) != 0;
    out->is_key = (flags & 2) != 0;
    out->is_auto_increment = (flags & 4) != 0;
    out->default_kind = byte_reader_u8(reader);
    out->default_text = decode_view(reader, arena);
    out->aggregate = decode_view(reader, arena);
    if (out->type.kind == TYPE_VARBINARY && strview_ends_with(out->aggregate, STR_VIEW(")")))
        TRY(type_state_parse(out->aggregate, arena, diag, &out->type));
    out->generated = decode_view(reader, arena);
    out->comment = decode_view(reader, arena);
    return OK;
}

static void encode_properties(ByteBuf *out, const Property *properties, uint32_t count)
{
    bytebuf_put_varint(out, count);
    for (uint32_t i = 0; i < count; i++) {
        encode_view(out, properties[i].key);
        encode_view(out, properties[i].value);
    }
}

static void encode_indexes(ByteBuf *out, const TableSchema *s)
{
    bytebuf_put_varint(out, s->index_count);
    for (uint32_t i = 0; i < s->index_count; i++) {
        encode_view(out, s->indexes[i].name);
        encode_view(out, s->indexes[i].kind);
        bytebuf_put_varint(out, s->indexes[i].unique_id);
        encode_view(out, s->indexes[i].comment);
        encode_properties(out, s->indexes[i].properties, s->indexes[i].property_count);
    }
}

static uint32_t decode_properties(ByteReader *reader, Arena *arena, Property **out)
{
    uint32_t count = decode_count(reader);
    *out = ARENA_NEW_ARRAY(arena, Property, count);
    for (uint32_t i = 0; i < count; i++) {
        (*out)[i].key = decode_view(reader, arena);
        (*out)[i].value = decode_view(reader, arena);
    }
    return count;
}

static void decode_indexes(ByteReader *reader, TableSchema *s)
{
    s->index_count = decode_count(reader);
    s->indexes = ARENA_NEW_ARRAY(&s->arena, TableIndex, s->index_count);
    for (uint32_t i = 0; i < s->index_count; i++) {
        s->indexes[i].name = decode_view(reader, &s->arena);
        s->indexes[i].kind = decode_view(reader, &s->arena);
        s->indexes[i].unique_id = (uint32_t)byte_reader_varint(reader);
        s->indexes[i].comment = decode_view(reader, &s->arena);
        s->indexes[i].property_count = decode_properties(reader, &s->arena, &s->indexes[i].properties);
    }
}

void encode_schema(ByteBuf *out, const TableSchema *s)
{
    bytebuf_put_u8(out, (uint8_t)format_version_written(SCHEMA_VERSION));
    bytebuf_put_u8(out, s->kind);
    bytebuf_put_u8(out, s->keys_kind);
    bytebuf_put_varint(out, s->column_count);
    for (uint32_t i = 0; i < s->column_count; i++)
        encode_column(out, &s->columns[i]);
    bytebuf_put_varint(out, s->next_unique_id);
    bytebuf_put_varint(out, s->key_count);
    encode_numbers(out, s->sort_columns, s->sort_count);
    bytebuf_put_u8(out, s->scheme);
    bytebuf_put_varint(out, s->partition_column_count);
    for (uint32_t i = 0; i < s->partition_column_count; i++) {
        type_encode(s->partition_types[i], out);
        encode_view(out, s->partition_exprs[i]);
    }
    bytebuf_put_u8(out, s->is_random);
    encode_numbers(out, s->bucket_columns, s->bucket_column_count);
    bytebuf_put_varint(out, s->buckets);
    encode_view(out, s->comment);
    encode_properties(out, s->properties, s->property_count);
    encode_view(out, s->view_sql);
    encode_view(out, s->view_database);
    encode_indexes(out, s);
}

static Status decode_schema_body(ByteReader *reader, uint8_t version, TableSchema *s, Diag *diag)
{
    Arena *arena = &s->arena;
    s->kind = byte_reader_u8(reader);
    s->keys_kind = byte_reader_u8(reader);
    s->column_count = decode_count(reader);
    s->columns = ARENA_NEW_ARRAY(arena, TableColumn, s->column_count);
    for (uint32_t i = 0; i < s->column_count; i++)
        TRY(decode_column(reader, arena, diag, &s->columns[i]));
    s->next_unique_id = (uint32_t)byte_reader_varint(reader);
    s->key_count = (uint32_t)byte_reader_varint(reader);
    s->sort_columns = decode_numbers(reader, arena, s->column_count, &s->sort_count);
    s->scheme = byte_reader_u8(reader);
    s->partition_column_count = decode_count(reader);
    s->partition_types = ARENA_NEW_ARRAY(arena, Type, s->partition_column_count);
    s->partition_exprs = ARENA_NEW_ARRAY(arena, StrView, s->partition_column_count);
    for (uint32_t i = 0; i < s->partition_column_count; i++) {
        TRY(type_decode(reader, arena, diag, &s->partition_types[i]));
        s->partition_exprs[i] = decode_view(reader, arena);
    }
    s->is_random = byte_reader_u8(reader) != 0;
    s->bucket_columns = decode_numbers(reader, arena, s->column_count, &s->bucket_column_count);
    s->buckets = (uint32_t)byte_reader_varint(reader);
    s->comment = decode_view(reader, arena);
    s->property_count = decode_properties(reader, arena, &s->properties);
    s->view_sql = decode_view(reader, arena);
    s->view_database = decode_view(reader, arena);
    if (version >= SCHEMA_VERSION)
        decode_indexes(reader, s);
    bool is_sane = !reader->failed && s->key_count <= s->column_count && s->scheme <= PARTITION_EXPRESSION;
    return is_sane ? OK : RAISE(diag, CORRUPT, "stored table definition is damaged");
}

Status decode_schema(ByteReader *reader, Diag *diag, TableSchema **out_schema)
{
    uint8_t version = byte_reader_u8(reader);
    if (!reader->failed && version > format_version_readable(SCHEMA_VERSION))
        return RAISE(diag, FORMAT_TOO_NEW, "table definition has format %u, this version reads up to %u", version,
                     format_version_readable(SCHEMA_VERSION));
    TableSchema *schema = mem_alloc_zero(sizeof(*schema));
    atomic_init(&schema->references, 1);
    arena_init(&schema->arena, NULL);
    schema->arena.next_block_bytes = CATALOG_NODE_BYTES;
    Status status = decode_schema_body(reader, version, schema, diag);
    if (status != OK) {
        arena_deinit(&schema->arena);
        mem_free(schema);
        return status;
    }
    *out_schema = schema;
    return OK;
}

/* The path of the object; or, where there is none, a byte that no path begins with and the segment itself; or such a byte alone: it lies
 * in the object of the segment before it; or such a byte, how many overlays there are, these, and then one of the former. */
enum { INLINE_MARK = 1, SAME_OBJECT_MARK = 2, OVERLAID_MARK = 3 };

static void encode_plain_place(ByteBuf *out, const SegmentRef *segment, const SegmentRef *before)
{
    bool may_share = before != NULL && format_level_written() >= FORMAT_LEVEL_INLINE_SEGMENTS;
    if (may_share && segment->path.length > 1 && strview_equal(segment->path, before->path)) {
        bytebuf_put_varint(out, 1);
        bytebuf_put_u8(out, SAME_OBJECT_MARK);
        return;
    }
    if (!segment_is_inline(segment)) {
        encode_view(out, segment->path);
        return;
    }
    bytebuf_put_varint(out, segment->bytes.length + 1);
    bytebuf_put_u8(out, INLINE_MARK);
    bytebuf_append(out, segment->bytes.data, segment->bytes.length);
}

static void encode_place(ByteBuf *out, const SegmentRef *segment, const SegmentRef *before)
{
    AUTO_BYTEBUF place = {0};
    if (segment->overlay_count == 0) {
        encode_plain_place(out, segment, before);
        return;
    }
    bytebuf_put_u8(&place, OVERLAID_MARK);
    bytebuf_put_varint(&place, segment->overlay_count);
    for (uint32_t i = 0; i < segment->overlay_count; i++)
        encode_segment(&place, &segment->overlays[i], NULL);
    encode_plain_place(&place, segment, before);
    bytebuf_put_sized(out, place.data, place.length);
}

static StrView copy_view(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

void encode_segment(ByteBuf *out, const SegmentRef *segment, const SegmentRef *before)
{
    bytebuf_put_varint(out, segment->id);
    bytebuf_put_varint(out, segment->volume_id);
    encode_place(out, segment, before);
    bytebuf_put_varint(out, segment->offset);
    bytebuf_put_varint(out, segment->length);
    bytebuf_put_varint(out, segment->row_count);
    bytebuf_put_varint(out, segment->raw_bytes);
}

static bool decode_body(ByteReader *reader, Arena *arena, const SegmentRef *before, bool is_overlay, SegmentRef *out);

/* place: behind the mark. */
static bool decode_overlays(ByteReader *place, Arena *arena, SegmentRef *out)
{
    uint64_t count = byte_reader_varint(place);
    if (place->failed || count == 0 || count > byte_reader_left(place))
        return false;
    SegmentRef *overlays = ARENA_NEW_ARRAY(arena, SegmentRef, count);
    for (uint64_t i = 0; i < count; i++) {
        if (!decode_body(place, arena, NULL, true, &overlays[i]) || overlays[i].path.length == 0)
            return false;
    }
    out->overlays = overlays;
    out->overlay_count = (uint32_t)count;
    return true;
}

/* Neither an overlay nor what lies behind overlays has any. */
static bool decode_place(ByteReader *reader, Arena *arena, const SegmentRef *before, bool has_overlays, SegmentRef *out)
{
    StrView place = byte_reader_sized(reader);
    out->path = STR_VIEW("");
    if (place.length == 1 && place.data[0] == SAME_OBJECT_MARK) {
        if (before == NULL || before->path.length == 0)
            return false;
        out->path = before->path;
    } else if (place.length > 0 && place.data[0] == INLINE_MARK) {
        out->bytes = copy_view(arena, strview_n(place.data + 1, place.length - 1));
    } else if (place.length > 0 && place.data[0] == OVERLAID_MARK) {
        ByteReader inner = byte_reader(place.data + 1, place.length - 1);
        return !has_overlays && decode_overlays(&inner, arena, out) && decode_place(&inner, arena, before, true, out) &&
               byte_reader_left(&inner) == 0;
    } else {
        out->path = copy_view(arena, place);
    }
    return !reader->failed;
}

static bool decode_body(ByteReader *reader, Arena *arena, const SegmentRef *before, bool is_overlay, SegmentRef *out)
{
    out->id = byte_reader_varint(reader);
    out->volume_id = (uint32_t)byte_reader_varint(reader);
    if (!decode_place(reader, arena, before, is_overlay, out))
        return false;
    out->offset = byte_reader_varint(reader);
    out->length = byte_reader_varint(reader);
    if (segment_is_inline(out) && (out->offset != 0 || out->length != out->bytes.length))
        return false;
    out->row_count = byte_reader_varint(reader);
    out->raw_bytes = byte_reader_varint(reader);
    return !reader->failed;
}

void decode_segment(ByteReader *reader, Arena *arena, const SegmentRef *before, SegmentRef *out)
{
    if (!decode_body(reader, arena, before, false, out))
        reader->failed = true;
}

void encode_deletes(ByteBuf *out, const DeleteVectorRef *deletes)
{
    bytebuf_put_varint(out, deletes->id);
    bytebuf_put_varint(out, deletes->count);
    encode_view(out, deletes->bytes);
    encode_view(out, deletes->path);
}

const DeleteVectorRef *decode_deletes(ByteReader *reader, Arena *arena)
{
    DeleteVectorRef *deletes = ARENA_NEW(arena, DeleteVectorRef);
    deletes->id = byte_reader_varint(reader);
    deletes->count = byte_reader_varint(reader);
    deletes->bytes = decode_view(reader, arena);
    deletes->path = decode_view(reader, arena);
    return deletes;
}

static void encode_bounds(ByteBuf *out, const TableSchema *schema, bool is_set, const Datum *bounds)
{
    bytebuf_put_u8(out, is_set);
    for (uint32_t i = 0; is_set && i < schema->partition_column_count; i++)
        datum_encode(schema->partition_types[i], &bounds[i], out);
}

static Status decode_bounds(ByteReader *reader, const TableSchema *schema, Arena *arena, Diag *diag, bool *out_is_set,
                            Datum **out_bounds)
{
    *out_is_set = byte_reader_u8(reader) != 0;
    *out_bounds = ARENA_NEW_ARRAY(arena, Datum, schema->partition_column_count);
    for (uint32_t i = 0; *out_is_set && i < schema->partition_column_count; i++)
        TRY(datum_decode(schema->partition_types[i], reader, arena, diag, &(*out_bounds)[i]));
    return OK;
}

void encode_partition(ByteBuf *out, const TableSchema *schema, const CatalogPartition *p)
{
    bytebuf_put_u8(out, (uint8_t)format_version_written(PARTITION_VERSION));
    bytebuf_put_varint(out, p->id);
    encode_view(out, p->name);
    encode_bounds(out, schema, p->has_low, p->low);
    encode_bounds(out, schema, p->has_high, p->high);
    bytebuf_put_varint(out, p->value_rows);
    for (uint32_t i = 0; i < p->value_rows * schema->partition_column_count; i++)
        datum_encode(schema->partition_types[i % schema->partition_column_count], &p->values[i], out);
    bytebuf_put_varint(out, p->visible_version);
    bytebuf_put_varint(out, p->data_version);
    bytebuf_put_u64(out, (uint64_t)p->visible_time_us);
    bytebuf_put_varint(out, p->tablet_count);
    const SegmentRef *before = NULL;
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        bytebuf_put_varint(out, p->tablets[t].id);
        bytebuf_put_varint(out, p->tablets[t].bucket);
        bytebuf_put_varint(out, p->tablets[t].segment_count);
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &p->tablets[t].segments[s];
            encode_segment(out, segment, before);
            before = segment;
            bytebuf_put_u8(out, segment->deletes != NULL);
            if (segment->deletes != NULL)
                encode_deletes(out, segment->deletes);
        }
    }
}

static Status decode_tablets(ByteReader *reader, uint8_t version, CatalogPartition *p, Diag *diag)
{
    p->tablet_count = decode_count(reader);
    p->tablets = ARENA_NEW_ARRAY(&p->arena, TabletVersion, p->tablet_count);
    const SegmentRef *before = NULL;
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        TabletVersion *tablet = &p->tablets[t];
        tablet->id = byte_reader_varint(reader);
        tablet->bucket = (uint32_t)byte_reader_varint(reader);
        tablet->segment_count = decode_count(reader);
        SegmentRef *segments = ARENA_NEW_ARRAY(&p->arena, SegmentRef, tablet->segment_count);
        for (uint32_t s = 0; s < tablet->segment_count; s++) {
            decode_segment(reader, &p->arena, before, &segments[s]);
            before = &segments[s];
            if (version >= 2 && byte_reader_u8(reader) != 0)
                segments[s].deletes = decode_deletes(reader, &p->arena);
        }
        tablet->segments = segments;
        tablet->segment_room = tablet->segment_count;
        partition_count_inline(p, segments, tablet->segment_count, 1);
    }
    return reader->failed ? RAISE(diag, CORRUPT, "stored partition is damaged") : OK;
}

static Status decode_partition_body(ByteReader *reader, uint8_t version, const TableSchema *schema, CatalogPartition *p,
                                    Diag *diag)
{
    Arena *arena = &p->arena;
    p->id = byte_reader_varint(reader);
    p->name = decode_view(reader, arena);
    TRY(decode_bounds(reader, schema, arena, diag, &p->has_low, &p->low));
    TRY(decode_bounds(reader, schema, arena, diag, &p->has_high, &p->high));
    p->value_rows = decode_count(reader);
    uint32_t values = p->value_rows * schema->partition_column_count;
    p->values = ARENA_NEW_ARRAY(arena, Datum, values);
    for (uint32_t i = 0; i < values; i++)
        TRY(datum_decode(schema->partition_types[i % schema->partition_column_count], reader, arena, diag,
                         &p->values[i]));
    p->visible_version = byte_reader_varint(reader);
    p->data_version = byte_reader_varint(reader);
    p->visible_time_us = (int64_t)byte_reader_u64(reader);
    return decode_tablets(reader, version, p, diag);
}

Status decode_partition(ByteReader *reader, const TableSchema *schema, Diag *diag, CatalogPartition **out_partition)
{
    uint8_t version = byte_reader_u8(reader);
    if (!reader->failed && version > format_version_readable(PARTITION_VERSION))
        return RAISE(diag, FORMAT_TOO_NEW, "partition record has format %u, this version reads up to %u", version,
                     format_version_readable(PARTITION_VERSION));
    CatalogPartition *partition = mem_alloc_zero(sizeof(*partition));
    atomic_init(&partition->references, 1);
    arena_init(&partition->arena, NULL);
    partition->arena.next_block_bytes = CATALOG_NODE_BYTES;
    Status status = decode_partition_body(reader, version, schema, partition, diag);
    if (status != OK) {
        catalog_partition_unref(partition);
        return status;
    }
    *out_partition = partition;
    return OK;
}
