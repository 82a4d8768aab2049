#include "main/storage_metrics.h"

/* Counters of the journal, compaction, vacuum and the segment cache in the text form of Prometheus. */

static void put(ByteBuf *out, const char *name, const char *type, const char *help, int64_t value)
{
    bytebuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, (long long)value);
}

void storage_metrics_write(void *context, ByteBuf *out)
{
    const Instance *instance = context;
    CompactorStats compaction;
    SegmentCacheStats cache;
    uint64_t deleted, deleted_bytes;
    compactor_stats(instance->compactor, &compaction);
    segment_cache_stats(instance->segments, &cache);
    vacuum_totals(instance->vacuum, &deleted, &deleted_bytes);
    MetaCounts counts = meta_counts(instance->store);
    put(out, "merak_journal_batches_total", "counter", "puts of journal objects that succeeded", (int64_t)counts.batches);
    put(out, "merak_journal_entries_total", "counter", "entries in them", (int64_t)counts.entries);
    put(out, "merak_compaction_merges_total", "counter", "merges done", (int64_t)compaction.merges);
    put(out, "merak_compaction_failures_total", "counter", "merges that failed", (int64_t)compaction.failures);
    put(out, "merak_compaction_segments_total", "counter", "segments merged", (int64_t)compaction.segments_in);
    put(out, "merak_compaction_rows_total", "counter", "rows written by merges", (int64_t)compaction.rows);
    put(out, "merak_compaction_read_bytes_total", "counter", "bytes of merged segments", (int64_t)compaction.bytes_in);
    put(out, "merak_compaction_written_bytes_total", "counter", "bytes written by merges", (int64_t)compaction.bytes_out);
    put(out, "merak_vacuum_objects_total", "counter", "objects deleted", (int64_t)deleted);
    put(out, "merak_vacuum_bytes_total", "counter", "bytes deleted", (int64_t)deleted_bytes);
    put(out, "merak_segment_cache_segments", "gauge", "open segments", (int64_t)cache.segments);
    put(out, "merak_segment_cache_bytes", "gauge", "memory of open segments", cache.bytes);
    put(out, "merak_segment_cache_hits_total", "counter", "segments found open", (int64_t)cache.hits);
    put(out, "merak_segment_cache_misses_total", "counter", "segments opened", (int64_t)cache.misses);
    put(out, "merak_segment_cache_evictions_total", "counter", "segments closed for room", (int64_t)cache.evictions);
}
