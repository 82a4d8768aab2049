#include "load/table_loader_int.h"

/* What lanes still hold at their end becomes segments, those of several tablets at once. Where several lanes hold rows of one table that
 * keeps the last row of a key, the rows of a tablet become one segment, in the order of the lanes. */

#include "base/parallel.h"
#include "storage/key_sort.h"

enum { PARALLEL_ROWS = 1 << 14 }; /* for threads to pay */

/* The buffers of a tablet. */
typedef struct TabletParts {
    TabletBuffer **buffers; /* by number of the part, in the order of lanes */
    LoaderLane **lanes;     /* whose they are */
    uint32_t count;
    uint32_t rows;
} TabletParts;

typedef struct LaneFinish {
    LoaderLane *lane; /* gets the segments */
    ARRAY_OF(TabletParts) tablets;
    Mutex lock; /* guards the lanes */
} LaneFinish;

static Status append_encoded(void *context, const void *data, size_t length, Diag *diag)
{
    (void)diag;
    bytebuf_append(context, data, length);
    return OK;
}

static bool can_gather(const TableSchema *schema, const TabletParts *tablet)
{
    bool can = key_flush_is_by_integer(schema);
    for (uint32_t c = 0; c < schema->column_count; c++)
        can &= !type_is_nested(schema->columns[c].type);
    for (uint32_t p = 0; p < tablet->count; p++)
        can &= tablet->buffers[p]->deletes == NULL && tablet->buffers[p]->columns[0].nulls == NULL;
    return can;
}

/* A column of all parts in one vector. */
static void join_column(const TabletParts *tablet, uint32_t column, Arena *arena, Vector *out)
{
    uint32_t at = 0;
    vector_init(out, arena, tablet->buffers[0]->columns[column].type, MAX(tablet->rows, 1u));
    for (uint32_t p = 0; p < tablet->count; p++) {
        vector_gather(&tablet->buffers[p]->columns[column], (Rows){NULL, tablet->buffers[p]->rows}, out->child_count > 0 ? arena : NULL, at,
                      out);
        at += tablet->buffers[p]->rows;
    }
}

/* All rows in columns of their own; deletes likewise, where a part has them. */
static void join_parts(const TabletParts *tablet, uint32_t column_count, Arena *arena, TabletBuffer *out)
{
    uint32_t at = 0;
    out->columns = ARENA_NEW_ARRAY(arena, Vector, column_count + 1);
    out->rows = tablet->rows;
    for (uint32_t c = 0; c < column_count; c++)
        join_column(tablet, c, arena, &out->columns[c]);
    for (uint32_t p = 0; p < tablet->count; p++) {
        const TabletBuffer *from = tablet->buffers[p];
        if (from->deletes != NULL && out->deletes == NULL)
            out->deletes = ARENA_NEW_ARRAY(arena, uint8_t, tablet->rows + 1);
        if (from->deletes != NULL)
            memcpy(out->deletes + at, from->deletes, from->rows);
        at += from->rows;
    }
}

typedef struct TabletWrite {
    uint32_t *positions;
    uint32_t kept;
    KeyFlush flush;
    EncodedSegment segment;
} TabletWrite;

/* keys: lasts as long as the lane. */
static Status encode_parts(const LoaderLane *lane, const TabletParts *tablet, Arena *keys, ByteBuf *bytes, TabletWrite *write, Diag *diag)
{
    const TableSchema *schema = lane->loader->table->schema;
    AUTO_ARENA arena;
    arena_init(&arena, lane->loader->options.tracker);
    TabletBuffer joined = *tablet->buffers[0];
    TabletBuffer *one = &joined;
    uint32_t *starts = ARENA_NEW_ARRAY(&arena, uint32_t, tablet->count + 1);
    RowParts parts = {&one, starts, 1};
    if (tablet->count > 1 && can_gather(schema, tablet)) {
        joined.columns = ARENA_NEW_ARRAY(&arena, Vector, schema->column_count);
        joined.rows = tablet->rows;
        join_column(tablet, 0, &arena, &joined.columns[0]);
        parts = (RowParts){tablet->buffers, starts, tablet->count};
        for (uint32_t p = 1; p < tablet->count; p++)
            starts[p] = starts[p - 1] + tablet->buffers[p - 1]->rows;
    } else if (tablet->count > 1) {
        join_parts(tablet, schema->column_count, &arena, &joined);
    }
    write->positions = loader_buffer_order(lane, &joined, NULL, keys, &write->flush, &write->kept);
    EncodeTarget target = {append_encoded, bytes};
    return write->kept == 0 ? OK : loader_lane_encode(lane, &parts, write->positions, write->kept, &target, diag, &write->segment);
}

/* Sorts and encodes rows of a tablet beside the others; the lane's object gets them one after the other. */
static Status finish_tablet(void *context, uint32_t round, Diag *diag)
{
    LaneFinish *finish = context;
    LoaderLane *lane = finish->lane;
    const TabletParts *tablet = &finish->tablets.items[round];
    TabletWrite write = {0};
    AUTO_BYTEBUF bytes = {0};
    Arena keys;
    arena_init(&keys, lane->loader->options.tracker);
    Status status = encode_parts(lane, tablet, &keys, &bytes, &write, diag);
    mem_free(write.positions);
    LOCK_GUARD(&finish->lock);
    ARRAY_PUSH(&lane->arena, &lane->kept, keys);
    TRY(status);
    TRY(loader_lane_put(lane, tablet->buffers[0], bytebuf_view(&bytes), &write.segment, diag));
    loader_lane_add_flush(lane, &write.flush, write.kept);
    for (uint32_t p = 0; p < tablet->count; p++)
        loader_lane_drop(tablet->lanes[p], tablet->buffers[p]);
    return loader_lane_end_segment(lane, diag);
}

static void collect(LoaderLane *const *lanes, uint32_t count, uint32_t number, LaneFinish *finish, uint64_t *rows)
{
    Arena *arena = &finish->lane->arena;
    TabletParts tablet = {ARENA_NEW_ARRAY(arena, TabletBuffer *, count), ARENA_NEW_ARRAY(arena, LoaderLane *, count), 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        TabletBuffer *buffer = number < lanes[i]->buffer_count ? lanes[i]->buffers[number] : NULL;
        if (buffer == NULL || buffer->rows == 0)
            continue;
        tablet.lanes[tablet.count] = lanes[i];
        tablet.buffers[tablet.count++] = buffer;
        tablet.rows += buffer->rows;
    }
    *rows += tablet.rows;
    if (tablet.count > 0)
        ARRAY_PUSH(arena, &finish->tablets, tablet);
}

/* Of several lanes at once, into the first one. */
static Status flush_all(LoaderLane *const *lanes, uint32_t count, Diag *diag)
{
    LaneFinish finish = {.lane = lanes[0]};
    uint64_t rows = 0;
    uint32_t numbers = 0;
    for (uint32_t i = 0; i < count; i++)
        numbers = MAX(numbers, lanes[i]->buffer_count);
    for (uint32_t number = 0; number < numbers; number++)
        collect(lanes, count, number, &finish, &rows);
    if (count > 1 || (finish.tablets.count > 1 && rows >= PARALLEL_ROWS)) {
        mutex_init(&finish.lock);
        Status status = parallel_for(finish.tablets.count, finish_tablet, &finish, diag);
        mutex_deinit(&finish.lock);
        return status;
    }
    for (uint32_t i = 0; i < finish.tablets.count; i++)
        TRY(loader_lane_flush(lanes[0], finish.tablets.items[i].buffers[0], NULL, diag));
    return OK;
}

Status loader_lane_finish(LoaderLane *lane, Diag *diag)
{
    return loader_lanes_finish(&lane, 1, diag);
}

Status loader_lanes_finish(LoaderLane *const *lanes, uint32_t count, Diag *diag)
{
    bool is_held = lanes[0]->loader->options.merge != NULL;
    Status status = is_held ? OK : flush_all(lanes, count, diag);
    for (uint32_t i = 0; i < count && status == OK; i++)
        status = loader_lane_commit_object(lanes[i], diag);
    for (uint32_t i = 0; i < count && status != OK; i++)
        loader_lane_abort(lanes[i]);
    TRY(status);
    LOCK_GUARD(&lanes[0]->loader->lock);
    for (uint32_t i = 0; i < count; i++)
        lanes[i]->loader->rows += lanes[i]->rows;
    return OK;
}

bool loader_lane_is_buffered(const LoaderLane *lane)
{
    return lane->segments.count == 0 && lane->flushes.count == 0 && lane->written == 0;
}
