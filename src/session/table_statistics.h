#pragma once
/* What the planner may know of a column: bounds, NULLs, an estimate of distinct values, from the zone maps of
 * the segments that the statement's snapshot names. Kept for as long as the table's data stays as it is.
 * Thread-safe. */

#include "exec/exec.h"
#include "plan/plan.h"

typedef struct StatisticsCache StatisticsCache;

StatisticsCache *statistics_cache_open(SegmentCache *segments);
void statistics_cache_close(StatisticsCache *cache);
/* False: nothing is known, for instance because a segment can't be read. */
bool statistics_cache_column(StatisticsCache *cache, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out);
