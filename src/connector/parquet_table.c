#include "connector/file_table_int.h"

/* The columns of Parquet files: those of a sample of the files, united by name. Footers that were read stay open for the scan. */

#include "base/memory.h"

static Status read_source(void *context, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    return file_reader_read(context, offset, length, out, diag);
}

Status parquet_input_open(const FileTable *table, const FileEntry *file, MemTracker *memory, Diag *diag, ParquetInput *out)
{
    *out = (ParquetInput){0};
    TRY(file_reader_open(file, diag, &out->reader));
    ParquetSource source = {.name = file->url, .size = file->size, .context = out->reader, .read = read_source};
    Status status = parquet_open(&source, table->zone, memory, diag, &out->file);
    if (status != OK)
        parquet_input_close(out);
    return status;
}

void parquet_input_close(ParquetInput *input)
{
    if (input->file != NULL)
        parquet_close(input->file);
    file_reader_close(input->reader);
    *input = (ParquetInput){0};
}

/* A type that values of both have a place in; VARCHAR holds everything. */
static Type unite(Type a, Type b)
{
    if (type_equal(a, b))
        return a;
    bool is_number = type_is_numeric(a) && type_is_numeric(b) && a.kind != TYPE_BOOLEAN && b.kind != TYPE_BOOLEAN;
    if (is_number && type_is_integer(a) && type_is_integer(b))
        return type_of(a.kind == TYPE_LARGEINT || b.kind == TYPE_LARGEINT ? TYPE_LARGEINT : TYPE_BIGINT);
    if (is_number && a.kind == TYPE_DECIMAL && b.kind == TYPE_DECIMAL && !type_is_wide_decimal(a) && !type_is_wide_decimal(b)) {
        uint8_t scale = MAX(a.scale, b.scale);
        int digits = MAX(a.precision - a.scale, b.precision - b.scale);
        if (digits + scale <= DECIMAL_MAX_PRECISION)
            return type_decimal((uint8_t)(digits + scale), scale);
    }
    return is_number ? type_of(TYPE_DOUBLE) : type_varchar(VARCHAR_MAX_BYTES);
}

static void add_column(const FileTableRequest *request, FileTable *table, StrView name, Type type)
{
    if (type.kind == TYPE_NULL) /* the scan says why it cannot be read */
        type = type_varchar(VARCHAR_MAX_BYTES);
    for (uint32_t i = 0; i < table->file_column_count; i++) {
        if (strview_equal_ci(table->columns[i].name, name)) {
            table->columns[i].type = unite(table->columns[i].type, type);
            return;
        }
    }
    ConnectorColumn *grown = ARENA_NEW_ARRAY(request->arena, ConnectorColumn, table->file_column_count + table->options.path_columns.count + 1);
    if (table->file_column_count > 0)
        memcpy(grown, table->columns, table->file_column_count * sizeof(*grown));
    grown[table->file_column_count++] =
        (ConnectorColumn){strview_n(arena_strndup(request->arena, name.data, name.length), name.length), type_copy(request->arena, type)};
    table->columns = grown;
}

Status parquet_detect_columns(const FileTableRequest *request, FileTable *table, Diag *diag)
{
    uint64_t files = table->files.count, samples = MIN(MAX(table->options.sample_files, UINT64_C(1)), files);
    uint64_t rows = 0, bytes = 0, all_bytes = 0;
    table->inputs = ARENA_NEW_ARRAY(request->arena, ParquetInput, files + 1);
    for (uint64_t i = 0; i < samples; i++) {
        uint64_t at = samples == 1 ? 0 : i * (files - 1) / (samples - 1);
        ParquetInput *input = &table->inputs[at];
        if (input->file == NULL)
            TRY(parquet_input_open(table, &table->files.items[at], request->memory, diag, input));
        rows += parquet_row_count(input->file);
        bytes += table->files.items[at].size;
        for (uint32_t c = 0; c < parquet_column_count(input->file); c++)
            add_column(request, table, parquet_column_name(input->file, c), parquet_column_type(input->file, c));
    }
    for (uint64_t i = 0; i < files; i++)
        all_bytes += table->files.items[i].size;
    table->table.estimated_rows = 1 + (double)rows * (double)all_bytes / (double)MAX(bytes, UINT64_C(1));
    return OK;
}

void parquet_close_inputs(FileTable *table)
{
    for (uint32_t i = 0; table->inputs != NULL && i < table->files.count; i++)
        parquet_input_close(&table->inputs[i]);
}
