#include "load/table_loader_int.h"

/* The rows of a tablet's buffers as a segment. Rows of several buffers are gathered a chunk at a time, column by column. */

#include "base/fault.h"

enum { HURRIED_ROWS = 1 << 19 };

typedef struct PartGather {
    const RowParts *parts;
    uint8_t *part_of; /* of the chunk's rows: the buffer, and the place in it */
    uint32_t *place_of;
    const uint8_t **data; /* of a column, by buffer */
} PartGather;

static void find_places(PartGather *g, const uint32_t *positions, uint32_t count)
{
    const uint32_t *starts = g->parts->starts;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t part = 0;
        for (uint32_t p = 1; p < g->parts->count; p++)
            part += positions[i] >= starts[p];
        g->part_of[i] = (uint8_t)part;
        g->place_of[i] = positions[i] - starts[part];
    }
}

#define GATHER(width)                                                                                               \
    case width:                                                                                                     \
        for (uint32_t i = 0; i < count; i++)                                                                        \
            memcpy(target + (size_t)i * (width), g->data[g->part_of[i]] + (size_t)g->place_of[i] * (width), width); \
        break;

static void gather_column(PartGather *g, uint32_t column, uint32_t count, Vector *out)
{
    uint32_t width = phys_width((PhysKind)out->type.phys);
    uint8_t *target = out->data_buffer;
    bool has_nulls = false;
    for (uint32_t p = 0; p < g->parts->count; p++) {
        g->data[p] = g->parts->buffers[p]->columns[column].data;
        has_nulls |= g->parts->buffers[p]->columns[column].nulls != NULL;
    }
    vector_reset(out);
    switch (width) {
        GATHER(1)
        GATHER(2)
        GATHER(4)
        GATHER(8)
        GATHER(16)
    default:
        for (uint32_t i = 0; i < count; i++)
            memcpy(target + (size_t)i * width, g->data[g->part_of[i]] + (size_t)g->place_of[i] * width, width);
        break;
    }
    uint8_t *nulls = has_nulls ? vector_nulls(out) : NULL;
    for (uint32_t i = 0; i < count && has_nulls; i++) {
        const uint8_t *from = g->parts->buffers[g->part_of[i]]->columns[column].nulls;
        nulls[i] = from != NULL && from[g->place_of[i]] != 0;
    }
}

static Status write_parts(SegmentWriter *writer, const RowParts *parts, const uint32_t *positions, uint32_t rows, const TableSchema *schema)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    PartGather g = {parts, ARENA_NEW_ARRAY(&arena, uint8_t, CHUNK_ROWS), ARENA_NEW_ARRAY(&arena, uint32_t, CHUNK_ROWS),
                    ARENA_NEW_ARRAY(&arena, const uint8_t *, parts->count)};
    Vector *vectors = ARENA_NEW_ARRAY(&arena, Vector, schema->column_count + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, schema->column_count + 1);
    uint32_t *all = ARENA_NEW_ARRAY(&arena, uint32_t, CHUNK_ROWS);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        vector_init(&vectors[c], &arena, schema->columns[c].type, CHUNK_ROWS);
        pointers[c] = &vectors[c];
    }
    for (uint32_t first = 0; first < rows; first += CHUNK_ROWS) {
        uint32_t count = MIN(rows - first, (uint32_t)CHUNK_ROWS);
        for (uint32_t i = 0; i < count && positions == NULL; i++)
            all[i] = first + i;
        find_places(&g, positions == NULL ? all : positions + first, count);
        for (uint32_t c = 0; c < schema->column_count; c++)
            gather_column(&g, c, count, &vectors[c]);
        TRY(segment_writer_append(writer, pointers, count));
    }
    return OK;
}

static Status write_rows(SegmentWriter *writer, const TabletBuffer *buffer, const uint32_t *positions, uint32_t rows, uint32_t column_count)
{
    Vector *vectors = mem_alloc_zero(sizeof(Vector) * column_count);
    const Vector **pointers = mem_alloc_zero(sizeof(Vector *) * column_count);
    Status status = OK;
    for (uint32_t c = 0; c < column_count; c++) {
        vectors[c] = buffer->columns[c];
        pointers[c] = &vectors[c];
    }
    for (uint32_t first = 0; first < rows && status == OK; first += CHUNK_ROWS) {
        uint32_t count = MIN(rows - first, (uint32_t)CHUNK_ROWS);
        for (uint32_t c = 0; c < column_count; c++) {
            const Vector *column = &buffer->columns[c];
            if (positions != NULL) {
                vectors[c] = (Vector){.type = column->type,
                                      .form = VECTOR_DICTIONARY,
                                      .codes = positions + first,
                                      .dictionary = column,
                                      .dict_size = buffer->rows,
                                      .children = column->children,
                                      .child_count = column->child_count};
            } else {
                vectors[c] = *column;
                vector_advance(&vectors[c], first);
            }
        }
        status = segment_writer_append(writer, pointers, count);
    }
    mem_free(vectors);
    mem_free(pointers);
    return status;
}

/* Rows that take the place of others are soon merged with these: what is small is written quickly. */
Status loader_lane_encode(const LoaderLane *lane, const RowParts *parts, const uint32_t *positions, uint32_t row_count,
                          const EncodeTarget *target, Diag *diag, EncodedSegment *out)
{
    const TableSchema *schema = lane->loader->table->schema;
    SegmentWriter *writer;
    FAULT("load.before_segment", diag);
    TRY(segment_writer_open(lane->loader->columns, schema->column_count, target->sink, target->context, diag, &writer));
    segment_writer_filter(writer, lane->loader->filters, lane->loader->filter_count);
    if (table_keeps_last(schema) && row_count < HURRIED_ROWS)
        segment_writer_hurry(writer);
    Status status = parts->count == 1 ? write_rows(writer, parts->buffers[0], positions, row_count, schema->column_count)
                                      : write_parts(writer, parts, positions, row_count, schema);
    if (status == OK)
        status = segment_writer_finish(writer, &out->length, &out->rows);
    segment_writer_close(writer);
    for (uint32_t p = 0; p < parts->count; p++)
        out->raw_bytes += parts->buffers[p]->arena.total_bytes;
    return status;
}
