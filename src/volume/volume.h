#pragma once
/* Storage volumes: the only interface to durable bytes.
 *
 * Objects are written once and never changed. put_if_absent() is atomic and durable when it returns;
 * put() and writers are made durable by the next flush(). Paths are relative, of [A-Za-z0-9._/-]. All
 * functions are thread-safe. Errors: OBJECT_EXISTS, NO_SUCH_OBJECT, NO_SPACE, IO. After IO the outcome
 * of a write is unknown until the object is read back. */

#include "base/bytes.h"
#include "base/environment.h"
#include "base/memory.h"

typedef struct Volume Volume;
typedef struct VolumeObject VolumeObject;
typedef struct VolumeWriter VolumeWriter;
typedef struct Quarantine Quarantine; /* quarantine.h */

typedef struct VolumeRange {
    uint64_t offset, length;
} VolumeRange;

enum { VOLUME_MOST_REMOVED = 1000 };

typedef struct VolumeOps {
    Status (*put_if_absent)(Volume *volume, const char *path, StrView bytes, Diag *diag);
    Status (*put)(Volume *volume, const char *path, StrView bytes, Diag *diag);
    Status (*flush)(Volume *volume, Diag *diag);
    Status (*get)(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag);
    Status (*open_object)(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object);
    void (*close_object)(VolumeObject *object);
    /* Whether the object is the one that was opened, bytes untouched as far as its times tell. NULL: always. */
    bool (*is_unchanged)(VolumeObject *object);
    /* Bytes of a remote object may be read from pin() to unpin(). NULL, like the next ones: they are there anyway. */
    Status (*pin)(VolumeObject *object, uint64_t offset, uint64_t length, Diag *diag);
    void (*unpin)(VolumeObject *object, uint64_t offset, uint64_t length);
    /* How often pinned bytes have been fetched: who has checked them checks them again when it changes. */
    uint32_t (*generation)(VolumeObject *object, uint64_t offset, uint64_t length);
    /* Pinned bytes are not what was written: asks for them anew. */
    Status (*reread)(VolumeObject *object, uint64_t offset, uint64_t length, Diag *diag);
    /* Begins to fetch what will be pinned; ranges are sorted. */
    void (*prefetch)(VolumeObject *object, const VolumeRange *ranges, uint32_t count);
    /* The same for an object that will be opened. */
    void (*prepare)(Volume *volume, const char *path, uint64_t offset, uint64_t length);
    void (*forget)(Volume *volume, const char *path); /* caches: the object is gone */
    Status (*open_writer)(Volume *volume, const char *path, Diag *diag, VolumeWriter **out_writer);
    Status (*append)(VolumeWriter *writer, const void *data, size_t length, Diag *diag);
    Status (*commit)(VolumeWriter *writer, Diag *diag); /* closes in any case */
    void (*abort)(VolumeWriter *writer);
    Status (*remove)(Volume *volume, const char *path, Diag *diag);
    /* At most VOLUME_MOST_REMOVED at once; failed by position, the error is of one of them. NULL: one by one. */
    Status (*remove_many)(Volume *volume, const char *const *paths, uint32_t count, bool *out_failed, Diag *diag);
    /* Calls visit with each path below prefix, in no order. */
    Status (*list)(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size),
                   void *context, Diag *diag);
    void (*close)(Volume *volume);
} VolumeOps;

typedef struct VolumeSet VolumeSet; /* volume_set.h */
struct Volume {
    const VolumeOps *ops;
    const Environment *environment;
    const char *url;
    Quarantine *quarantine; /* what readers could not read; may be NULL */
    uint32_t id;            /* 0: the home volume */
    VolumeSet *set;         /* the cluster's volumes; NULL: it is the only one */
};

/* An object opened for reading; data is mapped read-only for as long as it is open. Pin what is read, and read it
 * under a guard (guard.h): files can be cut short by others. */
struct VolumeObject {
    Volume *volume;
    const uint8_t *data;
    size_t size;
};

/* A directory as a volume. Probes that put-if-absent excludes before it returns. */
Status volume_open_local(const char *directory, const Environment *environment, Diag *diag, Volume **out_volume);
/* Bytes in memory: for tests. What was not flushed may be lost by volume_memory_crash(). */
Volume *volume_open_memory(const Environment *environment);
void volume_memory_crash(Volume *volume, Random *random);
/* The nth operation from now on fails with IO, and all after it when it is sticky. nth 0: none, but they are
 * counted. Returns how many operations there were since the last call. */
typedef struct VolumeFailure {
    uint64_t nth;
    bool is_sticky;
    bool lands_anyway; /* writes take effect all the same */
    bool spares_reads;
} VolumeFailure;
uint64_t volume_memory_fail(Volume *volume, const VolumeFailure *failure);

static inline Status volume_put_if_absent(Volume *v, const char *path, StrView bytes, Diag *diag)
{
    return v->ops->put_if_absent(v, path, bytes, diag);
}
static inline Status volume_put(Volume *v, const char *path, StrView bytes, Diag *diag)
{
    return v->ops->put(v, path, bytes, diag);
}
/* Of all volumes of the set. */
Status volume_flush(Volume *volume, Diag *diag);
/* Another one of the set; BAD_CONFIG: it is not known. */
Status volume_by_id(Volume *volume, uint32_t id, Diag *diag, Volume **out_volume);
static inline Status volume_get(Volume *v, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    return v->ops->get(v, path, out_bytes, diag);
}
static inline Status volume_open_object(Volume *v, const char *path, Diag *diag, VolumeObject **out_object)
{
    return v->ops->open_object(v, path, diag, out_object);
}
static inline void volume_close_object(VolumeObject *object)
{
    if (object != NULL)
        object->volume->ops->close_object(object);
}
static inline bool volume_object_is_unchanged(VolumeObject *object)
{
    return object->volume->ops->is_unchanged == NULL || object->volume->ops->is_unchanged(object);
}
static inline Status volume_pin(VolumeObject *object, uint64_t offset, uint64_t length, Diag *diag)
{
    return object->volume->ops->pin == NULL ? OK : object->volume->ops->pin(object, offset, length, diag);
}
static inline void volume_unpin(VolumeObject *object, uint64_t offset, uint64_t length)
{
    if (object->volume->ops->unpin != NULL)
        object->volume->ops->unpin(object, offset, length);
}
static inline uint32_t volume_generation(VolumeObject *object, uint64_t offset, uint64_t length)
{
    return object->volume->ops->generation == NULL ? 0 : object->volume->ops->generation(object, offset, length);
}
/* Whether bytes that were pinned and found wrong may be better now. */
static inline bool volume_reread(VolumeObject *object, uint64_t offset, uint64_t length)
{
    return object->volume->ops->reread != NULL && object->volume->ops->reread(object, offset, length, NULL) == OK;
}
static inline bool volume_can_prefetch(const Volume *volume)
{
    return volume->ops->prefetch != NULL;
}
static inline void volume_forget(Volume *v, const char *path)
{
    if (v->ops->forget != NULL)
        v->ops->forget(v, path);
}
static inline Status volume_remove(Volume *v, const char *path, Diag *diag)
{
    return v->ops->remove(v, path, diag);
}
static inline void volume_close(Volume *v)
{
    if (v != NULL)
        v->ops->close(v);
}
