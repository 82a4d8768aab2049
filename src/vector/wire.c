#include "vector/wire.h"

/* A batch: u32 rows; for each column one byte (has nulls), a null byte a row if so, then fixed widths as
 * packed values, strings as u32 lengths and the bytes of all, nested values one by one as datums. */

#include "types/datum.h"

enum { WIRE_NO_NULLS = 0, WIRE_NULLS = 1 };

#define PACK(T)                                                     \
    for (FOR_ROWS(rows, i, row))                                    \
        ((T *)target)[i] = ((const T *)view->data)[view_index(view, row)];

static void pack_values(const VectorView *view, uint32_t width, Rows rows, void *target)
{
    bool is_plain = view->codes == NULL && !view->is_constant && rows.sel == NULL;
    if (is_plain) {
        memcpy(target, view->data, (size_t)width * rows.count);
        return;
    }
    switch (width) {
    case 1:
        PACK(uint8_t)
        break;
    case 2: {
        typedef uint16_t Unaligned __attribute__((aligned(1)));
        PACK(Unaligned)
        break;
    }
    case 4: {
        typedef uint32_t Unaligned __attribute__((aligned(1)));
        PACK(Unaligned)
        break;
    }
    case 8: {
        typedef uint64_t Unaligned __attribute__((aligned(1)));
        PACK(Unaligned)
        break;
    }
    default: {
        typedef UInt128 Unaligned __attribute__((aligned(1)));
        PACK(Unaligned)
        break;
    }
    }
}

static char *extend(ByteBuf *out, size_t bytes)
{
    bytebuf_reserve(out, bytes);
    char *at = out->data + out->length;
    out->length += bytes;
    out->data[out->length] = '\0';
    return at;
}

static void write_strings(const VectorView *view, bool has_nulls, Rows rows, ByteBuf *out)
{
    const Str *values = view->data;
    size_t total = 0;
    uint32_t *lengths = (uint32_t *)(void *)extend(out, sizeof(uint32_t) * rows.count);
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = has_nulls && view_is_null(view, row);
        uint32_t length = is_null ? 0 : values[view_index(view, row)].length;
        memcpy((char *)lengths + sizeof(uint32_t) * i, &length, sizeof(length));
        total += length;
    }
    char *at = extend(out, total);
    for (FOR_ROWS(rows, i, row)) {
        if (has_nulls && view_is_null(view, row))
            continue;
        const Str *value = &values[view_index(view, row)];
        memcpy(at, str_data(value), value->length);
        at += value->length;
    }
}

static void write_nested(const Vector *column, Rows rows, ByteBuf *out)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (FOR_ROWS(rows, i, row)) {
        Datum value = vector_get(column, row, &arena);
        datum_encode(column->type, &value, out);
        arena_reset(&arena);
    }
}

static void write_column(const Vector *column, Rows rows, ByteBuf *out)
{
    VectorView view = vector_view(column);
    PhysKind phys = (PhysKind)column->type.phys;
    bool has_nulls = vector_has_nulls(column, rows);
    bytebuf_put_u8(out, has_nulls ? WIRE_NULLS : WIRE_NO_NULLS);
    if (has_nulls) {
        uint8_t *nulls = (uint8_t *)extend(out, rows.count);
        for (FOR_ROWS(rows, i, row))
            nulls[i] = view_is_null(&view, row);
    }
    if (phys >= PHYS_LIST)
        write_nested(column, rows, out);
    else if (phys == PHYS_STR)
        write_strings(&view, has_nulls, rows, out);
    else
        pack_values(&view, phys_width(phys), rows, extend(out, (size_t)phys_width(phys) * rows.count));
}

void wire_write(const Vector *const *columns, uint32_t count, Rows rows, ByteBuf *out)
{
    if (rows.count == 0)
        return;
    bytebuf_put_u32(out, rows.count);
    for (uint32_t c = 0; c < count; c++)
        write_column(columns[c], rows, out);
}

uint32_t wire_peek_rows(const ByteReader *reader)
{
    return byte_reader_left(reader) < sizeof(uint32_t) ? 0 : load_u32(reader->cursor);
}

static Status damaged(Diag *diag)
{
    return RAISE(diag, CORRUPT, "a spilled batch of rows is damaged");
}

static Status read_strings(ByteReader *reader, uint32_t rows, Str *out, Diag *diag)
{
    StrView lengths = byte_reader_bytes(reader, sizeof(uint32_t) * (size_t)rows);
    if (reader->failed)
        return damaged(diag);
    for (uint32_t i = 0; i < rows; i++) {
        StrView text = byte_reader_bytes(reader, load_u32(lengths.data + sizeof(uint32_t) * i));
        out[i] = str_make(text.data, text.length);
    }
    return reader->failed ? damaged(diag) : OK;
}

static Status read_nested(ByteReader *reader, uint32_t rows, uint32_t at, Vector *out, Arena *heap, Diag *diag)
{
    for (uint32_t i = 0; i < rows; i++) {
        Datum value;
        TRY(datum_decode(out->type, reader, heap, diag, &value));
        vector_put(out, heap, at + i, &value);
    }
    return reader->failed ? damaged(diag) : OK;
}

static Status read_column(ByteReader *reader, uint32_t rows, uint32_t at, Vector *out, Arena *heap, Diag *diag)
{
    PhysKind phys = (PhysKind)out->type.phys;
    uint8_t form = byte_reader_u8(reader);
    if (form == WIRE_NULLS) {
        StrView nulls = byte_reader_bytes(reader, rows);
        if (reader->failed)
            return damaged(diag);
        memcpy(vector_nulls(out) + at, nulls.data, rows);
    } else if (form != WIRE_NO_NULLS) {
        return damaged(diag);
    } else if (out->nulls != NULL) {
        memset(out->nulls + at, 0, rows);
    }
    if (phys >= PHYS_LIST)
        return read_nested(reader, rows, at, out, heap, diag);
    if (phys == PHYS_STR)
        return read_strings(reader, rows, (Str *)out->data + at, diag);
    size_t width = phys_width(phys);
    StrView values = byte_reader_bytes(reader, width * rows);
    if (reader->failed)
        return damaged(diag);
    memcpy((char *)out->data + width * at, values.data, values.length);
    return OK;
}

Status wire_read(ByteReader *reader, Chunk *out, Arena *heap, Diag *diag)
{
    uint32_t rows = byte_reader_u32(reader);
    if (reader->failed || rows == 0)
        return damaged(diag);
    for (uint32_t c = 0; c < out->column_count; c++) {
        if (rows > out->columns[c].capacity || out->row_count > out->columns[c].capacity - rows)
            return damaged(diag);
        TRY(read_column(reader, rows, out->row_count, &out->columns[c], heap, diag));
    }
    out->row_count += rows;
    return OK;
}
