#include "main/storage_metrics.h"

#include "base/format_level.h"
#include "load/table_loader.h"

/* Counters of the journal, compaction, vacuum and the segment cache in the text form of Prometheus. */

#include "volume/s3.h"

static void put(ByteBuf *out, const char *name, const char *type, const char *help, int64_t value)
{
    bytebuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, (long long)value);
}

static void write_batches(const Instance *instance, ByteBuf *out)
{
    static const char name[] = "merak_journal_batch_entries";
    MetaCounts counts = meta_counts(instance->store);
    uint64_t sum = 0;
    put(out, "merak_journal_batches_total", "counter", "puts of journal objects that succeeded", (int64_t)counts.batches);
    put(out, "merak_journal_entries_total", "counter", "entries in them", (int64_t)counts.entries);
    bytebuf_printf(out, "# HELP %s entries that were committed by one put\n# TYPE %s histogram\n", name, name);
    for (uint32_t i = 0; i + 1 < META_BATCH_SIZES; i++) {
        sum += counts.by_size[i];
        bytebuf_printf(out, "%s_bucket{le=\"%u\"} %llu\n", name, meta_batch_sizes[i], (unsigned long long)sum);
    }
    bytebuf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %llu\n%s_count %llu\n", name, (unsigned long long)counts.batches, name,
                   (unsigned long long)counts.entries, name, (unsigned long long)counts.batches);
}

static void write_loads(ByteBuf *out)
{
    TableLoaderCounts counts = table_loader_counts();
    put(out, "merak_load_objects_total", "counter", "objects that loads wrote", (int64_t)counts.objects);
    put(out, "merak_load_inline_total", "counter", "small objects that went into the catalog instead", (int64_t)counts.inlined);
    put(out, "merak_catalog_inline_bytes", "gauge", "memory of segments in the catalog, all versions", (int64_t)catalog_inline_bytes());
}

static void write_cache(const Instance *instance, ByteBuf *out)
{
    BlockCacheStats stats;
    BlockCache *blocks = atomic_load(&instance->blocks);
    if (blocks == NULL)
        return;
    block_cache_stats(blocks, &stats);
    put(out, "merak_datacache_disk_bytes", "gauge", "blocks on local disk", stats.disk_bytes);
    put(out, "merak_datacache_memory_bytes", "gauge", "blocks in memory", stats.memory_bytes);
    put(out, "merak_datacache_limit_bytes", "gauge", "room for blocks", stats.limit_bytes);
    put(out, "merak_datacache_objects", "gauge", "objects with blocks", (int64_t)stats.objects);
    put(out, "merak_datacache_hits_total", "counter", "reads that found all their blocks", (int64_t)stats.hits);
    put(out, "merak_datacache_misses_total", "counter", "reads that had to wait for blocks", (int64_t)stats.misses);
    put(out, "merak_datacache_fetches_total", "counter", "requests for blocks", (int64_t)stats.fetches);
    put(out, "merak_datacache_fetched_bytes_total", "counter", "bytes of blocks that were fetched", (int64_t)stats.fetched_bytes);
    put(out, "merak_datacache_prefetched_bytes_total", "counter", "bytes that were asked for ahead", (int64_t)stats.prefetched_bytes);
    put(out, "merak_datacache_written_bytes_total", "counter", "bytes that loads left in the cache", (int64_t)stats.written_bytes);
    put(out, "merak_datacache_evicted_bytes_total", "counter", "bytes that went for room", (int64_t)stats.evicted_bytes);
    put(out, "merak_datacache_damaged_blocks_total", "counter", "blocks with a wrong checksum", (int64_t)stats.damaged_blocks);
}

static void write_requests(const Instance *instance, ByteBuf *out)
{
    S3Stats stats;
    if (!volume_is_s3(instance->volume))
        return;
    volume_s3_stats(instance->volume, &stats);
    put(out, "merak_s3_requests_total", "counter", "requests to the object store, retries included", (int64_t)stats.requests);
    put(out, "merak_s3_retries_total", "counter", "requests that were sent again", (int64_t)stats.retries);
    put(out, "merak_s3_failures_total", "counter", "operations that were given up", (int64_t)stats.failures);
    put(out, "merak_s3_read_bytes_total", "counter", "bytes of answers", (int64_t)stats.read_bytes);
    put(out, "merak_s3_written_bytes_total", "counter", "bytes of requests", (int64_t)stats.written_bytes);
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
    put(out, "merak_format_level", "gauge", "level of what is written; ADMIN FINALIZE UPGRADE raises it", format_level_written());
    write_batches(instance, out);
    write_loads(out);
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
    write_cache(instance, out);
    write_requests(instance, out);
}
