#pragma once
/* What the properties of FILES() say. Names are StarRocks'; one that is not known is an error. */

#include "codec/stream.h"
#include "connector/file_store.h"
#include "format/csv.h"

typedef enum FileFormat { FILE_FORMAT_NONE, FILE_FORMAT_CSV, FILE_FORMAT_PARQUET } FileFormat;

typedef struct FileProperty {
    StrView key, value;
} FileProperty;

typedef struct FileOptions {
    FileFormat format;
    StrView path;
    PathList patterns; /* of the path, braces expanded */
    FileCredentials credentials;
    CsvOptions csv;
    uint64_t skip_header;
    PathList path_columns; /* columns_from_path */
    uint64_t sample_files, sample_rows;
    bool detects_types;
    bool fills_missing; /* fill_mismatch_column_with = null */
    bool is_strict, has_strict;
    bool lists_only, lists_recursively;
    /* of INSERT INTO FILES() */
    StrView compression;
    PathList partition_by;
    bool is_single, includes_header;
    uint64_t target_file_bytes;
} FileOptions;

/* Texts in arena. is_write: the properties of INSERT INTO FILES(). */
Status file_options_read(const FileProperty *properties, uint32_t count, bool is_write, Arena *arena, Diag *diag, FileOptions *out);
/* The codec that the end of a name stands for: .gz, .bz2, .deflate, .lz4, .zst. */
StreamCodec file_name_codec(const char *name);
