#include "connector/file_store.h"

/* A bucket. Patterns are matched against the keys behind their plain prefix. Files are read in ranges; what is written is uploaded
 * in parts, or put whole when it is small, and appears with the last request. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "types/datetime.h"
#include "volume/s3_client.h"

enum { PART_BYTES = 16 << 20 };

typedef struct BucketStore {
    FileStore store;
    S3Client *client;
} BucketStore;

typedef struct BucketReader {
    FileReader reader;
    S3Client *client;
    char *key, *url;
    uint64_t size;
} BucketReader;

typedef struct BucketWriter {
    FileWriter writer;
    S3Client *client;
    char *key;
    ByteBuf part;
    uint64_t written;
    char upload[S3_UPLOAD_ID_BYTES]; /* empty: not begun */
    char (*etags)[S3_ETAG_BYTES];
    uint32_t part_count;
} BucketWriter;

typedef struct BucketList {
    FileStore *store;
    StrView pattern; /* without a slash at its end */
    bool is_recursive;
    Arena *arena;
    FileList *out;
    Diag *diag;
    Status status;
    ByteBuf previous; /* key */
} BucketList;

/* How many names of key the pattern takes; 0: it does not match. */
static size_t matched_length(const BucketList *list, StrView key)
{
    StrView rest = key, pattern = list->pattern, name, wanted;
    while (path_next_name(&pattern, &wanted)) {
        if (!path_next_name(&rest, &name) || !path_name_matches(name, wanted))
            return 0;
    }
    return rest.length == 0 ? key.length : key.length - rest.length - 1;
}

static Status add_key(BucketList *list, StrView key, const S3Listed *object, bool is_directory)
{
    FileEntry entry = {.size = is_directory ? 0 : object->size, .is_directory = is_directory};
    int64_t local_us;
    if (datetime_parse_us(strview(object->modified), &local_us))
        entry.modified_us = local_us;
    return file_list_add(list->out, list->arena, list->store, key, &entry, list->diag);
}

/* Keys come in order: those of a directory one behind the other. */
static bool has_directory(const BucketList *list, StrView directory)
{
    StrView before = bytebuf_view(&list->previous);
    return before.length > directory.length && before.data[directory.length] == '/' && strview_starts_with(before, directory);
}

static bool is_hidden(StrView path)
{
    StrView name;
    while (path_next_name(&path, &name)) {
        if (name.length > 0 && name.data[0] == '.')
            return true;
    }
    return false;
}

/* Directories are what keys have in common; one level below what matched counts, all with is_recursive. */
static Status add_below(BucketList *list, StrView key, size_t matched, const S3Listed *object)
{
    size_t from = matched;
    if (is_hidden(strview_n(key.data + matched + 1, key.length - matched - 1)))
        return OK;
    if (list->is_recursive && !has_directory(list, strview_n(key.data, matched)))
        TRY(add_key(list, strview_n(key.data, matched), object, true));
    while (from < key.length) {
        StrView rest = strview_n(key.data + from + 1, key.length - from - 1);
        size_t slash = strview_find(rest, STR_VIEW("/"));
        if (slash == SIZE_MAX || rest.length == 0)
            break;
        StrView directory = strview_n(key.data, from + 1 + slash);
        if (!has_directory(list, directory))
            TRY(add_key(list, directory, object, true));
        if (!list->is_recursive)
            return OK;
        from = directory.length;
    }
    return key.data[key.length - 1] == '/' ? OK : add_key(list, key, object, false);
}

static Status add_object(BucketList *list, StrView key, const S3Listed *object)
{
    size_t matched = list->pattern.length == 0 ? 0 : matched_length(list, key);
    if (list->pattern.length == 0) /* the bucket itself */
        return strview_find(key, STR_VIEW("/")) == SIZE_MAX || list->is_recursive ? add_key(list, key, object, false) : OK;
    if (matched == 0 || (matched == key.length && key.data[key.length - 1] == '/'))
        return OK;
    return matched == key.length ? add_key(list, key, object, false) : add_below(list, key, matched, object);
}

static void visit(void *context, const S3Listed *object)
{
    BucketList *list = context;
    StrView key = strview(object->key);
    if (list->status == OK)
        list->status = add_object(list, key, object);
    bytebuf_clear(&list->previous);
    bytebuf_append_view(&list->previous, key);
}

static Status bucket_list(FileStore *store, StrView pattern, bool is_recursive, Arena *arena, FileList *out, Diag *diag)
{
    while (pattern.length > 0 && pattern.data[pattern.length - 1] == '/')
        pattern.length--;
    BucketList list = {.store = store, .pattern = pattern, .is_recursive = is_recursive, .arena = arena, .out = out, .diag = diag};
    StrView prefix = path_has_wildcard(pattern) ? path_plain_prefix(pattern) : pattern;
    Status status = s3_list_objects(((BucketStore *)store)->client, arena_strndup(arena, prefix.data == NULL ? "" : prefix.data, prefix.length),
                                    visit, &list, diag);
    bytebuf_deinit(&list.previous);
    return status != OK ? status : list.status;
}

/* ---- readers ---- */

static Status bucket_open_reader(const FileEntry *file, Diag *diag, FileReader **out_reader)
{
    (void)diag;
    BucketReader *reader = mem_alloc_zero(sizeof(*reader));
    *reader = (BucketReader){{file->store->ops}, ((const BucketStore *)file->store)->client, mem_strdup(file->key), mem_strdup(file->url),
                             file->size};
    *out_reader = &reader->reader;
    return OK;
}

static Status bucket_read(FileReader *file_reader, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    const BucketReader *reader = (const BucketReader *)file_reader;
    AUTO_BYTEBUF bytes = {0};
    uint64_t total = 0;
    Status status = s3_get_range(reader->client, reader->key, offset, length, &bytes, &total, diag);
    if (status == OK && total != reader->size)
        status = RAISE(diag, IO, "'%s' was written anew while it was read", reader->url);
    if (status != OK)
        return status;
    memcpy(out, bytes.data, length);
    return OK;
}

static void bucket_close_reader(FileReader *file_reader)
{
    BucketReader *reader = (BucketReader *)file_reader;
    mem_free(reader->key);
    mem_free(reader->url);
    mem_free(reader);
}

/* ---- writers ---- */

static Status bucket_open_writer(FileStore *store, StrView key, Diag *diag, FileWriter **out_writer)
{
    if (key.length == 0 || key.data[key.length - 1] == '/' || key.length > 1000)
        return RAISE(diag, BAD_VALUE, "'%s%.*s' is no name for an object", store->root, SV_ARGS(key));
    BucketWriter *writer = mem_alloc_zero(sizeof(*writer));
    AUTO_BYTEBUF text = {0};
    bytebuf_append_view(&text, key);
    bytebuf_append_char(&text, '\0');
    *writer = (BucketWriter){.writer = {store->ops}, .client = ((BucketStore *)store)->client, .key = mem_strdup(text.data)};
    *out_writer = &writer->writer;
    return OK;
}

static Status upload_part(BucketWriter *writer, Diag *diag)
{
    if (writer->part_count == S3_MOST_PARTS)
        return RAISE(diag, LIMIT_EXCEEDED, "file \"%s\" needs more than %d parts: choose a smaller target_max_file_size", writer->key,
                     (int)S3_MOST_PARTS);
    if (writer->upload[0] == '\0')
        TRY(s3_upload_begin(writer->client, writer->key, writer->upload, diag));
    writer->etags = mem_realloc(writer->etags, (writer->part_count + 1) * sizeof(*writer->etags));
    TRY(s3_upload_part(writer->client, writer->key, writer->upload, writer->part_count + 1, bytebuf_view(&writer->part),
                       writer->etags[writer->part_count], diag));
    writer->part_count++;
    bytebuf_clear(&writer->part);
    return OK;
}

static Status bucket_append(FileWriter *file_writer, const void *data, size_t length, Diag *diag)
{
    BucketWriter *writer = (BucketWriter *)file_writer;
    const char *at = data;
    writer->written += length;
    while (length > 0) {
        size_t taken = MIN(length, (size_t)PART_BYTES - writer->part.length);
        bytebuf_append(&writer->part, at, taken);
        at += taken;
        length -= taken;
        if (length > 0 && writer->part.length == PART_BYTES)
            TRY(upload_part(writer, diag));
    }
    return OK;
}

/* What is in parts is uploaded; whole objects wait for the one request that makes them. */
static Status bucket_finish(FileWriter *file_writer, Diag *diag)
{
    BucketWriter *writer = (BucketWriter *)file_writer;
    return writer->upload[0] == '\0' ? OK : upload_part(writer, diag);
}

static void bucket_abort(FileWriter *file_writer)
{
    BucketWriter *writer = (BucketWriter *)file_writer;
    Diag trouble = {0};
    if (writer->upload[0] != '\0' && s3_upload_abort(writer->client, writer->key, writer->upload, &trouble) != OK)
        LOG_WARN("files", "parts of object=%s could not be removed: %s", writer->key, trouble.message);
    bytebuf_deinit(&writer->part);
    mem_free(writer->etags);
    mem_free(writer->key);
    mem_free(writer);
}

static Status bucket_publish(FileWriter *file_writer, Diag *diag)
{
    BucketWriter *writer = (BucketWriter *)file_writer;
    Status status;
    if (writer->upload[0] == '\0')
        status = s3_put_if_absent(writer->client, writer->key, bytebuf_view(&writer->part), diag);
    else
        status = s3_upload_complete(writer->client, writer->key, writer->upload, (const char (*)[S3_ETAG_BYTES])writer->etags,
                                    writer->part_count, writer->written, diag);
    if (status == OK)
        writer->upload[0] = '\0';
    bucket_abort(file_writer);
    return status;
}

static void bucket_close(FileStore *store)
{
    BucketStore *bucket = (BucketStore *)store;
    s3_client_close(bucket->client);
    mem_free((char *)(uintptr_t)store->root);
    mem_free(bucket);
}

static const FileStoreOps bucket_ops = {
    .list = bucket_list,
    .open_reader = bucket_open_reader,
    .read = bucket_read,
    .close_reader = bucket_close_reader,
    .open_writer = bucket_open_writer,
    .append = bucket_append,
    .finish = bucket_finish,
    .publish = bucket_publish,
    .abort = bucket_abort,
    .close = bucket_close,
    .is_remote = true,
};

Status file_store_open_s3(const FileSettings *settings, const FileCredentials *credentials, StrView bucket, Diag *diag, FileStore **out_store)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    bool has_file = settings->ca_file != NULL && settings->ca_file[0] != '\0';
    S3Options options = {.endpoint = credentials->endpoint, .region = credentials->region,
                         .bucket = arena_strndup(&arena, bucket.data, bucket.length), .prefix = "",
                         .access_key = credentials->access_key, .secret_key = credentials->secret_key,
                         .session_token = credentials->session_token, .path_style = credentials->path_style,
                         .connect_timeout_ms = settings->connect_timeout_ms, .request_timeout_ms = settings->request_timeout_ms,
                         .retry_timeout_ms = settings->retry_timeout_ms, .ca_file = has_file ? settings->ca_file : NULL};
    if (credentials->access_key[0] == '\0' || credentials->secret_key[0] == '\0')
        return RAISE(diag, ANALYSIS, "Access storage error. Error message: Unable to load credentials: give \"aws.s3.access_key\" and "
                                     "\"aws.s3.secret_key\" in FILES().");
    BucketStore *store = mem_alloc_zero(sizeof(*store));
    Status status = s3_client_open(&options, environment_real(), diag, &store->client);
    if (status != OK) {
        mem_free(store);
        return status;
    }
    store->store.ops = &bucket_ops;
    *out_store = &store->store;
    return OK;
}
