#include "load/table_loader_int.h"

/* Routing, buffering and publishing of rows. A lane gathers the rows of each tablet; a full buffer is sorted
 * by the sort key (if it is not sorted already) and written as a segment into the lane's object. Commits are in
 * table_commit.c. */

#include "base/fault.h"
#include "base/format_level.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "format/segment.h"
#include "meta/quota.h"
#include "meta/table_index.h"
#include "storage/row_sort.h"

enum {
    FLUSH_ROWS = 1 << 20,
    FLUSH_BYTES = 192 << 20, /* of a tablet's buffer */
    LANES_BYTES = 512 << 20, /* of all buffers of as many lanes as there are processors */
    LEAST_LANE_BYTES = 64 << 20,
    MOST_HELD_BYTES = 1 << 30, /* of a lane whose rows are held */
    MOST_HELD_ROWS = 1 << 23,  /* of a tablet */
    FIRST_ROWS = 256,
    INLINE_BYTES = 16 << 10, /* what a load may put into the catalog instead of an object */
    MOST_PARTITION_INLINE_BYTES = 512 << 10,
    MOST_INLINE_BYTES = 32 << 20, /* images have them, too */
    OBJECT_BYTES = 4 << 20,       /* an object ends behind the segment that takes it there: merged ones can be deleted soon */
};

Status table_volume(Volume *home, const CatalogSnapshot *catalog, const TableSchema *schema, Diag *diag, Volume **out_volume)
{
    uint32_t id;
    TRY(storage_volume_id(catalog, schema, diag, &id));
    return volume_by_id(home, id, diag, out_volume);
}

Status table_loader_open(const TableLoaderOptions *options, Diag *diag, TableLoader **out_loader)
{
    PartitionRouter *router;
    TRY(meta_check_writable(options->store, diag));
    Volume *volume;
    TRY(quota_check_data(options->catalog, options->table->database_id, diag));
    TRY(table_volume(options->volume, options->catalog, options->table->schema, diag, &volume));
    TRY(partition_router_open(options->store, options->table, options->session, options->partition_ids, options->partition_count, options->draft,
                              diag, &router));
    TableLoader *loader = mem_alloc_zero(sizeof(*loader));
    loader->router = router;
    loader->options = *options;
    loader->options.volume = volume;
    catalog_ref(options->catalog);
    loader->table = options->table;
    loader->lease = meta_lease_open(options->store);
    arena_init(&loader->arena, options->tracker);
    mutex_init(&loader->lock);
    const TableSchema *schema = options->table->schema;
    loader->columns = ARENA_NEW_ARRAY(&loader->arena, SegmentColumn, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++)
        loader->columns[i] = (SegmentColumn){schema->columns[i].unique_id, schema->columns[i].type};
    loader->filter_count = table_filters(schema, &loader->arena, &loader->filters);
    *out_loader = loader;
    return OK;
}

/* The buffer of a partition's bucket. */
static Status lane_buffer(LoaderLane *lane, uint32_t at, Diag *diag, TabletBuffer **out)
{
    uint32_t buckets = MAX(lane->loader->table->schema->buckets, 1u);
    if (at >= lane->buffer_count) {
        uint32_t count = (at / buckets + 1) * 2 * buckets;
        TabletBuffer **grown = ARENA_NEW_ARRAY(&lane->arena, TabletBuffer *, count);
        for (uint32_t i = 0; i < lane->buffer_count; i++)
            grown[i] = lane->buffers[i];
        lane->buffers = grown;
        lane->buffer_count = count;
    }
    if (lane->buffers[at] == NULL) {
        const CatalogPartition *partition = partition_router_get(lane->loader->router, at / buckets);
        if (at % buckets >= partition->tablet_count)
            return RAISE(diag, CORRUPT, "partition '%.*s' has fewer buckets than its table", SV_ARGS(partition->name));
        lane->buffers[at] = ARENA_NEW(&lane->arena, TabletBuffer);
        lane->buffers[at]->partition_id = partition->id;
        lane->buffers[at]->tablet_id = partition->tablets[at % buckets].id;
    }
    *out = lane->buffers[at];
    return OK;
}

static size_t expected_bytes(const TableLoader *loader)
{
    enum { SLACK_BYTES = 256 }; /* of a vector and its alignment */
    const TableSchema *schema = loader->table->schema;
    size_t bytes = 0;
    for (uint32_t c = 0; c < schema->column_count; c++)
        bytes += (size_t)loader->expected_rows * (phys_width((PhysKind)schema->columns[c].type.phys) + 1) + sizeof(Vector) + SLACK_BYTES;
    return (bytes + SLACK_BYTES) & ~(size_t)63;
}

/* Pages that the system gives one by one cost more than what is written to them: large ones for all buckets at once. */
static void lend_slab(LoaderLane *lane, TabletBuffer *buffer)
{
    const TableLoader *loader = lane->loader;
    size_t bytes = expected_bytes(loader);
    if (loader->expected_rows == 0)
        return;
    if (lane->slab.data == NULL && lane->slab_used == 0) {
        if (mapping_open(&lane->slab, bytes * MAX(loader->table->schema->buckets, 1u), NULL, NULL) != OK)
            return;
        if (loader->options.tracker != NULL)
            mem_charge(loader->options.tracker, (int64_t)lane->slab.bytes);
    }
    if (lane->slab_used + bytes > lane->slab.bytes)
        return;
    arena_lend(&buffer->arena, (char *)lane->slab.data + lane->slab_used, bytes);
    lane->slab_used += bytes;
}

static void close_slab(LoaderLane *lane)
{
    if (lane->loader->options.tracker != NULL)
        mem_release(lane->loader->options.tracker, (int64_t)lane->slab.bytes);
    mapping_close(&lane->slab);
}

static void open_buffer(LoaderLane *lane, TabletBuffer *buffer, uint32_t rows)
{
    const TableSchema *schema = lane->loader->table->schema;
    arena_init(&buffer->arena, lane->loader->options.tracker);
    lend_slab(lane, buffer);
    buffer->columns = ARENA_NEW_ARRAY(&buffer->arena, Vector, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++)
        vector_init(&buffer->columns[i], &buffer->arena, schema->columns[i].type,
                    MAX(rows, MAX(lane->loader->expected_rows, (uint32_t)FIRST_ROWS)));
    buffer->rows = 0;
}

static uint64_t lane_budget(void)
{
    uint64_t share = (uint64_t)LANES_BYTES / cpu_count();
    return MAX(share, (uint64_t)LEAST_LANE_BYTES);
}

/* A sixteenth more than on average, so that few buffers have to grow; not where partitions may be many. */
void table_loader_expect(TableLoader *loader, double rows, uint32_t lanes)
{
    const TableSchema *schema = loader->table->schema;
    double buckets = MAX(schema->buckets, 1u);
    double width = 1;
    for (uint32_t c = 0; c < schema->column_count; c++)
        width += phys_width((PhysKind)schema->columns[c].type.phys);
    double most = (double)lane_budget() / 4 / buckets / width;
    double each = MIN(rows / MAX(lanes, 1u) / buckets * 17 / 16, most);
    if (schema->scheme == PARTITION_NONE && each > FIRST_ROWS)
        loader->expected_rows = (uint32_t)MIN(each, (double)FLUSH_ROWS);
}

Status table_loader_lane(TableLoader *loader, Diag *diag, LoaderLane **out_lane)
{
    LoaderLane *lane = mem_alloc_zero(sizeof(*lane));
    lane->loader = loader;
    lane->diag = diag;
    lane->path = "";
    lane->random = env_random(loader->options.volume->environment);
    arena_init(&lane->arena, loader->options.tracker);
    lane->sel = ARENA_NEW_ARRAY(&lane->arena, uint16_t, CHUNK_ROWS);
    LOCK_GUARD(&loader->lock);
    LoaderLane **last = &loader->lanes;
    while (*last != NULL)
        last = &(*last)->next;
    *last = lane; /* the order of lanes is the order of their rows where that counts */
    *out_lane = lane;
    return OK;
}

/* ---- routing ---- */

/* Hashes of one column's values, joined to those of the columns before it. */
static void hash_bucket_column(const Vector *column, uint32_t rows, Arena *scratch, uint64_t *hashes)
{
    VectorView view = vector_view(column);
    PhysKind phys = (PhysKind)column->type.phys;
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t hash = 0;
        uint32_t at = view_index(&view, row);
        if (view_is_null(&view, row)) {
            hash = 0;
        } else if (phys == PHYS_I64) {
            hash = hash_u64((uint64_t)((const int64_t *)view.data)[at]);
        } else if (phys == PHYS_I32) {
            hash = hash_u64((uint64_t)(int64_t)((const int32_t *)view.data)[at]);
        } else if (phys == PHYS_STR) {
            const Str *text = &((const Str *)view.data)[at];
            hash = hash_bytes(str_data(text), text->length);
        } else {
            hash = hash_u64((uint64_t)vector_get(column, row, scratch).i64);
        }
        hashes[row] = hash_combine(hashes[row], hash);
    }
}

/* out_targets: numbers of partitions on entry, of their buckets on return. */
static void find_buckets(const LoaderLane *lane, const Vector *const *columns, uint32_t rows, Arena *scratch, uint32_t *targets)
{
    const TableSchema *schema = lane->loader->table->schema;
    uint32_t buckets = MAX(schema->buckets, 1u);
    if (buckets == 1)
        return;
    if (schema->is_random || schema->bucket_column_count == 0) {
        uint32_t bucket = (uint32_t)((lane->random + lane->rows / CHUNK_ROWS) % buckets);
        for (uint32_t row = 0; row < rows; row++)
            targets[row] = targets[row] * buckets + bucket;
        return;
    }
    uint64_t *hashes = ARENA_NEW_ARRAY(scratch, uint64_t, rows + 1);
    for (uint32_t i = 0; i < schema->bucket_column_count; i++)
        hash_bucket_column(columns[schema->bucket_columns[i]], rows, scratch, hashes);
    for (uint32_t row = 0; row < rows; row++)
        targets[row] = targets[row] * buckets + (uint32_t)(hashes[row] % buckets);
}

/* ---- writing ---- */

static _Atomic uint64_t object_count, inline_count;

TableLoaderCounts table_loader_counts(void)
{
    return (TableLoaderCounts){atomic_load(&object_count), atomic_load(&inline_count)};
}

/* Of the lane's object: what was added to the lane since it began. */
static SegmentRef *object_segment(const LoaderLane *lane, uint32_t i)
{
    return (SegmentRef *)(uintptr_t)lane->segments.items[i].segments;
}

/* The small beginning of an object goes into a real one. */
static Status open_object(LoaderLane *lane, Diag *diag)
{
    const TableLoaderOptions *options = &lane->loader->options;
    uint64_t id = meta_new_id(options->store);
    if (id == 0)
        return RAISE(diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    char path[META_OBJECT_PATH_BYTES];
    meta_object_path(options->store, id, "seg", path);
    lane->path = arena_strdup(&lane->arena, path);
    for (uint32_t i = lane->first_segment; i < lane->segments.count; i++)
        object_segment(lane, i)->path = strview(lane->path);
    TRY(options->volume->ops->open_writer(options->volume, lane->path, diag, &lane->writer));
    Status status = OK;
    if (lane->small.length > 0)
        status = options->volume->ops->append(lane->writer, lane->small.data, lane->small.length, diag);
    bytebuf_clear(&lane->small);
    return status;
}

static Status write_bytes(void *context, const void *data, size_t length, Diag *diag)
{
    LoaderLane *lane = context;
    const Volume *volume = lane->loader->options.volume;
    lane->written += length;
    if (lane->writer == NULL && lane->written <= INLINE_BYTES) {
        bytebuf_append(&lane->small, data, length);
        return OK;
    }
    if (lane->writer == NULL)
        TRY(open_object(lane, diag));
    return volume->ops->append(lane->writer, data, length, diag);
}

/* May what was written since the object began lie in the catalog? Not where that holds much already: of this load, of
 * a partition (whose versions are copied whole), or as a whole. */
static bool may_be_inline(const LoaderLane *lane)
{
    const TableLoader *loader = lane->loader;
    if (format_level_written() < FORMAT_LEVEL_INLINE_SEGMENTS || loader->inline_bytes + lane->small.length > INLINE_BYTES ||
        catalog_inline_bytes() > MOST_INLINE_BYTES)
        return false;
    for (uint32_t i = lane->first_segment; i < lane->segments.count; i++) {
        const CatalogPartition *partition = catalog_partition_by_id(loader->table, lane->segments.items[i].partition_id);
        if (partition != NULL && partition->inline_bytes > MOST_PARTITION_INLINE_BYTES)
            return false;
    }
    return true;
}

/* False: an object has to hold them. */
static bool keep_inline(LoaderLane *lane)
{
    LOCK_GUARD(&lane->loader->lock);
    if (!may_be_inline(lane))
        return false;
    lane->loader->inline_bytes += lane->small.length;
    for (uint32_t i = lane->first_segment; i < lane->segments.count; i++) {
        SegmentRef *segment = object_segment(lane, i);
        segment->bytes = strview_n(arena_strndup(&lane->arena, lane->small.data + segment->offset, segment->length), segment->length);
        segment->offset = 0;
    }
    bytebuf_clear(&lane->small);
    atomic_fetch_add(&inline_count, 1);
    return true;
}

Status loader_lane_commit_object(LoaderLane *lane, Diag *diag)
{
    FAULT("load.before_upload", diag);
    if (lane->writer == NULL && lane->small.length > 0 && !keep_inline(lane))
        TRY(open_object(lane, diag));
    VolumeWriter *writer = lane->writer;
    lane->writer = NULL;
    lane->path = "";
    lane->written = 0;
    lane->first_segment = lane->segments.count;
    if (writer != NULL) {
        TRY(lane->loader->options.volume->ops->commit(writer, diag));
        atomic_fetch_add(&object_count, 1);
    }
    FAULT("load.after_upload", diag);
    return OK;
}

/* Adds to the lane what was written of a buffer at offset of the lane's object. */
static void add_segment(LoaderLane *lane, const TabletBuffer *buffer, uint64_t offset, const EncodedSegment *encoded)
{
    SegmentRef *segment = ARENA_NEW(&lane->arena, SegmentRef);
    *segment = (SegmentRef){.id = meta_new_id(lane->loader->options.store),
                            .volume_id = lane->loader->options.volume->id,
                            .path = strview(lane->path),
                            .offset = offset,
                            .length = encoded->length,
                            .row_count = encoded->rows,
                            .raw_bytes = encoded->raw_bytes};
    NewSegments fresh = {buffer->partition_id, buffer->tablet_id, segment, 1};
    ARRAY_PUSH(&lane->arena, &lane->segments, fresh);
}

Status loader_lane_put(LoaderLane *lane, const TabletBuffer *buffer, StrView bytes, const EncodedSegment *encoded, Diag *diag)
{
    uint64_t offset = lane->written;
    if (encoded->rows == 0)
        return OK;
    TRY(write_bytes(lane, bytes.data, bytes.length, diag));
    add_segment(lane, buffer, offset, encoded);
    return OK;
}

Status loader_lane_end_segment(LoaderLane *lane, Diag *diag)
{
    return lane->written < OBJECT_BYTES ? OK : loader_lane_commit_object(lane, diag);
}

static Status write_segment(LoaderLane *lane, TabletBuffer *buffer, const uint32_t *positions, uint32_t row_count, Diag *diag)
{
    uint64_t offset = lane->written;
    uint32_t start = 0;
    RowParts parts = {&buffer, &start, 1};
    EncodeTarget target = {write_bytes, lane};
    EncodedSegment encoded = {0};
    TRY(loader_lane_encode(lane, &parts, positions, row_count, &target, diag, &encoded));
    add_segment(lane, buffer, offset, &encoded);
    return loader_lane_end_segment(lane, diag);
}

uint32_t *loader_buffer_order(const LoaderLane *lane, const TabletBuffer *buffer, const uint8_t *skipped, Arena *arena, KeyFlush *flush,
                              uint32_t *out_kept)
{
    const TableSchema *schema = lane->loader->table->schema;
    KeyRows rows = {buffer->columns, buffer->rows, buffer->deletes, skipped};
    *flush = (KeyFlush){.partition_id = buffer->partition_id, .tablet_id = buffer->tablet_id};
    *out_kept = buffer->rows;
    if (table_keeps_last(schema))
        return key_flush_fill(flush, schema, &rows, arena, out_kept);
    return row_sort_positions(buffer->columns, buffer->rows, schema->sort_columns, schema->sort_count);
}

void loader_lane_add_flush(LoaderLane *lane, KeyFlush *flush, uint32_t kept)
{
    if (kept > 0)
        flush->segment = lane->segments.items[lane->segments.count - 1].segments;
    if (table_keeps_last(lane->loader->table->schema) && (kept > 0 || flush->deleted_count > 0))
        ARRAY_PUSH(&lane->arena, &lane->flushes, *flush);
}

void loader_lane_drop(LoaderLane *lane, TabletBuffer *buffer)
{
    if (buffer->columns == NULL)
        return;
    lane->buffered_bytes -= buffer->counted_bytes;
    buffer->counted_bytes = 0;
    arena_deinit(&buffer->arena);
    buffer->columns = NULL;
    buffer->deletes = NULL;
    buffer->deletes_room = 0;
    buffer->rows = 0;
}

Status loader_lane_flush(LoaderLane *lane, TabletBuffer *buffer, const uint8_t *skipped, Diag *diag)
{
    KeyFlush flush;
    uint32_t kept;
    if (buffer->rows == 0)
        return OK;
    uint32_t *positions = loader_buffer_order(lane, buffer, skipped, &lane->arena, &flush, &kept);
    Status status = kept == 0 ? OK : write_segment(lane, buffer, positions, kept, diag);
    mem_free(positions);
    TRY(status);
    loader_lane_add_flush(lane, &flush, kept);
    loader_lane_drop(lane, buffer);
    return OK;
}

/* Many tablets, or memory that is short: the largest buffer goes. */
static Status relieve(LoaderLane *lane, Diag *diag)
{
    TabletBuffer *largest = NULL;
    for (uint32_t b = 0; b < lane->buffer_count; b++) {
        TabletBuffer *buffer = lane->buffers[b];
        if (buffer != NULL && buffer->columns != NULL &&
            (largest == NULL || buffer->arena.total_bytes > largest->arena.total_bytes))
            largest = buffer;
    }
    return largest == NULL ? OK : loader_lane_flush(lane, largest, NULL, diag);
}

static Status check_held(const LoaderLane *lane, const TabletBuffer *buffer, Diag *diag)
{
    if (lane->buffered_bytes <= MOST_HELD_BYTES && buffer->rows <= MOST_HELD_ROWS && !mem_over_limit(lane->loader->options.tracker))
        return OK;
    return RAISE(diag, MEMORY_LIMIT, "a load with partial_update or merge_condition holds its rows in memory until it commits, and these are "
                                     "too many: load them in smaller parts");
}

static Status keep_in_bounds(LoaderLane *lane, TabletBuffer *buffer, Diag *diag)
{
    if (lane->loader->options.merge != NULL)
        return check_held(lane, buffer, diag);
    if (buffer->rows >= FLUSH_ROWS || buffer->arena.total_bytes >= FLUSH_BYTES)
        return loader_lane_flush(lane, buffer, NULL, diag);
    if (lane->buffered_bytes > lane_budget())
        return relieve(lane, diag);
    MemTracker *tracker = lane->loader->options.tracker;
    if (tracker == NULL || !mem_over_limit(tracker))
        return OK;
    for (uint32_t b = 0; b < lane->buffer_count && mem_over_limit(tracker) && lane->buffered_bytes > 0; b++)
        TRY(relieve(lane, diag));
    return mem_over_limit(tracker) ? RAISE(diag, MEMORY_LIMIT, "the load needs more memory than it may use") : OK;
}

static void append_deletes(TabletBuffer *buffer, const uint8_t *deletes, Rows rows)
{
    if (deletes == NULL && buffer->deletes == NULL)
        return;
    if (buffer->deletes == NULL || buffer->rows + rows.count > buffer->deletes_room) {
        buffer->deletes_room = MAX((buffer->rows + rows.count) * 2, (uint32_t)CHUNK_ROWS);
        uint8_t *grown = ARENA_NEW_ARRAY(&buffer->arena, uint8_t, buffer->deletes_room);
        if (buffer->deletes != NULL)
            memcpy(grown, buffer->deletes, buffer->rows);
        buffer->deletes = grown;
    }
    for (FOR_ROWS(rows, i, row))
        buffer->deletes[buffer->rows + i] = deletes == NULL ? 0 : deletes[row];
}

static Status append_rows(LoaderLane *lane, TabletBuffer *buffer, const Vector *const *columns, const uint8_t *deletes, Rows rows,
                          Diag *diag)
{
    const TableSchema *schema = lane->loader->table->schema;
    if (buffer->columns == NULL)
        open_buffer(lane, buffer, rows.count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        Vector holder = {.type = schema->columns[c].type, .child_count = 1, .children = &buffer->columns[c]};
        if (buffer->rows + rows.count > buffer->columns[c].capacity)
            vector_reserve_children(&holder, &buffer->arena, MAX(buffer->rows + rows.count, buffer->columns[c].capacity * 2));
        vector_gather(columns[c], rows, &buffer->arena, buffer->rows, &buffer->columns[c]);
    }
    append_deletes(buffer, deletes, rows);
    buffer->rows += rows.count;
    lane->buffered_bytes += buffer->arena.total_bytes - buffer->counted_bytes;
    buffer->counted_bytes = buffer->arena.total_bytes;
    return keep_in_bounds(lane, buffer, diag);
}

Status loader_lane_append(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag)
{
    return loader_lane_append_ops(lane, columns, NULL, row_count, diag);
}

Status loader_lane_route(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag, uint8_t *out_found)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint32_t *numbers = ARENA_NEW_ARRAY(&scratch, uint32_t, MAX(row_count, 1u));
    TRY(partition_router_route(lane->loader->router, columns, row_count, diag, numbers));
    for (uint32_t row = 0; row < row_count; row++)
        out_found[row] = numbers[row] != PARTITION_NOT_FOUND;
    return OK;
}

/* The rows of each target together, in their order: chains through the rows, from the first of each target. */
static Status append_by_target(LoaderLane *lane, const Vector *const *columns, const uint8_t *deletes, const uint32_t *targets,
                               uint32_t row_count, Arena *scratch, Diag *diag)
{
    enum { NO_ROW = UINT16_MAX };
    _Static_assert(CHUNK_ROWS < NO_ROW, "row numbers and one more");
    uint32_t most = 0;
    for (uint32_t row = 0; row < row_count; row++)
        most = MAX(most, targets[row]);
    if (most >= lane->last_row_room) {
        lane->last_row_room = most * 2 + 16;
        lane->last_rows = ARENA_NEW_ARRAY(&lane->arena, uint16_t, lane->last_row_room);
        memset(lane->last_rows, 0xff, lane->last_row_room * sizeof(uint16_t));
    }
    uint16_t *next = ARENA_NEW_ARRAY(scratch, uint16_t, row_count + 1);
    uint16_t *firsts = ARENA_NEW_ARRAY(scratch, uint16_t, row_count + 1);
    uint32_t first_count = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        uint16_t *last = &lane->last_rows[targets[row]];
        if (*last == NO_ROW)
            firsts[first_count++] = (uint16_t)row;
        else
            next[*last] = (uint16_t)row;
        next[row] = NO_ROW;
        *last = (uint16_t)row;
    }
    for (uint32_t i = 0; i < first_count; i++)
        lane->last_rows[targets[firsts[i]]] = NO_ROW;
    for (uint32_t i = 0; i < first_count; i++) {
        uint32_t count = 0;
        for (uint16_t row = firsts[i]; row != NO_ROW; row = next[row])
            lane->sel[count++] = row;
        TabletBuffer *buffer = NULL;
        TRY(lane_buffer(lane, targets[firsts[i]], diag, &buffer));
        TRY(append_rows(lane, buffer, columns, deletes, (Rows){lane->sel, count}, diag));
    }
    return OK;
}

Status loader_lane_append_ops(LoaderLane *lane, const Vector *const *columns, const uint8_t *deletes, uint32_t row_count, Diag *diag)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint32_t *targets = ARENA_NEW_ARRAY(&scratch, uint32_t, MAX(row_count, 1u));
    TRY(partition_router_route(lane->loader->router, columns, row_count, diag, targets));
    for (uint32_t row = 0; row < row_count; row++) {
        if (targets[row] == PARTITION_NOT_FOUND) {
            AUTO_BYTEBUF text = {0};
            partition_router_describe(lane->loader->router, columns, row, &text);
            return RAISE(diag, NO_PARTITION_FOR_VALUE, "Insert has filtered data: %s", text.data);
        }
    }
    find_buckets(lane, columns, row_count, &scratch, targets);
    TRY(append_by_target(lane, columns, deletes, targets, row_count, &scratch, diag));
    lane->rows += row_count;
    return OK;
}

/* ---- the end ---- */

void loader_lane_abort(LoaderLane *lane)
{
    if (lane->writer != NULL)
        lane->loader->options.volume->ops->abort(lane->writer);
    lane->writer = NULL;
    bytebuf_clear(&lane->small);
    lane->written = 0;
    lane->first_segment = 0;
    lane->segments.count = 0;
    lane->flushes.count = 0;
    for (uint32_t b = 0; b < lane->buffer_count; b++) {
        if (lane->buffers[b] != NULL)
            loader_lane_drop(lane, lane->buffers[b]);
    }
}

const TableLoaderOptions *table_loader_options(const TableLoader *loader)
{
    return &loader->options;
}

uint64_t table_loader_rows(const TableLoader *loader)
{
    return loader->rows;
}

void table_loader_close(TableLoader *loader)
{
    if (loader == NULL)
        return;
    while (loader->lanes != NULL) {
        LoaderLane *lane = loader->lanes;
        loader->lanes = lane->next;
        loader_lane_abort(lane);
        bytebuf_deinit(&lane->small);
        close_slab(lane);
        for (uint32_t i = 0; i < lane->kept.count; i++)
            arena_deinit(&lane->kept.items[i]);
        arena_deinit(&lane->arena);
        mem_free(lane);
    }
    meta_lease_close(loader->options.store, loader->lease);
    partition_router_close(loader->router);
    catalog_unref(loader->options.catalog);
    arena_deinit(&loader->arena);
    mutex_deinit(&loader->lock);
    mem_free(loader);
}
