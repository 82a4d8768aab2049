#include "volume/volume.h"

/* Objects in memory, for tests and the simulator. Contents are shared by all who opened them and go with
 * the last of them. put_if_absent() is durable at once; put() and writers with the next flush(), and
 * volume_memory_crash() loses some of what was not. An object's bytes are an allocation of their exact
 * size, so that sanitizers see every read beyond. */

#include "base/thread.h"

typedef struct Content {
    _Atomic uint32_t references;
    size_t size;
    uint8_t *bytes;
} Content;

typedef struct MemoryEntry {
    struct MemoryEntry *next;
    char *path;
    Content *content;
    bool is_durable;
} MemoryEntry;

typedef struct MemoryVolume {
    Volume volume;
    Mutex lock; /* guards all below */
    MemoryEntry *entries;
    uint64_t fail_in; /* writes until one fails; 0: never */
    bool lands_anyway;
} MemoryVolume;

typedef struct MemoryObject {
    VolumeObject object;
    Content *content;
} MemoryObject;

struct VolumeWriter {
    MemoryVolume *memory;
    char *path;
    ByteBuf bytes;
};

static void content_unref(Content *content)
{
    if (atomic_fetch_sub(&content->references, 1) != 1)
        return;
    mem_free(content->bytes);
    mem_free(content);
}

static MemoryEntry **find(MemoryVolume *memory, const char *path)
{
    MemoryEntry **at = &memory->entries;
    while (*at != NULL && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

static void drop(MemoryEntry **at)
{
    MemoryEntry *entry = *at;
    *at = entry->next;
    content_unref(entry->content);
    mem_free(entry->path);
    mem_free(entry);
}

/* Whether this write is the one that fails; *out_lands: it takes effect all the same. */
static bool must_fail(MemoryVolume *memory, bool *out_lands)
{
    *out_lands = memory->lands_anyway;
    return memory->fail_in > 0 && --memory->fail_in == 0;
}

static Status store(MemoryVolume *memory, const char *path, StrView bytes, bool is_durable, Diag *diag)
{
    bool lands;
    LOCK_GUARD(&memory->lock);
    bool fails = must_fail(memory, &lands);
    if (fails && !lands)
        return RAISE(diag, IO, "could not write object \"%s\": an error was asked for", path);
    if (*find(memory, path) != NULL)
        return RAISE(diag, OBJECT_EXISTS, "object \"%s\" exists already", path);
    MemoryEntry *entry = mem_alloc_zero(sizeof(*entry));
    entry->path = mem_strdup(path);
    entry->is_durable = is_durable;
    entry->content = mem_alloc_zero(sizeof(Content));
    atomic_init(&entry->content->references, 1);
    entry->content->size = bytes.length;
    entry->content->bytes = mem_alloc(MAX(bytes.length, (size_t)1));
    if (bytes.length > 0)
        memcpy(entry->content->bytes, bytes.data, bytes.length);
    entry->next = memory->entries;
    memory->entries = entry;
    return fails ? RAISE(diag, IO, "could not write object \"%s\": an error was asked for", path) : OK;
}

static Status memory_put_if_absent(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    return store((MemoryVolume *)volume, path, bytes, true, diag);
}

static Status memory_put(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    return store((MemoryVolume *)volume, path, bytes, false, diag);
}

static Status memory_flush(Volume *volume, Diag *diag)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    (void)diag;
    LOCK_GUARD(&memory->lock);
    for (MemoryEntry *entry = memory->entries; entry != NULL; entry = entry->next)
        entry->is_durable = true;
    return OK;
}

static Status memory_open_object(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    LOCK_GUARD(&memory->lock);
    const MemoryEntry *entry = *find(memory, path);
    if (entry == NULL)
        return RAISE(diag, NO_SUCH_OBJECT, "object \"%s\" does not exist", path);
    MemoryObject *object = mem_alloc_zero(sizeof(*object));
    object->content = entry->content;
    atomic_fetch_add(&object->content->references, 1);
    object->object = (VolumeObject){volume, object->content->bytes, object->content->size};
    *out_object = &object->object;
    return OK;
}

static void memory_close_object(VolumeObject *object)
{
    content_unref(((MemoryObject *)object)->content);
    mem_free(object);
}

static Status memory_get(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    VolumeObject *object;
    TRY(memory_open_object(volume, path, diag, &object));
    bytebuf_append(out_bytes, object->data, object->size);
    memory_close_object(object);
    return OK;
}

static Status memory_open_writer(Volume *volume, const char *path, Diag *diag, VolumeWriter **out_writer)
{
    (void)diag;
    VolumeWriter *writer = mem_alloc_zero(sizeof(*writer));
    writer->memory = (MemoryVolume *)volume;
    writer->path = mem_strdup(path);
    *out_writer = writer;
    return OK;
}

static Status memory_append(VolumeWriter *writer, const void *data, size_t length, Diag *diag)
{
    (void)diag;
    bytebuf_append(&writer->bytes, data, length);
    return OK;
}

static void memory_abort(VolumeWriter *writer)
{
    bytebuf_deinit(&writer->bytes);
    mem_free(writer->path);
    mem_free(writer);
}

static Status memory_commit(VolumeWriter *writer, Diag *diag)
{
    Status status = store(writer->memory, writer->path, bytebuf_view(&writer->bytes), false, diag);
    memory_abort(writer);
    return status;
}

static Status memory_remove(Volume *volume, const char *path, Diag *diag)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    (void)diag;
    LOCK_GUARD(&memory->lock);
    MemoryEntry **at = find(memory, path);
    if (*at != NULL)
        drop(at);
    return OK;
}

static Status memory_list(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size),
                          void *context, Diag *diag)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    size_t length = strlen(prefix);
    (void)diag;
    LOCK_GUARD(&memory->lock);
    for (const MemoryEntry *entry = memory->entries; entry != NULL; entry = entry->next) {
        if (strncmp(entry->path, prefix, length) == 0 && (length == 0 || entry->path[length] == '/'))
            visit(context, entry->path, entry->content->size);
    }
    return OK;
}

static void memory_close(Volume *volume)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    while (memory->entries != NULL)
        drop(&memory->entries);
    mutex_deinit(&memory->lock);
    mem_free(memory);
}

static const VolumeOps memory_ops = {
    .put_if_absent = memory_put_if_absent,
    .put = memory_put,
    .flush = memory_flush,
    .get = memory_get,
    .open_object = memory_open_object,
    .close_object = memory_close_object,
    .open_writer = memory_open_writer,
    .append = memory_append,
    .commit = memory_commit,
    .abort = memory_abort,
    .remove = memory_remove,
    .list = memory_list,
    .close = memory_close,
};

Volume *volume_open_memory(const Environment *environment)
{
    MemoryVolume *memory = mem_alloc_zero(sizeof(*memory));
    memory->volume = (Volume){&memory_ops, environment, "memory://"};
    mutex_init(&memory->lock);
    return &memory->volume;
}

void volume_memory_crash(Volume *volume, Random *random)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    LOCK_GUARD(&memory->lock);
    for (MemoryEntry **at = &memory->entries; *at != NULL;) {
        if (!(*at)->is_durable && random_next(random) % 2 == 0)
            drop(at);
        else
            at = &(*at)->next;
    }
}

void volume_memory_fail_nth(Volume *volume, uint64_t n, bool lands_anyway)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    LOCK_GUARD(&memory->lock);
    memory->fail_in = n;
    memory->lands_anyway = lands_anyway;
}
