#include "server/mysql_packet.h"

/* Encoding of packets. Values go through datum_print for text; binary rows follow the column type
 * that was declared in the column definition. */

#include "types/datetime.h"
#include "types/number_text.h"

enum {
    MYSQL_TYPE_TINY = 1,
    MYSQL_TYPE_SHORT = 2,
    MYSQL_TYPE_LONG = 3,
    MYSQL_TYPE_FLOAT = 4,
    MYSQL_TYPE_DOUBLE = 5,
    MYSQL_TYPE_NULL = 6,
    MYSQL_TYPE_TIMESTAMP = 7,
    MYSQL_TYPE_LONGLONG = 8,
    MYSQL_TYPE_DATE = 10,
    MYSQL_TYPE_TIME = 11,
    MYSQL_TYPE_DATETIME = 12,
    MYSQL_TYPE_NEWDECIMAL = 246,
    MYSQL_TYPE_BLOB = 252,
    MYSQL_TYPE_VAR_STRING = 253,
    MYSQL_TYPE_STRING = 254,
};

typedef struct WireType {
    uint8_t type;
    uint16_t charset; /* 33 utf8, 63 binary */
    uint32_t length;
} WireType;

void put_lenenc(ByteBuf *out, uint64_t value)
{
    if (value < 251) {
        bytebuf_put_u8(out, (uint8_t)value);
    } else if (value < 1 << 16) {
        bytebuf_put_u8(out, 0xFC);
        bytebuf_put_u16(out, (uint16_t)value);
    } else if (value < 1 << 24) {
        bytebuf_put_u8(out, 0xFD);
        bytebuf_append(out, &value, 3);
    } else {
        bytebuf_put_u8(out, 0xFE);
        bytebuf_put_u64(out, value);
    }
}

void put_lenenc_string(ByteBuf *out, StrView text)
{
    put_lenenc(out, text.length);
    bytebuf_append_view(out, text);
}

uint64_t read_lenenc(ByteReader *reader)
{
    uint8_t first = byte_reader_u8(reader);
    if (first < 0xFB)
        return first;
    if (first == 0xFC)
        return byte_reader_u16(reader);
    if (first == 0xFD) {
        uint64_t low = byte_reader_u16(reader);
        return low | (uint64_t)byte_reader_u8(reader) << 16;
    }
    if (first == 0xFE)
        return byte_reader_u64(reader);
    reader->failed = true;
    return 0;
}

StrView read_lenenc_string(ByteReader *reader)
{
    uint64_t length = read_lenenc(reader);
    return byte_reader_bytes(reader, length);
}

StrView read_nul_string(ByteReader *reader)
{
    size_t left = byte_reader_left(reader);
    const uint8_t *end = left == 0 ? NULL : memchr(reader->cursor, 0, left);
    if (end == NULL) { /* some clients leave out the last terminator */
        return byte_reader_bytes(reader, left);
    }
    StrView text = byte_reader_bytes(reader, (size_t)(end - reader->cursor));
    (void)byte_reader_u8(reader);
    return text;
}

static uint16_t status_flags(bool has_more)
{
    return (uint16_t)(SERVER_STATUS_AUTOCOMMIT | (has_more ? SERVER_MORE_RESULTS_EXISTS : 0));
}

void mysql_put_ok(ByteBuf *out, uint8_t header, const ResultSummary *summary, uint32_t capabilities)
{
    (void)capabilities;
    bytebuf_put_u8(out, header);
    put_lenenc(out, summary->affected_rows);
    put_lenenc(out, summary->last_insert_id);
    bytebuf_put_u16(out, status_flags(summary->has_more));
    bytebuf_put_u16(out, (uint16_t)MIN(summary->warning_count, 65535u));
    if (summary->info.length > 0)
        put_lenenc_string(out, summary->info);
}

void mysql_put_eof(ByteBuf *out, bool has_more)
{
    bytebuf_put_u8(out, 0xFE);
    bytebuf_put_u16(out, 0);
    bytebuf_put_u16(out, status_flags(has_more));
}

void mysql_put_error(ByteBuf *out, Status code, const char *message)
{
    const ErrorInfo *info = error_info(code);
    bytebuf_put_u8(out, 0xFF);
    bytebuf_put_u16(out, (uint16_t)info->mysql_number);
    bytebuf_append_char(out, '#');
    bytebuf_append(out, info->sqlstate, 5);
    bytebuf_append_text(out, message);
}

static WireType wire_type(Type type)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return (WireType){MYSQL_TYPE_TINY, 63, 1};
    case TYPE_TINYINT:
        return (WireType){MYSQL_TYPE_TINY, 63, 4};
    case TYPE_SMALLINT:
        return (WireType){MYSQL_TYPE_SHORT, 63, 6};
    case TYPE_INT:
        return (WireType){MYSQL_TYPE_LONG, 63, 11};
    case TYPE_BIGINT:
        return (WireType){MYSQL_TYPE_LONGLONG, 63, 20};
    case TYPE_FLOAT:
        return (WireType){MYSQL_TYPE_FLOAT, 63, 12};
    case TYPE_DOUBLE:
        return (WireType){MYSQL_TYPE_DOUBLE, 63, 22};
    case TYPE_DECIMAL:
        return (WireType){MYSQL_TYPE_NEWDECIMAL, 63, type.precision + 2u};
    case TYPE_DATE:
        return (WireType){MYSQL_TYPE_DATE, 63, 10};
    case TYPE_DATETIME:
        return (WireType){MYSQL_TYPE_DATETIME, 63, 26};
    case TYPE_TIME:
        return (WireType){MYSQL_TYPE_TIME, 63, 17};
    case TYPE_VARBINARY:
    case TYPE_BITMAP:
    case TYPE_HLL:
    case TYPE_PERCENTILE:
        return (WireType){MYSQL_TYPE_BLOB, 63, type.length};
    case TYPE_CHAR:
        return (WireType){MYSQL_TYPE_STRING, 33, type.length * 3};
    case TYPE_NULL:
        return (WireType){MYSQL_TYPE_NULL, 63, 0};
    case TYPE_LARGEINT:
    case TYPE_VARCHAR:
    case TYPE_JSON:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
    case TYPE_FUNCTION:
    case TYPE_KIND_COUNT:
        return (WireType){MYSQL_TYPE_VAR_STRING, 33, MIN(type.length, 1u << 24) * 3};
    }
    UNREACHABLE();
}

void mysql_put_column(ByteBuf *out, const ResultColumn *column, bool with_default)
{
    WireType wire = wire_type(column->type);
    uint16_t flags = (uint16_t)((column->is_nullable ? 0 : 1) | (wire.charset == 63 ? 128 : 0));
    put_lenenc_string(out, STR_VIEW("def"));
    put_lenenc_string(out, column->database);
    put_lenenc_string(out, column->table);
    put_lenenc_string(out, column->origin_table);
    put_lenenc_string(out, column->name);
    put_lenenc_string(out, column->origin_column);
    bytebuf_put_u8(out, 0x0C);
    bytebuf_put_u16(out, wire.charset);
    bytebuf_put_u32(out, wire.length == 0 ? 65535 : wire.length);
    bytebuf_put_u8(out, wire.type);
    bytebuf_put_u16(out, flags);
    bytebuf_put_u8(out, column->type.kind == TYPE_DECIMAL ? column->type.scale
                        : type_is_float(column->type)     ? 31
                                                          : 0);
    bytebuf_put_u16(out, 0);
    if (with_default)
        bytebuf_put_u8(out, 0xFB);
}

static Type type_of_wire(uint8_t wire, uint16_t charset, uint32_t length, uint8_t decimals)
{
    switch (wire) {
    case MYSQL_TYPE_TINY:
        return type_of(length == 1 ? TYPE_BOOLEAN : TYPE_TINYINT);
    case MYSQL_TYPE_SHORT:
        return type_of(TYPE_SMALLINT);
    case MYSQL_TYPE_LONG:
        return type_of(TYPE_INT);
    case MYSQL_TYPE_LONGLONG:
        return type_of(TYPE_BIGINT);
    case MYSQL_TYPE_FLOAT:
        return type_of(TYPE_FLOAT);
    case MYSQL_TYPE_DOUBLE:
        return type_of(TYPE_DOUBLE);
    case MYSQL_TYPE_NEWDECIMAL:
        return type_decimal((uint8_t)MIN(MAX(length, 3u) - 2, 76u), decimals);
    case MYSQL_TYPE_DATE:
        return type_of(TYPE_DATE);
    case MYSQL_TYPE_DATETIME:
        return type_of(TYPE_DATETIME);
    default:
        return charset == 63 ? type_of(TYPE_VARBINARY) : type_varchar(0);
    }
}

bool mysql_read_column(ByteReader *reader, ResultColumn *out)
{
    (void)read_lenenc_string(reader); /* "def" */
    *out = (ResultColumn){0};
    out->database = read_lenenc_string(reader);
    out->table = read_lenenc_string(reader);
    out->origin_table = read_lenenc_string(reader);
    out->name = read_lenenc_string(reader);
    out->origin_column = read_lenenc_string(reader);
    (void)byte_reader_u8(reader);
    uint16_t charset = byte_reader_u16(reader);
    uint32_t length = byte_reader_u32(reader);
    uint8_t wire = byte_reader_u8(reader);
    out->is_nullable = (byte_reader_u16(reader) & 1) == 0;
    out->type = type_of_wire(wire, charset, length, byte_reader_u8(reader));
    return !reader->failed;
}

static void put_printed(ByteBuf *out, Type type, const Datum *value)
{
    AUTO_BYTEBUF text = {0};
    datum_print(type, value, &text);
    put_lenenc_string(out, bytebuf_view(&text));
}

/* The client-visible type decides, not the physical one: narrow integers print the same. */
static void put_text_value(ByteBuf *out, const Vector *vector, uint32_t row, Arena *scratch)
{
    Datum value = vector_get(vector, row, scratch);
    bool is_opaque = vector->type.kind == TYPE_BITMAP || vector->type.kind == TYPE_HLL || vector->type.kind == TYPE_PERCENTILE;
    if (value.is_null || is_opaque) { /* these have no text; clients see NULL, as with StarRocks */
        bytebuf_put_u8(out, 0xFB);
        return;
    }
    if (vector->type.phys == PHYS_STR && vector->type.kind != TYPE_DECIMAL) {
        put_lenenc_string(out, str_view(&value.str));
        return;
    }
    put_printed(out, vector->type, &value);
}

void mysql_put_text_row(ByteBuf *out, const Chunk *chunk, uint32_t row, Arena *scratch)
{
    for (uint32_t c = 0; c < chunk->column_count; c++)
        put_text_value(out, &chunk->columns[c], row, scratch);
}

static void put_binary_datetime(ByteBuf *out, Type type, const Datum *value)
{
    CivilTime t = datetime_to_civil(type.kind == TYPE_DATE ? value->i64 * US_PER_DAY : value->i64);
    uint8_t length = type.kind == TYPE_DATE ? 4 : t.microsecond != 0 ? 11 : 7;
    bytebuf_put_u8(out, length);
    bytebuf_put_u16(out, (uint16_t)t.year);
    bytebuf_put_u8(out, (uint8_t)t.month);
    bytebuf_put_u8(out, (uint8_t)t.day);
    if (length == 4)
        return;
    bytebuf_put_u8(out, (uint8_t)t.hour);
    bytebuf_put_u8(out, (uint8_t)t.minute);
    bytebuf_put_u8(out, (uint8_t)t.second);
    if (length == 11)
        bytebuf_put_u32(out, (uint32_t)t.microsecond);
}

static void put_binary_time(ByteBuf *out, const Datum *value)
{
    int64_t us = value->i64 < 0 ? -value->i64 : value->i64;
    bytebuf_put_u8(out, us % US_PER_SECOND != 0 ? 12 : 8);
    bytebuf_put_u8(out, value->i64 < 0);
    bytebuf_put_u32(out, (uint32_t)(us / US_PER_DAY));
    int64_t seconds = us % US_PER_DAY / US_PER_SECOND;
    bytebuf_put_u8(out, (uint8_t)(seconds / 3600));
    bytebuf_put_u8(out, (uint8_t)(seconds / 60 % 60));
    bytebuf_put_u8(out, (uint8_t)(seconds % 60));
    if (us % US_PER_SECOND != 0)
        bytebuf_put_u32(out, (uint32_t)(us % US_PER_SECOND));
}

static void put_binary_value(ByteBuf *out, Type type, const Datum *value)
{
    switch (wire_type(type).type) {
    case MYSQL_TYPE_TINY:
        bytebuf_put_u8(out, (uint8_t)value->i64);
        return;
    case MYSQL_TYPE_SHORT:
        bytebuf_put_u16(out, (uint16_t)value->i64);
        return;
    case MYSQL_TYPE_LONG:
        bytebuf_put_u32(out, (uint32_t)value->i64);
        return;
    case MYSQL_TYPE_LONGLONG:
        bytebuf_put_u64(out, (uint64_t)value->i64);
        return;
    case MYSQL_TYPE_FLOAT: {
        float number = (float)value->f64;
        bytebuf_append(out, &number, sizeof(number));
        return;
    }
    case MYSQL_TYPE_DOUBLE:
        bytebuf_append(out, &value->f64, sizeof(value->f64));
        return;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
        put_binary_datetime(out, type, value);
        return;
    case MYSQL_TYPE_TIME:
        put_binary_time(out, value);
        return;
    default:
        put_printed(out, type, value);
        return;
    }
}

void mysql_put_binary_row(ByteBuf *out, const Chunk *chunk, uint32_t row, Arena *scratch)
{
    bytebuf_put_u8(out, 0);
    size_t bitmap_at = out->length;
    size_t bitmap_bytes = (chunk->column_count + 9) / 8;
    for (size_t i = 0; i < bitmap_bytes; i++)
        bytebuf_put_u8(out, 0);
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        Datum value = vector_get(&chunk->columns[c], row, scratch);
        if (value.is_null)
            out->data[bitmap_at + (c + 2) / 8] |= (char)(1 << ((c + 2) % 8));
        else
            put_binary_value(out, chunk->columns[c].type, &value);
    }
}

static Status read_datetime(ByteReader *reader, bool is_date, Diag *diag, Type *type, Datum *out)
{
    CivilTime t = {.month = 1, .day = 1};
    uint8_t length = byte_reader_u8(reader);
    if (length >= 4) {
        t.year = byte_reader_u16(reader);
        t.month = byte_reader_u8(reader);
        t.day = byte_reader_u8(reader);
    }
    if (length >= 7) {
        t.hour = byte_reader_u8(reader);
        t.minute = byte_reader_u8(reader);
        t.second = byte_reader_u8(reader);
    }
    if (length >= 11)
        t.microsecond = (int32_t)byte_reader_u32(reader);
    if (!civil_is_valid(&t))
        return RAISE(diag, WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE: bad date or time");
    *type = type_of(is_date ? TYPE_DATE : TYPE_DATETIME);
    *out = datum_i64(is_date ? date_from_civil(t.year, t.month, t.day) : datetime_from_civil(&t));
    return OK;
}

static Status read_number(ByteReader *reader, uint8_t wire, bool is_unsigned, Type *type, Datum *out)
{
    int64_t value;
    switch (wire) {
    case MYSQL_TYPE_TINY:
        value = is_unsigned ? byte_reader_u8(reader) : (int8_t)byte_reader_u8(reader);
        break;
    case MYSQL_TYPE_SHORT:
        value = is_unsigned ? byte_reader_u16(reader) : (int16_t)byte_reader_u16(reader);
        break;
    case MYSQL_TYPE_LONG:
        value = byte_reader_u32(reader);
        value = is_unsigned ? value : (int32_t)value;
        break;
    default:
        value = (int64_t)byte_reader_u64(reader);
        break;
    }
    bool is_large = is_unsigned && value < 0;
    *type = type_of(is_large ? TYPE_LARGEINT : TYPE_BIGINT);
    *out = datum_i64(value);
    if (is_large)
        out->i128 = (Int128)(uint64_t)value;
    return OK;
}

static Status read_parameter(ByteReader *reader, uint8_t wire, bool is_unsigned, Arena *arena,
                             Diag *diag, Type *type, Datum *out)
{
    switch (wire) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return read_number(reader, wire, is_unsigned, type, out);
    case MYSQL_TYPE_FLOAT: {
        uint32_t bits = byte_reader_u32(reader);
        float number;
        memcpy(&number, &bits, sizeof(number));
        *type = type_of(TYPE_DOUBLE);
        *out = datum_f64((double)number);
        return OK;
    }
    case MYSQL_TYPE_DOUBLE: {
        uint64_t bits = byte_reader_u64(reader);
        *type = type_of(TYPE_DOUBLE);
        *out = datum_f64(0);
        memcpy(&out->f64, &bits, sizeof(out->f64));
        return OK;
    }
    case MYSQL_TYPE_DATE:
        return read_datetime(reader, true, diag, type, out);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return read_datetime(reader, false, diag, type, out);
    case MYSQL_TYPE_NULL:
        *type = type_of(TYPE_NULL);
        *out = datum_null();
        return OK;
    default: {
        StrView text = read_lenenc_string(reader);
        *type = type_varchar(0);
        *out = datum_str(strview_n(arena_strndup(arena, text.data, text.length), text.length));
        return OK;
    }
    }
}

Status mysql_read_parameters(ByteReader *reader, uint32_t count, ByteBuf *in_out_types, Arena *arena,
                             Diag *diag, Type *out_types, Datum *out_values)
{
    if (count == 0)
        return OK;
    StrView nulls = byte_reader_bytes(reader, (count + 7) / 8);
    if (byte_reader_u8(reader) == 1) {
        StrView types = byte_reader_bytes(reader, (size_t)count * 2);
        bytebuf_clear(in_out_types);
        bytebuf_append_view(in_out_types, types);
    }
    if (reader->failed || in_out_types->length < (size_t)count * 2)
        return RAISE(diag, MALFORMED_PACKET, "Malformed packet: COM_STMT_EXECUTE is cut short");
    for (uint32_t i = 0; i < count; i++) {
        uint8_t wire = (uint8_t)in_out_types->data[i * 2];
        bool is_unsigned = ((uint8_t)in_out_types->data[i * 2 + 1] & 0x80) != 0;
        if (((uint8_t)nulls.data[i / 8] >> (i % 8)) & 1) {
            out_types[i] = type_of(TYPE_NULL);
            out_values[i] = datum_null();
            continue;
        }
        TRY(read_parameter(reader, wire, is_unsigned, arena, diag, &out_types[i], &out_values[i]));
    }
    return reader->failed
               ? RAISE(diag, MALFORMED_PACKET, "Malformed packet: parameter values are cut short")
               : OK;
}
