#include "volume/s3.h"

/* A path below a prefix of a bucket as a volume.
 *
 * Small objects are one conditional put, which is durable when it is answered: flush() has nothing to do. A writer
 * collects parts; an object of one part is put whole, a larger one is uploaded in parts and appears with the last
 * request. Its name is this writer's alone (ids are leased in the journal), so that it needs no condition. Parts
 * of an upload that fails are removed.
 *
 * Objects below data/ are read through the block cache, and loads leave in it what they write. The journal and the
 * like are read as they are. */

#include <stdio.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "volume/guard.h"
#include "volume/probe.h"

enum { FIRST_PART_BYTES = 8 << 20, LARGE_PART_BYTES = 64 << 20, FIRST_PARTS = 1000 };

typedef struct S3Volume {
    Volume volume;
    S3Client *client;
    char *url;
    BlockCache *cache; /* NULL: objects are read whole */
    BlockSource source;
} S3Volume;

typedef struct S3Object {
    VolumeObject object;
    BlockObject *blocks; /* NULL: bytes has it all */
    ByteBuf bytes;
} S3Object;

struct VolumeWriter {
    S3Volume *s3;
    BlockStage *stage; /* NULL: it is not kept */
    ByteBuf part; /* not uploaded yet */
    uint64_t written;
    char upload[S3_UPLOAD_ID_BYTES]; /* empty: not begun */
    char (*etags)[S3_ETAG_BYTES];
    uint32_t part_count;
    char path[];
};

static bool path_is_safe(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL && strlen(path) < 900; /* keys end at 1,024 bytes */
}

static Status check_path(const char *path, Diag *diag)
{
    return path_is_safe(path) ? OK : RAISE(diag, IO, "object path \"%s\" is not allowed", path);
}

static Status s3_put_if_absent_op(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    FAULT("volume.before_put", diag);
    TRY(check_path(path, diag));
    return s3_put_if_absent(((S3Volume *)volume)->client, path, bytes, diag);
}

static Status s3_flush_op(Volume *volume, Diag *diag)
{
    (void)volume;
    FAULT("volume.before_flush", diag);
    return OK;
}

static bool is_cached(const S3Volume *s3, const char *path)
{
    return s3->cache != NULL && strncmp(path, "data/", 5) == 0;
}

static Status get_cached(S3Volume *s3, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    BlockObject *object;
    TRY(block_object_open(s3->cache, &s3->source, path, diag, &object));
    uint64_t size = block_object_size(object);
    Status status = block_object_pin(object, 0, size, diag);
    if (status == OK) {
        volume_guard_begin();
        bytebuf_append(out_bytes, block_object_data(object), size);
        if (!volume_guard_end())
            status = RAISE(diag, IO, "object \"%s\" became shorter in the cache while it was read", path);
        block_object_unpin(object, 0, size);
    }
    block_object_close(object);
    return status;
}

static Status s3_get_op(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    S3Volume *s3 = (S3Volume *)volume;
    TRY(check_path(path, diag));
    return is_cached(s3, path) ? get_cached(s3, path, out_bytes, diag) : s3_get(s3->client, path, out_bytes, diag);
}

static Status s3_open_object(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object)
{
    S3Volume *s3 = (S3Volume *)volume;
    TRY(check_path(path, diag));
    S3Object *object = mem_alloc_zero(sizeof(*object));
    Status status;
    if (is_cached(s3, path)) {
        status = block_object_open(s3->cache, &s3->source, path, diag, &object->blocks);
        if (status == OK)
            object->object = (VolumeObject){volume, block_object_data(object->blocks), block_object_size(object->blocks)};
    } else {
        status = s3_get(s3->client, path, &object->bytes, diag);
        object->object = (VolumeObject){volume, (const uint8_t *)object->bytes.data, object->bytes.length};
    }
    if (status == OK) {
        *out_object = &object->object;
        return OK;
    }
    bytebuf_deinit(&object->bytes);
    mem_free(object);
    return status;
}

static void s3_close_object(VolumeObject *volume_object)
{
    S3Object *object = (S3Object *)volume_object;
    if (object->blocks != NULL)
        block_object_close(object->blocks);
    bytebuf_deinit(&object->bytes);
    mem_free(object);
}

static Status s3_pin(VolumeObject *object, uint64_t offset, uint64_t length, Diag *diag)
{
    BlockObject *blocks = ((S3Object *)object)->blocks;
    return blocks == NULL ? OK : block_object_pin(blocks, offset, length, diag);
}

static void s3_unpin(VolumeObject *object, uint64_t offset, uint64_t length)
{
    BlockObject *blocks = ((S3Object *)object)->blocks;
    if (blocks != NULL)
        block_object_unpin(blocks, offset, length);
}

static uint32_t s3_generation(VolumeObject *object, uint64_t offset, uint64_t length)
{
    const BlockObject *blocks = ((S3Object *)object)->blocks;
    return blocks == NULL ? 0 : block_object_generation(blocks, offset, length);
}

static Status s3_reread(VolumeObject *object, uint64_t offset, uint64_t length, Diag *diag)
{
    BlockObject *blocks = ((S3Object *)object)->blocks;
    return blocks == NULL || length == 0 ? ERR_IO : block_object_reread(blocks, offset, length, diag);
}

static void s3_prefetch(VolumeObject *object, const VolumeRange *ranges, uint32_t count)
{
    BlockObject *blocks = ((S3Object *)object)->blocks;
    if (blocks != NULL)
        block_object_prefetch(blocks, ranges, count);
}

static void s3_prepare(Volume *volume, const char *path, uint64_t offset, uint64_t length)
{
    S3Volume *s3 = (S3Volume *)volume;
    if (is_cached(s3, path) && path_is_safe(path))
        block_cache_prepare(s3->cache, &s3->source, path, offset, length);
}

static void s3_forget(Volume *volume, const char *path)
{
    S3Volume *s3 = (S3Volume *)volume;
    if (is_cached(s3, path))
        block_cache_forget(s3->cache, s3->source.identity, path);
}

/* ---- writers ---- */

static Status s3_open_writer(Volume *volume, const char *path, Diag *diag, VolumeWriter **out_writer)
{
    TRY(check_path(path, diag));
    VolumeWriter *writer = mem_alloc_zero(sizeof(*writer) + strlen(path) + 1);
    writer->s3 = (S3Volume *)volume;
    if (is_cached(writer->s3, path))
        writer->stage = block_stage_open(writer->s3->cache);
    memcpy(writer->path, path, strlen(path) + 1);
    *out_writer = writer;
    return OK;
}

static Status upload_part(VolumeWriter *writer, Diag *diag)
{
    S3Client *client = writer->s3->client;
    if (writer->part_count == S3_MOST_PARTS)
        return RAISE(diag, LIMIT_EXCEEDED, "object \"%s\" needs more than %d parts", writer->path, (int)S3_MOST_PARTS);
    if (writer->upload[0] == '\0')
        TRY(s3_upload_begin(client, writer->path, writer->upload, diag));
    writer->etags = mem_realloc(writer->etags, (writer->part_count + 1) * sizeof(*writer->etags));
    TRY(s3_upload_part(client, writer->path, writer->upload, writer->part_count + 1, bytebuf_view(&writer->part),
                       writer->etags[writer->part_count], diag));
    writer->part_count++;
    if (writer->stage != NULL)
        block_stage_write(writer->stage, bytebuf_view(&writer->part));
    bytebuf_clear(&writer->part);
    return OK;
}

static Status s3_append(VolumeWriter *writer, const void *data, size_t length, Diag *diag)
{
    const char *at = data;
    size_t part_bytes = writer->part_count < FIRST_PARTS ? FIRST_PART_BYTES : LARGE_PART_BYTES;
    writer->written += length;
    while (length > 0) {
        size_t taken = MIN(length, part_bytes - writer->part.length);
        bytebuf_append(&writer->part, at, taken);
        at += taken;
        length -= taken;
        if (length > 0 && writer->part.length == part_bytes)
            TRY(upload_part(writer, diag));
    }
    return OK;
}

static void s3_abort(VolumeWriter *writer)
{
    Diag trouble = {0};
    if (writer->upload[0] != '\0' && s3_upload_abort(writer->s3->client, writer->path, writer->upload, &trouble) != OK)
        LOG_WARN("s3", "parts of object=%s could not be removed: %s", writer->path, trouble.message);
    block_stage_abort(writer->stage);
    bytebuf_deinit(&writer->part);
    mem_free(writer->etags);
    mem_free(writer);
}

static Status complete(VolumeWriter *writer, Diag *diag)
{
    S3Client *client = writer->s3->client;
    FAULT("volume.before_link", diag);
    if (writer->upload[0] == '\0') {
        if (writer->stage != NULL)
            block_stage_write(writer->stage, bytebuf_view(&writer->part));
        return s3_put_if_absent(client, writer->path, bytebuf_view(&writer->part), diag);
    }
    TRY(upload_part(writer, diag));
    TRY(s3_upload_complete(client, writer->path, writer->upload, (const char (*)[S3_ETAG_BYTES])writer->etags, writer->part_count,
                           writer->written, diag));
    writer->upload[0] = '\0';
    return OK;
}

static Status s3_commit(VolumeWriter *writer, Diag *diag)
{
    Status status = complete(writer, diag);
    if (status == OK && writer->stage != NULL) {
        block_stage_commit(writer->stage, &writer->s3->source, writer->path);
        writer->stage = NULL;
    }
    s3_abort(writer);
    return status;
}

/* ---- the rest ---- */

static Status s3_remove_op(Volume *volume, const char *path, Diag *diag)
{
    TRY(check_path(path, diag));
    return s3_remove(((S3Volume *)volume)->client, path, diag);
}

_Static_assert((int)VOLUME_MOST_REMOVED <= (int)S3_MOST_DELETES, "a batch is one request");
static Status s3_remove_many_op(Volume *volume, const char *const *paths, uint32_t count, bool *out_failed, Diag *diag)
{
    for (uint32_t i = 0; i < count; i++)
        out_failed[i] = true;
    for (uint32_t i = 0; i < count; i++)
        TRY(check_path(paths[i], diag));
    return s3_remove_many(((S3Volume *)volume)->client, paths, count, out_failed, diag);
}

static Status s3_list_op(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size),
                         void *context, Diag *diag)
{
    char below[1024];
    snprintf(below, sizeof(below), "%s%s", prefix, prefix[0] == '\0' ? "" : "/");
    return s3_list(((S3Volume *)volume)->client, below, visit, context, diag);
}

static void s3_close(Volume *volume)
{
    S3Volume *s3 = (S3Volume *)volume;
    s3_client_close(s3->client);
    mem_free(s3->url);
    mem_free(s3);
}

static const VolumeOps s3_ops = {
    .put_if_absent = s3_put_if_absent_op,
    .put = s3_put_if_absent_op,
    .flush = s3_flush_op,
    .get = s3_get_op,
    .open_object = s3_open_object,
    .close_object = s3_close_object,
    .pin = s3_pin,
    .unpin = s3_unpin,
    .generation = s3_generation,
    .reread = s3_reread,
    .prefetch = s3_prefetch,
    .prepare = s3_prepare,
    .forget = s3_forget,
    .open_writer = s3_open_writer,
    .append = s3_append,
    .commit = s3_commit,
    .abort = s3_abort,
    .remove = s3_remove_op,
    .remove_many = s3_remove_many_op,
    .list = s3_list_op,
    .close = s3_close,
};

static Status source_tail(void *context, const char *path, uint64_t length, ByteBuf *out_bytes, uint64_t *out_size, Diag *diag)
{
    return s3_get_tail(context, path, length, out_bytes, out_size, diag);
}

static Status source_range(void *context, const char *path, uint64_t offset, uint64_t length, ByteBuf *out_bytes, Diag *diag)
{
    return s3_get_range(context, path, offset, length, out_bytes, NULL, diag);
}

void volume_s3_use_cache(Volume *volume, BlockCache *cache, uint64_t identity)
{
    S3Volume *s3 = (S3Volume *)volume;
    CHECK(volume_is_s3(volume));
    uint64_t place = hash_combine(identity, checksum_bytes(s3->url, strlen(s3->url)));
    s3->source = (BlockSource){s3->client, source_tail, source_range, place};
    s3->cache = cache;
}

bool volume_is_s3(const Volume *volume)
{
    return volume->ops == &s3_ops;
}

S3Client *volume_s3_client(Volume *volume)
{
    CHECK(volume_is_s3(volume));
    return ((S3Volume *)volume)->client;
}

void volume_s3_stats(const Volume *volume, S3Stats *out_stats)
{
    s3_client_stats(((const S3Volume *)volume)->client, out_stats);
}

Status volume_open_s3(const S3Options *options, const Environment *environment, Diag *diag, Volume **out_volume)
{
    S3Volume *s3 = mem_alloc_zero(sizeof(*s3));
    AUTO_BYTEBUF url = {0};
    bytebuf_printf(&url, "s3://%s%s%s", options->bucket, options->prefix[0] == '\0' || options->prefix[0] == '/' ? "" : "/", options->prefix);
    s3->url = mem_strdup(url.data);
    s3->volume = (Volume){.ops = &s3_ops, .environment = environment, .url = s3->url};
    Status status = s3_client_open(options, environment, diag, &s3->client);
    if (status == OK)
        status = volume_probe(&s3->volume, diag);
    if (status != OK) {
        diag_add_context(diag, "storage volume \"%s\"", s3->url);
        s3_close(&s3->volume);
        return status;
    }
    *out_volume = &s3->volume;
    return OK;
}
