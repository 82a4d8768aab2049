#pragma once
/* Rows into files: INSERT INTO FILES().
 *
 * Files are called <path>data_<id>_<n>.csv, or <path>_<id>_<n>.csv where the path does not end with a slash. partition_by puts rows
 * into directories column=value, and leaves these columns out. Nothing is visible before file_sink_commit(), which makes files
 * appear one after the other once the bytes of all are durable: a file is there whole or not at all. Lanes write files of their
 * own, each by one thread at a time. */

#include "connector/file_options.h"
#include "vector/vector.h"

typedef struct FileSink FileSink;

typedef struct FileSinkRequest {
    const FileProperty *properties;
    uint32_t property_count;
    const FileSettings *settings;
    const StrView *names; /* of the columns */
    const Type *types;
    uint32_t column_count;
    StrView id; /* in the names of files */
    MemTracker *memory;
    Arena *arena; /* the sink's */
} FileSinkRequest;

enum { FILE_SINK_LANES = 64, MOST_SINK_FILES = 10000 };

/* The caller closes the sink, before the arena ends. */
Status file_sink_open(const FileSinkRequest *request, Diag *diag, FileSink **out_sink);
bool file_sink_is_single(const FileSink *sink); /* only lane 0 is to be used */
Status file_sink_write(FileSink *sink, uint32_t lane, const Chunk *chunk, Diag *diag);
Status file_sink_commit(FileSink *sink, Diag *diag);
typedef struct FileSinkTotals {
    uint64_t rows, bytes;
    uint32_t files;
} FileSinkTotals;
FileSinkTotals file_sink_totals(const FileSink *sink); /* after the commit */
void file_sink_close(FileSink *sink); /* NULL is fine; what was not committed is removed */
