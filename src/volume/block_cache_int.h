#pragma once
/* The parts of the block cache share this: block_cache.c objects and reading, block_evict.c what goes when room is
 * needed, block_file.c files and their descriptions, block_prefetch.c fetching ahead. */

#include "base/thread.h"
#include "volume/block_cache.h"

enum {
    BLOCK_BYTES = 64 << 10,
    EXTENT_BLOCKS = 16,
    EXTENT_BYTES = BLOCK_BYTES * EXTENT_BLOCKS,
    MOST_RUN_BLOCKS = 64, /* 4 MiB a request */
    MOST_GAP_BLOCKS = 4,  /* unwanted bytes that cost less than another request */
    TAIL_BYTES = 2 * BLOCK_BYTES,
    OBJECT_SLOTS = 1 << 12,
    GHOSTS = 1 << 14,
    EMPTYING = -(1 << 30), /* pins of an extent that is being emptied */
    CACHE_PATH_BYTES = 1024,
};

/* What is evicted as a whole. Bits of blocks are in the order of the blocks. */
typedef struct Extent {
    _Atomic int32_t pins;
    _Atomic uint32_t present; /* blocks whose bytes may be read */
    uint32_t stored;          /* blocks that lie in the file from an earlier process, not checked yet */
    uint32_t loading;         /* blocks that somebody fetches; these three under the object's lock */
    uint32_t sum_of;          /* blocks whose checksum is known */
    _Atomic uint32_t loads;   /* how often blocks came in, since the object is known */
    _Atomic uint32_t second;  /* of the last use */
    _Atomic uint8_t uses;     /* in different seconds, up to 3 */
    bool is_memory;           /* its addresses are memory, not the file */
    bool is_queued, is_main;  /* under the cache's lock */
    struct Extent *older, *newer;
    BlockObject *object;
    uint64_t sums[EXTENT_BLOCKS];
} Extent;

struct BlockObject {
    BlockObject *next; /* of the slot */
    BlockCache *cache;
    BlockSource source;
    uint64_t key;
    char *path;
    uint64_t size;
    uint8_t *data; /* NULL: not mapped */
    uint32_t opens; /* under the cache's lock */
    bool is_opening, is_forgotten;
    Mutex lock;
    Condition loaded;
    _Atomic bool is_dirty; /* its description in the directory is out of date */
    bool has_file;
    uint32_t extent_count;
    Extent *extents;
};

typedef struct ExtentQueue {
    Extent *oldest, *newest;
    uint32_t count;
} ExtentQueue;

typedef struct PrefetchTask {
    struct PrefetchTask *next;
    BlockObject *object; /* NULL: source and path are to be opened first */
    BlockSource source;
    char *path;
    uint64_t first, count;   /* blocks, claimed and pinned */
    uint64_t offset, length; /* of a path */
} PrefetchTask;

struct BlockCache {
    BlockCacheOptions options;
    char *directory;
    MemTracker memory;
    Mutex lock; /* guards slots, opens and queues */
    Condition opened;
    BlockObject *slots[OBJECT_SLOTS];
    uint64_t object_count;
    ExtentQueue small, main; /* seen once; used again */
    uint32_t ghosts[GHOSTS]; /* what left the small queue */
    _Atomic int64_t disk_bytes, memory_bytes;
    _Atomic uint64_t hits, misses, fetches, fetched_bytes, prefetched_bytes, written_bytes, evicted_bytes, damaged_blocks;
    atomic_flag is_describing;
    Mutex task_lock; /* guards the rest */
    Condition task_ready;
    PrefetchTask *first_task, *last_task;
    uint32_t task_count;
    Thread *threads;
    uint32_t thread_count;
    bool is_stopping;
};

/* block_cache.c */
uint64_t block_object_key(uint64_t identity, const char *path);
uint32_t block_bytes(const BlockObject *object, uint64_t block);
static inline Extent *block_extent(const BlockObject *object, uint64_t block)
{
    return &object->extents[block / EXTENT_BLOCKS];
}
static inline uint32_t block_bit(uint64_t block)
{
    return 1u << (block % EXTENT_BLOCKS);
}
/* With sizes and extents, in no slot. */
BlockObject *block_object_new(BlockCache *cache, const BlockSource *source, const char *path, uint64_t size);
void block_object_free(BlockObject *object);
/* Cache locked. */
BlockObject *block_object_find(BlockCache *cache, uint64_t key);
void block_object_link(BlockCache *cache, BlockObject *object);
void block_object_unlink(BlockCache *cache, BlockObject *object);
Status block_object_map(BlockObject *object, Diag *diag);
void block_object_ref(BlockObject *object);
/* Blocks first to last, whose extents are pinned. */
Status block_load(BlockObject *object, uint64_t first, uint64_t last, Diag *diag);
/* Claimed blocks: fetches them and ends the claim, in any case. */
Status block_fetch(BlockObject *object, uint64_t first, uint64_t count, Diag *diag);
void block_unclaim(BlockObject *object, uint64_t first, uint64_t count);
void block_pin(BlockObject *object, uint64_t first, uint64_t last);
void block_unpin(BlockObject *object, uint64_t first, uint64_t last);

/* block_evict.c */
void block_note_loaded(BlockObject *object, uint64_t first, uint64_t count);
void block_make_room(BlockCache *cache);
/* Cache locked. All extents of the object that nobody has pinned; returns the bytes. */
uint64_t block_empty(BlockObject *object);
uint64_t block_empty_extent(Extent *extent); /* 0 when it is pinned */

/* block_file.c */
void block_file_path(const BlockCache *cache, uint64_t key, const char *suffix, char out[CACHE_PATH_BYTES]);
Status block_file_find_all(BlockCache *cache, Diag *diag);
/* Bytes of claimed blocks into file or memory. */
Status block_file_store(BlockObject *object, uint64_t first, uint64_t count, const char *bytes, Diag *diag);
void block_file_punch(BlockObject *object, Extent *extent);
void block_file_describe(BlockObject *object); /* when it is dirty; object locked */
void block_file_remove(const BlockObject *object);

/* block_prefetch.c */
Status block_prefetch_start(BlockCache *cache, Diag *diag);
void block_prefetch_stop(BlockCache *cache);
