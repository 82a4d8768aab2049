#include "connector/file_table_int.h"

/* Opens the table of FILES(): lists the files, has the format find the columns, and adds those from the path. */

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

/* ---- rows that are left out ---- */

void file_load_init(FileLoad *load, bool is_strict, double max_filter_ratio)
{
    *load = (FileLoad){.is_strict = is_strict, .max_filter_ratio = max_filter_ratio};
    mutex_init(&load->lock);
}

void file_load_deinit(FileLoad *load)
{
    bytebuf_deinit(&load->first_error);
    mutex_deinit(&load->lock);
}

void file_load_filter(FileLoad *load, const char *format, ...)
{
    if (atomic_fetch_add(&load->filtered, 1) > 0)
        return;
    va_list args;
    va_start(args, format);
    mutex_lock(&load->lock);
    bytebuf_vprintf(&load->first_error, format, args);
    mutex_unlock(&load->lock);
    va_end(args);
}

Status file_load_check(FileLoad *load, uint64_t loaded_rows, Diag *diag)
{
    uint64_t filtered = atomic_load(&load->filtered);
    if ((double)filtered <= load->max_filter_ratio * (double)(filtered + loaded_rows))
        return OK;
    LOCK_GUARD(&load->lock);
    return RAISE(diag, TOO_MANY_FILTERED_ROWS, "Insert has filtered data: %llu rows of %llu. %.*s", (unsigned long long)filtered,
                 (unsigned long long)(filtered + loaded_rows), SV_ARGS(bytebuf_view(&load->first_error)));
}

/* ---- columns from the path ---- */

Status file_path_value(const FileEntry *file, StrView column, Type type, Arena *arena, Diag *diag, Datum *out)
{
    StrView rest = strview(file->url), name, value = {NULL, 0};
    while (path_next_name(&rest, &name)) {
        bool is_it = name.length > column.length && name.data[column.length] == '=' &&
                     strview_equal_ci(strview_n(name.data, column.length), column);
        if (is_it && rest.length > 0)
            value = strview_n(name.data + column.length + 1, name.length - column.length - 1);
    }
    if (value.data == NULL)
        return RAISE(diag, BAD_VALUE, "the path of '%s' has no directory '%.*s=..'", file->url, SV_ARGS(column));
    if (strview_is(value, "__HIVE_DEFAULT_PARTITION__")) {
        *out = datum_null();
        return OK;
    }
    return datum_parse(type, value, arena, diag, out);
}

Status file_path_columns(const FileTable *table, const ConnectorRequest *request, const FileEntry *file, Arena *arena, Vector *columns)
{
    for (uint32_t i = 0; i < request->column_count; i++) {
        uint32_t ordinal = request->ordinals[i];
        if (ordinal < table->file_column_count)
            continue;
        Datum value;
        TRY(file_path_value(file, table->columns[ordinal].name, table->columns[ordinal].type, arena, request->diag, &value));
        vector_set_constant(&columns[i], arena, table->columns[ordinal].type, &value);
    }
    return OK;
}

void file_scan_note(const ConnectorRequest *request, uint64_t rows, uint64_t bytes)
{
    if (request->rows_read != NULL && rows > 0)
        atomic_fetch_add_explicit(request->rows_read, rows, memory_order_relaxed);
    if (request->bytes_read != NULL && bytes > 0)
        atomic_fetch_add_explicit(request->bytes_read, bytes, memory_order_relaxed);
}

/* ---- list_files_only ---- */

static Status emit_list(const FileTable *table, Chunk *chunk, Arena *arena, Status (*emit)(void *sink, const Chunk *chunk), void *sink)
{
    for (uint32_t i = 0; i < table->all.count; i++) {
        const FileEntry *file = &table->all.items[i];
        Datum values[] = {datum_str(strview(file->url)), datum_i64((int64_t)file->size), datum_i64(file->is_directory),
                          datum_i64(file->modified_us / 1000000 * 1000000)};
        for (uint32_t c = 0; c < COUNT_OF(values); c++)
            vector_put(&chunk->columns[c], arena, chunk->row_count, &values[c]);
        if (++chunk->row_count < CHUNK_ROWS)
            continue;
        TRY(emit(sink, chunk));
        chunk_reset(chunk);
    }
    return chunk->row_count > 0 ? emit(sink, chunk) : OK;
}

static Status scan_list(const ConnectorTable *table, Arena *arena, Diag *diag, Status (*emit)(void *sink, const Chunk *chunk), void *sink)
{
    Type types[4];
    Chunk chunk;
    (void)diag;
    for (uint32_t i = 0; i < COUNT_OF(types); i++)
        types[i] = table->columns[i].type;
    chunk_init(&chunk, arena, types, COUNT_OF(types));
    return emit_list(file_table_of(table), &chunk, arena, emit, sink);
}

static void make_list_table(FileTable *table, Arena *arena)
{
    table->columns = ARENA_NEW_ARRAY(arena, ConnectorColumn, 4);
    table->columns[0] = (ConnectorColumn){STR_VIEW("PATH"), type_varchar(VARCHAR_MAX_BYTES)};
    table->columns[1] = (ConnectorColumn){STR_VIEW("SIZE"), type_of(TYPE_BIGINT)};
    table->columns[2] = (ConnectorColumn){STR_VIEW("IS_DIR"), type_of(TYPE_BOOLEAN)};
    table->columns[3] = (ConnectorColumn){STR_VIEW("MODIFICATION_TIME"), type_of(TYPE_DATETIME)};
    table->table.columns = table->columns;
    table->table.column_count = 4;
    table->table.scan = scan_list;
}

/* ---- opening ---- */

static Status list_files(const FileTableRequest *request, FileTable *table, Diag *diag)
{
    FileOptions *options = &table->options;
    table->stores = file_stores_open(request->settings, &options->credentials);
    for (uint32_t i = 0; i < options->patterns.count; i++)
        TRY(file_stores_list(table->stores, options->patterns.items[i], options->lists_only && options->lists_recursively, request->arena,
                             &table->all, diag));
    uint32_t plain = 0;
    for (uint32_t i = 0; i < table->all.count; i++) {
        const FileEntry *file = &table->all.items[i];
        plain += !file->is_directory;
        if (!file->is_directory && file->size > 0 && !options->lists_only)
            ARRAY_PUSH(request->arena, &table->files, *file);
    }
    if (options->lists_only ? table->all.count == 0 : plain == 0)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: failed to parse files: No files were found matching the "
                                     "pattern(s) or path(s): '%.*s'.", SV_ARGS(options->path));
    return OK;
}

static Status add_path_columns(FileTable *table, Diag *diag)
{
    const PathList *names = &table->options.path_columns;
    for (uint32_t i = 0; i < names->count; i++) {
        for (uint32_t k = 0; k < table->file_column_count + i; k++) {
            if (strview_equal_ci(table->columns[k].name, names->items[i]))
                return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Duplicated column name '%.*s' in columns_from_path.",
                             SV_ARGS(names->items[i]));
        }
        table->columns[table->file_column_count + i] = (ConnectorColumn){names->items[i], type_varchar(VARCHAR_MAX_BYTES)};
    }
    table->table.columns = table->columns;
    table->table.column_count = table->file_column_count + names->count;
    return OK;
}

static uint64_t total_bytes(const FileTable *table)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < table->files.count; i++)
        bytes += table->files.items[i].size;
    return bytes;
}

static Status open_csv(const FileTableRequest *request, FileTable *table, Diag *diag)
{
    table->table.open_scan = csv_open_scan;
    table->table.work = csv_work;
    table->table.close_scan = csv_close_scan;
    table->table.estimated_rows = 1 + (double)total_bytes(table) / 100;
    return csv_detect_columns(request, table, diag);
}

static Status open_table(const FileTableRequest *request, FileTable *table, Diag *diag)
{
    TRY(list_files(request, table, diag));
    if (table->options.lists_only) {
        make_list_table(table, request->arena);
        return OK;
    }
    if (table->options.format == FILE_FORMAT_PARQUET)
        return RAISE(diag, NOT_SUPPORTED, "FILES() of format 'parquet' is not supported");
    TRY(open_csv(request, table, diag));
    if (table->file_column_count == 0)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: failed to detect the schema of '%.*s': the files are empty.",
                     SV_ARGS(table->options.path));
    return add_path_columns(table, diag);
}

Status file_table_open(const FileTableRequest *request, Diag *diag, FileTable **out_table)
{
    FileTable *table = ARENA_NEW(request->arena, FileTable);
    TRY(file_options_read(request->properties, request->property_count, false, request->arena, diag, &table->options));
    table->zone = request->zone;
    table->table = (ConnectorTable){.name = STR_VIEW("FILES"), .context = table, .kind = "FileScanNode",
                                    .detail = arena_strndup(request->arena, table->options.path.data, table->options.path.length)};
    Status status = open_table(request, table, diag);
    if (status != OK) {
        file_table_close(table);
        return status;
    }
    *out_table = table;
    return OK;
}

void file_table_close(FileTable *table)
{
    if (table == NULL)
        return;
    file_stores_close(table->stores);
    table->stores = NULL;
}

void file_table_retype(FileTable *table, uint32_t column, Type type)
{
    table->columns[column].type = type;
}
