#pragma once
/* Places that hold files which are not ours: a directory of this machine, buckets of S3 services.
 *
 * Local files are found only below the directory that the configuration names; nothing, no symbolic link either, leads out of it.
 * Writers make nothing visible before commit. One thread opens and lists; readers are for any thread. */

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"
#include "connector/file_glob.h"

typedef struct FileStores FileStores; /* the places that one statement uses */
typedef struct FileStore FileStore;   /* one of them */

typedef struct FileSettings {
    const char *local_directory; /* files_local_directory; empty: there are no local files */
    const char *ca_file;
    int64_t connect_timeout_ms, request_timeout_ms, retry_timeout_ms;
} FileSettings;

typedef struct FileCredentials {
    const char *endpoint, *region, *access_key, *secret_key, *session_token;
    int path_style; /* as in S3Options */
} FileCredentials;

FileStores *file_stores_open(const FileSettings *settings, const FileCredentials *credentials);
void file_stores_close(FileStores *stores);

typedef struct FileEntry {
    FileStore *store;
    const char *url;
    const char *key; /* in the store */
    uint64_t size;
    int64_t modified_us; /* wall clock, UTC */
    bool is_directory;
} FileEntry;

typedef struct FileList {
    FileEntry *items;
    uint32_t count, capacity;
} FileList;

enum { MOST_FILES = 1000000 };

/* What a path or pattern stands for. Directories that match stand for what is in them: one level, or all when is_recursive, then
 * with the directories themselves. */
Status file_stores_list(FileStores *stores, StrView pattern, bool is_recursive, Arena *arena, FileList *out, Diag *diag);
bool file_url_is_local(StrView url);

typedef struct FileReader FileReader;
Status file_reader_open(const FileEntry *file, Diag *diag, FileReader **out_reader);
/* All of the bytes, or an error that names the file. */
Status file_reader_read(FileReader *reader, uint64_t offset, uint64_t length, void *out, Diag *diag);
void file_reader_close(FileReader *reader); /* NULL is fine */
bool file_is_remote(const FileEntry *file);

typedef struct FileWriter FileWriter;
/* Directories above it are made. */
Status file_writer_open(FileStores *stores, StrView url, Diag *diag, FileWriter **out_writer);
Status file_writer_append(FileWriter *writer, const void *data, size_t length, Diag *diag);
/* The bytes are durable; the file appears with file_writer_publish(). */
Status file_writer_finish(FileWriter *writer, Diag *diag);
/* Closes in any case. */
Status file_writer_publish(FileWriter *writer, Diag *diag);
void file_writer_abort(FileWriter *writer); /* NULL is fine */

/* ---- for the kinds of stores ---- */

typedef struct FileStoreOps {
    Status (*list)(FileStore *store, StrView pattern, bool is_recursive, Arena *arena, FileList *out, Diag *diag);
    Status (*open_reader)(const FileEntry *file, Diag *diag, FileReader **out_reader);
    Status (*read)(FileReader *reader, uint64_t offset, uint64_t length, void *out, Diag *diag);
    void (*close_reader)(FileReader *reader);
    Status (*open_writer)(FileStore *store, StrView key, Diag *diag, FileWriter **out_writer);
    Status (*append)(FileWriter *writer, const void *data, size_t length, Diag *diag);
    Status (*finish)(FileWriter *writer, Diag *diag);
    Status (*publish)(FileWriter *writer, Diag *diag);
    void (*abort)(FileWriter *writer);
    void (*close)(FileStore *store);
    bool is_remote;
} FileStoreOps;

struct FileStore {
    const FileStoreOps *ops;
    FileStore *next;
    const char *root; /* url that keys are below, with a slash at its end */
};
struct FileReader {
    const FileStoreOps *ops;
};
struct FileWriter {
    const FileStoreOps *ops;
};

Status file_store_open_local(const char *directory, Diag *diag, FileStore **out_store);
Status file_store_open_s3(const FileSettings *settings, const FileCredentials *credentials, StrView bucket, Diag *diag, FileStore **out_store);
/* Adds an entry; its texts go to arena. LIMIT_EXCEEDED: there are too many. */
Status file_list_add(FileList *list, Arena *arena, FileStore *store, StrView key, const FileEntry *rest, Diag *diag);
