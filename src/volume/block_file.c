#include "volume/block_cache_int.h"

/* Files. An object has two: KEY.blocks, sparse, with the object's size, blocks where they lie in the object; and KEY.index,
 * which says whose blocks they are, which are there, and their checksums. The index is written when the object is closed,
 * some time after it changed, and at the end; it need not be true: a block counts only when its bytes have the sum.
 *
 *   index: magic, u64 identity, u64 size, sized path, per extent with blocks: varint number, u16 blocks, u64 a block;
 *          u64 checksum of all before
 *
 * Where a block can't be written to the file (no space, a lost disk), its extent becomes memory at the same addresses. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"

enum { KEY_DIGITS = 16 };
static const char index_magic[8] = {'M', 'R', 'K', 'B', 'L', 'K', '0', '1'};

void block_file_path(const BlockCache *cache, uint64_t key, const char *suffix, char out[CACHE_PATH_BYTES])
{
    int length = snprintf(out, CACHE_PATH_BYTES, "%s/%02x/%016llx.%s", cache->directory, (unsigned)(key & 63), (unsigned long long)key, suffix);
    CHECK(length < CACHE_PATH_BYTES);
}

/* ---- blocks ---- */

static int open_file(const BlockObject *object, int flags)
{
    char path[CACHE_PATH_BYTES];
    block_file_path(object->cache, object->key, "blocks", path);
    return open(path, flags | O_CLOEXEC, 0640);
}

static Status map_file(BlockObject *object, Diag *diag)
{
    int fd = open_file(object, O_RDWR | O_CREAT);
    if (fd < 0 || ftruncate(fd, (off_t)object->size) != 0) {
        if (fd >= 0)
            close(fd);
        return RAISE(diag, IO, "could not make a file for object \"%s\" in the cache %s: %m", object->path, object->cache->directory);
    }
    void *data = mmap(NULL, object->size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return RAISE(diag, IO, "could not map object \"%s\" in the cache: %m", object->path);
    object->data = data;
    object->has_file = true;
    return OK;
}

static Status map_memory(BlockObject *object, Diag *diag)
{
    void *data = mmap(NULL, object->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        return RAISE(diag, IO, "could not map object \"%s\" in memory: %m", object->path);
    object->data = data;
    for (uint32_t e = 0; e < object->extent_count; e++)
        object->extents[e].is_memory = true;
    return OK;
}

Status block_object_map(BlockObject *object, Diag *diag)
{
    Diag trouble = {0};
    if (object->data != NULL || object->size == 0)
        return OK;
    if (object->cache->directory == NULL)
        return map_memory(object, diag);
    if (map_file(object, &trouble) == OK)
        return OK;
    LOG_WARN("cache", "%s; using memory", trouble.message);
    for (uint32_t e = 0; e < object->extent_count; e++)
        (void)block_empty_extent(&object->extents[e]);
    return map_memory(object, diag);
}

static bool write_file(const BlockObject *object, uint64_t offset, const char *bytes, size_t length)
{
    int fd = open_file(object, O_WRONLY);
    if (fd < 0)
        return false;
    while (length > 0) {
        ssize_t written = pwrite(fd, bytes, length, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        bytes += written;
        offset += (uint64_t)written;
        length -= (size_t)written;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return length == 0;
}

/* The addresses of a file become memory, with the bytes that are there already: those who read them see no change. */
static bool turn_into_memory(BlockObject *object, Extent *extent)
{
    LOCK_GUARD(&object->lock);
    if (extent->is_memory)
        return true;
    uint64_t offset = (uint64_t)(extent - object->extents) * EXTENT_BYTES;
    size_t length = (size_t)MIN((uint64_t)EXTENT_BYTES, object->size - offset);
    uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    uint32_t there = atomic_load(&extent->present) | extent->stored;
    for (uint32_t b = 0; b < EXTENT_BLOCKS; b++) {
        size_t at = (size_t)b * BLOCK_BYTES;
        if ((there >> b & 1) != 0)
            memcpy(memory + at, object->data + offset + at, MIN((size_t)BLOCK_BYTES, length - at));
    }
    if (mremap(memory, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, object->data + offset) == MAP_FAILED) {
        munmap(memory, length);
        return false;
    }
    extent->is_memory = true;
    int64_t bytes = (int64_t)__builtin_popcount(there) * BLOCK_BYTES;
    mem_charge(&object->cache->memory, bytes);
    atomic_fetch_add(&object->cache->memory_bytes, bytes);
    atomic_fetch_sub(&object->cache->disk_bytes, bytes);
    return true;
}

static void note_sums(BlockObject *object, uint64_t first, uint64_t count, const char *bytes)
{
    for (uint64_t b = first; b < first + count; b++) {
        uint64_t sum = checksum_bytes(bytes + (b - first) * BLOCK_BYTES, block_bytes(object, b));
        LOCK_GUARD(&object->lock);
        block_extent(object, b)->sums[b % EXTENT_BLOCKS] = sum;
        block_extent(object, b)->sum_of |= block_bit(b);
    }
}

/* Blocks of one extent. */
static Status store_part(BlockObject *object, uint64_t first, uint64_t count, const char *bytes, Diag *diag)
{
    Extent *extent = block_extent(object, first);
    uint64_t offset = first * BLOCK_BYTES;
    size_t length = (size_t)MIN(count * BLOCK_BYTES, object->size - offset);
    if (!extent->is_memory && write_file(object, offset, bytes, length))
        return OK;
    if (!extent->is_memory) {
        LOG_WARN("cache", "could not write object=%s to the cache: %m; using memory", object->path);
        if (!turn_into_memory(object, extent))
            return RAISE(diag, IO, "could not keep object \"%s\" in the cache: %m", object->path);
    }
    memcpy(object->data + offset, bytes, length);
    return OK;
}

Status block_file_store(BlockObject *object, uint64_t first, uint64_t count, const char *bytes, Diag *diag)
{
    for (uint64_t b = first; b < first + count;) {
        uint64_t end = MIN((b / EXTENT_BLOCKS + 1) * EXTENT_BLOCKS, first + count);
        TRY(store_part(object, b, end - b, bytes + (b - first) * BLOCK_BYTES, diag));
        b = end;
    }
    note_sums(object, first, count, bytes);
    return OK;
}

void block_file_punch(BlockObject *object, Extent *extent)
{
    uint64_t offset = (uint64_t)(extent - object->extents) * EXTENT_BYTES;
    size_t length = (size_t)MIN((uint64_t)EXTENT_BYTES, object->size - offset);
    if (extent->is_memory && object->data != NULL && !object->has_file) {
        madvise(object->data + offset, length, MADV_DONTNEED);
        return;
    }
    int fd = open_file(object, O_RDWR);
    if (fd < 0)
        return;
    if (extent->is_memory && object->data != NULL)
        (void)mmap(object->data + offset, length, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)offset);
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) != 0)
        LOG_DEBUG("cache", "no hole in the file of object=%s: %m", object->path);
    close(fd);
}

/* ---- descriptions ---- */

static void describe(const BlockObject *object, ByteBuf *out)
{
    bytebuf_append(out, index_magic, sizeof(index_magic));
    bytebuf_put_u64(out, object->source.identity);
    bytebuf_put_u64(out, object->size);
    bytebuf_put_sized(out, object->path, strlen(object->path));
    for (uint32_t e = 0; e < object->extent_count; e++) {
        const Extent *extent = &object->extents[e];
        uint32_t known = extent->is_memory ? 0 : (atomic_load(&extent->present) | extent->stored) & extent->sum_of;
        if (known == 0)
            continue;
        bytebuf_put_varint(out, e);
        bytebuf_put_u16(out, (uint16_t)known);
        for (uint32_t b = 0; b < EXTENT_BLOCKS; b++) {
            if ((known >> b & 1) != 0)
                bytebuf_put_u64(out, extent->sums[b]);
        }
    }
    bytebuf_put_u64(out, checksum_bytes(out->data, out->length));
}

void block_file_describe(BlockObject *object)
{
    AUTO_BYTEBUF bytes = {0};
    char path[CACHE_PATH_BYTES], temporary[CACHE_PATH_BYTES];
    if (!object->has_file || !object->is_dirty || object->is_forgotten)
        return;
    object->is_dirty = false;
    describe(object, &bytes);
    block_file_path(object->cache, object->key, "index", path);
    block_file_path(object->cache, object->key, "new", temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return;
    bool is_written = write(fd, bytes.data, bytes.length) == (ssize_t)bytes.length;
    close(fd);
    if (!is_written || rename(temporary, path) != 0)
        LOG_WARN("cache", "could not describe object=%s: %m", object->path);
}

void block_file_remove(const BlockObject *object)
{
    static const char *const suffixes[] = {"blocks", "index", "new"};
    char path[CACHE_PATH_BYTES];
    if (object->cache->directory == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        block_file_path(object->cache, object->key, suffixes[i], path);
        (void)unlink(path);
    }
}

/* ---- what is found at start ---- */

static bool read_whole(const char *path, ByteBuf *out)
{
    char piece[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length;
    while ((length = read(fd, piece, sizeof(piece))) > 0)
        bytebuf_append(out, piece, (size_t)length);
    close(fd);
    return length == 0;
}

static bool read_extents(BlockObject *object, ByteReader *reader)
{
    while (byte_reader_left(reader) > 0) {
        uint64_t number = byte_reader_varint(reader);
        uint32_t known = byte_reader_u16(reader);
        if (reader->failed || number >= object->extent_count || known == 0)
            return false;
        Extent *extent = &object->extents[number];
        for (uint32_t b = 0; b < EXTENT_BLOCKS; b++) {
            bool is_inside = number * EXTENT_BYTES + (uint64_t)b * BLOCK_BYTES < object->size;
            if ((known >> b & 1) == 0)
                continue;
            extent->sums[b] = byte_reader_u64(reader);
            if (!is_inside || reader->failed)
                return false;
        }
        extent->stored = extent->sum_of = known;
    }
    return !reader->failed;
}

/* NULL: it can't be trusted. */
static BlockObject *read_description(BlockCache *cache, const char *path)
{
    AUTO_BYTEBUF bytes = {0};
    if (!read_whole(path, &bytes) || bytes.length < sizeof(index_magic) + 8 || memcmp(bytes.data, index_magic, sizeof(index_magic)) != 0)
        return NULL;
    size_t length = bytes.length - 8;
    if (checksum_bytes(bytes.data, length) != load_u64(bytes.data + length))
        return NULL;
    ByteReader reader = byte_reader(bytes.data + sizeof(index_magic), length - sizeof(index_magic));
    BlockSource source = {.identity = byte_reader_u64(&reader)};
    uint64_t size = byte_reader_u64(&reader);
    StrView name = byte_reader_sized(&reader);
    if (reader.failed || size == 0 || size > (uint64_t)1 << 44 || name.length == 0 || name.length >= CACHE_PATH_BYTES)
        return NULL;
    char text[CACHE_PATH_BYTES];
    memcpy(text, name.data, name.length);
    text[name.length] = '\0';
    BlockObject *object = block_object_new(cache, &source, text, size);
    object->has_file = true;
    if (read_extents(object, &reader))
        return object;
    block_object_free(object);
    return NULL;
}

static void take_up(BlockCache *cache, BlockObject *object)
{
    LOCK_GUARD(&cache->lock);
    block_object_link(cache, object);
    for (uint32_t e = 0; e < object->extent_count; e++) {
        Extent *extent = &object->extents[e];
        if (extent->stored == 0)
            continue;
        atomic_fetch_add(&cache->disk_bytes, (int64_t)__builtin_popcount(extent->stored) * BLOCK_BYTES);
        extent->is_main = true; /* it outlived a server: not a passing scan's */
        extent->older = cache->main.newest;
        if (cache->main.newest != NULL)
            cache->main.newest->newer = extent;
        else
            cache->main.oldest = extent;
        cache->main.newest = extent;
        extent->is_queued = true;
        cache->main.count++;
    }
}

/* A file of blocks is kept when its description is; everything else in the directory is left over. */
static void find_in(BlockCache *cache, const char *directory, const char *name)
{
    char path[CACHE_PATH_BYTES];
    const char *dot = strrchr(name, '.');
    bool is_index = dot != NULL && strcmp(dot, ".index") == 0, is_blocks = dot != NULL && strcmp(dot, ".blocks") == 0;
    if (dot == NULL || dot - name != KEY_DIGITS || snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return;
    uint64_t key = strtoull(name, NULL, 16);
    if (is_blocks) {
        char index[CACHE_PATH_BYTES];
        block_file_path(cache, key, "index", index);
        if (access(index, R_OK) != 0)
            (void)unlink(path);
        return;
    }
    BlockObject *object = is_index ? read_description(cache, path) : NULL;
    if (object != NULL && object->key == key) {
        take_up(cache, object);
        return;
    }
    if (object != NULL)
        block_object_free(object);
    (void)unlink(path);
    if (!is_index)
        return;
    block_file_path(cache, key, "blocks", path);
    (void)unlink(path);
}

static void find_below(BlockCache *cache, const char *directory)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        find_in(cache, directory, entry->d_name);
    closedir(folder);
}

Status block_file_find_all(BlockCache *cache, Diag *diag)
{
    char path[CACHE_PATH_BYTES];
    if (strlen(cache->directory) > CACHE_PATH_BYTES - 64)
        return RAISE(diag, BAD_VALUE, "the cache's directory has too long a name");
    if (mkdir(cache->directory, 0750) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "could not make the directory %s: %m", cache->directory);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(path, sizeof(path), "%s/%02x", cache->directory, i);
        if (mkdir(path, 0750) != 0 && errno != EEXIST)
            return RAISE(diag, IO, "could not make the directory %s: %m", path);
        find_below(cache, path);
    }
    return OK;
}
