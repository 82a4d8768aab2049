#include "format/parquet/parquet_thrift.h"

enum { THRIFT_MOST_DEPTH = 64 };

static int64_t read_zigzag(ByteReader *reader)
{
    uint64_t value = byte_reader_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool thrift_next(ByteReader *reader, ThriftField *field)
{
    uint8_t head = byte_reader_u8(reader);
    field->type = head & 15;
    if (reader->failed || field->type == THRIFT_STOP)
        return false;
    field->id = head >> 4 != 0 ? field->id + (head >> 4) : (int32_t)(int16_t)read_zigzag(reader);
    return !reader->failed;
}

int64_t thrift_integer(ByteReader *reader, ThriftField field)
{
    if (field.type == THRIFT_BYTE)
        return (int8_t)byte_reader_u8(reader);
    if (field.type == THRIFT_I16 || field.type == THRIFT_I32 || field.type == THRIFT_I64)
        return read_zigzag(reader);
    reader->failed = true;
    return 0;
}

int32_t thrift_i32(ByteReader *reader, ThriftField field)
{
    int64_t value = thrift_integer(reader, field);
    if (value != (int32_t)value)
        reader->failed = true;
    return (int32_t)value;
}

bool thrift_bool(ByteReader *reader, ThriftField field)
{
    if (field.type != THRIFT_TRUE && field.type != THRIFT_FALSE)
        reader->failed = true;
    return field.type == THRIFT_TRUE;
}

StrView thrift_binary(ByteReader *reader, ThriftField field)
{
    if (field.type != THRIFT_BINARY)
        reader->failed = true;
    return reader->failed ? (StrView){NULL, 0} : byte_reader_sized(reader);
}

StrView thrift_element_binary(ByteReader *reader)
{
    return byte_reader_sized(reader);
}

bool thrift_enter(ByteReader *reader, ThriftField field)
{
    if (field.type != THRIFT_STRUCT)
        reader->failed = true;
    return !reader->failed;
}

static uint32_t read_list_head(ByteReader *reader, uint8_t *out_element)
{
    uint8_t head = byte_reader_u8(reader);
    uint64_t count = head >> 4 == 15 ? byte_reader_varint(reader) : head >> 4;
    *out_element = head & 15;
    if (count > byte_reader_left(reader)) /* every element takes a byte at least */
        reader->failed = true;
    return reader->failed ? 0 : (uint32_t)count;
}

uint32_t thrift_list(ByteReader *reader, ThriftField field, ThriftType element)
{
    uint8_t found = 0;
    if (field.type != THRIFT_LIST)
        reader->failed = true;
    uint32_t count = reader->failed ? 0 : read_list_head(reader, &found);
    if (count > 0 && found != element)
        reader->failed = true;
    return reader->failed ? 0 : count;
}

static void skip_value(ByteReader *reader, uint8_t type, uint32_t depth);

static void skip_map(ByteReader *reader, uint32_t depth)
{
    uint64_t count = byte_reader_varint(reader);
    uint8_t types = count == 0 ? 0 : byte_reader_u8(reader);
    if (count > byte_reader_left(reader))
        reader->failed = true;
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        skip_value(reader, types >> 4, depth);
        skip_value(reader, types & 15, depth);
    }
}

static void skip_list(ByteReader *reader, uint32_t depth)
{
    uint8_t element = 0;
    uint32_t count = read_list_head(reader, &element);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        if (element == THRIFT_TRUE || element == THRIFT_FALSE)
            byte_reader_u8(reader);
        else
            skip_value(reader, element, depth);
    }
}

static void skip_value(ByteReader *reader, uint8_t type, uint32_t depth)
{
    if (depth >= THRIFT_MOST_DEPTH || type == THRIFT_STOP || type > THRIFT_UUID) {
        reader->failed = true;
        return;
    }
    if (type == THRIFT_BYTE) {
        byte_reader_u8(reader);
    } else if (type >= THRIFT_I16 && type <= THRIFT_I64) {
        byte_reader_varint(reader);
    } else if (type == THRIFT_DOUBLE) {
        byte_reader_u64(reader);
    } else if (type == THRIFT_UUID) {
        byte_reader_bytes(reader, 16);
    } else if (type == THRIFT_BINARY) {
        byte_reader_sized(reader);
    } else if (type == THRIFT_MAP) {
        skip_map(reader, depth + 1);
    } else if (type == THRIFT_LIST || type == THRIFT_SET) {
        skip_list(reader, depth + 1);
    } else if (type == THRIFT_STRUCT) {
        for (ThriftField field = {0}; thrift_next(reader, &field);)
            skip_value(reader, field.type, depth + 1);
    } /* the values of booleans are in their types */
}

void thrift_skip(ByteReader *reader, ThriftField field)
{
    skip_value(reader, field.type, 0);
}

static void put_zigzag(ByteBuf *out, int64_t value)
{
    bytebuf_put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_field(ThriftWriter *writer, int32_t id, ThriftType type)
{
    int32_t step = id - writer->last_id;
    if (step > 0 && step < 16) {
        bytebuf_put_u8(writer->out, (uint8_t)(step << 4 | (int32_t)type));
    } else {
        bytebuf_put_u8(writer->out, (uint8_t)type);
        put_zigzag(writer->out, id);
    }
    writer->last_id = id;
}

void thrift_put_i32(ThriftWriter *writer, int32_t id, int32_t value)
{
    put_field(writer, id, THRIFT_I32);
    put_zigzag(writer->out, value);
}

void thrift_put_i64(ThriftWriter *writer, int32_t id, int64_t value)
{
    put_field(writer, id, THRIFT_I64);
    put_zigzag(writer->out, value);
}

void thrift_put_byte(ThriftWriter *writer, int32_t id, int8_t value)
{
    put_field(writer, id, THRIFT_BYTE);
    bytebuf_put_u8(writer->out, (uint8_t)value);
}

void thrift_put_bool(ThriftWriter *writer, int32_t id, bool value)
{
    put_field(writer, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_binary(ThriftWriter *writer, int32_t id, StrView value)
{
    put_field(writer, id, THRIFT_BINARY);
    bytebuf_put_sized(writer->out, value.data, value.length);
}

ThriftWriter thrift_begin(ThriftWriter *writer, int32_t id)
{
    if (id > 0)
        put_field(writer, id, THRIFT_STRUCT);
    return (ThriftWriter){.out = writer->out};
}

void thrift_end(ThriftWriter *writer)
{
    bytebuf_put_u8(writer->out, THRIFT_STOP);
}

void thrift_put_list(ThriftWriter *writer, int32_t id, ThriftType element, uint32_t count)
{
    put_field(writer, id, THRIFT_LIST);
    bytebuf_put_u8(writer->out, (uint8_t)(MIN(count, 15u) << 4 | (uint32_t)element));
    if (count >= 15)
        bytebuf_put_varint(writer->out, count);
}

void thrift_put_element_i32(ThriftWriter *writer, int32_t value)
{
    put_zigzag(writer->out, value);
}

void thrift_put_element_binary(ThriftWriter *writer, StrView value)
{
    bytebuf_put_sized(writer->out, value.data, value.length);
}
