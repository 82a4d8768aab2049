#include "meta/prepared.h"

/* Stored as a list of varints and sized texts; see prepared_encode(). */

#include "meta/encode.h"

PreparedTransaction *prepared_new(void)
{
    PreparedTransaction *prepared = mem_alloc_zero(sizeof(*prepared));
    atomic_init(&prepared->references, 1);
    arena_init(&prepared->arena, NULL);
    return prepared;
}

void prepared_unref(PreparedTransaction *prepared)
{
    if (prepared == NULL || atomic_fetch_sub(&prepared->references, 1) != 1)
        return;
    arena_deinit(&prepared->arena);
    mem_free(prepared);
}

static void encode_flush(ByteBuf *out, const PreparedFlush *flush)
{
    bytebuf_put_varint(out, flush->partition_id);
    bytebuf_put_varint(out, flush->tablet_id);
    encode_view(out, flush->deleted);
    bytebuf_put_u8(out, flush->has_segment);
    if (flush->has_segment)
        encode_segment(out, &flush->segment, NULL);
}

void prepared_encode(const PreparedTransaction *prepared, ByteBuf *out)
{
    bytebuf_put_varint(out, prepared->database_id);
    bytebuf_put_varint(out, prepared->id);
    encode_view(out, prepared->label);
    bytebuf_put_u8(out, prepared->is_multi);
    bytebuf_put_u64(out, (uint64_t)prepared->time_us);
    bytebuf_put_u64(out, (uint64_t)prepared->timeout_us);
    bytebuf_put_varint(out, prepared->total_rows);
    bytebuf_put_varint(out, prepared->loaded_rows);
    bytebuf_put_varint(out, prepared->filtered_rows);
    bytebuf_put_varint(out, prepared->unselected_rows);
    bytebuf_put_varint(out, prepared->bytes);
    bytebuf_put_varint(out, prepared->table_count);
    for (uint32_t t = 0; t < prepared->table_count; t++) {
        bytebuf_put_varint(out, prepared->tables[t].table_id);
        bytebuf_put_varint(out, prepared->tables[t].count);
        for (uint32_t i = 0; i < prepared->tables[t].count; i++)
            encode_flush(out, &prepared->tables[t].flushes[i]);
    }
}

static void decode_flush(ByteReader *reader, Arena *arena, PreparedFlush *out)
{
    out->partition_id = byte_reader_varint(reader);
    out->tablet_id = byte_reader_varint(reader);
    out->deleted = decode_view(reader, arena);
    out->has_segment = byte_reader_u8(reader) != 0;
    if (out->has_segment)
        decode_segment(reader, arena, NULL, &out->segment);
    reader->failed |= out->deleted.length % 16 != 0;
}

/* A count of things of at least one byte each. */
static uint32_t decode_count(ByteReader *reader)
{
    uint64_t count = byte_reader_varint(reader);
    reader->failed |= count > byte_reader_left(reader);
    return reader->failed ? 0 : (uint32_t)count;
}

static void decode_all(ByteReader *reader, PreparedTransaction *p)
{
    p->database_id = byte_reader_varint(reader);
    p->id = byte_reader_varint(reader);
    p->label = decode_view(reader, &p->arena);
    p->is_multi = byte_reader_u8(reader) != 0;
    p->time_us = (int64_t)byte_reader_u64(reader);
    p->timeout_us = (int64_t)byte_reader_u64(reader);
    p->total_rows = byte_reader_varint(reader);
    p->loaded_rows = byte_reader_varint(reader);
    p->filtered_rows = byte_reader_varint(reader);
    p->unselected_rows = byte_reader_varint(reader);
    p->bytes = byte_reader_varint(reader);
    p->table_count = decode_count(reader);
    p->tables = ARENA_NEW_ARRAY(&p->arena, PreparedTable, p->table_count + 1);
    for (uint32_t t = 0; t < p->table_count && !reader->failed; t++) {
        PreparedTable *table = &p->tables[t];
        table->table_id = byte_reader_varint(reader);
        table->count = decode_count(reader);
        table->flushes = ARENA_NEW_ARRAY(&p->arena, PreparedFlush, table->count + 1);
        for (uint32_t i = 0; i < table->count && !reader->failed; i++)
            decode_flush(reader, &p->arena, &table->flushes[i]);
    }
}

Status prepared_decode(ByteReader *reader, Diag *diag, PreparedTransaction **out)
{
    PreparedTransaction *prepared = prepared_new();
    decode_all(reader, prepared);
    if (reader->failed) {
        prepared_unref(prepared);
        return RAISE(diag, CORRUPT, "a prepared transaction in the metadata journal is damaged");
    }
    *out = prepared;
    return OK;
}
