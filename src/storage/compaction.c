#include "storage/compaction.h"

#include "storage/delete_vector.h"
#include "storage/row_sort.h"

/* Read, order, write; memory is an arena charged to the caller's tracker. */

typedef struct Merge {
    const CompactionInput *input;
    Diag *diag;
    Arena arena; /* of the gathered rows */
    Arena page;
    Vector *columns;
    uint32_t rows;
    RowMoves *moves; /* NULL: nobody asks */
    VolumeWriter *writer;
    uint64_t written;
} Merge;

static Status gather_page(Merge *m, Segment *segment, const int *positions, uint32_t page, uint32_t first_row,
                          const DeleteVector *deletes)
{
    const CompactionInput *input = m->input;
    uint32_t rows = segment_page_rows(segment, page);
    arena_reset(&m->page);
    Rows alive = {NULL, rows};
    if (deletes->words != NULL) {
        uint16_t *sel = ARENA_NEW_ARRAY(&m->page, uint16_t, rows + 1);
        alive = (Rows){sel, 0};
        for (uint32_t row = 0; row < rows; row++) {
            sel[alive.count] = (uint16_t)row;
            alive.count += !delete_vector_has(deletes, first_row + row);
        }
    }
    for (uint32_t c = 0; c < input->column_count; c++) {
        Vector values;
        Type type = input->columns[c].type;
        if (positions[c] >= 0)
            TRY(segment_read(segment, page, positions[c], type, &m->page, m->diag, &values));
        else
            vector_set_constant(&values, &m->page, type, &input->missing[c]);
        vector_gather(&values, alive, &m->arena, m->rows, &m->columns[c]);
    }
    m->rows += alive.count;
    return OK;
}

static Status gather_segment(Merge *m, const SegmentRef *ref)
{
    const CompactionInput *input = m->input;
    Segment *segment;
    DeleteVector deletes;
    TRY(delete_vector_load(input->volume, ref, &m->arena, m->diag, &deletes));
    TRY(segment_open(input->volume, ref, m->diag, &segment));
    int *positions = mem_alloc((input->column_count + 1) * sizeof(int));
    for (uint32_t c = 0; c < input->column_count; c++)
        positions[c] = segment_find_column(segment, input->columns[c].unique_id);
    Status status = OK;
    uint32_t first_row = 0;
    if (segment_row_count(segment) != ref->row_count)
        status = RAISE(m->diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path));
    for (uint32_t page = 0; page < segment_page_count(segment) && status == OK; page++) {
        /* The buffers are as large as metadata said. */
        if (m->rows + segment_page_rows(segment, page) > m->columns[0].capacity)
            status = RAISE(m->diag, CORRUPT, "segment in object \"%.*s\" has more rows than metadata says", SV_ARGS(ref->path));
        else
            status = gather_page(m, segment, positions, page, first_row, &deletes);
        first_row += segment_page_rows(segment, page);
    }
    mem_free(positions);
    segment_close(segment);
    return status;
}

static Status gather(Merge *m)
{
    const CompactionInput *input = m->input;
    uint64_t total = 0;
    for (uint32_t s = 0; s < input->segment_count; s++)
        total += input->segments[s].row_count;
    uint64_t live = 0;
    for (uint32_t s = 0; s < input->segment_count; s++)
        live += segment_live_rows(&input->segments[s]);
    if (live == 0 || total > UINT32_MAX / 2 || input->column_count == 0)
        return RAISE(m->diag, INTERNAL, "compaction of %llu rows at once", (unsigned long long)total);
    m->columns = ARENA_NEW_ARRAY(&m->arena, Vector, input->column_count);
    for (uint32_t c = 0; c < input->column_count; c++)
        vector_init(&m->columns[c], &m->arena, input->columns[c].type, (uint32_t)total);
    if (m->moves != NULL)
        m->moves->first_rows = ARENA_NEW_ARRAY(m->moves->arena, uint32_t, input->segment_count);
    for (uint32_t s = 0; s < input->segment_count; s++) {
        if (input->cancelled != NULL && atomic_load(input->cancelled))
            return RAISE(m->diag, CANCELLED, "compaction was cancelled");
        if (m->moves != NULL)
            m->moves->first_rows[s] = m->rows;
        if (segment_live_rows(&input->segments[s]) > 0)
            TRY(gather_segment(m, &input->segments[s]));
        if (input->memory != NULL && mem_over_limit(input->memory))
            return RAISE(m->diag, MEMORY_LIMIT, "compaction needs more memory than it may use");
    }
    if (m->rows != live)
        return RAISE(m->diag, CORRUPT, "segments of a tablet hold %u rows, metadata says %llu", m->rows, (unsigned long long)live);
    return OK;
}

static Status write_bytes(void *context, const void *data, size_t length, Diag *diag)
{
    Merge *m = context;
    m->written += length;
    return m->input->volume->ops->append(m->writer, data, length, diag);
}

static Status write_rows(Merge *m, SegmentWriter *writer, const uint32_t *positions)
{
    uint32_t count = m->input->column_count;
    Vector *parts = ARENA_NEW_ARRAY(&m->arena, Vector, count);
    const Vector **pointers = ARENA_NEW_ARRAY(&m->arena, const Vector *, count);
    for (uint32_t c = 0; c < count; c++) {
        parts[c] = m->columns[c];
        pointers[c] = &parts[c];
    }
    for (uint32_t first = 0; first < m->rows; first += CHUNK_ROWS) {
        for (uint32_t c = 0; c < count; c++) {
            const Vector *column = &m->columns[c];
            if (positions != NULL) {
                parts[c] = (Vector){.type = column->type, .form = VECTOR_DICTIONARY, .codes = positions + first,
                                    .dictionary = column, .dict_size = m->rows, .children = column->children,
                                    .child_count = column->child_count};
                continue;
            }
            parts[c] = *column;
            vector_advance(&parts[c], first);
        }
        TRY(segment_writer_append(writer, pointers, MIN(m->rows - first, (uint32_t)CHUNK_ROWS)));
    }
    return OK;
}

static void note_order(Merge *m, const uint32_t *positions)
{
    m->moves->rows = m->rows;
    m->moves->positions = NULL;
    if (positions == NULL)
        return;
    m->moves->positions = ARENA_NEW_ARRAY(m->moves->arena, uint32_t, m->rows);
    memcpy(m->moves->positions, positions, m->rows * sizeof(*positions));
}

static Status write_segment(Merge *m, SegmentRef *out_segment)
{
    const CompactionInput *input = m->input;
    SegmentWriter *writer;
    TRY(segment_writer_open(input->columns, input->column_count, write_bytes, m, m->diag, &writer));
    segment_writer_filter(writer, input->filters, input->filter_count);
    uint32_t *sorted = input->order != NULL ? NULL : row_sort_positions(m->columns, m->rows, input->sort_columns, input->sort_count);
    Status status = write_rows(m, writer, input->order != NULL ? input->order->positions : sorted);
    out_segment->offset = 0;
    if (status == OK)
        status = segment_writer_finish(writer, &out_segment->length, &out_segment->row_count);
    segment_writer_close(writer);
    if (status == OK && m->moves != NULL)
        note_order(m, sorted);
    mem_free(sorted);
    return status;
}

static Status run(Merge *m, const char *path, SegmentRef *out_segment)
{
    Volume *volume = m->input->volume;
    TRY(gather(m));
    if (m->input->order != NULL && m->input->order->rows != m->rows)
        return RAISE(m->diag, INTERNAL, "%u rows are merged again, there were %u", m->rows, m->input->order->rows);
    TRY(volume->ops->open_writer(volume, path, m->diag, &m->writer));
    Status status = write_segment(m, out_segment);
    if (status == OK)
        return volume->ops->commit(m->writer, m->diag);
    volume->ops->abort(m->writer);
    return status;
}

Status compaction_merge(const CompactionInput *input, const char *path, Diag *diag, SegmentRef *out_segment, RowMoves *moves)
{
    Merge m = {.input = input, .diag = diag, .moves = moves};
    arena_init(&m.arena, input->memory);
    arena_init(&m.page, input->memory);
    Status status = run(&m, path, out_segment);
    out_segment->raw_bytes = m.arena.total_bytes;
    arena_deinit(&m.page);
    arena_deinit(&m.arena);
    return status;
}
