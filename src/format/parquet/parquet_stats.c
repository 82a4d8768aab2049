#include "format/parquet/parquet_int.h"

/* Bounds of a column in a row group, from the footer's statistics. Whatever is not certain gives none. */

#include <math.h>

#include "format/parquet/parquet_leaf.h"
#include "types/datetime.h"

/* Older statistics compare bytes and unsigned numbers in an order of their own. */
static bool has_usable_order(const ParquetNode *leaf, const ParquetStatistics *statistics)
{
    bool is_bytes = leaf->physical == PARQUET_BYTE_ARRAY || leaf->physical == PARQUET_FIXED;
    if (statistics->has_old_bounds && (is_bytes || leaf->meaning == MEANS_UNSIGNED))
        return false;
    switch ((ParquetConvert)leaf->convert) {
    case CONVERT_INT96:
    case CONVERT_UUID:
    case CONVERT_JSON:
    case CONVERT_FLOAT16:
    case CONVERT_FIXED_STRING:
        return false;
    case CONVERT_STRING:
        return leaf->value_type.kind == TYPE_VARCHAR;
    default:
        return true;
    }
}

/* A bound of fixed width, as the datum that one value of a vector is. */
static bool convert_bound(const ParquetFile *file, const ParquetNode *leaf, StrView bytes, Datum *out)
{
    union {
        uint8_t u8;
        int32_t i32;
        int64_t i64;
        Int128 i128;
        float f32;
        double f64;
    } value = {0};
    char padded[64] = {0};
    uint32_t width = leaf->physical == PARQUET_BOOLEAN ? 1 : parquet_raw_width(leaf);
    if (width > 0 ? bytes.length != width || width > 16 : bytes.length > 16)
        return false;
    memcpy(padded, bytes.data, bytes.length);
    Str binary = str_make(padded, bytes.length);
    const void *raw = width > 0 ? (const void *)padded : &binary;
    if (parquet_convert_values(leaf, file->zone, raw, 1, NULL, &value) != NULL)
        return false;
    switch ((PhysKind)leaf->value_type.phys) {
    case PHYS_BOOL:
        *out = datum_i64(value.u8 != 0);
        return true;
    case PHYS_I32:
        *out = datum_i64(value.i32);
        return true;
    case PHYS_I64:
        *out = datum_i64(value.i64);
        return true;
    case PHYS_I128:
        *out = (Datum){.i128 = value.i128};
        return true;
    case PHYS_F32:
        *out = datum_f64((double)value.f32);
        return !isnan(value.f32);
    case PHYS_F64:
        *out = datum_f64(value.f64);
        return !isnan(value.f64);
    default:
        return false;
    }
}

/* A zone may turn the order of instants around by the hours that a clock is set back. */
static void widen_for_zone(const ParquetFile *file, const ParquetNode *leaf, PageStats *out)
{
    if (file->zone == NULL || !leaf->is_instant || leaf->value_type.kind != TYPE_DATETIME)
        return;
    out->min = datum_i64(out->min.i64 - US_PER_DAY);
    out->max = datum_i64(out->max.i64 + US_PER_DAY);
}

static bool read_bounds(const ParquetFile *file, const ParquetNode *leaf, const ParquetStatistics *statistics, PageStats *out)
{
    if (!statistics->has_min || !statistics->has_max || !has_usable_order(leaf, statistics))
        return false;
    if (leaf->convert == CONVERT_STRING) {
        out->min = datum_str(statistics->min);
        out->max = datum_str(statistics->max);
        return statistics->min.length <= VARCHAR_MAX_BYTES && statistics->max.length <= VARCHAR_MAX_BYTES;
    }
    if (!convert_bound(file, leaf, statistics->min, &out->min) || !convert_bound(file, leaf, statistics->max, &out->max))
        return false;
    widen_for_zone(file, leaf, out);
    return datum_compare(leaf->value_type, &out->min, &out->max) <= 0;
}

void parquet_row_group_stats(const ParquetFile *file, uint32_t group, uint32_t column, PageStats *out_stats)
{
    const ParquetNode *node = &file->root.children[column];
    uint64_t rows = file->groups[group].row_count;
    *out_stats = (PageStats){.row_count = (uint32_t)rows, .null_count = UINT32_MAX};
    if (node->child_count > 0 || node->max_rep > 0 || node->type.kind == TYPE_NULL)
        return;
    const ParquetStatistics *statistics = &file->groups[group].columns[node->first_leaf].statistics;
    if (node->max_def == 0)
        out_stats->null_count = 0;
    else if (statistics->has_null_count && statistics->null_count >= 0 && (uint64_t)statistics->null_count <= rows)
        out_stats->null_count = (uint32_t)statistics->null_count;
    out_stats->has_bounds = read_bounds(file, node, statistics, out_stats);
}
