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
    VolumeFailure failure;
    uint64_t operations; /* since it was set */
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

/* Whether this operation is one that fails. Lock held. */
static bool must_fail(MemoryVolume *memory, bool is_read)
{
    if (is_read && memory->failure.spares_reads)
        return false;
    uint64_t number = ++memory->operations;
    uint64_t nth = memory->failure.nth;
    return nth > 0 && (number == nth || (number > nth && memory->failure.is_sticky));
}

static Status asked_for(Diag *diag, const char *action, const char *path)
{
    return RAISE(diag, IO, "could not %s object \"%s\": an error was asked for", action, path);
}

static Status store(MemoryVolume *memory, const char *path, StrView bytes, bool is_durable, Diag *diag)
{
    LOCK_GUARD(&memory->lock);
    bool fails = must_fail(memory, false);
    if (fails && !memory->failure.lands_anyway)
        return asked_for(diag, "write", path);
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
    return fails ? asked_for(diag, "write", path) : OK;
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
    LOCK_GUARD(&memory->lock);
    if (must_fail(memory, false))
        return asked_for(diag, "flush", "");
    for (MemoryEntry *entry = memory->entries; entry != NULL; entry = entry->next)
        entry->is_durable = true;
    return OK;
}

static Status memory_open_object(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    LOCK_GUARD(&memory->lock);
    const MemoryEntry *entry = *find(memory, path);
    if (must_fail(memory, true))
        return asked_for(diag, "open", path);
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
    MemoryVolume *memory = (MemoryVolume *)volume;
    mutex_lock(&memory->lock);
    bool fails = must_fail(memory, false);
    mutex_unlock(&memory->lock);
    if (fails)
        return asked_for(diag, "create", path);
    VolumeWriter *writer = mem_alloc_zero(sizeof(*writer));
    writer->memory = (MemoryVolume *)volume;
    writer->path = mem_strdup(path);
    *out_writer = writer;
    return OK;
}

static Status memory_append(VolumeWriter *writer, const void *data, size_t length, Diag *diag)
{
    mutex_lock(&writer->memory->lock);
    bool fails = must_fail(writer->memory, false);
    mutex_unlock(&writer->memory->lock);
    if (fails)
        return asked_for(diag, "write", writer->path);
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
    LOCK_GUARD(&memory->lock);
    MemoryEntry **at = find(memory, path);
    if (must_fail(memory, false))
        return asked_for(diag, "delete", path);
    if (*at != NULL)
        drop(at);
    return OK;
}

static Status memory_list(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size),
                          void *context, Diag *diag)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    size_t length = strlen(prefix);
    LOCK_GUARD(&memory->lock);
    if (must_fail(memory, true))
        return asked_for(diag, "list", prefix);
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
    memory->volume = (Volume){.ops = &memory_ops, .environment = environment, .url = "memory://"};
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

uint64_t volume_memory_fail(Volume *volume, const VolumeFailure *failure)
{
    MemoryVolume *memory = (MemoryVolume *)volume;
    LOCK_GUARD(&memory->lock);
    uint64_t operations = memory->operations;
    memory->failure = *failure;
    memory->operations = 0;
    return operations;
}
