#include "format/parquet/parquet_column_writer.h"

/* Rows of vectors into leaves. Columns outside of groups go in batches; nested ones value by value, each with its levels: the
 * repetition level says in which list a value continues, the definition level how far down something is there. */

#include "types/decimal.h"

enum { WIDE_BYTES = 16 };

typedef struct Batch {
    union {
        int64_t words[CHUNK_ROWS];
        uint8_t bits[CHUNK_ROWS];
        StrView bytes[CHUNK_ROWS];
    };
    char wide[CHUNK_ROWS][WIDE_BYTES];
    uint32_t count;
} Batch;

/* ---- values of one vector, at places ---- */

static int64_t word_at(const VectorView *view, PhysKind phys, uint32_t index)
{
    uint32_t narrow;
    int64_t wide = 0;
    switch (phys) {
    case PHYS_I8:
        return ((const int8_t *)view->data)[index];
    case PHYS_I16:
        return ((const int16_t *)view->data)[index];
    case PHYS_I32:
        return ((const int32_t *)view->data)[index];
    case PHYS_I64:
        return ((const int64_t *)view->data)[index];
    case PHYS_I128:
        return (int64_t)((const Int128 *)view->data)[index];
    case PHYS_F32:
        memcpy(&narrow, (const float *)view->data + index, sizeof(narrow));
        return narrow;
    default:
        memcpy(&wide, (const double *)view->data + index, sizeof(wide));
        return wide;
    }
}

static Int128 wide_at(const VectorView *view, PhysKind phys, uint32_t index)
{
    return phys == PHYS_I128 ? ((const Int128 *)view->data)[index] : (Int128)word_at(view, phys, index);
}

static bool put_wide(Int128 value, char *out)
{
    uint64_t high = __builtin_bswap64((uint64_t)((UInt128)value >> 64)), low = __builtin_bswap64((uint64_t)value);
    memcpy(out, &high, sizeof(high));
    memcpy(out + sizeof(high), &low, sizeof(low));
    return value <= decimal_max(DECIMAL_MAX_PRECISION) && value >= -decimal_max(DECIMAL_MAX_PRECISION);
}

/* The value at index as the next of the batch; false: Parquet has no place for it. */
static bool add_value(const WriteNode *node, const VectorView *view, uint32_t index, Batch *batch)
{
    PhysKind phys = (PhysKind)view->values->type.phys;
    uint32_t at = batch->count++;
    if (node->value_class == VALUE_BITS) {
        batch->bits[at] = ((const uint8_t *)view->data)[index];
    } else if (node->value_class == VALUE_WORD) {
        batch->words[at] = word_at(view, phys, index);
    } else if (node->physical == PARQUET_FIXED) {
        batch->bytes[at] = (StrView){batch->wide[at], WIDE_BYTES};
        return put_wide(wide_at(view, phys, index), batch->wide[at]);
    } else {
        batch->bytes[at] = str_view((const Str *)view->data + index);
    }
    return true;
}

static Status flush(const WriteNode *node, Batch *batch, bool is_right, Diag *diag)
{
    if (!is_right)
        return RAISE(diag, OUT_OF_RANGE, "column %.*s: a LARGEINT of more than 38 digits cannot be written to a Parquet file", SV_ARGS(node->name));
    if (node->value_class == VALUE_BITS)
        parquet_column_bits(node->writer, batch->bits, batch->count);
    else if (node->value_class == VALUE_WORD)
        parquet_column_words(node->writer, batch->words, batch->count);
    else
        parquet_column_bytes(node->writer, batch->bytes, batch->count);
    batch->count = 0;
    return OK;
}

static Status write_flat(const WriteNode *node, const Vector *vector, Rows rows, Batch *batch, Diag *diag)
{
    VectorView view = vector_view(vector);
    ColumnWriter *column = node->writer;
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL, is_right = true;
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = has_nulls && view_is_null(&view, row);
        bytebuf_put_u8(&column->defs, !is_null);
        column->null_count += is_null;
        if (!is_null)
            is_right &= add_value(node, &view, view_index(&view, row), batch);
    }
    column->entries += rows.count;
    return flush(node, batch, is_right, diag);
}

/* ---- nested columns ---- */

typedef struct NestedWrite {
    Batch *batch;
    Diag *diag;
} NestedWrite;

static void write_absent(const WriteNode *node, uint8_t rep, uint8_t def)
{
    if (node->kind == WRITE_LEAF)
        parquet_column_level(node->writer, rep, def);
    for (uint32_t i = 0; i < node->child_count; i++)
        write_absent(&node->children[i], rep, def);
}

static Status write_value(const NestedWrite *write, const WriteNode *node, const Vector *vector, uint32_t row, uint8_t rep, uint8_t def);

static Status write_entries(const NestedWrite *write, const WriteNode *node, const Vector *values, ListEntry entry, uint8_t rep)
{
    if (entry.length == 0)
        write_absent(node, rep, node->max_def);
    for (uint32_t i = 0; i < entry.length; i++) {
        for (uint32_t c = 0; c < node->child_count; c++)
            TRY(write_value(write, &node->children[c], &values->children[c], entry.offset + i, i == 0 ? rep : (uint8_t)(node->max_rep + 1),
                            (uint8_t)(node->max_def + 1)));
    }
    return OK;
}

/* def: of what is around it. */
static Status write_value(const NestedWrite *write, const WriteNode *node, const Vector *vector, uint32_t row, uint8_t rep, uint8_t def)
{
    VectorView view = vector_view(vector);
    uint32_t index = view_index(&view, row);
    if (view_is_null(&view, row)) {
        if (node->is_required)
            return RAISE(write->diag, BAD_VALUE, "a key of a map is NULL, which a Parquet file cannot hold");
        write_absent(node, rep, def);
        return OK;
    }
    if (node->kind == WRITE_LEAF) {
        bool is_right = add_value(node, &view, index, write->batch);
        parquet_column_level(node->writer, rep, node->max_def);
        return flush(node, write->batch, is_right, write->diag);
    }
    if (node->kind != WRITE_STRUCT)
        return write_entries(write, node, view.values, ((const ListEntry *)view.data)[index], rep);
    for (uint32_t c = 0; c < node->child_count; c++)
        TRY(write_value(write, &node->children[c], &view.values->children[c], view.values->first + index, rep, node->max_def));
    return OK;
}

Status parquet_write_vector(const WriteNode *node, const Vector *vector, Rows rows, Diag *diag)
{
    AUTO_BUFFER memory = {0};
    TRY(buffer_alloc(&memory, NULL, sizeof(Batch), diag));
    Batch *batch = (Batch *)memory.data;
    batch->count = 0;
    if (node->kind == WRITE_LEAF)
        return write_flat(node, vector, rows, batch, diag);
    NestedWrite write = {batch, diag};
    for (FOR_ROWS(rows, i, row))
        TRY(write_value(&write, node, vector, row, 0, 0));
    return OK;
}
