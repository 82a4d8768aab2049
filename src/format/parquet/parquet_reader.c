#include "format/parquet/parquet.h"

/* The chosen columns of one row group, a chunk at a time. */

#include "format/parquet/parquet_nested.h"

enum { NESTED_BATCH_VALUES = 64 << 10 }; /* about so many values of a nested column make a chunk */

typedef struct ColumnReader {
    const ParquetNode *node;
    LeafReader *leaves;
    LeafBatch *batches;
    bool is_flat;
} ColumnReader;

struct ParquetReader {
    Arena arena;  /* lives as long as the reader */
    Arena nested; /* what a chunk's nested vectors need */
    const ParquetFile *file;
    ColumnReader *columns;
    uint32_t column_count;
    LeafReader *leaves;
    uint32_t leaf_count;
    ByteGroup *groups;
    uint32_t group_count;
    uint32_t chunk_rows;
    uint64_t rows_left;
};

static Status check_column(const ParquetFile *file, uint32_t group, const ParquetNode *node, Diag *diag)
{
    if (node->type.kind == TYPE_NULL)
        return RAISE(diag, NOT_SUPPORTED, "%s: column %.*s cannot be read: %s", file->source.name, SV_ARGS(node->name), node->problem);
    for (uint32_t i = node->first_leaf; i < node->first_leaf + node->leaf_count; i++) {
        const ColumnChunk *chunk = &file->groups[group].columns[i];
        if (!chunk->is_here)
            return RAISE(diag, NOT_SUPPORTED, "%s: row group %u, column %.*s is in another file, which is not supported", file->source.name, group,
                         SV_ARGS(node->name));
        if (!parquet_codec_is_known(chunk->codec))
            return RAISE(diag, NOT_SUPPORTED, "%s: row group %u, column %.*s is compressed by %s, which is not supported", file->source.name, group,
                         SV_ARGS(node->name), parquet_codec_name(chunk->codec));
        bool is_right = node->max_rep == 0 && node->child_count == 0 ? (uint64_t)chunk->value_count == file->groups[group].row_count
                                                                     : (uint64_t)chunk->value_count >= file->groups[group].row_count;
        if (!is_right)
            return RAISE(diag, CORRUPT, "%s: row group %u, column %.*s has not as many values as rows", file->source.name, group, SV_ARGS(node->name));
    }
    return OK;
}

static void plan_reads(ParquetReader *reader)
{
    ByteRange *ranges = ARENA_NEW_ARRAY(&reader->arena, ByteRange, reader->leaf_count);
    reader->groups = ARENA_NEW_ARRAY(&reader->arena, ByteGroup, reader->leaf_count);
    for (uint32_t i = 0; i < reader->leaf_count; i++) {
        LeafReader *leaf = &reader->leaves[i];
        ranges[i] = (ByteRange){leaf->chunk->offset, leaf->chunk->length, &leaf->window};
    }
    parquet_plan_reads(ranges, reader->leaf_count, reader->groups, &reader->group_count);
}

/* Chunks with long lists get fewer rows. */
static void bound_chunk(ParquetReader *reader)
{
    uint64_t rows = MAX(reader->rows_left, (uint64_t)1);
    reader->chunk_rows = CHUNK_ROWS;
    for (uint32_t i = 0; i < reader->leaf_count; i++) {
        uint64_t values = (uint64_t)reader->leaves[i].chunk->value_count / rows + 1;
        reader->chunk_rows = (uint32_t)MIN((uint64_t)reader->chunk_rows, MAX(NESTED_BATCH_VALUES / values, (uint64_t)1));
    }
}

Status parquet_reader_open(ParquetFile *file, uint32_t group, const uint32_t *columns, uint32_t count, MemTracker *tracker, Diag *diag,
                           ParquetReader **out_reader)
{
    uint32_t leaf_count = 0, leaf = 0;
    ENSURE(group < file->group_count, diag);
    for (uint32_t i = 0; i < count; i++) {
        ENSURE(columns[i] < file->root.child_count, diag);
        TRY(check_column(file, group, &file->root.children[columns[i]], diag));
        leaf_count += file->root.children[columns[i]].leaf_count;
    }
    ParquetReader *reader = mem_alloc_zero(sizeof(*reader));
    arena_init(&reader->arena, tracker);
    arena_init(&reader->nested, tracker);
    reader->file = file;
    reader->column_count = count;
    reader->columns = ARENA_NEW_ARRAY(&reader->arena, ColumnReader, count);
    reader->leaf_count = leaf_count;
    reader->leaves = ARENA_NEW_ARRAY(&reader->arena, LeafReader, leaf_count);
    reader->rows_left = file->groups[group].row_count;
    for (uint32_t i = 0; i < count; i++) {
        const ParquetNode *node = &file->root.children[columns[i]];
        reader->columns[i] = (ColumnReader){.node = node, .leaves = &reader->leaves[leaf], .is_flat = node->child_count == 0 && node->max_rep == 0};
        reader->columns[i].batches = ARENA_NEW_ARRAY(&reader->arena, LeafBatch, node->leaf_count);
        for (uint32_t l = 0; l < node->leaf_count; l++)
            parquet_leaf_init(&reader->leaves[leaf++], file, group, node->first_leaf + l, tracker);
    }
    plan_reads(reader);
    bound_chunk(reader);
    *out_reader = reader;
    return OK;
}

static Status read_column(ParquetReader *reader, ColumnReader *column, uint32_t rows, Vector *out, Diag *diag)
{
    for (uint32_t i = 0; i < column->node->leaf_count; i++)
        parquet_leaf_begin(&column->leaves[i]);
    if (column->is_flat)
        return parquet_leaf_read_flat(&column->leaves[0], rows, out, diag);
    for (uint32_t i = 0; i < column->node->leaf_count; i++)
        TRY(parquet_leaf_read_levels(&column->leaves[i], rows, &column->batches[i], diag));
    NestedRead read = {column->leaves, column->batches, column->node->first_leaf, &reader->nested, diag};
    return parquet_assemble(&read, column->node, rows, out);
}

Status parquet_reader_next(ParquetReader *reader, Vector *out, uint32_t *out_rows, Diag *diag)
{
    uint32_t rows = (uint32_t)MIN(reader->rows_left, (uint64_t)reader->chunk_rows);
    *out_rows = 0;
    arena_reset(&reader->nested);
    for (uint32_t i = 0; i < reader->column_count && rows > 0; i++)
        TRY(read_column(reader, &reader->columns[i], rows, &out[i], diag));
    reader->rows_left -= rows;
    *out_rows = rows;
    return OK;
}

void parquet_reader_close(ParquetReader *reader)
{
    if (reader == NULL)
        return;
    for (uint32_t i = 0; i < reader->leaf_count; i++)
        parquet_leaf_close(&reader->leaves[i]);
    for (uint32_t i = 0; i < reader->group_count; i++)
        buffer_free(&reader->groups[i].buffer);
    arena_deinit(&reader->nested);
    arena_deinit(&reader->arena);
    mem_free(reader);
}
