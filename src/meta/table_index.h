#pragma once
/* What a table's indexes and its property bloom_filter_columns ask of the segments that are written. */

#include "meta/catalog.h"
#include "types/filter_spec.h"

/* The filters of the table's columns, in arena. BITMAP indexes are kept as exact as a filter of 0.1 % is. */
uint32_t table_filters(const TableSchema *schema, Arena *arena, SegmentFilterSpec **out_specs);
const char *table_index_property(const TableIndex *index, const char *key); /* NULL: not set */
/* Is the column named by the property bloom_filter_columns? */
bool table_has_bloom_filter(const TableSchema *schema, StrView column);
