#include "format/parquet/parquet_int.h"

/* The footer: schema, row groups, and where their columns lie. Fields that are not needed are stepped over. */

#include "format/parquet/parquet_thrift.h"

/* The highest number of a converted type. */
enum { MOST_CONVERTED = 21 };

static uint8_t read_time_unit(ByteReader *reader, ThriftField outer)
{
    uint8_t unit = 0;
    if (!thrift_enter(reader, outer))
        return 0;
    for (ThriftField field = {0}; thrift_next(reader, &field); thrift_skip(reader, field))
        unit = (uint8_t)field.id;
    return unit;
}

static void read_decimal(ByteReader *reader, ThriftField outer, SchemaElement *out)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->scale = thrift_i32(reader, field);
        else if (field.id == 2)
            out->precision = thrift_i32(reader, field);
        else
            thrift_skip(reader, field);
    }
}

static void read_time(ByteReader *reader, ThriftField outer, SchemaElement *out)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->is_instant = thrift_bool(reader, field);
        else if (field.id == 2)
            out->unit = read_time_unit(reader, field);
        else
            thrift_skip(reader, field);
    }
}

static void read_integer(ByteReader *reader, ThriftField outer, SchemaElement *out)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->bit_width = (int32_t)thrift_integer(reader, field);
        else if (field.id == 2)
            out->is_signed = thrift_bool(reader, field);
        else
            thrift_skip(reader, field);
    }
    out->meaning = out->is_signed ? MEANS_SIGNED : MEANS_UNSIGNED;
}

/* A union: one field. */
static void read_logical_type(ByteReader *reader, ThriftField outer, SchemaElement *out)
{
    static const uint8_t meanings[] = {[1] = MEANS_STRING,   [2] = MEANS_MAP,        [3] = MEANS_LIST,    [4] = MEANS_ENUM, [5] = MEANS_DECIMAL,
                                       [6] = MEANS_DATE,     [7] = MEANS_TIME,       [8] = MEANS_TIMESTAMP, [9] = MEANS_UNKNOWN,
                                       [10] = MEANS_SIGNED,  [11] = MEANS_NULL,      [12] = MEANS_JSON,   [13] = MEANS_BSON, [14] = MEANS_UUID,
                                       [15] = MEANS_FLOAT16};
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        out->meaning = field.id > 0 && field.id < (int32_t)COUNT_OF(meanings) ? meanings[field.id] : MEANS_UNKNOWN;
        if (field.id == 5)
            read_decimal(reader, field, out);
        else if (field.id == 7 || field.id == 8)
            read_time(reader, field, out);
        else if (field.id == 10)
            read_integer(reader, field, out);
        else
            thrift_skip(reader, field);
    }
}

static void read_element(ByteReader *reader, SchemaElement *out)
{
    *out = (SchemaElement){.physical = -1, .repetition = PARQUET_REQUIRED, .converted = -1};
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1:
            out->physical = thrift_i32(reader, field);
            break;
        case 2:
            out->fixed_length = thrift_i32(reader, field);
            break;
        case 3:
            out->repetition = thrift_i32(reader, field);
            break;
        case 4:
            out->name = thrift_binary(reader, field);
            break;
        case 5:
            out->child_count = thrift_i32(reader, field);
            break;
        case 6:
            out->converted = thrift_i32(reader, field);
            break;
        case 7:
            out->scale = thrift_i32(reader, field);
            break;
        case 8:
            out->precision = thrift_i32(reader, field);
            break;
        case 10:
            read_logical_type(reader, field, out);
            break;
        default:
            thrift_skip(reader, field);
        }
    }
}

/* Older writers say it so. */
static void use_converted_type(SchemaElement *e)
{
    static const struct {
        uint8_t meaning, unit, bits;
    } converted[MOST_CONVERTED + 1] = {
        {MEANS_STRING, 0, 0},  {MEANS_MAP, 0, 0},       {MEANS_MAP, 0, 0},       {MEANS_LIST, 0, 0},
        {MEANS_ENUM, 0, 0},    {MEANS_DECIMAL, 0, 0},   {MEANS_DATE, 0, 0},      {MEANS_TIME, PARQUET_MILLIS, 0},
        {MEANS_TIME, PARQUET_MICROS, 0}, {MEANS_TIMESTAMP, PARQUET_MILLIS, 0}, {MEANS_TIMESTAMP, PARQUET_MICROS, 0},
        {MEANS_UNSIGNED, 0, 8}, {MEANS_UNSIGNED, 0, 16}, {MEANS_UNSIGNED, 0, 32}, {MEANS_UNSIGNED, 0, 64},
        {MEANS_SIGNED, 0, 8},  {MEANS_SIGNED, 0, 16},   {MEANS_SIGNED, 0, 32},   {MEANS_SIGNED, 0, 64},
        {MEANS_JSON, 0, 0},    {MEANS_BSON, 0, 0},      {MEANS_NOTHING, 0, 0} /* INTERVAL: its bytes */
    };
    if (e->meaning != MEANS_NOTHING || e->converted < 0 || e->converted > MOST_CONVERTED)
        return;
    e->meaning = converted[e->converted].meaning;
    e->unit = converted[e->converted].unit;
    e->bit_width = converted[e->converted].bits;
    e->is_instant = e->meaning == MEANS_TIME || e->meaning == MEANS_TIMESTAMP;
}

static void read_statistics(ByteReader *reader, ThriftField outer, ParquetStatistics *out)
{
    StrView old_min = {NULL, 0}, old_max = {NULL, 0};
    bool has_old_min = false, has_old_max = false;
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1:
            old_max = thrift_binary(reader, field);
            has_old_max = true;
            break;
        case 2:
            old_min = thrift_binary(reader, field);
            has_old_min = true;
            break;
        case 3:
            out->null_count = thrift_integer(reader, field);
            out->has_null_count = true;
            break;
        case 5:
            out->max = thrift_binary(reader, field);
            out->has_max = true;
            break;
        case 6:
            out->min = thrift_binary(reader, field);
            out->has_min = true;
            break;
        default:
            thrift_skip(reader, field);
        }
    }
    if (!out->has_min && !out->has_max && has_old_min && has_old_max) {
        out->has_old_bounds = out->has_min = out->has_max = true;
        out->min = old_min;
        out->max = old_max;
    }
}

typedef struct Offsets {
    int64_t data, dictionary, length;
} Offsets;

static void read_column_meta(ByteReader *reader, ThriftField outer, ColumnChunk *out, Offsets *offsets)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1:
            out->physical = (uint8_t)thrift_i32(reader, field);
            break;
        case 4:
            out->codec = (uint8_t)thrift_i32(reader, field);
            break;
        case 5:
            out->value_count = thrift_integer(reader, field);
            break;
        case 7:
            offsets->length = thrift_integer(reader, field);
            break;
        case 9:
            offsets->data = thrift_integer(reader, field);
            break;
        case 11:
            offsets->dictionary = thrift_integer(reader, field);
            break;
        case 12:
            read_statistics(reader, field, &out->statistics);
            break;
        default:
            thrift_skip(reader, field);
        }
    }
}

static bool read_column(ByteReader *reader, uint64_t file_size, ColumnChunk *out)
{
    Offsets offsets = {-1, 0, -1};
    out->is_here = true;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->is_here = thrift_binary(reader, field).length == 0;
        else if (field.id == 3)
            read_column_meta(reader, field, out, &offsets);
        else
            thrift_skip(reader, field);
    }
    int64_t first = offsets.dictionary > 0 && offsets.dictionary < offsets.data ? offsets.dictionary : offsets.data;
    out->offset = (uint64_t)first;
    out->length = (uint64_t)offsets.length;
    return !reader->failed && first >= 0 && offsets.length >= 0 && out->value_count >= 0 && out->offset <= file_size &&
           out->length <= file_size - out->offset;
}

static Status damaged(const ParquetFile *file, Diag *diag, const char *what)
{
    return RAISE(diag, CORRUPT, "%s is not a Parquet file that can be read: %s", file->source.name, what);
}

static Status read_group(ParquetFile *file, ByteReader *reader, RowGroup *group, Diag *diag)
{
    int64_t rows = -1;
    uint32_t columns = 0;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1) {
            columns = thrift_list(reader, field, THRIFT_STRUCT);
            if (columns != file->leaf_count)
                return damaged(file, diag, "a row group has not as many columns as the schema");
            for (uint32_t i = 0; i < columns; i++) {
                if (!read_column(reader, file->source.size, &group->columns[i]))
                    return damaged(file, diag, "a column lies outside of the file");
                if (group->columns[i].physical != file->leaves[i]->physical)
                    return damaged(file, diag, "a column has not the type of the schema");
            }
        } else if (field.id == 3) {
            rows = thrift_integer(reader, field);
        } else {
            thrift_skip(reader, field);
        }
    }
    if (reader->failed || rows < 0 || rows > INT32_MAX || columns != file->leaf_count)
        return damaged(file, diag, "a row group of the footer is damaged");
    group->row_count = (uint64_t)rows;
    file->row_count += group->row_count;
    return OK;
}

static Status read_groups(ParquetFile *file, ByteReader *reader, ThriftField field, Diag *diag)
{
    uint32_t count = thrift_list(reader, field, THRIFT_STRUCT);
    if (file->leaves == NULL)
        return damaged(file, diag, "the footer has no schema before its row groups");
    /* A column takes a few bytes in the footer at the very least: so the sum is bounded before memory is taken. */
    if ((uint64_t)count * file->leaf_count > byte_reader_left(reader))
        return damaged(file, diag, "the footer is cut short");
    file->groups = ARENA_NEW_ARRAY(&file->arena, RowGroup, count);
    for (uint32_t i = 0; i < count; i++) {
        file->groups[i].columns = ARENA_NEW_ARRAY(&file->arena, ColumnChunk, file->leaf_count);
        TRY(read_group(file, reader, &file->groups[i], diag));
    }
    file->group_count = count;
    return OK;
}

static Status read_schema(ParquetFile *file, ByteReader *reader, ThriftField field, Diag *diag)
{
    uint32_t count = thrift_list(reader, field, THRIFT_STRUCT);
    if (count == 0 || count > PARQUET_MOST_LEAVES || file->leaves != NULL)
        return damaged(file, diag, "the schema of the footer is damaged");
    SchemaElement *elements = ARENA_NEW_ARRAY(&file->arena, SchemaElement, count);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        read_element(reader, &elements[i]);
        use_converted_type(&elements[i]);
    }
    if (reader->failed)
        return damaged(file, diag, "the schema of the footer is damaged");
    return parquet_build_schema(file, elements, count, diag);
}

Status parquet_read_footer(ParquetFile *file, StrView bytes, Diag *diag)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    bool has_groups = false;
    for (ThriftField field = {0}; thrift_next(&reader, &field);) {
        if (field.id == 2) {
            TRY(read_schema(file, &reader, field, diag));
        } else if (field.id == 4) {
            if (has_groups)
                return damaged(file, diag, "the footer is damaged");
            TRY(read_groups(file, &reader, field, diag));
            has_groups = true;
        } else if (field.id == 8) {
            return RAISE(diag, NOT_SUPPORTED, "%s is encrypted, which is not supported", file->source.name);
        } else {
            thrift_skip(&reader, field);
        }
    }
    if (reader.failed || file->leaves == NULL || !has_groups)
        return damaged(file, diag, "the footer is cut short");
    return OK;
}
