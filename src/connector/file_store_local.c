#include "connector/file_store.h"

/* A directory. Every path is opened relative to it with openat2(RESOLVE_BENEATH), so that neither ".." nor a symbolic link leads
 * out; where the system has no openat2, names are opened one by one and symbolic links are refused altogether.
 *
 * A file that is written has a hidden name beside its own until it is published, which is a rename. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/fault.h"
#include "base/memory.h"

typedef struct LocalStore {
    FileStore store;
    int root;
    char *root_url;
} LocalStore;

typedef struct LocalReader {
    FileReader reader;
    int fd;
    char *url;
} LocalReader;

typedef struct LocalWriter {
    FileWriter writer;
    int fd, directory;
    char *temporary, *name, *url;
} LocalWriter;

/* Without openat2(): name by name, through no symbolic link. */
static int open_by_names(int root, const char *key, int flags, mode_t mode)
{
    StrView rest = strview(key), name;
    int at = dup(root);
    while (at >= 0 && path_next_name(&rest, &name)) {
        char text[256];
        if (name.length == 0)
            continue;
        if (name.length >= sizeof(text) || strview_is(name, "..")) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        snprintf(text, sizeof(text), "%.*s", SV_ARGS(name));
        int next = openat(at, text, (rest.length > 0 ? O_RDONLY | O_DIRECTORY : flags) | O_NOFOLLOW | O_CLOEXEC, mode);
        int error = errno;
        close(at);
        errno = error;
        at = next;
    }
    return at;
}

static int open_below(int root, const char *key, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    const char *path = key[0] == '\0' ? "." : key;
    long fd;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_names(root, key, flags, mode);
    return (int)fd;
}

static Status open_error(const char *url, Diag *diag)
{
    if (errno == ENOENT)
        return RAISE(diag, NO_SUCH_OBJECT, "there is no file '%s'", url);
    if (errno == EXDEV || errno == ELOOP)
        return RAISE(diag, PRIVILEGE_DENIED, "'%s' leads out of the directory of files_local_directory", url);
    return RAISE(diag, IO, "cannot open '%s': %m", url);
}

/* ---- lists ---- */

typedef struct Walk {
    LocalStore *local;
    Arena *arena;
    FileList *out;
    Diag *diag;
    bool is_recursive;
    bool is_plain; /* one file or directory, without a pattern */
} Walk;

static Status add_file(const Walk *walk, StrView key, const struct stat *info)
{
    FileEntry entry = {.size = S_ISDIR(info->st_mode) ? 0 : (uint64_t)info->st_size,
                       .modified_us = info->st_mtim.tv_sec * 1000000 + info->st_mtim.tv_nsec / 1000,
                       .is_directory = S_ISDIR(info->st_mode)};
    return file_list_add(walk->out, walk->arena, &walk->local->store, key, &entry, walk->diag);
}

/* Type and size of what is below the root; false: it is not there, or not for us. */
static bool look_at(const Walk *walk, const char *key, struct stat *out_info)
{
    int fd = open_below(walk->local->root, key, O_PATH, 0);
    bool is_there = fd >= 0 && fstat(fd, out_info) == 0 && (S_ISDIR(out_info->st_mode) || S_ISREG(out_info->st_mode));
    if (fd >= 0)
        close(fd);
    return is_there;
}

static const char *join(Arena *arena, StrView directory, StrView name)
{
    return directory.length == 0 ? arena_strndup(arena, name.data, name.length)
                                 : arena_printf(arena, "%.*s/%.*s", SV_ARGS(directory), SV_ARGS(name));
}

static int compare_names(const void *a, const void *b)
{
    return strview_compare(*(const StrView *)a, *(const StrView *)b);
}

/* The names in a directory that match, in order. */
static Status read_names(const Walk *walk, StrView directory, StrView pattern, PathList *out)
{
    const char *key = arena_strndup(walk->arena, directory.data == NULL ? "" : directory.data, directory.length);
    int fd = open_below(walk->local->root, key, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EXDEV || errno == ELOOP))
        return OK;
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        if (fd >= 0)
            close(fd);
        return RAISE(walk->diag, IO, "cannot read the directory '%s%s': %m", walk->local->root_url, key);
    }
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (path_name_matches(strview(entry->d_name), pattern) && out->count < MOST_FILES)
            ARRAY_PUSH(walk->arena, out, strview(arena_strdup(walk->arena, entry->d_name)));
    }
    closedir(stream);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(StrView), compare_names);
    return OK;
}

static Status list_directory(const Walk *walk, StrView directory)
{
    PathList names = {0};
    TRY(read_names(walk, directory, STR_VIEW("*"), &names));
    for (uint32_t i = 0; i < names.count; i++) {
        struct stat info;
        const char *key = join(walk->arena, directory, names.items[i]);
        if (!look_at(walk, key, &info))
            continue;
        TRY(add_file(walk, strview(key), &info));
        if (walk->is_recursive && S_ISDIR(info.st_mode))
            TRY(list_directory(walk, strview(key)));
    }
    return OK;
}

static Status add_match(const Walk *walk, StrView key)
{
    struct stat info;
    const char *path = arena_strndup(walk->arena, key.data == NULL ? "" : key.data, key.length);
    errno = ENOENT;
    if (!look_at(walk, path, &info)) {
        bool leads_out = walk->is_plain && (errno == EXDEV || errno == ELOOP);
        return leads_out ? open_error(arena_printf(walk->arena, "%s%s", walk->local->root_url, path), walk->diag) : OK;
    }
    if (!S_ISDIR(info.st_mode) || walk->is_recursive)
        TRY(add_file(walk, key, &info));
    return S_ISDIR(info.st_mode) ? list_directory(walk, key) : OK;
}

static Status walk_pattern(const Walk *walk, StrView directory, StrView pattern)
{
    StrView name;
    do {
        if (!path_next_name(&pattern, &name))
            return add_match(walk, directory);
    } while (name.length == 0 || strview_is(name, "."));
    if (!path_has_wildcard(name))
        return walk_pattern(walk, strview(join(walk->arena, directory, name)), pattern);
    PathList names = {0};
    TRY(read_names(walk, directory, name, &names));
    for (uint32_t i = 0; i < names.count; i++)
        TRY(walk_pattern(walk, strview(join(walk->arena, directory, names.items[i])), pattern));
    return OK;
}

static Status local_list(FileStore *store, StrView pattern, bool is_recursive, Arena *arena, FileList *out, Diag *diag)
{
    Walk walk = {(LocalStore *)store, arena, out, diag, is_recursive, !path_has_wildcard(pattern)};
    return walk_pattern(&walk, STR_VIEW(""), pattern);
}

/* ---- readers ---- */

static Status local_open_reader(const FileEntry *file, Diag *diag, FileReader **out_reader)
{
    const LocalStore *local = (const LocalStore *)file->store;
    struct stat info;
    int fd = open_below(local->root, file->key, O_RDONLY | O_NONBLOCK, 0); /* a pipe does not hold us up */
    if (fd < 0)
        return open_error(file->url, diag);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return RAISE(diag, IO, "'%s' is not a plain file", file->url);
    }
    LocalReader *reader = mem_alloc_zero(sizeof(*reader));
    *reader = (LocalReader){{file->store->ops}, fd, mem_strdup(file->url)};
    *out_reader = &reader->reader;
    return OK;
}

static Status local_read(FileReader *file_reader, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    const LocalReader *reader = (const LocalReader *)file_reader;
    char *at = out;
    FAULT("file.read", diag);
    while (length > 0) {
        ssize_t got = pread(reader->fd, at, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RAISE(diag, IO, "cannot read '%s': %m", reader->url);
        if (got == 0)
            return RAISE(diag, IO, "'%s' became shorter while it was read", reader->url);
        at += got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return OK;
}

static void local_close_reader(FileReader *file_reader)
{
    LocalReader *reader = (LocalReader *)file_reader;
    close(reader->fd);
    mem_free(reader->url);
    mem_free(reader);
}

/* ---- writers ---- */

/* The directory of a file, made when it is missing; -1: errno tells. */
static int open_directory_of(int root, const char *key)
{
    char path[4096];
    const char *slash = strrchr(key, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - key);
    if (length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, key, length);
    path[length] = '\0';
    int fd = open_below(root, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 || errno != ENOENT || length == 0)
        return fd;
    int above = open_directory_of(root, path);
    if (above < 0)
        return -1;
    const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    bool is_made = name[0] == '\0' || mkdirat(above, name, 0750) == 0 || errno == EEXIST;
    int error = errno;
    close(above);
    errno = error;
    return is_made ? open_below(root, path, O_RDONLY | O_DIRECTORY, 0) : -1;
}

static void free_writer(LocalWriter *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->directory >= 0)
        close(writer->directory);
    mem_free(writer->temporary);
    mem_free(writer->name);
    mem_free(writer->url);
    mem_free(writer);
}

static Status local_open_writer(FileStore *store, StrView key, Diag *diag, FileWriter **out_writer)
{
    const LocalStore *local = (const LocalStore *)store;
    AUTO_BYTEBUF text = {0}, hidden = {0};
    bytebuf_append_view(&text, key);
    bytebuf_append_char(&text, '\0');
    const char *slash = strrchr(text.data, '/'), *name = slash == NULL ? text.data : slash + 1;
    LocalWriter *writer = mem_alloc_zero(sizeof(*writer));
    *writer = (LocalWriter){.writer = {store->ops}, .fd = -1, .directory = -1, .name = mem_strdup(name)};
    bytebuf_printf(&hidden, "%s%s", local->root_url, text.data);
    writer->url = mem_strdup(hidden.data);
    bytebuf_clear(&hidden);
    bytebuf_printf(&hidden, ".%s.%016llx.part", name, (unsigned long long)env_random(environment_real()));
    writer->temporary = mem_strdup(hidden.data);
    writer->directory = open_directory_of(local->root, text.data);
    if (writer->directory >= 0 && name[0] != '\0')
        writer->fd = openat(writer->directory, writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (writer->fd < 0) {
        Status status = errno == EXDEV || errno == ELOOP ? open_error(writer->url, diag)
                                                         : RAISE(diag, IO, "cannot write '%s': %m", writer->url);
        free_writer(writer);
        return status;
    }
    *out_writer = &writer->writer;
    return OK;
}

static Status local_append(FileWriter *file_writer, const void *data, size_t length, Diag *diag)
{
    const LocalWriter *writer = (const LocalWriter *)file_writer;
    const char *at = data;
    FAULT("file.write", diag);
    while (length > 0) {
        ssize_t put = write(writer->fd, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == ENOSPC || errno == EDQUOT ? RAISE(diag, NO_SPACE, "no space left to write '%s'", writer->url)
                                                      : RAISE(diag, IO, "cannot write '%s': %m", writer->url);
        at += put;
        length -= (size_t)put;
    }
    return OK;
}

static Status local_finish(FileWriter *file_writer, Diag *diag)
{
    const LocalWriter *writer = (const LocalWriter *)file_writer;
    FAULT("file.sync", diag);
    return fsync(writer->fd) == 0 ? OK : RAISE(diag, IO, "cannot write '%s': %m", writer->url);
}

static void local_abort(FileWriter *file_writer)
{
    LocalWriter *writer = (LocalWriter *)file_writer;
    unlinkat(writer->directory, writer->temporary, 0);
    free_writer(writer);
}

static Status local_publish(FileWriter *file_writer, Diag *diag)
{
    LocalWriter *writer = (LocalWriter *)file_writer;
    Status status = OK;
    if (renameat(writer->directory, writer->temporary, writer->directory, writer->name) != 0 || fsync(writer->directory) != 0)
        status = RAISE(diag, IO, "cannot write '%s': %m", writer->url);
    if (status != OK)
        unlinkat(writer->directory, writer->temporary, 0);
    free_writer(writer);
    return status;
}

static void local_close(FileStore *store)
{
    LocalStore *local = (LocalStore *)store;
    close(local->root);
    mem_free(local->root_url);
    mem_free(local);
}

static const FileStoreOps local_ops = {
    .list = local_list,
    .open_reader = local_open_reader,
    .read = local_read,
    .close_reader = local_close_reader,
    .open_writer = local_open_writer,
    .append = local_append,
    .finish = local_finish,
    .publish = local_publish,
    .abort = local_abort,
    .close = local_close,
};

Status file_store_open_local(const char *directory, Diag *diag, FileStore **out_store)
{
    int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return RAISE(diag, IO, "the directory %s of files_local_directory cannot be opened: %m", directory);
    LocalStore *local = mem_alloc_zero(sizeof(*local));
    AUTO_BYTEBUF url = {0};
    bytebuf_printf(&url, "file://%s%s", directory, strcmp(directory, "/") == 0 ? "" : "/");
    local->root = root;
    local->root_url = mem_strdup(url.data);
    local->store = (FileStore){.ops = &local_ops, .root = local->root_url};
    *out_store = &local->store;
    return OK;
}
