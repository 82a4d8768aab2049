#include "load/column_update.h"

/* An overlay holds the updated columns of all rows of its segment: pages without updated rows are read and written again as they
 * are. Earlier overlays of which nothing is left to be seen are left out, so that a segment has at most one a column. */

#include "base/fault.h"
#include "base/format_level.h"
#include "format/segment_overlay.h"
#include "load/key_commit.h"
#include "meta/table_index.h"
#include "storage/delete_vector.h"

enum { REWRITES = 2 }; /* a row is written, and before long again by compaction */

typedef struct Overlay {
    const ColumnUpdater *updater;
    ColumnUpdateRows *rows;
    const SegmentRef *ref;
    Segment *segment;
    DeleteVector deletes;
    Arena arena;
    SegmentColumn *columns;
    uint32_t *table_columns;
    uint32_t column_count;
    VolumeWriter *writer;
    Diag *diag;
} Overlay;

bool update_mode_parse(StrView text, UpdateMode *out_mode)
{
    bool is_row = text.length == 0 || strview_equal_ci(text, STR_VIEW("row"));
    *out_mode = is_row ? UPDATE_ROWS : strview_equal_ci(text, STR_VIEW("column")) ? UPDATE_COLUMNS : UPDATE_AUTO;
    return is_row || *out_mode == UPDATE_COLUMNS || strview_equal_ci(text, STR_VIEW("auto"));
}

bool column_update_sorts(const TableSchema *schema, const uint8_t *given)
{
    for (uint32_t i = 0; i < schema->sort_count; i++) {
        if (given[schema->sort_columns[i]] && !schema->columns[schema->sort_columns[i]].is_key)
            return true;
    }
    return false;
}

bool column_update_is_possible(const TableSchema *schema, const uint8_t *given)
{
    uint32_t count = 0;
    if (given == NULL || schema->keys_kind != KEYS_PRIMARY || format_level_written() < FORMAT_LEVEL_OVERLAYS)
        return false;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        count += given[c] && !schema->columns[c].is_key;
        if (schema->columns[c].generated.length > 0)
            return false;
    }
    return count > 0 && !column_update_sorts(schema, given);
}

static void choose_columns(Overlay *o)
{
    const TableSchema *schema = o->rows->schema;
    o->columns = ARENA_NEW_ARRAY(&o->arena, SegmentColumn, schema->column_count);
    o->table_columns = ARENA_NEW_ARRAY(&o->arena, uint32_t, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const TableColumn *column = &schema->columns[c];
        if (!o->rows->given[c] || column->is_key)
            continue;
        o->table_columns[o->column_count] = c;
        o->columns[o->column_count++] = (SegmentColumn){column->unique_id, column->type};
    }
}

/* ---- writing ---- */

static Status read_column(const Overlay *o, uint32_t page, uint32_t c, Arena *arena, Vector *out)
{
    const TableColumn *column = &o->rows->schema->columns[o->table_columns[c]];
    int position = segment_find_column(o->segment, column->unique_id);
    if (position >= 0)
        return segment_read(o->segment, page, position, column->type, arena, o->diag, out);
    Datum missing = table_column_missing(column, arena); /* the segment is older than the column */
    vector_set_constant(out, arena, column->type, &missing);
    return OK;
}

/* Values of the page with those of the load in their places. old: the rows that lie in it. */
static Status make_column(const Overlay *o, uint32_t page, uint32_t first_row, uint32_t c, const OldRow *old, uint32_t count, Arena *arena,
                          Vector *out)
{
    Vector before;
    uint32_t rows = segment_page_rows(o->segment, page);
    const Vector *given = &o->rows->columns[o->table_columns[c]];
    TRY(read_column(o, page, c, arena, &before));
    if (count == 0) {
        *out = before;
        return OK;
    }
    vector_init(out, arena, o->columns[c].type, rows);
    vector_gather(&before, (Rows){NULL, rows}, arena, 0, out);
    for (uint32_t i = 0; i < count; i++) {
        if (delete_vector_has(&o->deletes, old[i].old_row))
            continue;
        Datum value = vector_get(given, old[i].row, arena);
        vector_put(out, arena, old[i].old_row - first_row, &value);
    }
    return OK;
}

static Status write_pages(const Overlay *o, SegmentWriter *writer, const OldRow *old, uint32_t count)
{
    AUTO_ARENA arena;
    uint32_t first_row = 0;
    arena_init(&arena, NULL);
    for (uint32_t page = 0, at = 0; page < segment_page_count(o->segment); page++) {
        arena_reset(&arena);
        uint32_t rows = segment_page_rows(o->segment, page);
        uint32_t end = at;
        while (end < count && old[end].old_row < first_row + rows)
            end++;
        Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, o->column_count);
        const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, o->column_count);
        for (uint32_t c = 0; c < o->column_count; c++) {
            TRY(make_column(o, page, first_row, c, old + at, end - at, &arena, &columns[c]));
            pointers[c] = &columns[c];
        }
        TRY(segment_writer_append(writer, pointers, rows));
        at = end;
        first_row += rows;
    }
    return OK;
}

static Status write_bytes(void *context, const void *data, size_t length, Diag *diag)
{
    const Overlay *o = context;
    return o->updater->volume->ops->append(o->writer, data, length, diag);
}

static Status encode(Overlay *o, const OldRow *old, uint32_t count, SegmentRef *out)
{
    SegmentWriter *writer;
    SegmentFilterSpec *filters;
    uint32_t filter_count = table_filters(o->rows->schema, &o->arena, &filters);
    TRY(segment_writer_open(o->columns, o->column_count, write_bytes, o, o->diag, &writer));
    segment_writer_filter(writer, filters, filter_count);
    Status status = write_pages(o, writer, old, count);
    if (status == OK)
        status = segment_writer_finish(writer, &out->length, &out->row_count);
    segment_writer_close(writer);
    return status;
}

static Status write_overlay(Overlay *o, const OldRow *old, uint32_t count, SegmentRef *out)
{
    const ColumnUpdater *updater = o->updater;
    char path[META_OBJECT_PATH_BYTES];
    *out = (SegmentRef){.id = meta_new_id(updater->store), .volume_id = updater->volume->id,
                        .raw_bytes = o->ref->raw_bytes * o->column_count / o->rows->schema->column_count};
    if (out->id == 0)
        return RAISE(o->diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    meta_object_path(updater->store, out->id, "seg", path);
    out->path = strview(arena_strdup(updater->arena, path));
    FAULT("overlay.before_write", o->diag);
    TRY(updater->volume->ops->open_writer(updater->volume, path, o->diag, &o->writer));
    Status status = encode(o, old, count, out);
    if (status == OK)
        return updater->volume->ops->commit(o->writer, o->diag);
    updater->volume->ops->abort(o->writer);
    return status;
}

/* ---- one segment ---- */

static StrView keep_text(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

/* The segment with the overlay over it. Parts are copied: the catalog that they are of goes before the commit. */
static Status note_update(const Overlay *o, const SegmentRef *overlay)
{
    const ColumnUpdater *updater = o->updater;
    Arena *arena = updater->arena;
    ColumnUpdate update = {updater->partition_id, o->rows->tablet->id, o->ref->id, *o->ref, false};
    SegmentRef *segment = &update.segment;
    SegmentRef *overlays = ARENA_NEW_ARRAY(arena, SegmentRef, o->ref->overlay_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < o->ref->overlay_count; i++) {
        if (segment_overlay_is_hidden(o->segment, i, o->columns, o->column_count))
            continue;
        overlays[count] = o->ref->overlays[i];
        overlays[count].path = keep_text(arena, overlays[count].path);
        count++;
    }
    overlays[count++] = *overlay;
    segment->id = meta_new_id(updater->store);
    segment->path = keep_text(arena, segment->path);
    segment->overlays = overlays;
    segment->overlay_count = count;
    segment->deletes = NULL;
    if (segment->id == 0)
        return RAISE(o->diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    ARRAY_PUSH(arena, updater->updates, update);
    return OK;
}

/* Rows that the catalog says are deleted are new ones: they are left to the load. */
static uint32_t take_rows(Overlay *o, const OldRow *old, uint32_t count)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_there = !delete_vector_has(&o->deletes, old[i].old_row);
        o->rows->skipped[old[i].row] |= is_there;
        taken += is_there;
    }
    return taken;
}

static Status update_opened(Overlay *o, const OldRow *old, uint32_t count, bool *out_done)
{
    SegmentRef overlay;
    *out_done = segment_row_count(o->segment) == o->ref->row_count && segment_can_be_overlaid(o->segment);
    if (!*out_done)
        return OK;
    TRY(delete_vector_load(o->updater->volume, o->ref, &o->arena, o->diag, &o->deletes));
    if (take_rows(o, old, count) == 0)
        return OK;
    TRY(write_overlay(o, old, count, &overlay));
    return note_update(o, &overlay);
}

static Status update_segment(const ColumnUpdater *updater, ColumnUpdateRows *rows, const OldRow *old, uint32_t count, Diag *diag, bool *out_done)
{
    Overlay o = {.updater = updater, .rows = rows, .ref = &rows->tablet->segments[old->segment], .diag = diag};
    *out_done = false;
    arena_init(&o.arena, NULL);
    choose_columns(&o);
    uint64_t row_cost = (uint64_t)count * rows->schema->column_count * REWRITES;
    bool pays = updater->mode == UPDATE_COLUMNS || o.ref->row_count * o.column_count < row_cost;
    Status status = OK;
    if (pays && !segment_is_inline(o.ref)) {
        status = segment_open(updater->volume, o.ref, diag, &o.segment);
        if (status == OK)
            status = update_opened(&o, old, count, out_done);
        segment_close(o.segment);
    }
    arena_deinit(&o.arena);
    return status;
}

Status column_update(const ColumnUpdater *updater, ColumnUpdateRows *rows, Diag *diag)
{
    uint32_t kept = 0;
    for (uint32_t first = 0, end; first < rows->count; first = end) {
        bool is_done;
        for (end = first; end < rows->count && rows->old[end].segment == rows->old[first].segment;)
            end++;
        TRY(update_segment(updater, rows, rows->old + first, end - first, diag, &is_done));
        if (is_done)
            continue;
        memmove(rows->old + kept, rows->old + first, (end - first) * sizeof(OldRow));
        kept += end - first;
    }
    rows->count = kept;
    return OK;
}

/* ---- commits ---- */

static const SegmentRef *find_segment(const CatalogTable *table, const ColumnUpdate *update)
{
    const TabletVersion *tablet = partition_tablet(catalog_partition_by_id(table, update->partition_id), update->tablet_id);
    for (uint32_t s = 0; tablet != NULL && s < tablet->segment_count; s++) {
        if (tablet->segments[s].id == update->old_id)
            return &tablet->segments[s];
    }
    return NULL;
}

Status column_updates_put(const ColumnUpdates *updates, const CatalogTable *now, Change *change, Diag *diag)
{
    for (uint32_t i = 0; i < updates->count; i++) {
        const ColumnUpdate *update = &updates->items[i];
        const SegmentRef *old = find_segment(now, update);
        if (old == NULL)
            return RAISE(diag, RETRY, "table '%.*s' changed while rows were loaded into it", SV_ARGS(now->name));
        NewSegments fresh = {update->partition_id, update->tablet_id, &update->segment, 1};
        change_replace_segments(change, now->id, &fresh, &update->old_id, 1);
        if (old->deletes == NULL || update->has_new_deletes)
            continue;
        NewDeletes deletes = {update->segment.id, *old->deletes};
        change_put_deletes(change, now->id, update->partition_id, update->tablet_id, &deletes, 1);
    }
    return OK;
}
