#include "meta/table_index.h"

#include <stdlib.h>

enum { DEFAULT_GRAM = 2, MOST_GRAM = 64 };
static const double DEFAULT_FPP = 0.05, BITMAP_FPP = 0.001;

const char *table_index_property(const TableIndex *index, const char *key)
{
    for (uint32_t i = 0; i < index->property_count; i++) {
        if (strview_equal_ci(index->properties[i].key, strview(key)))
            return index->properties[i].value.data;
    }
    return NULL;
}

static double fpp_of(const char *text, double missing)
{
    double fpp = text == NULL ? missing : strtod(text, NULL);
    return fpp > 0.000001 && fpp < 0.5 ? fpp : missing;
}

bool table_has_bloom_filter(const TableSchema *schema, StrView column)
{
    const char *names = table_property(schema, "bloom_filter_columns");
    StrView left = names == NULL ? STR_VIEW("") : strview(names);
    while (left.length > 0) {
        size_t comma = strview_find(left, STR_VIEW(","));
        size_t length = comma == SIZE_MAX ? left.length : comma;
        if (strview_equal_ci(strview_trim(strview_n(left.data, length)), column))
            return true;
        left = strview_n(left.data + MIN(length + 1, left.length), left.length - MIN(length + 1, left.length));
    }
    return false;
}

static SegmentFilterSpec index_filter(const TableIndex *index)
{
    SegmentFilterSpec spec = {.unique_id = index->unique_id, .kind = SEGMENT_FILTER_VALUES, .fpp = BITMAP_FPP};
    if (!strview_is(index->kind, "NGRAMBF"))
        return spec;
    const char *gram = table_index_property(index, "gram_num");
    const char *is_exact = table_index_property(index, "case_sensitive");
    long size = gram == NULL ? DEFAULT_GRAM : strtol(gram, NULL, 10);
    spec.kind = SEGMENT_FILTER_GRAMS;
    spec.gram = (uint8_t)MAX(1, MIN(size, (long)MOST_GRAM));
    spec.ignores_case = is_exact != NULL && strview_equal_ci(strview(is_exact), STR_VIEW("false"));
    spec.fpp = fpp_of(table_index_property(index, "bloom_filter_fpp"), DEFAULT_FPP);
    return spec;
}

uint32_t table_filters(const TableSchema *schema, Arena *arena, SegmentFilterSpec **out)
{
    uint32_t count = 0;
    SegmentFilterSpec *specs = ARENA_NEW_ARRAY(arena, SegmentFilterSpec, schema->column_count + schema->index_count + 1);
    double fpp = fpp_of(table_property(schema, "bloom_filter_fpp"), DEFAULT_FPP);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (table_has_bloom_filter(schema, schema->columns[i].name))
            specs[count++] = (SegmentFilterSpec){.unique_id = schema->columns[i].unique_id, .kind = SEGMENT_FILTER_VALUES, .fpp = fpp};
    }
    for (uint32_t i = 0; i < schema->index_count; i++)
        specs[count++] = index_filter(&schema->indexes[i]);
    *out = specs;
    return count;
}
