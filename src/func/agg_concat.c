#include "func/agg_array.h"

/* group_concat() without DISTINCT and ORDER BY: the state is the text so far. It grows no further than the result may be long. The
 * binding's data is the separator, a StrView. */

typedef struct JoinedText {
    char *data;
    uint32_t length, capacity;
    int64_t has_any; /* a row: an empty text is one, too */
} JoinedText;

enum { FIRST_BYTES = 64 };

static uint32_t most_bytes(const AggContext *context)
{
    uint32_t most = context->session->group_concat_max_bytes;
    return most > 0 ? most : UINT32_MAX / 4;
}

static Status append(AggContext *context, JoinedText *text, StrView part)
{
    if (part.length == 0)
        return OK;
    uint64_t needed = (uint64_t)text->length + part.length;
    if (needed > text->capacity) {
        uint64_t capacity = MAX(text->capacity, (uint32_t)FIRST_BYTES);
        while (capacity < needed)
            capacity *= 2;
        if (capacity > UINT32_MAX / 2)
            return RAISE(context->diag, LIMIT_EXCEEDED, "%s() makes a text of more than 2 GB", context->binding->def->name);
        TRY(mem_check_room(context->arena->tracker, (int64_t)capacity, context->diag));
        char *data = arena_alloc_bytes(context->arena, capacity);
        if (text->length > 0)
            memcpy(data, text->data, text->length);
        text->data = data;
        text->capacity = (uint32_t)capacity;
    }
    memcpy(text->data + text->length, part.data, part.length);
    text->length += (uint32_t)part.length;
    return OK;
}

static Status begin_part(AggContext *context, JoinedText *text)
{
    bool has_any = text->has_any != 0;
    text->has_any = 1;
    return has_any ? append(context, text, *(const StrView *)context->binding->data) : OK;
}

static Status take(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups, uint32_t offset,
                   uint8_t *one)
{
    uint32_t most = most_bytes(context);
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    VectorView *views = ARENA_NEW_ARRAY(&scratch, VectorView, MAX(count, 1u));
    for (uint32_t a = 0; a < count; a++)
        views[a] = vector_view(arguments[a]);
    for (FOR_ROWS(rows, i, row)) {
        JoinedText *text = (JoinedText *)(void *)(one != NULL ? one : groups[i] + offset);
        bool skips = text->length > most; /* and one byte more tells that it was cut */
        for (uint32_t a = 0; a < count && !skips; a++)
            skips = view_is_null(&views[a], row);
        if (skips)
            continue;
        TRY(begin_part(context, text));
        for (uint32_t a = 0; a < count; a++)
            TRY(append(context, text, str_view(&((const Str *)views[a].data)[view_index(&views[a], row)])));
    }
    return OK;
}
static Status concat_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                            uint32_t offset)
{
    return take(context, arguments, count, rows, groups, offset, NULL);
}
static Status concat_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    return take(context, arguments, count, rows, NULL, 0, state);
}
static Status concat_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const JoinedText *from = (const JoinedText *)(const void *)(sources[i] + offset);
        JoinedText *to = (JoinedText *)(void *)(targets[i] + offset);
        if (from->has_any == 0 || to->length > most_bytes(context))
            continue;
        if (to->has_any == 0) {
            *to = *from;
            continue;
        }
        TRY(begin_part(context, to));
        TRY(append(context, to, strview_n(from->data, from->length)));
    }
    return OK;
}

static Status concat_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    uint32_t most = most_bytes(context);
    for (uint32_t i = 0; i < count; i++) {
        const JoinedText *text = (const JoinedText *)(const void *)(groups[i] + offset);
        if (text->has_any == 0) {
            vector_set_null(out, first + i);
            continue;
        }
        uint32_t length = MIN(text->length, most);
        while (length < text->length && length > 0 && ((unsigned char)text->data[length] & 0xC0) == 0x80)
            length--; /* no half characters */
        Str value = str_make(text->data == NULL ? "" : text->data, length);
        ((Str *)out->data)[first + i] = str_copy(context->arena, &value);
    }
    return OK;
}

static void concat_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const JoinedText *text = (const JoinedText *)(const void *)bytes;
    (void)context;
    bytebuf_put_u8(out, text->has_any != 0);
    bytebuf_put_sized(out, text->data == NULL ? "" : text->data, text->length);
}
static Status concat_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    JoinedText *text = (JoinedText *)(void *)bytes;
    *text = (JoinedText){.has_any = byte_reader_u8(reader) != 0};
    StrView stored = byte_reader_sized(reader);
    if (reader->failed)
        return RAISE(context->diag, CORRUPT, "stored state of %s() is cut short", context->binding->def->name);
    return append(context, text, stored);
}

const AggKernel func_plain_concat_kernel = {.state_bytes = sizeof(JoinedText),
                                            .update = concat_update,
                                            .update_one = concat_update_one,
                                            .merge = concat_merge,
                                            .finish = concat_finish,
                                            .serialize = concat_serialize,
                                            .deserialize = concat_deserialize};
