#include "func/families.h"

/* Aggregates over events of a user: window_funnel, retention, intersect_count. */

#include <stdlib.h>

#include "func/bitmap_value.h"
#include "func/nested.h"

enum { EVENT_CONDITIONS = 32 };

/* One loop for update and update_one: TAKE(state, row) handles a row. */
#define EVENT_UPDATES(NAME, STATE)                                                                         \
    static Status NAME##_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, \
                                uint8_t *const *groups, uint32_t offset)                                   \
    {                                                                                                      \
        for (FOR_ROWS(rows, i, row))                                                                       \
            TRY(NAME##_take(context, arguments, count, row, (STATE *)(void *)(groups[i] + offset)));       \
        return OK;                                                                                         \
    }                                                                                                      \
    static Status NAME##_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, \
                                    uint8_t *state)                                                        \
    {                                                                                                      \
        for (FOR_ROWS(rows, i, row))                                                                       \
            TRY(NAME##_take(context, arguments, count, row, (STATE *)(void *)state));                      \
        return OK;                                                                                         \
    }

/* Bit c is set when condition c holds in the row; false when the array is NULL. */
static bool conditions_of(const Vector *array, uint32_t row, uint32_t *out_bits, uint32_t *out_count)
{
    VectorView view = vector_view(array);
    *out_bits = 0;
    if (view_is_null(&view, row))
        return false;
    ListSlice list = list_at(&view, row);
    VectorView items = vector_view(list.child);
    *out_count = MIN(list.length, (uint32_t)EVENT_CONDITIONS);
    for (uint32_t c = 0; c < *out_count; c++) {
        uint32_t at = list.offset + c;
        if (!view_is_null(&items, at) && ((const uint8_t *)items.data)[view_index(&items, at)] != 0)
            *out_bits |= 1u << c;
    }
    return true;
}

/* ---- retention: which conditions some row met, those after the first only beside the first ---- */
typedef struct RetentionState {
    uint32_t met, count;
} RetentionState;
static Status retention_take(AggContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, RetentionState *state)
{
    uint32_t bits;
    uint32_t conditions = 0;
    (void)context;
    (void)count;
    if (conditions_of(arguments[0], row, &bits, &conditions)) {
        state->met |= bits;
        state->count = MAX(state->count, conditions);
    }
    return OK;
}
EVENT_UPDATES(retention, RetentionState)
static Status retention_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const RetentionState *from = (const RetentionState *)(const void *)(sources[i] + offset);
        RetentionState *to = (RetentionState *)(void *)(targets[i] + offset);
        to->met |= from->met;
        to->count = MAX(to->count, from->count);
    }
    return OK;
}
static Status retention_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const RetentionState *state = (const RetentionState *)(const void *)(groups[i] + offset);
        Datum items[EVENT_CONDITIONS];
        for (uint32_t c = 0; c < state->count; c++)
            items[c] = datum_i64((state->met & 1) != 0 && (state->met >> c & 1) != 0);
        DatumList list = {state->count, items};
        Datum value = {.list = &list};
        vector_put(out, context->arena, first + i, &value);
    }
    return OK;
}
static const AggKernel retention_kernel = {.state_bytes = sizeof(RetentionState), .update = retention_update,
                                           .update_one = retention_update_one, .merge = retention_merge, .finish = retention_finish};

/* ---- window_funnel: how far a chain of conditions gets within a window of time ---- */
enum { FUNNEL_DEDUPLICATION = 1, FUNNEL_FIXED = 2, FUNNEL_INCREASE = 4 };
typedef struct FunnelEvent {
    int64_t at;
    uint32_t level; /* from 0 */
    uint32_t order; /* of arrival, for a stable sort */
} FunnelEvent;
typedef struct FunnelState {
    FunnelEvent *events;
    uint32_t count, capacity;
    uint32_t levels;
    uint32_t mode;
    int64_t window;
} FunnelState;

static void add_event(Arena *arena, FunnelState *state, int64_t at, uint32_t level)
{
    if (state->count == state->capacity)
        state->events = arena_grow(arena, state->events, sizeof(FunnelEvent), state->count, &state->capacity);
    state->events[state->count] = (FunnelEvent){at, level, state->count};
    state->count++;
}
static Status funnel_take(AggContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, FunnelState *state)
{
    uint32_t bits;
    uint32_t conditions = 0;
    VectorView window = vector_view(arguments[0]);
    VectorView times = vector_view(arguments[1]);
    VectorView mode = vector_view(arguments[2]);
    (void)count;
    bool is_null = view_is_null(&window, row) || view_is_null(&times, row) || view_is_null(&mode, row);
    if (is_null || !conditions_of(arguments[3], row, &bits, &conditions))
        return OK;
    int64_t unit = context->binding->data != NULL ? INT64_C(86400000000) : INT64_C(1000000);
    int64_t length = ((const int64_t *)window.data)[view_index(&window, row)];
    if (length < 0 || length > INT64_MAX / unit / 4)
        return RAISE(context->diag, INVALID_ARGUMENT, "window_funnel() needs a window from 0 on");
    state->window = length * unit;
    state->mode = (uint32_t)((const int64_t *)mode.data)[view_index(&mode, row)];
    state->levels = MAX(state->levels, conditions);
    /* The last condition first: a row can't be two steps of a chain. */
    for (uint32_t c = conditions; c-- > 0;) {
        if ((bits >> c & 1) != 0)
            add_event(context->arena, state, ((const int64_t *)times.data)[view_index(&times, row)], c);
    }
    return OK;
}
EVENT_UPDATES(funnel, FunnelState)
static Status funnel_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const FunnelState *from = (const FunnelState *)(const void *)(sources[i] + offset);
        FunnelState *to = (FunnelState *)(void *)(targets[i] + offset);
        if (from->levels == 0)
            continue;
        for (uint32_t e = 0; e < from->count; e++)
            add_event(context->arena, to, from->events[e].at, from->events[e].level);
        to->levels = MAX(to->levels, from->levels);
        to->window = from->window;
        to->mode = from->mode;
    }
    return OK;
}
static int compare_events(const void *a, const void *b)
{
    const FunnelEvent *x = a;
    const FunnelEvent *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* A chain that has reached a level: when it began, when its last step was. */
typedef struct FunnelStep {
    bool is_reached;
    int64_t began, last;
} FunnelStep;

static uint32_t levels_reached(const FunnelStep *steps, uint32_t levels)
{
    uint32_t level = 0;
    for (uint32_t l = 0; l < levels; l++) {
        if (steps[l].is_reached)
            level = l + 1;
    }
    return level;
}
static uint32_t funnel_level(const FunnelState *state, const FunnelEvent *events)
{
    FunnelStep steps[EVENT_CONDITIONS] = {0};
    for (uint32_t e = 0; e < state->count; e++) {
        const FunnelEvent *event = &events[e];
        uint32_t level = event->level;
        bool repeats = (state->mode & FUNNEL_DEDUPLICATION) != 0 && steps[level].is_reached;
        if (repeats)
            return levels_reached(steps, state->levels);
        if (level == 0) {
            steps[0] = (FunnelStep){true, event->at, event->at};
            continue;
        }
        const FunnelStep *previous = &steps[level - 1];
        if ((state->mode & FUNNEL_FIXED) != 0 && steps[0].is_reached && !previous->is_reached)
            return levels_reached(steps, state->levels);
        bool follows = previous->is_reached && event->at <= previous->began + state->window &&
                       ((state->mode & FUNNEL_INCREASE) == 0 || event->at > previous->last);
        if (follows)
            steps[level] = (FunnelStep){true, previous->began, event->at};
        if (follows && level + 1 == state->levels)
            return state->levels;
    }
    return levels_reached(steps, state->levels);
}
static Status funnel_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const FunnelState *state = (const FunnelState *)(const void *)(groups[i] + offset);
        FunnelEvent *events = ARENA_NEW_ARRAY(context->arena, FunnelEvent, MAX(state->count, 1u));
        if (state->count > 0)
            memcpy(events, state->events, state->count * sizeof(FunnelEvent));
        qsort(events, state->count, sizeof(FunnelEvent), compare_events);
        ((int32_t *)out->data)[first + i] = (int32_t)funnel_level(state, events);
    }
    return OK;
}
static void funnel_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const FunnelState *state = (const FunnelState *)(const void *)bytes;
    (void)context;
    bytebuf_put_varint(out, state->levels);
    bytebuf_put_varint(out, state->mode);
    bytebuf_put_u64(out, (uint64_t)state->window);
    bytebuf_put_varint(out, state->count);
    for (uint32_t e = 0; e < state->count; e++) {
        bytebuf_put_u64(out, (uint64_t)state->events[e].at);
        bytebuf_put_u8(out, (uint8_t)state->events[e].level);
    }
}
static Status funnel_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    FunnelState *state = (FunnelState *)(void *)bytes;
    uint64_t levels = byte_reader_varint(reader);
    *state = (FunnelState){.levels = (uint32_t)MIN(levels, (uint64_t)EVENT_CONDITIONS)};
    state->mode = (uint32_t)byte_reader_varint(reader);
    state->window = (int64_t)byte_reader_u64(reader);
    uint64_t count = byte_reader_varint(reader);
    for (uint64_t e = 0; e < count && !reader->failed; e++) {
        int64_t at = (int64_t)byte_reader_u64(reader);
        uint32_t level = byte_reader_u8(reader);
        add_event(context->arena, state, at, level % EVENT_CONDITIONS);
    }
    return reader->failed ? RAISE(context->diag, CORRUPT, "stored state of window_funnel() is cut short") : OK;
}
static const AggKernel funnel_kernel = {.state_bytes = sizeof(FunnelState), .update = funnel_update, .update_one = funnel_update_one,
                                        .merge = funnel_merge, .finish = funnel_finish, .serialize = funnel_serialize,
                                        .deserialize = funnel_deserialize};

/* ---- intersect_count: how many values the bitmaps of all the given keys share ---- */
typedef struct IntersectState {
    BitmapValue **bitmaps; /* one a key; NULL: none yet */
} IntersectState;

static uint32_t key_count(const AggContext *context)
{
    return context->binding->argument_count - 2;
}
static BitmapValue **intersect_bitmaps(AggContext *context, IntersectState *state)
{
    if (state->bitmaps == NULL)
        state->bitmaps = ARENA_NEW_ARRAY(context->arena, BitmapValue *, key_count(context));
    return state->bitmaps;
}
static Status intersect_take(AggContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, IntersectState *state)
{
    VectorView bitmap = vector_view(arguments[0]);
    VectorView key = vector_view(arguments[1]);
    BitmapValue **bitmaps = intersect_bitmaps(context, state);
    if (view_is_null(&bitmap, row) || view_is_null(&key, row))
        return OK;
    for (uint32_t k = 2; k < count; k++) {
        VectorView wanted = vector_view(arguments[k]);
        if (view_is_null(&wanted, row) || !str_equal(&((const Str *)wanted.data)[view_index(&wanted, row)],
                                                     &((const Str *)key.data)[view_index(&key, row)]))
            continue;
        BitmapValue *next = bitmap_decode(str_view(&((const Str *)bitmap.data)[view_index(&bitmap, row)]));
        if (next == NULL)
            return RAISE(context->diag, CORRUPT, "a BITMAP value can't be read");
        if (bitmaps[k - 2] == NULL) {
            bitmaps[k - 2] = next;
            continue;
        }
        bitmap_combine(bitmaps[k - 2], next, BITMAP_OP_OR);
        bitmap_free(next);
    }
    return OK;
}
EVENT_UPDATES(intersect, IntersectState)
static Status intersect_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        BitmapValue **from = ((IntersectState *)(void *)(sources[i] + offset))->bitmaps;
        BitmapValue **to = intersect_bitmaps(context, (IntersectState *)(void *)(targets[i] + offset));
        for (uint32_t k = 0; from != NULL && k < key_count(context); k++) {
            if (to[k] == NULL)
                to[k] = from[k];
            else if (from[k] != NULL)
                bitmap_combine(to[k], from[k], BITMAP_OP_OR);
            if (to[k] == from[k])
                from[k] = NULL; /* moved */
        }
    }
    return OK;
}
static Status intersect_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        BitmapValue **bitmaps = ((IntersectState *)(void *)(groups[i] + offset))->bitmaps;
        AUTO_BITMAP *shared = bitmap_new();
        bool is_empty = bitmaps == NULL;
        for (uint32_t k = 0; !is_empty && k < key_count(context); k++) {
            is_empty = bitmaps[k] == NULL;
            if (!is_empty)
                bitmap_combine(shared, bitmaps[k], k == 0 ? BITMAP_OP_OR : BITMAP_OP_AND);
        }
        ((int64_t *)out->data)[first + i] = is_empty ? 0 : (int64_t)bitmap_cardinality(shared);
    }
    return OK;
}
static void intersect_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    BitmapValue **bitmaps = ((const IntersectState *)(const void *)bytes)->bitmaps;
    for (uint32_t k = 0; k < key_count(context); k++) {
        AUTO_BYTEBUF encoded = {0};
        if (bitmaps != NULL && bitmaps[k] != NULL)
            bitmap_encode(bitmaps[k], &encoded);
        bytebuf_put_sized(out, encoded.data == NULL ? "" : encoded.data, encoded.length);
    }
}
static Status intersect_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    IntersectState *state = (IntersectState *)(void *)bytes;
    state->bitmaps = NULL;
    BitmapValue **bitmaps = intersect_bitmaps(context, state);
    for (uint32_t k = 0; k < key_count(context); k++) {
        StrView encoded = byte_reader_sized(reader);
        bitmaps[k] = encoded.length == 0 ? NULL : bitmap_decode(encoded);
        if (reader->failed || (encoded.length > 0 && bitmaps[k] == NULL))
            return RAISE(context->diag, CORRUPT, "stored state of intersect_count() can't be read");
    }
    return OK;
}
static void intersect_destroy(AggContext *context, uint8_t *bytes)
{
    IntersectState *state = (IntersectState *)(void *)bytes;
    for (uint32_t k = 0; state->bitmaps != NULL && k < key_count(context); k++)
        bitmap_free(state->bitmaps[k]);
    state->bitmaps = NULL;
}
static const AggKernel intersect_kernel = {.state_bytes = sizeof(IntersectState), .update = intersect_update,
                                           .update_one = intersect_update_one, .merge = intersect_merge, .finish = intersect_finish,
                                           .serialize = intersect_serialize, .deserialize = intersect_deserialize,
                                           .destroy = intersect_destroy};

/* ---- binding ---- */
static Status bind_retention(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    if (request->types[0].kind != TYPE_ARRAY)
        return bind_error(request);
    bind_arguments(request, type_array(request->arena, type_of(TYPE_BOOLEAN)), out);
    out->result = out->argument_types[0];
    out->aggregate = &retention_kernel;
    return OK;
}
static Status bind_funnel(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const bool is_date = true;
    (void)def;
    Type *types = bind_argument_array(request, out);
    bool fits = type_is_integer(types[0]) && (type_is_date(types[1]) || type_is_string(types[1])) && type_is_integer(types[2]) &&
                types[3].kind == TYPE_ARRAY;
    if (!fits)
        return bind_error(request);
    if (types[1].kind == TYPE_DATE)
        out->data = &is_date; /* a DATE column: the window counts days */
    types[0] = types[2] = type_of(TYPE_BIGINT);
    types[1] = type_of(TYPE_DATETIME);
    types[3] = type_array(request->arena, type_of(TYPE_BOOLEAN));
    out->result = type_of(TYPE_INT);
    out->aggregate = &funnel_kernel;
    return OK;
}
static Status bind_intersect(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    if (request->types[0].kind != TYPE_BITMAP)
        return bind_error(request);
    bind_arguments(request, type_varchar(0), out);
    ((Type *)(uintptr_t)out->argument_types)[0] = type_of(TYPE_BITMAP);
    out->result = type_of(TYPE_BIGINT);
    out->aggregate = &intersect_kernel;
    return OK;
}

#define EVENTF(NAME, MIN_ARGS, MAX_ARGS, BIND)                                                          \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FUNC_NEVER_NULL, .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .bind = BIND, .group = "aggregate"}
static const FuncDef defs[] = {
    EVENTF("retention", 1, 1, bind_retention),
    EVENTF("window_funnel", 4, 4, bind_funnel),
    EVENTF("intersect_count", 3, FUNC_ANY_ARGUMENTS, bind_intersect),
};
const FuncTable func_table_agg_event = {defs, COUNT_OF(defs)};
