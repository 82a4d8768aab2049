#include "volume/volume.h"

/* A directory as a volume.
 *
 * A write goes to an unnamed temporary file (O_TMPFILE), is synced, and gets its name by linkat(),
 * which fails when the name is taken. Then the directory is synced, and so is every directory above it,
 * once a process: that one is there does not say that whoever made it came to sync it. A file whose fsync
 * failed is thrown away and never synced again. put() leaves the syncs of directories to flush(), which
 * syncs those that were touched since.
 *
 * An object that is open several times is mapped once: a large object holds the segments of many tablets, and the
 * system bounds the number of mappings. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/thread.h"
#include "volume/guard.h"

enum { MAX_PATH_BYTES = 4096, MAX_DIRTY = 256, MAPPING_SLOTS = 1 << 12 };

typedef struct LocalMapping {
    struct LocalMapping *next; /* of the slot */
    void *data;
    size_t size;
    ino_t inode;
    struct timespec modified;
    uint32_t faults; /* volume_guard_faults() when it was made */
    uint32_t users;
} LocalMapping;

typedef struct LocalVolume {
    Volume volume;
    int root;
    char url[MAX_PATH_BYTES];
    Mutex lock; /* guards dirty */
    char *dirty[MAX_DIRTY]; /* directories to sync at the next flush */
    uint32_t dirty_count;
    Mutex made_lock; /* guards the names */
    Arena made_names;
    StrMap made; /* directories whose names are known to be durable */
    Mutex mapping_lock; /* guards the mappings */
    LocalMapping *mappings[MAPPING_SLOTS];
} LocalVolume;

struct VolumeWriter {
    LocalVolume *local;
    int fd;
    uint64_t written;
    char path[];
};

typedef struct LocalObject {
    VolumeObject object;
    ino_t inode;
    struct timespec modified;
    LocalMapping *mapping; /* NULL: data is a copy in memory */
    char path[];
} LocalObject;

/* The system allows a process about 65,000 mappings. From so many objects on, small ones are copied instead. */
enum { MAPPED_MOST = 30000, COPIED_BYTES = 64 << 10, SLACK_BYTES = 64 /* behind a copy, as behind the end of a file */ };
static _Atomic uint32_t mapped_objects;

static Status io_error(Diag *diag, const char *action, const char *path)
{
    int error = errno;
    if (error == ENOSPC || error == EDQUOT)
        return RAISE(diag, NO_SPACE, "could not %s object \"%s\": no space left on the volume", action, path);
    if (error == ENOENT)
        return RAISE(diag, NO_SUCH_OBJECT, "object \"%s\" does not exist", path);
    return RAISE(diag, IO, "could not %s object \"%s\": %m", action, path);
}

static bool path_is_safe(const char *path)
{
    return path[0] != '\0' && path[0] != '/' && strstr(path, "..") == NULL && strlen(path) < MAX_PATH_BYTES - 64;
}

/* The directory part of path into out; "." for none. */
static void parent_of(const char *path, char out[MAX_PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    memcpy(out, length == 0 ? "." : path, length == 0 ? 1 : length);
    out[length == 0 ? 1 : length] = '\0';
}

static Status sync_directory(LocalVolume *local, const char *path, Diag *diag)
{
    int fd = openat(local->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_error(diag, "open the directory of", path);
    int result = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return result == 0 ? OK : io_error(diag, "sync the directory of", path);
}

static bool is_made(LocalVolume *local, const char *directory)
{
    LOCK_GUARD(&local->made_lock);
    return strmap_get(&local->made, strview(directory)) != NULL;
}

static void note_made(LocalVolume *local, const char *directory)
{
    LOCK_GUARD(&local->made_lock);
    if (strmap_get(&local->made, strview(directory)) == NULL)
        strmap_set(&local->made, strview(arena_strdup(&local->made_names, directory)), local);
}

/* Makes missing directories, each synced into its parent. */
static Status make_directories(LocalVolume *local, const char *directory, Diag *diag)
{
    if (strcmp(directory, ".") == 0 || is_made(local, directory))
        return OK;
    char parent[MAX_PATH_BYTES];
    parent_of(directory, parent);
    TRY(make_directories(local, parent, diag));
    if (mkdirat(local->root, directory, 0750) != 0 && errno != EEXIST)
        return io_error(diag, "make the directory of", directory);
    TRY(sync_directory(local, parent, diag));
    note_made(local, directory);
    return OK;
}

static Status write_all(int fd, const void *data, size_t length, const char *path, Diag *diag)
{
    const char *at = data;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return io_error(diag, "write", path);
        at += written;
        length -= (size_t)written;
    }
    return OK;
}

static Status open_temporary(LocalVolume *local, const char *path, Diag *diag, int *out_fd)
{
    char parent[MAX_PATH_BYTES];
    if (!path_is_safe(path))
        return RAISE(diag, IO, "object path \"%s\" is not allowed", path);
    parent_of(path, parent);
    TRY(make_directories(local, parent, diag));
    *out_fd = openat(local->root, parent, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
    return *out_fd < 0 ? io_error(diag, "create", path) : OK;
}

/* Syncs the file and gives it its name. */
static Status publish(LocalVolume *local, int fd, const char *path, Diag *diag)
{
    char source[64];
    FAULT("volume.before_sync", diag);
    if (fsync(fd) != 0)
        return io_error(diag, "sync", path);
    FAULT("volume.before_link", diag);
    snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, source, local->root, path, AT_SYMLINK_FOLLOW) != 0) {
        if (errno == EEXIST)
            return RAISE(diag, OBJECT_EXISTS, "object \"%s\" exists already", path);
        return io_error(diag, "name", path);
    }
    FAULT("volume.after_link", diag);
    return OK;
}

static Status write_object(LocalVolume *local, const char *path, StrView bytes, Diag *diag)
{
    int fd;
    TRY(open_temporary(local, path, diag, &fd));
    Status status = write_all(fd, bytes.data, bytes.length, path, diag);
    if (status == OK)
        status = publish(local, fd, path, diag);
    close(fd);
    return status;
}

static Status local_put_if_absent(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    LocalVolume *local = (LocalVolume *)volume;
    char parent[MAX_PATH_BYTES];
    Status status = write_object(local, path, bytes, diag);
    if (status != OK && status != ERR_OBJECT_EXISTS)
        return status;
    /* Who finds a deciding object makes sure that it stays, too. */
    parent_of(path, parent);
    Diag trouble = {0};
    FAULT("volume.before_directory_sync", diag);
    Status synced = sync_directory(local, parent, &trouble);
    if (synced == OK)
        return status;
    diag_reset(diag);
    return RAISE(diag, IO, "%s", trouble.message); /* the name is there, so that "no space" would say too much */
}

static Status note_dirty(LocalVolume *local, const char *path, Diag *diag)
{
    char parent[MAX_PATH_BYTES];
    parent_of(path, parent);
    LOCK_GUARD(&local->lock);
    for (uint32_t i = 0; i < local->dirty_count; i++) {
        if (strcmp(local->dirty[i], parent) == 0)
            return OK;
    }
    if (local->dirty_count == MAX_DIRTY)
        return sync_directory(local, parent, diag);
    local->dirty[local->dirty_count++] = mem_strdup(parent);
    return OK;
}

static Status local_put(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    LocalVolume *local = (LocalVolume *)volume;
    FAULT("volume.before_put", diag);
    TRY(write_object(local, path, bytes, diag));
    return note_dirty(local, path, diag);
}

/* Takes over the name. */
static void keep_dirty(LocalVolume *local, char *directory)
{
    LOCK_GUARD(&local->lock);
    bool is_noted = local->dirty_count == MAX_DIRTY;
    for (uint32_t i = 0; i < local->dirty_count && !is_noted; i++)
        is_noted = strcmp(local->dirty[i], directory) == 0;
    if (is_noted)
        mem_free(directory);
    else
        local->dirty[local->dirty_count++] = directory;
}

static Status local_flush(Volume *volume, Diag *diag)
{
    LocalVolume *local = (LocalVolume *)volume;
    char *directories[MAX_DIRTY];
    FAULT("volume.before_flush", diag);
    mutex_lock(&local->lock);
    uint32_t count = local->dirty_count;
    memcpy(directories, local->dirty, count * sizeof(char *));
    local->dirty_count = 0;
    mutex_unlock(&local->lock);
    Status status = OK;
    for (uint32_t i = 0; i < count; i++) {
        if (status == OK)
            status = sync_directory(local, directories[i], diag);
        if (status != OK) /* objects of others lie there, too: it stays due */
            keep_dirty(local, directories[i]);
        else
            mem_free(directories[i]);
    }
    return status;
}

static LocalMapping **mapping_slot(LocalVolume *local, ino_t inode)
{
    return &local->mappings[hash_u64((uint64_t)inode) % MAPPING_SLOTS];
}

/* Zeros stand in for missing bytes of a mapping once a read of any met the end of its file: later ones get their own. */
static bool is_mapping_of(const LocalMapping *mapping, const LocalObject *object)
{
    return mapping->inode == object->inode && mapping->size == object->object.size && mapping->modified.tv_sec == object->modified.tv_sec &&
           mapping->modified.tv_nsec == object->modified.tv_nsec && mapping->faults == volume_guard_faults();
}

static Status map_object(LocalObject *object, int fd, Diag *diag)
{
    LocalVolume *local = (LocalVolume *)object->object.volume;
    LocalMapping **slot = mapping_slot(local, object->inode);
    LOCK_GUARD(&local->mapping_lock);
    LocalMapping *mapping = *slot;
    while (mapping != NULL && !is_mapping_of(mapping, object))
        mapping = mapping->next;
    if (mapping == NULL) {
        uint32_t faults = volume_guard_faults();
        void *data = mmap(NULL, object->object.size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
            return io_error(diag, "map", object->path);
        atomic_fetch_add_explicit(&mapped_objects, 1, memory_order_relaxed);
        mapping = mem_alloc(sizeof(*mapping));
        *mapping = (LocalMapping){*slot, data, object->object.size, object->inode, object->modified, faults, 0};
        *slot = mapping;
    }
    mapping->users++;
    object->mapping = mapping;
    object->object.data = mapping->data;
    return OK;
}

static void release_mapping(LocalVolume *local, LocalMapping *mapping)
{
    LOCK_GUARD(&local->mapping_lock);
    if (--mapping->users > 0)
        return;
    LocalMapping **at = mapping_slot(local, mapping->inode);
    while (*at != mapping)
        at = &(*at)->next;
    *at = mapping->next;
    munmap(mapping->data, mapping->size);
    atomic_fetch_sub_explicit(&mapped_objects, 1, memory_order_relaxed);
    mem_free(mapping);
}

static Status copy_object(LocalObject *object, int fd, Diag *diag)
{
    size_t done = 0, size = object->object.size;
    uint8_t *bytes = mem_alloc(size + SLACK_BYTES);
    memset(bytes + size, 0, SLACK_BYTES);
    object->object.data = bytes;
    while (done < size) {
        ssize_t count = pread(fd, bytes + done, size - done, (off_t)done);
        if (count == 0)
            return RAISE(diag, IO, "object \"%s\" became shorter while it was read", object->path);
        if (count < 0 && errno != EINTR)
            return io_error(diag, "read", object->path);
        done += count > 0 ? (size_t)count : 0;
    }
    return OK;
}

static void local_close_object(VolumeObject *object)
{
    LocalMapping *mapping = ((LocalObject *)object)->mapping;
    if (mapping != NULL)
        release_mapping((LocalVolume *)object->volume, mapping);
    else
        mem_free((void *)(uintptr_t)object->data);
    mem_free(object);
}

static Status local_open_object(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object)
{
    LocalVolume *local = (LocalVolume *)volume;
    if (!path_is_safe(path))
        return RAISE(diag, IO, "object path \"%s\" is not allowed", path);
    int fd = openat(local->root, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(diag, "open", path);
    struct stat info;
    if (fstat(fd, &info) != 0) {
        close(fd);
        return io_error(diag, "open", path);
    }
    LocalObject *object = mem_alloc_zero(sizeof(*object) + strlen(path) + 1);
    object->object = (VolumeObject){volume, NULL, (size_t)info.st_size};
    object->inode = info.st_ino;
    object->modified = info.st_mtim;
    memcpy(object->path, path, strlen(path) + 1);
    bool is_to_copy = info.st_size <= COPIED_BYTES && atomic_load_explicit(&mapped_objects, memory_order_relaxed) >= MAPPED_MOST;
    Status status = info.st_size == 0 ? OK : is_to_copy ? copy_object(object, fd, diag) : map_object(object, fd, diag);
    close(fd); /* the mapping stays */
    if (status != OK)
        local_close_object(&object->object);
    else
        *out_object = &object->object;
    return status;
}

static bool local_is_unchanged(VolumeObject *object)
{
    const LocalObject *local = (const LocalObject *)object;
    struct stat info;
    return fstatat(((LocalVolume *)object->volume)->root, local->path, &info, 0) == 0 && info.st_ino == local->inode &&
           (size_t)info.st_size == object->size && info.st_mtim.tv_sec == local->modified.tv_sec &&
           info.st_mtim.tv_nsec == local->modified.tv_nsec;
}

static Status local_get(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    VolumeObject *object;
    TRY(local_open_object(volume, path, diag, &object));
    volume_guard_begin();
    bytebuf_append(out_bytes, object->data, object->size);
    bool is_whole = volume_guard_end();
    local_close_object(object);
    return is_whole ? OK : RAISE(diag, IO, "object \"%s\" became shorter while it was read", path);
}

static Status local_open_writer(Volume *volume, const char *path, Diag *diag, VolumeWriter **out_writer)
{
    LocalVolume *local = (LocalVolume *)volume;
    int fd;
    TRY(open_temporary(local, path, diag, &fd));
    VolumeWriter *writer = mem_alloc_zero(sizeof(*writer) + strlen(path) + 1);
    writer->local = local;
    writer->fd = fd;
    memcpy(writer->path, path, strlen(path) + 1);
    *out_writer = writer;
    return OK;
}

static Status local_append(VolumeWriter *writer, const void *data, size_t length, Diag *diag)
{
    writer->written += length;
    return write_all(writer->fd, data, length, writer->path, diag);
}

static void local_abort(VolumeWriter *writer)
{
    close(writer->fd); /* an unnamed file goes with its descriptor */
    mem_free(writer);
}

static Status local_commit(VolumeWriter *writer, Diag *diag)
{
    Status status = publish(writer->local, writer->fd, writer->path, diag);
    if (status == OK)
        status = note_dirty(writer->local, writer->path, diag);
    local_abort(writer);
    return status;
}

static Status local_remove(Volume *volume, const char *path, Diag *diag)
{
    LocalVolume *local = (LocalVolume *)volume;
    if (!path_is_safe(path))
        return RAISE(diag, IO, "object path \"%s\" is not allowed", path);
    if (unlinkat(local->root, path, 0) != 0 && errno != ENOENT)
        return io_error(diag, "delete", path);
    return OK;
}

typedef struct ListState {
    void (*visit)(void *context, const char *path, uint64_t size);
    void *context;
} ListState;

static Status list_directory(LocalVolume *local, const char *path, const ListState *state, int depth, Diag *diag)
{
    int fd = openat(local->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : io_error(diag, "list", path);
    DIR *directory = fdopendir(fd);
    struct dirent *entry;
    Status status = OK;
    while (status == OK && (entry = readdir(directory)) != NULL) {
        char child[MAX_PATH_BYTES];
        struct stat info;
        if (entry->d_name[0] == '.')
            continue;
        int length = snprintf(child, sizeof(child), "%s%s%s", strcmp(path, ".") == 0 ? "" : path,
                              strcmp(path, ".") == 0 ? "" : "/", entry->d_name);
        if (length >= (int)sizeof(child) || fstatat(local->root, child, &info, 0) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth < 32)
            status = list_directory(local, child, state, depth + 1, diag);
        else if (S_ISREG(info.st_mode))
            state->visit(state->context, child, (uint64_t)info.st_size);
    }
    closedir(directory);
    return status;
}

static Status local_list(Volume *volume, const char *prefix,
                         void (*visit)(void *context, const char *path, uint64_t size), void *context, Diag *diag)
{
    ListState state = {visit, context};
    return list_directory((LocalVolume *)volume, prefix[0] == '\0' ? "." : prefix, &state, 0, diag);
}

static void local_close(Volume *volume)
{
    LocalVolume *local = (LocalVolume *)volume;
    for (uint32_t i = 0; i < local->dirty_count; i++)
        mem_free(local->dirty[i]);
    close(local->root);
    arena_deinit(&local->made_names);
    mutex_deinit(&local->made_lock);
    mutex_deinit(&local->mapping_lock);
    mutex_deinit(&local->lock);
    mem_free(local);
}

static const VolumeOps local_ops = {
    .put_if_absent = local_put_if_absent,
    .put = local_put,
    .flush = local_flush,
    .get = local_get,
    .open_object = local_open_object,
    .close_object = local_close_object,
    .is_unchanged = local_is_unchanged,
    .open_writer = local_open_writer,
    .append = local_append,
    .commit = local_commit,
    .abort = local_abort,
    .remove = local_remove,
    .list = local_list,
    .close = local_close,
};

/* Two creates of one fresh name: the second has to be refused. */
static Status probe(LocalVolume *local, Diag *diag)
{
    char path[64];
    snprintf(path, sizeof(path), "probe.%016llx", (unsigned long long)env_random(local->volume.environment));
    TRY(write_object(local, path, STR_VIEW("probe"), diag));
    Diag expected = {0};
    Status second = write_object(local, path, STR_VIEW("probe"), &expected);
    TRY(local_remove(&local->volume, path, diag));
    if (second == ERR_OBJECT_EXISTS)
        return OK;
    return RAISE(diag, VOLUME_UNSAFE,
                 "volume \"%s\" does not refuse to create an object that exists: it can't hold a journal",
                 local->url);
}

/* Makes the name of the directory durable where the one above it may be opened. */
static Status sync_name(const char *directory, Diag *diag)
{
    char parent[MAX_PATH_BYTES];
    parent_of(directory, parent);
    if (directory[0] == '/' && strchr(directory + 1, '/') == NULL)
        memcpy(parent, "/", 2);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? OK : RAISE(diag, IO, "could not open directory \"%s\": %m", parent);
    int result = fsync(fd);
    Status status = result == 0 ? OK : RAISE(diag, IO, "could not sync directory \"%s\": %m", parent);
    close(fd);
    return status;
}

static Status make_root(const char *directory, Diag *diag)
{
    char path[MAX_PATH_BYTES];
    snprintf(path, sizeof(path), "%s", directory);
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    for (char *slash = path + 1; *slash != '\0'; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0750) == 0)
            TRY(sync_name(path, diag));
        *slash = '/';
    }
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "could not make directory \"%s\": %m", directory);
    return sync_name(path, diag); /* who made it may not have come to that */
}

Status volume_open_local(const char *directory, const Environment *environment, Diag *diag, Volume **out_volume)
{
    volume_guard_install();
    TRY(make_root(directory, diag));
    int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return RAISE(diag, IO, "could not open directory \"%s\": %m", directory);
    LocalVolume *local = mem_alloc_zero(sizeof(*local));
    local->root = root;
    mutex_init(&local->lock);
    mutex_init(&local->made_lock);
    mutex_init(&local->mapping_lock);
    arena_init(&local->made_names, NULL);
    strmap_init(&local->made, &local->made_names, false);
    snprintf(local->url, sizeof(local->url), "file://%s", directory);
    local->volume = (Volume){.ops = &local_ops, .environment = environment, .url = local->url};
    Status status = probe(local, diag);
    if (status == ERR_NO_SPACE) { /* it can be read, and things can be dropped once there is a little */
        LOG_WARN("volume", "volume %s could not be probed: %s", local->url, diag->message);
        diag_reset(diag);
        status = OK;
    }
    if (status != OK) {
        local_close(&local->volume);
        return status;
    }
    *out_volume = &local->volume;
    return OK;
}
