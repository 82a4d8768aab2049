#include "connector/file_store.h"

/* Which place a URL names: file:///path, s3://bucket/key and s3a://bucket/key. */

#include <string.h>

#include "base/memory.h"

struct FileStores {
    FileSettings settings;
    FileCredentials credentials;
    FileStore *first;
};

FileStores *file_stores_open(const FileSettings *settings, const FileCredentials *credentials)
{
    FileStores *stores = mem_alloc_zero(sizeof(*stores));
    stores->settings = *settings;
    stores->credentials = *credentials;
    return stores;
}

void file_stores_close(FileStores *stores)
{
    if (stores == NULL)
        return;
    for (FileStore *store = stores->first, *next; store != NULL; store = next) {
        next = store->next;
        store->ops->close(store);
    }
    mem_free(stores);
}

bool file_url_is_local(StrView url)
{
    return strview_starts_with_ci(url, STR_VIEW("file:"));
}

static StrView behind(StrView text, size_t length)
{
    return strview_n(text.data + length, text.length - length);
}

static FileStore *find_store(FileStores *stores, StrView root)
{
    for (FileStore *store = stores->first; store != NULL; store = store->next) {
        if (strview_is(root, store->root))
            return store;
    }
    return NULL;
}

static void keep_store(FileStores *stores, FileStore *store)
{
    store->next = stores->first;
    stores->first = store;
}

/* Is there a name ".." in it? */
static bool climbs(StrView path)
{
    StrView name;
    while (path_next_name(&path, &name)) {
        if (strview_is(name, ".."))
            return true;
    }
    return false;
}

static Status find_local(FileStores *stores, StrView url, Arena *arena, FileStore **out_store, StrView *out_key, Diag *diag)
{
    const char *directory = stores->settings.local_directory;
    if (directory == NULL || directory[0] == '\0')
        return RAISE(diag, NOT_SUPPORTED, "FILES() reads and writes local files below the directory that the configuration key "
                                          "files_local_directory names; it is not set");
    StrView path = behind(url, 5);
    while (path.length > 1 && path.data[0] == '/' && path.data[1] == '/')
        path = behind(path, 1);
    StrView root = strview(directory);
    while (root.length > 1 && root.data[root.length - 1] == '/')
        root.length--;
    bool is_below = strview_starts_with(path, root) && (path.length == root.length || path.data[root.length] == '/' || root.length == 1);
    if (!is_below || climbs(path))
        return RAISE(diag, PRIVILEGE_DENIED, "'%.*s' is not below the directory %s of files_local_directory", SV_ARGS(url), directory);
    const char *root_url = arena_printf(arena, "file://%.*s%s", SV_ARGS(root), root.length == 1 ? "" : "/");
    *out_store = find_store(stores, strview(root_url));
    if (*out_store == NULL) {
        TRY(file_store_open_local(arena_strndup(arena, root.data, root.length), diag, out_store));
        keep_store(stores, *out_store);
    }
    *out_key = behind(path, root.length);
    while (out_key->length > 0 && out_key->data[0] == '/')
        *out_key = behind(*out_key, 1);
    return OK;
}

static Status find_bucket(FileStores *stores, StrView url, size_t scheme, Arena *arena, FileStore **out_store, StrView *out_key, Diag *diag)
{
    StrView rest = behind(url, scheme);
    size_t slash = strview_find(rest, STR_VIEW("/"));
    StrView bucket = strview_n(rest.data, slash == SIZE_MAX ? rest.length : slash);
    if (bucket.length == 0 || path_has_wildcard(bucket))
        return RAISE(diag, BAD_VALUE, "'%.*s' names no bucket", SV_ARGS(url));
    const char *root = arena_printf(arena, "%.*s%.*s/", (int)scheme, url.data, SV_ARGS(bucket));
    *out_store = find_store(stores, strview(root));
    *out_key = slash == SIZE_MAX ? STR_VIEW("") : behind(rest, slash + 1);
    if (*out_store != NULL)
        return OK;
    TRY(file_store_open_s3(&stores->settings, &stores->credentials, bucket, diag, out_store));
    (*out_store)->root = mem_strdup(root);
    keep_store(stores, *out_store);
    return OK;
}

static Status find_place(FileStores *stores, StrView url, Arena *arena, FileStore **out_store, StrView *out_key, Diag *diag)
{
    if (file_url_is_local(url))
        return find_local(stores, url, arena, out_store, out_key, diag);
    if (strview_starts_with_ci(url, STR_VIEW("s3://")))
        return find_bucket(stores, url, 5, arena, out_store, out_key, diag);
    if (strview_starts_with_ci(url, STR_VIEW("s3a://")))
        return find_bucket(stores, url, 6, arena, out_store, out_key, diag);
    if (strview_find(url, STR_VIEW("://")) == SIZE_MAX)
        return RAISE(diag, ANALYSIS, "Access storage error. Error message: invalid path. scheme is null");
    return RAISE(diag, NOT_SUPPORTED, "FILES() knows paths that begin with file:/// or s3://, not '%.*s'", SV_ARGS(url));
}

Status file_list_add(FileList *list, Arena *arena, FileStore *store, StrView key, const FileEntry *rest, Diag *diag)
{
    if (list->count >= MOST_FILES)
        return RAISE(diag, LIMIT_EXCEEDED, "the path of FILES() stands for more than %d files", (int)MOST_FILES);
    FileEntry entry = *rest;
    entry.store = store;
    entry.key = arena_strndup(arena, key.data == NULL ? "" : key.data, key.length);
    entry.url = arena_printf(arena, "%s%s", store->root, entry.key);
    ARRAY_PUSH(arena, list, entry);
    return OK;
}

Status file_stores_list(FileStores *stores, StrView pattern, bool is_recursive, Arena *arena, FileList *out, Diag *diag)
{
    FileStore *store;
    StrView key;
    TRY(find_place(stores, pattern, arena, &store, &key, diag));
    return store->ops->list(store, key, is_recursive, arena, out, diag);
}

bool file_is_remote(const FileEntry *file)
{
    return file->store->ops->is_remote;
}

Status file_reader_open(const FileEntry *file, Diag *diag, FileReader **out_reader)
{
    return file->store->ops->open_reader(file, diag, out_reader);
}

Status file_reader_read(FileReader *reader, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    return length == 0 ? OK : reader->ops->read(reader, offset, length, out, diag);
}

void file_reader_close(FileReader *reader)
{
    if (reader != NULL)
        reader->ops->close_reader(reader);
}

Status file_writer_open(FileStores *stores, StrView url, Diag *diag, FileWriter **out_writer)
{
    FileStore *store;
    StrView key;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    TRY(find_place(stores, url, &arena, &store, &key, diag));
    return store->ops->open_writer(store, key, diag, out_writer);
}

Status file_writer_append(FileWriter *writer, const void *data, size_t length, Diag *diag)
{
    return writer->ops->append(writer, data, length, diag);
}

Status file_writer_finish(FileWriter *writer, Diag *diag)
{
    return writer->ops->finish(writer, diag);
}

Status file_writer_publish(FileWriter *writer, Diag *diag)
{
    return writer->ops->publish(writer, diag);
}

void file_writer_abort(FileWriter *writer)
{
    if (writer != NULL)
        writer->ops->abort(writer);
}
