#pragma once
/* Blocks of remote objects, kept on local disk or in memory.
 *
 * An object that is open is a range of addresses of its size; pin() makes bytes of it readable there, from the
 * cache or from the service, until unpin(). Blocks carry checksums, survive a restart of the server, and go when room
 * is needed: those that were used once by a scan before those that are used again and again. What the cache holds
 * is never the only copy of anything. Thread-safe. See block_cache.c. */

#include "base/environment.h"
#include "base/memory.h"
#include "volume/volume.h"

typedef struct BlockCache BlockCache;
typedef struct BlockObject BlockObject;

typedef struct BlockCacheOptions {
    const char *directory; /* NULL: blocks are kept in memory */
    int64_t disk_bytes, memory_bytes; /* limits */
    uint32_t threads; /* that fetch ahead; 0: 16 */
    MemTracker *memory;
    const Environment *environment;
} BlockCacheOptions;

/* Where the bytes come from. context outlives the cache. */
typedef struct BlockSource {
    void *context;
    /* At most length bytes from the object's end, and its size. */
    Status (*tail)(void *context, const char *path, uint64_t length, ByteBuf *out_bytes, uint64_t *out_size, Diag *diag);
    Status (*range)(void *context, const char *path, uint64_t offset, uint64_t length, ByteBuf *out_bytes, Diag *diag);
    uint64_t identity; /* of the volume: equal paths of different ones are different objects */
} BlockSource;

typedef struct BlockCacheStats {
    int64_t disk_bytes, memory_bytes, limit_bytes;
    uint64_t objects;
    uint64_t hits, misses;       /* pins */
    uint64_t fetches, fetched_bytes; /* from the source, those ahead included */
    uint64_t prefetched_bytes;
    uint64_t written_bytes; /* by loads, on their way to the service */
    uint64_t evicted_bytes, damaged_blocks;
} BlockCacheStats;

/* Finds what an earlier process left in the directory. */
Status block_cache_open(const BlockCacheOptions *options, Diag *diag, BlockCache **out_cache);
/* All objects are closed. What is known of the blocks is written down. */
void block_cache_close(BlockCache *cache);
void block_cache_stats(BlockCache *cache, BlockCacheStats *out_stats);
/* Drops all blocks that nobody reads just now; returns the bytes. */
uint64_t block_cache_clear(BlockCache *cache);
/* The object is gone. */
void block_cache_forget(BlockCache *cache, uint64_t identity, const char *path);

/* Open costs a request when the object is not known, and nothing else. */
Status block_object_open(BlockCache *cache, const BlockSource *source, const char *path, Diag *diag, BlockObject **out_object);
void block_object_close(BlockObject *object);
uint64_t block_object_size(const BlockObject *object);
const uint8_t *block_object_data(const BlockObject *object);
Status block_object_pin(BlockObject *object, uint64_t offset, uint64_t length, Diag *diag);
void block_object_unpin(BlockObject *object, uint64_t offset, uint64_t length);
/* Of pinned bytes: changes whenever some of them, or of their neighbours, were fetched again. */
uint32_t block_object_generation(const BlockObject *object, uint64_t offset, uint64_t length);
/* Begins to fetch what is missing of the ranges, which are sorted, in few requests. */
void block_object_prefetch(BlockObject *object, const VolumeRange *ranges, uint32_t count);
/* Pinned bytes are wrong: fetched anew. Other readers may see either. */
Status block_object_reread(BlockObject *object, uint64_t offset, uint64_t length, Diag *diag);
/* The object will be opened, and those bytes will be wanted: in the background. */
void block_cache_prepare(BlockCache *cache, const BlockSource *source, const char *path, uint64_t offset, uint64_t length);

/* An object while it is written: its bytes go into the cache on their way to the service. Not thread-safe. All
 * pieces but the last are whole blocks. */
typedef struct BlockStage BlockStage;
BlockStage *block_stage_open(BlockCache *cache);
void block_stage_write(BlockStage *stage, StrView bytes);
/* The object is there now. */
void block_stage_commit(BlockStage *stage, const BlockSource *source, const char *path);
void block_stage_abort(BlockStage *stage);
