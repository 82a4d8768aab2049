#pragma once
/* Parquet files: columns of row groups read into vectors, and chunks written out.
 *
 * The format is specified by github.com/apache/parquet-format (parquet.thrift, Encodings.md, LogicalTypes.md).
 *
 * A file is opened once: its footer is read, checked and kept, and any number of threads may use it afterwards. A reader
 * decodes the chosen columns of one row group, a chunk at a time, and belongs to one thread at a time. Only the bytes of chosen
 * columns are read, neighbouring ones together. Everything in a file is foreign: lengths, counts and codes are checked before
 * they are used, memory is asked for from the tracker, and an error names the file, the row group and the column.
 *
 * README.md in this folder lists types, encodings and codecs. */

#include "format/segment.h"
#include "types/time_zone.h"

/* The bytes of one file. read() gives exactly length bytes, or an error; it is called from several threads at once. */
typedef struct ParquetSource {
    const char *name; /* for messages; outlives the file */
    uint64_t size;
    void *context;
    Status (*read)(void *context, uint64_t offset, uint64_t length, void *out, Diag *diag);
} ParquetSource;

typedef struct ParquetFile ParquetFile;

/* zone: in which instants (timestamps adjusted to UTC) are shown; NULL is UTC. */
Status parquet_open(const ParquetSource *source, const TimeZone *zone, MemTracker *tracker, Diag *diag, ParquetFile **out_file);
void parquet_close(ParquetFile *file);
/* Columns are those of the top level; nested ones are one column. */
uint32_t parquet_column_count(const ParquetFile *file);
StrView parquet_column_name(const ParquetFile *file, uint32_t column);
/* TYPE_NULL: the column has no type of ours, and parquet_reader_open() says why. */
Type parquet_column_type(const ParquetFile *file, uint32_t column);
uint64_t parquet_row_count(const ParquetFile *file);
uint32_t parquet_row_group_count(const ParquetFile *file);
uint64_t parquet_row_group_rows(const ParquetFile *file, uint32_t group);
/* As stored, of those columns. */
uint64_t parquet_row_group_bytes(const ParquetFile *file, uint32_t group, const uint32_t *columns, uint32_t count);
/* What the footer says of a column in a row group. Bounds hold for every value, and may be wider than needed; NULLs are counted
 * where the footer counts them, else null_count is UINT32_MAX. Nested columns have neither. */
void parquet_row_group_stats(const ParquetFile *file, uint32_t group, uint32_t column, PageStats *out_stats);

typedef struct ParquetReader ParquetReader;

/* Columns in any order; none: rows are counted only. The file stays open longer. */
Status parquet_reader_open(ParquetFile *file, uint32_t group, const uint32_t *columns, uint32_t count, MemTracker *tracker, Diag *diag,
                           ParquetReader **out_reader);
/* The next up to CHUNK_ROWS rows, 0 at the end, into out[0 .. count-1]: types are parquet_column_type()'s, any form. What they
 * point to is the reader's and holds until the next call. */
Status parquet_reader_next(ParquetReader *reader, Vector *out, uint32_t *out_rows, Diag *diag);
void parquet_reader_close(ParquetReader *reader);
