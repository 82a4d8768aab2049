#include "connector/file_sink.h"

/* A lane keeps the file of each partition that it has seen. A file that is as long as target_max_file_size is finished, and the
 * partition's next rows begin another. Finished files wait for the commit. */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/strmap.h"
#include "base/thread.h"
#include "connector/csv_writer.h"
#include "format/parquet/parquet.h"

enum { BUFFER_BYTES = 1 << 20, CHECK_ROWS = 256 };

typedef struct SinkFile {
    struct SinkFile *next; /* of the sink */
    FileSink *sink;
    FileWriter *writer;
    ByteBuf buffer;         /* csv: not written yet */
    uint64_t written;
    ParquetWriter *parquet; /* NULL: csv */
    bool is_finished;
} SinkFile;

typedef struct SinkPartition {
    StrView directory;
    SinkFile *file; /* NULL: the next row begins one */
} SinkPartition;

typedef struct SinkLane {
    Arena arena;   /* as long as the sink */
    Arena scratch; /* as long as a chunk */
    StrMap partitions; /* by directory */
    bool is_open;
} SinkLane;

struct FileSink {
    FileOptions options;
    FileStores *stores;
    MemTracker *memory;
    StrView id;
    const StrView *names;  /* of the columns that files have */
    const Type *types;
    const uint32_t *positions; /* of these, in the rows */
    uint32_t column_count;
    const StrView *partition_names;
    const uint32_t *partition_columns;
    uint32_t partition_count;
    ParquetCompression compression;
    Mutex lock; /* guards files and numbers */
    SinkFile *files;
    uint32_t file_count;
    _Atomic uint64_t rows;
    SinkLane lanes[FILE_SINK_LANES];
};

/* ---- options ---- */

static Status read_compression(FileSink *sink, Diag *diag)
{
    static const struct {
        const char *name;
        ParquetCompression compression;
    } names[] = {{"uncompressed", PARQUET_WRITE_PLAIN}, {"snappy", PARQUET_WRITE_SNAPPY}, {"gzip", PARQUET_WRITE_GZIP},
                 {"lz4", PARQUET_WRITE_LZ4}, {"zstd", PARQUET_WRITE_ZSTD}};
    StrView wanted = sink->options.compression;
    sink->compression = PARQUET_WRITE_SNAPPY;
    if (wanted.length == 0)
        return OK;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!strview_equal_ci(wanted, strview(names[i].name)))
            continue;
        sink->compression = names[i].compression;
        if (sink->options.format == FILE_FORMAT_CSV && sink->compression != PARQUET_WRITE_PLAIN)
            return RAISE(diag, NOT_SUPPORTED, "INSERT INTO FILES() of format csv writes uncompressed files only, not '%.*s'", SV_ARGS(wanted));
        return OK;
    }
    return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid compression: '%.*s'. Expected values should be uncompressed, "
                                 "snappy, gzip, lz4, zstd.", SV_ARGS(wanted));
}

static int find_name(const FileSinkRequest *request, StrView name)
{
    for (uint32_t i = 0; i < request->column_count; i++) {
        if (strview_equal_ci(request->names[i], name))
            return (int)i;
    }
    return -1;
}

static Status check_names(const FileSinkRequest *request, Diag *diag)
{
    for (uint32_t i = 0; i < request->column_count; i++) {
        if (find_name(request, request->names[i]) != (int)i)
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: expect distinct column names, but got the duplicate '%.*s'.",
                         SV_ARGS(request->names[i]));
    }
    return OK;
}

static bool can_be_in_path(Type type)
{
    return type_is_integer(type) || type_is_string(type) || type_is_date(type) || type.kind == TYPE_BOOLEAN;
}

static Status read_partitions(const FileSinkRequest *request, FileSink *sink, Diag *diag)
{
    const PathList *wanted = &sink->options.partition_by;
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, wanted->count + 1);
    uint32_t *columns = ARENA_NEW_ARRAY(request->arena, uint32_t, wanted->count + 1);
    for (uint32_t i = 0; i < wanted->count; i++) {
        int column = find_name(request, wanted->items[i]);
        if (column < 0)
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: partition column '%.*s' does not exist in the query.",
                         SV_ARGS(wanted->items[i]));
        if (!can_be_in_path(request->types[column]))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: partition column '%.*s' is neither a date, a string, an integer nor "
                                         "a boolean.", SV_ARGS(wanted->items[i]));
        names[i] = request->names[column];
        columns[i] = (uint32_t)column;
    }
    sink->partition_names = names;
    sink->partition_columns = columns;
    sink->partition_count = wanted->count;
    if (wanted->count > 0 && sink->options.is_single)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: cannot use partition_by and single simultaneously.");
    return OK;
}

static bool is_partition(const FileSink *sink, uint32_t column)
{
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        if (sink->partition_columns[i] == column)
            return true;
    }
    return false;
}

static Status read_columns(const FileSinkRequest *request, FileSink *sink, Diag *diag)
{
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, request->column_count + 1);
    Type *types = ARENA_NEW_ARRAY(request->arena, Type, request->column_count + 1);
    uint32_t *positions = ARENA_NEW_ARRAY(request->arena, uint32_t, request->column_count + 1);
    for (uint32_t i = 0; i < request->column_count; i++) {
        if (is_partition(sink, i))
            continue;
        names[sink->column_count] = request->names[i];
        types[sink->column_count] = request->types[i];
        positions[sink->column_count++] = i;
    }
    sink->names = names;
    sink->types = types;
    sink->positions = positions;
    return sink->column_count > 0 ? OK : RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: all columns are partition columns.");
}

static Status read_request(const FileSinkRequest *request, FileSink *sink, Diag *diag)
{
    TRY(file_options_read(request->properties, request->property_count, true, request->arena, diag, &sink->options));
    if (sink->options.patterns.count != 1 || path_has_wildcard(sink->options.patterns.items[0]))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: INSERT INTO FILES() needs one path without a pattern, not '%.*s'.",
                     SV_ARGS(sink->options.path));
    TRY(read_compression(sink, diag));
    TRY(check_names(request, diag));
    TRY(read_partitions(request, sink, diag));
    TRY(read_columns(request, sink, diag));
    sink->stores = file_stores_open(request->settings, &sink->options.credentials);
    return OK;
}

Status file_sink_open(const FileSinkRequest *request, Diag *diag, FileSink **out_sink)
{
    FileSink *sink = mem_alloc_zero(sizeof(*sink));
    mutex_init(&sink->lock);
    sink->memory = request->memory;
    sink->id = request->id;
    Status status = read_request(request, sink, diag);
    if (status != OK) {
        file_sink_close(sink);
        return status;
    }
    *out_sink = sink;
    return OK;
}

bool file_sink_is_single(const FileSink *sink)
{
    return sink->options.is_single;
}

FileSinkTotals file_sink_totals(const FileSink *sink)
{
    FileSinkTotals totals = {.rows = atomic_load(&sink->rows), .files = sink->file_count};
    for (const SinkFile *file = sink->files; file != NULL; file = file->next)
        totals.bytes += file->written;
    return totals;
}

/* ---- files ---- */

static Status take_bytes(void *context, const void *data, size_t length, Diag *diag)
{
    SinkFile *file = context;
    file->written += length;
    return file_writer_append(file->writer, data, length, diag);
}

static Status flush_buffer(SinkFile *file, Diag *diag)
{
    if (file->buffer.length > 0)
        TRY(take_bytes(file, file->buffer.data, file->buffer.length, diag));
    bytebuf_clear(&file->buffer);
    return OK;
}

static Status begin_format(FileSink *sink, SinkFile *file, Diag *diag)
{
    ParquetWriterOptions options = {.compression = sink->compression};
    if (sink->options.format == FILE_FORMAT_PARQUET)
        return parquet_writer_open(sink->types, sink->names, sink->column_count, &options, take_bytes, file, sink->memory, diag, &file->parquet);
    if (sink->options.includes_header)
        csv_write_header(&sink->options.csv, sink->names, sink->column_count, &file->buffer);
    return OK;
}

/* The new file is the sink's. */
static Status begin_file(FileSink *sink, StrView directory, Diag *diag, SinkFile **out_file)
{
    StrView base = sink->options.patterns.items[0];
    bool is_directory = strview_ends_with(base, STR_VIEW("/")) || sink->partition_count > 0;
    AUTO_BYTEBUF url = {0};
    SinkFile *file = mem_alloc_zero(sizeof(*file));
    file->sink = sink;
    mutex_lock(&sink->lock);
    uint32_t number = sink->file_count++;
    file->next = sink->files;
    sink->files = file;
    mutex_unlock(&sink->lock);
    if (number >= MOST_SINK_FILES)
        return RAISE(diag, LIMIT_EXCEEDED, "INSERT INTO FILES() makes at most %d files", (int)MOST_SINK_FILES);
    bytebuf_append_view(&url, base);
    if (is_directory && !strview_ends_with(base, STR_VIEW("/")))
        bytebuf_append_char(&url, '/');
    bytebuf_append_view(&url, directory);
    bytebuf_printf(&url, "%s_%.*s_%u.%s", is_directory ? "data" : "", SV_ARGS(sink->id), number,
                   sink->options.format == FILE_FORMAT_CSV ? "csv" : "parquet");
    mutex_lock(&sink->lock); /* places are found, and opened, by one thread at a time */
    Status status = file_writer_open(sink->stores, bytebuf_view(&url), diag, &file->writer);
    mutex_unlock(&sink->lock);
    TRY(status);
    *out_file = file;
    return begin_format(sink, file, diag);
}

static Status finish_file(SinkFile *file, Diag *diag)
{
    uint64_t rows;
    if (file->parquet != NULL)
        TRY(parquet_writer_finish(file->parquet, &rows, diag));
    parquet_writer_close(file->parquet);
    file->parquet = NULL;
    TRY(flush_buffer(file, diag));
    bytebuf_deinit(&file->buffer);
    TRY(file_writer_finish(file->writer, diag));
    file->is_finished = true;
    return OK;
}

static Status write_rows(SinkFile *file, const Vector *const *columns, Rows rows, Arena *scratch, Diag *diag)
{
    FileSink *sink = file->sink;
    if (file->parquet != NULL)
        return parquet_writer_append(file->parquet, columns, rows, diag);
    csv_write_rows(&sink->options.csv, columns, sink->column_count, rows, scratch, &file->buffer);
    return file->buffer.length >= BUFFER_BYTES ? flush_buffer(file, diag) : OK;
}

static uint64_t file_bytes(const SinkFile *file)
{
    return file->parquet != NULL ? parquet_writer_bytes(file->parquet) : file->written + file->buffer.length;
}

/* ---- partitions ---- */

/* Bytes that mean something in paths are written as %XX, as Hive does it. */
static void put_path_text(StrView text, ByteBuf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_plain = c > 32 && c < 127 && strchr("\"#%'*/:=?\\{}[]^", c) == NULL && !(c == '.' && text.length <= 2);
        if (is_plain || c >= 128)
            bytebuf_append_char(out, (char)c);
        else
            bytebuf_printf(out, "%%%02X", c);
    }
}

static void put_directory(const FileSink *sink, const Chunk *chunk, uint32_t row, Arena *scratch, ByteBuf *out)
{
    for (uint32_t i = 0; i < sink->partition_count; i++) {
        const Vector *column = &chunk->columns[sink->partition_columns[i]];
        Datum value = vector_get(column, row, scratch);
        AUTO_BYTEBUF text = {0};
        put_path_text(sink->partition_names[i], out);
        bytebuf_append_char(out, '=');
        if (value.is_null) {
            bytebuf_append_text(out, "__HIVE_DEFAULT_PARTITION__/");
            continue;
        }
        datum_print(column->type, &value, &text);
        put_path_text(bytebuf_view(&text), out);
        bytebuf_append_char(out, '/');
    }
}

static Status find_partition(SinkLane *lane, StrView directory, Diag *diag, SinkPartition **out_partition)
{
    *out_partition = strmap_get(&lane->partitions, directory);
    if (*out_partition != NULL)
        return OK;
    if (directory.length > 2000)
        return RAISE(diag, LIMIT_EXCEEDED, "the directory of a partition is longer than 2000 bytes");
    SinkPartition *partition = ARENA_NEW(&lane->arena, SinkPartition);
    partition->directory = strview_n(arena_strndup(&lane->arena, directory.data == NULL ? "" : directory.data, directory.length), directory.length);
    strmap_set(&lane->partitions, partition->directory, partition);
    *out_partition = partition;
    return OK;
}

static Status write_partition(FileSink *sink, SinkLane *lane, StrView directory, const Vector *const *columns, Rows rows, Diag *diag)
{
    SinkPartition *partition;
    TRY(find_partition(lane, directory, diag, &partition));
    if (partition->file == NULL)
        TRY(begin_file(sink, partition->directory, diag, &partition->file));
    TRY(write_rows(partition->file, columns, rows, &lane->scratch, diag));
    if (sink->options.is_single || file_bytes(partition->file) < sink->options.target_file_bytes)
        return OK;
    SinkFile *full = partition->file;
    partition->file = NULL;
    return finish_file(full, diag);
}

/* Rows of one partition that follow each other go together. */
static Status write_by_partition(FileSink *sink, SinkLane *lane, const Chunk *chunk, const Vector *const *columns, Diag *diag)
{
    Rows rows = chunk_rows(chunk);
    AUTO_BYTEBUF directory = {0}, other = {0};
    uint16_t *sel = ARENA_NEW_ARRAY(&lane->scratch, uint16_t, rows.count + 1);
    uint32_t first = 0;
    for (FOR_ROWS(rows, i, row)) {
        sel[i] = (uint16_t)row;
        bytebuf_clear(&other);
        put_directory(sink, chunk, row, &lane->scratch, &other);
        if (i > first && !strview_equal(bytebuf_view(&other), bytebuf_view(&directory))) {
            TRY(write_partition(sink, lane, bytebuf_view(&directory), columns, (Rows){sel + first, i - first}, diag));
            first = i;
        }
        bytebuf_clear(&directory);
        bytebuf_append_view(&directory, bytebuf_view(&other));
    }
    return write_partition(sink, lane, bytebuf_view(&directory), columns, (Rows){sel + first, rows.count - first}, diag);
}

/* In small steps, so that files do not become much longer than they should. */
static Status write_plain(FileSink *sink, SinkLane *lane, Rows rows, const Vector *const *columns, Diag *diag)
{
    uint16_t *sel = ARENA_NEW_ARRAY(&lane->scratch, uint16_t, rows.count + 1);
    for (FOR_ROWS(rows, i, row))
        sel[i] = (uint16_t)row;
    for (uint32_t from = 0; from < rows.count; from += CHECK_ROWS)
        TRY(write_partition(sink, lane, STR_VIEW(""), columns, (Rows){sel + from, MIN(rows.count - from, (uint32_t)CHECK_ROWS)}, diag));
    return OK;
}

Status file_sink_write(FileSink *sink, uint32_t number, const Chunk *chunk, Diag *diag)
{
    SinkLane *lane = &sink->lanes[number];
    Rows rows = chunk_rows(chunk);
    if (!lane->is_open) {
        arena_init(&lane->arena, sink->memory);
        arena_init(&lane->scratch, sink->memory);
        strmap_init(&lane->partitions, &lane->arena, false);
        lane->is_open = true;
    }
    if (rows.count == 0)
        return OK;
    arena_reset(&lane->scratch);
    const Vector **columns = ARENA_NEW_ARRAY(&lane->scratch, const Vector *, sink->column_count + 1);
    for (uint32_t c = 0; c < sink->column_count; c++)
        columns[c] = &chunk->columns[sink->positions[c]];
    TRY(sink->partition_count > 0 ? write_by_partition(sink, lane, chunk, columns, diag) : write_plain(sink, lane, rows, columns, diag));
    atomic_fetch_add(&sink->rows, rows.count);
    return OK;
}

/* ---- the end ---- */

Status file_sink_commit(FileSink *sink, Diag *diag)
{
    for (SinkFile *file = sink->files; file != NULL; file = file->next) {
        if (!file->is_finished)
            TRY(finish_file(file, diag));
    }
    for (SinkFile *file = sink->files; file != NULL; file = file->next) {
        FileWriter *writer = file->writer;
        file->writer = NULL;
        TRY(file_writer_publish(writer, diag));
    }
    return OK;
}

void file_sink_close(FileSink *sink)
{
    if (sink == NULL)
        return;
    for (SinkFile *file = sink->files, *next; file != NULL; file = next) {
        next = file->next;
        parquet_writer_close(file->parquet);
        bytebuf_deinit(&file->buffer);
        file_writer_abort(file->writer);
        mem_free(file);
    }
    for (uint32_t i = 0; i < FILE_SINK_LANES; i++) {
        if (sink->lanes[i].is_open) {
            arena_deinit(&sink->lanes[i].arena);
            arena_deinit(&sink->lanes[i].scratch);
        }
    }
    file_stores_close(sink->stores);
    mutex_deinit(&sink->lock);
    mem_free(sink);
}
