#include "format/parquet/parquet.h"

/* The file: magic word, row groups, footer. */

#include "format/parquet/parquet_column_writer.h"
#include "format/parquet/parquet_thrift.h"

enum { DEFAULT_GROUP_ROWS = 1 << 20, DEFAULT_GROUP_BYTES = 64 << 20, FOOTER_VERSION = 1 };

static const char MAGIC[] = "PAR1";

struct ParquetWriter {
    Arena arena;
    MemTracker *tracker;
    uint64_t charged;
    ParquetWriterOptions options;
    uint8_t codec;
    ParquetSink sink;
    void *context;
    WriteNode root;
    ColumnWriter *columns; /* a leaf each */
    const WriteNode **leaves;
    uint32_t leaf_count;
    uint64_t written, rows, group_rows;
    ByteBuf groups; /* the footer's list of row groups, so far */
    uint32_t group_count;
};

static void attach(ParquetWriter *writer, WriteNode *node, uint32_t *next)
{
    if (node->kind == WRITE_LEAF) {
        node->writer = &writer->columns[*next];
        writer->leaves[*next] = node;
        parquet_column_init(node->writer, node, writer->codec);
        (*next)++;
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        attach(writer, &node->children[i], next);
}

static Status put(ParquetWriter *writer, StrView bytes, Diag *diag)
{
    TRY(writer->sink(writer->context, bytes.data, bytes.length, diag));
    writer->written += bytes.length;
    return OK;
}

Status parquet_writer_open(const Type *types, const StrView *names, uint32_t count, const ParquetWriterOptions *options, ParquetSink sink,
                           void *context, MemTracker *tracker, Diag *diag, ParquetWriter **out_writer)
{
    static const uint8_t codecs[] = {[PARQUET_WRITE_PLAIN] = PARQUET_CODEC_NONE,
                                     [PARQUET_WRITE_SNAPPY] = PARQUET_CODEC_SNAPPY,
                                     [PARQUET_WRITE_GZIP] = PARQUET_CODEC_GZIP,
                                     [PARQUET_WRITE_LZ4] = PARQUET_CODEC_LZ4,
                                     [PARQUET_WRITE_ZSTD] = PARQUET_CODEC_ZSTD};
    ParquetWriter *writer = mem_alloc_zero(sizeof(*writer));
    arena_init(&writer->arena, tracker);
    *writer = (ParquetWriter){.arena = writer->arena, .tracker = tracker, .options = *options, .sink = sink, .context = context};
    writer->codec = codecs[options->compression];
    if (writer->options.row_group_rows == 0)
        writer->options.row_group_rows = DEFAULT_GROUP_ROWS;
    if (writer->options.row_group_bytes == 0)
        writer->options.row_group_bytes = DEFAULT_GROUP_BYTES;
    uint32_t next = 0;
    Status status = parquet_write_tree(types, names, count, &writer->arena, diag, &writer->root, &writer->leaf_count);
    if (status == OK) {
        writer->columns = ARENA_NEW_ARRAY(&writer->arena, ColumnWriter, writer->leaf_count);
        writer->leaves = ARENA_NEW_ARRAY(&writer->arena, const WriteNode *, writer->leaf_count);
        attach(writer, &writer->root, &next);
        status = put(writer, STR_VIEW("PAR1"), diag);
    }
    if (status != OK)
        parquet_writer_close(writer);
    else
        *out_writer = writer;
    return status;
}

/* ---- row groups ---- */

static void put_path(const WriteNode *node, const WriteNode *leaf, ByteBuf *path, uint32_t *count, bool *found)
{
    size_t length = path->length;
    uint32_t parts = *count;
    for (uint32_t i = 0; i < node->child_count && !*found; i++) {
        const WriteNode *child = &node->children[i];
        StrView between = node->kind == WRITE_LIST ? STR_VIEW("list") : STR_VIEW("key_value");
        path->length = length;
        *count = parts;
        if (node->kind != WRITE_STRUCT) {
            thrift_put_element_binary(&(ThriftWriter){.out = path}, between);
            (*count)++;
        }
        thrift_put_element_binary(&(ThriftWriter){.out = path}, child->name);
        (*count)++;
        if (child == leaf)
            *found = true;
        else
            put_path(child, leaf, path, count, found);
    }
}

typedef struct ChunkPlace {
    uint64_t dictionary_at, data_at, stored, plain;
} ChunkPlace;

static void put_column_meta(const ParquetWriter *writer, uint32_t index, const ChunkPlace *place, ThriftWriter *chunk)
{
    const ColumnWriter *column = &writer->columns[index];
    AUTO_BYTEBUF path = {0}, statistics = {0};
    uint32_t parts = 0;
    bool found = false;
    put_path(&writer->root, writer->leaves[index], &path, &parts, &found);
    parquet_put_statistics(column, &statistics);
    ThriftWriter meta = thrift_begin(chunk, 3);
    thrift_put_i32(&meta, 1, column->node->physical);
    thrift_put_list(&meta, 2, THRIFT_I32, column->has_coded_page ? 3 : 2);
    thrift_put_element_i32(&meta, PARQUET_PLAIN); /* of data pages, or of the dictionary */
    thrift_put_element_i32(&meta, PARQUET_RLE);
    if (column->has_coded_page)
        thrift_put_element_i32(&meta, PARQUET_RLE_DICTIONARY);
    thrift_put_list(&meta, 3, THRIFT_BINARY, parts);
    bytebuf_append_view(meta.out, bytebuf_view(&path));
    thrift_put_i32(&meta, 4, column->codec);
    thrift_put_i64(&meta, 5, (int64_t)column->entry_count);
    thrift_put_i64(&meta, 6, (int64_t)place->plain);
    thrift_put_i64(&meta, 7, (int64_t)place->stored);
    thrift_put_i64(&meta, 9, (int64_t)place->data_at);
    if (column->has_coded_page)
        thrift_put_i64(&meta, 11, (int64_t)place->dictionary_at);
    thrift_begin(&meta, 12);
    bytebuf_append_view(meta.out, bytebuf_view(&statistics)); /* a whole struct */
    thrift_end(&meta);
}

static Status write_column(ParquetWriter *writer, uint32_t index, ChunkPlace *place, Diag *diag)
{
    ColumnWriter *column = &writer->columns[index];
    AUTO_BYTEBUF dictionary = {0};
    *place = (ChunkPlace){.dictionary_at = writer->written, .plain = column->plain_length};
    TRY(parquet_column_dictionary(column, &dictionary, &place->plain, diag));
    if (dictionary.length > 0)
        TRY(put(writer, bytebuf_view(&dictionary), diag));
    place->data_at = writer->written;
    if (column->pages.length > 0)
        TRY(put(writer, bytebuf_view(&column->pages), diag));
    place->stored = writer->written - place->dictionary_at;
    return OK;
}

static Status end_group(ParquetWriter *writer, Diag *diag)
{
    uint64_t plain = 0, first = writer->written;
    AUTO_BYTEBUF chunks = {0};
    if (writer->group_rows == 0)
        return OK;
    for (uint32_t i = 0; i < writer->leaf_count; i++) {
        ChunkPlace place;
        TRY(parquet_column_page(&writer->columns[i], true, diag));
        TRY(write_column(writer, i, &place, diag));
        ThriftWriter chunk = {.out = &chunks};
        thrift_put_i64(&chunk, 2, (int64_t)place.dictionary_at);
        put_column_meta(writer, i, &place, &chunk);
        thrift_end(&chunk);
        plain += place.plain;
        parquet_column_reset(&writer->columns[i]);
    }
    ThriftWriter group = {.out = &writer->groups};
    thrift_put_list(&group, 1, THRIFT_STRUCT, writer->leaf_count);
    bytebuf_append_view(group.out, bytebuf_view(&chunks));
    thrift_put_i64(&group, 2, (int64_t)plain);
    thrift_put_i64(&group, 3, (int64_t)writer->group_rows);
    thrift_put_i64(&group, 5, (int64_t)first);
    thrift_put_i64(&group, 6, (int64_t)(writer->written - first));
    thrift_end(&group);
    writer->group_count++;
    writer->rows += writer->group_rows;
    writer->group_rows = 0;
    return OK;
}

/* ---- rows ---- */

static uint64_t charge(ParquetWriter *writer)
{
    uint64_t held = writer->groups.capacity;
    for (uint32_t i = 0; i < writer->leaf_count; i++)
        held += parquet_column_memory(&writer->columns[i]);
    if (writer->tracker != NULL && held >= writer->charged)
        mem_charge(writer->tracker, (int64_t)(held - writer->charged));
    else if (writer->tracker != NULL)
        mem_release(writer->tracker, (int64_t)(writer->charged - held));
    writer->charged = held;
    return held;
}

static uint64_t buffered_bytes(const ParquetWriter *writer)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < writer->leaf_count; i++) {
        const ColumnWriter *column = &writer->columns[i];
        bytes += column->pages.length + column->dictionary.bytes.length + (uint64_t)column->dictionary.count * sizeof(int64_t) +
                 column->plain.length / 2 + column->code_count;
    }
    return bytes;
}

Status parquet_writer_append(ParquetWriter *writer, const Vector *const *columns, Rows rows, Diag *diag)
{
    for (uint32_t i = 0; i < writer->root.child_count; i++)
        TRY(parquet_write_vector(&writer->root.children[i], columns[i], rows, diag));
    for (uint32_t i = 0; i < writer->leaf_count; i++)
        TRY(parquet_column_page(&writer->columns[i], false, diag));
    writer->group_rows += rows.count;
    charge(writer);
    bool is_pressed = writer->tracker != NULL && mem_over_limit(writer->tracker);
    if (writer->group_rows >= writer->options.row_group_rows || buffered_bytes(writer) >= writer->options.row_group_bytes || is_pressed) {
        TRY(end_group(writer, diag));
        charge(writer);
    }
    return OK;
}

Status parquet_writer_finish(ParquetWriter *writer, uint64_t *out_rows, Diag *diag)
{
    AUTO_BYTEBUF footer = {0};
    TRY(end_group(writer, diag));
    ThriftWriter meta = {.out = &footer};
    thrift_put_i32(&meta, 1, FOOTER_VERSION);
    thrift_put_list(&meta, 2, THRIFT_STRUCT, parquet_count_elements(&writer->root));
    parquet_put_elements(&writer->root, true, meta.out);
    thrift_put_i64(&meta, 3, (int64_t)writer->rows);
    thrift_put_list(&meta, 4, THRIFT_STRUCT, writer->group_count);
    bytebuf_append_view(meta.out, bytebuf_view(&writer->groups));
    thrift_put_binary(&meta, 6, STR_VIEW("merak"));
    thrift_put_list(&meta, 7, THRIFT_STRUCT, writer->leaf_count); /* bounds are in the order of the types */
    for (uint32_t i = 0; i < writer->leaf_count; i++) {
        ThriftWriter order = thrift_begin(&meta, 0), by_type = thrift_begin(&order, 1);
        thrift_end(&by_type);
        thrift_end(&order);
    }
    thrift_end(&meta);
    if (footer.length > INT32_MAX)
        return RAISE(diag, LIMIT_EXCEEDED, "the footer of a Parquet file is larger than 2 GiB");
    bytebuf_put_u32(&footer, (uint32_t)footer.length);
    bytebuf_append(&footer, MAGIC, sizeof(MAGIC) - 1);
    *out_rows = writer->rows;
    return put(writer, bytebuf_view(&footer), diag);
}

uint64_t parquet_writer_bytes(const ParquetWriter *writer)
{
    return writer->written + buffered_bytes(writer);
}

void parquet_writer_close(ParquetWriter *writer)
{
    if (writer == NULL)
        return;
    if (writer->tracker != NULL)
        mem_release(writer->tracker, (int64_t)writer->charged);
    for (uint32_t i = 0; i < writer->leaf_count && writer->columns != NULL; i++)
        parquet_column_deinit(&writer->columns[i]);
    bytebuf_deinit(&writer->groups);
    arena_deinit(&writer->arena);
    mem_free(writer);
}
