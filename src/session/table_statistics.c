#include "session/table_statistics.h"

/* The key of an entry is the table and the column's unique id; it is valid while the fingerprint of the
 * partitions (ids and versions) and of the column's type and default is the same. Of a table with very many segments, those of
 * some partitions are looked at: that tells how many values there are, and proves no bounds. */

#include "base/hash.h"
#include "base/thread.h"
#include "format/segment.h"

enum { SLOTS = 1 << 13, MOST_SEGMENTS = 4096, SAMPLED_PARTITIONS = 512 };

typedef struct StatisticsEntry {
    uint64_t table_id;
    uint32_t unique_id;
    uint64_t fingerprint;
    ColumnStatistics statistics; /* bounds are integers: nothing points anywhere */
} StatisticsEntry;

struct StatisticsCache {
    SegmentCache *segments;
    Mutex lock; /* guards entries */
    StatisticsEntry entries[SLOTS];
};

StatisticsCache *statistics_cache_open(SegmentCache *segments)
{
    StatisticsCache *cache = mem_alloc_zero(sizeof(*cache));
    cache->segments = segments;
    mutex_init(&cache->lock);
    return cache;
}

void statistics_cache_close(StatisticsCache *cache)
{
    if (cache == NULL)
        return;
    mutex_deinit(&cache->lock);
    mem_free(cache);
}

static uint64_t fingerprint_of(const CatalogTable *table, const TableColumn *column)
{
    uint64_t hash = hash_bytes(column->default_text.data, column->default_text.length);
    hash = hash_combine(hash, (uint64_t)column->type.kind << 8 | column->default_kind);
    return hash_combine(hash, table_sums(table).versions);
}

typedef struct Gathering {
    const TableColumn *column;
    bool is_integer;
    bool proves_bounds; /* values are read as they are stored */
    double rows;
    double most_entries; /* of a dictionary */
    bool all_dictionaries;
    Datum missing; /* what segments without the column hold */
    ColumnStatistics *out;
} Gathering;

static void widen(ColumnStatistics *out, const Datum *low, const Datum *high)
{
    if (!out->has_bounds || low->i128 < out->min.i128)
        out->min = *low;
    if (!out->has_bounds || high->i128 > out->max.i128)
        out->max = *high;
    out->has_bounds = true;
}

static void gather_segment(Gathering *g, const Segment *segment)
{
    int position = segment_find_column(segment, g->column->unique_id);
    if (position < 0) {
        g->out->null_count += g->missing.is_null ? segment_row_count(segment) : 0;
        if (!g->missing.is_null && g->is_integer)
            widen(g->out, &g->missing, &g->missing);
        return;
    }
    PageStats stats;
    segment_column_stats(segment, position, &stats);
    g->out->null_count += stats.null_count;
    if (stats.has_bounds && g->is_integer)
        widen(g->out, &stats.min, &stats.max);
    uint32_t entries = segment_dictionary_size(segment, position);
    g->most_entries = MAX(g->most_entries, (double)entries);
    g->all_dictionaries &= entries > 0;
}

static bool gather_partition(StatisticsCache *cache, Gathering *g, const CatalogPartition *partition)
{
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++) {
            Segment *segment;
            Diag diag = {0};
            if (segment_cache_get(cache->segments, &partition->tablets[t].segments[s], &diag, &segment) != OK)
                return false;
            gather_segment(g, segment);
            segment_cache_release(cache->segments, segment);
        }
    }
    return true;
}

static bool gather(StatisticsCache *cache, const CatalogTable *table, const TableColumn *column, ColumnStatistics *out)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    *out = (ColumnStatistics){0};
    Gathering g = {.column = column, .out = out, .rows = (double)table_row_count(table), .missing = datum_null(),
                   .all_dictionaries = true};
    g.is_integer = type_default_phys(column->type) <= PHYS_I128;
    g.proves_bounds = table->schema->keys_kind != KEYS_AGGREGATE || column->is_key;
    g.missing = table_column_missing(column, &arena);
    uint32_t step = table_sums(table).segments > MOST_SEGMENTS ? MAX(table->partition_count / SAMPLED_PARTITIONS, 1u) : 1;
    for (uint32_t p = 0; p < table->partition_count; p += step) { /* those of remote volumes are opened side by side */
        for (uint32_t t = 0; t < table->partitions[p]->tablet_count; t++)
            segment_cache_prepare(cache->segments, table->partitions[p]->tablets[t].segments, table->partitions[p]->tablets[t].segment_count);
    }
    for (uint32_t p = 0; p < table->partition_count; p += step) {
        if (!gather_partition(cache, &g, table->partitions[p]))
            return false;
    }
    out->distinct = g.all_dictionaries && g.most_entries > 0 ? g.most_entries : g.rows / 10;
    if (out->has_bounds)
        out->distinct = MIN(g.rows, (double)((UInt128)out->max.i128 - (UInt128)out->min.i128) + 1);
    out->distinct = MAX(out->distinct, 1.0);
    out->has_bounds &= g.proves_bounds && step == 1;
    out->null_count *= step;
    return true;
}

bool statistics_cache_column(StatisticsCache *cache, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out)
{
    const TableColumn *column = &table->schema->columns[ordinal];
    uint64_t fingerprint = fingerprint_of(table, column);
    StatisticsEntry *entry = &cache->entries[hash_combine(table->id, column->unique_id) % SLOTS];
    mutex_lock(&cache->lock);
    bool is_valid = entry->table_id == table->id && entry->unique_id == column->unique_id && entry->fingerprint == fingerprint;
    if (is_valid)
        *out = entry->statistics;
    mutex_unlock(&cache->lock);
    if (is_valid)
        return true;
    if (!gather(cache, table, column, out))
        return false;
    LOCK_GUARD(&cache->lock);
    *entry = (StatisticsEntry){table->id, column->unique_id, fingerprint, *out};
    return true;
}
