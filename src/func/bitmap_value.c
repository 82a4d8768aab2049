#include "func/bitmap_value.h"

/* A short sorted list of roaring bitmaps, one an upper half. */

#include <roaring/roaring.h>

#include "base/memory.h"

typedef struct BitmapPart {
    uint32_t high;
    roaring_bitmap_t *low;
} BitmapPart;

struct BitmapValue {
    BitmapPart *parts;
    uint32_t count, capacity;
};

enum { STORED_EMPTY = 0, STORED_SINGLE32 = 1, STORED_BITMAP32 = 2, STORED_SINGLE64 = 3, STORED_BITMAP64 = 4, STORED_SET = 10 };
enum { STORED_SET_MOST = 32 };

BitmapValue *bitmap_new(void)
{
    return mem_alloc_zero(sizeof(BitmapValue));
}

void bitmap_free(BitmapValue *bitmap)
{
    if (bitmap == NULL)
        return;
    for (uint32_t i = 0; i < bitmap->count; i++)
        roaring_bitmap_free(bitmap->parts[i].low);
    mem_free(bitmap->parts);
    mem_free(bitmap);
}

static uint32_t find_part(const BitmapValue *bitmap, uint32_t high)
{
    uint32_t low = 0;
    uint32_t end = bitmap->count;
    while (low < end) {
        uint32_t middle = (low + end) / 2;
        if (bitmap->parts[middle].high < high)
            low = middle + 1;
        else
            end = middle;
    }
    return low;
}

static bool has_part(const BitmapValue *bitmap, uint32_t place, uint32_t high)
{
    return place < bitmap->count && bitmap->parts[place].high == high;
}

static void insert_part(BitmapValue *bitmap, uint32_t place, uint32_t high, roaring_bitmap_t *low)
{
    if (bitmap->count == bitmap->capacity) {
        bitmap->capacity = MAX(bitmap->capacity * 2, 1u);
        bitmap->parts = mem_realloc(bitmap->parts, bitmap->capacity * sizeof(BitmapPart));
    }
    memmove(&bitmap->parts[place + 1], &bitmap->parts[place], (bitmap->count - place) * sizeof(BitmapPart));
    bitmap->parts[place] = (BitmapPart){high, low};
    bitmap->count++;
}

static void remove_part(BitmapValue *bitmap, uint32_t place)
{
    roaring_bitmap_free(bitmap->parts[place].low);
    memmove(&bitmap->parts[place], &bitmap->parts[place + 1], (bitmap->count - place - 1) * sizeof(BitmapPart));
    bitmap->count--;
}

void bitmap_add(BitmapValue *bitmap, uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32);
    uint32_t place = find_part(bitmap, high);
    if (!has_part(bitmap, place, high))
        insert_part(bitmap, place, high, roaring_bitmap_create());
    roaring_bitmap_add(bitmap->parts[place].low, (uint32_t)value);
}

void bitmap_remove(BitmapValue *bitmap, uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32);
    uint32_t place = find_part(bitmap, high);
    if (!has_part(bitmap, place, high))
        return;
    roaring_bitmap_remove(bitmap->parts[place].low, (uint32_t)value);
    if (roaring_bitmap_is_empty(bitmap->parts[place].low))
        remove_part(bitmap, place);
}

bool bitmap_contains(const BitmapValue *bitmap, uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32);
    uint32_t place = find_part(bitmap, high);
    return has_part(bitmap, place, high) && roaring_bitmap_contains(bitmap->parts[place].low, (uint32_t)value);
}

uint64_t bitmap_cardinality(const BitmapValue *bitmap)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < bitmap->count; i++)
        total += roaring_bitmap_get_cardinality(bitmap->parts[i].low);
    return total;
}

static void combine_part(roaring_bitmap_t *target, const roaring_bitmap_t *other, BitmapOp op)
{
    if (op == BITMAP_OP_OR)
        roaring_bitmap_or_inplace(target, other);
    else if (op == BITMAP_OP_AND)
        roaring_bitmap_and_inplace(target, other);
    else if (op == BITMAP_OP_XOR)
        roaring_bitmap_xor_inplace(target, other);
    else
        roaring_bitmap_andnot_inplace(target, other);
}

void bitmap_combine(BitmapValue *target, const BitmapValue *other, BitmapOp op)
{
    bool adds = op == BITMAP_OP_OR || op == BITMAP_OP_XOR;
    for (uint32_t i = 0; i < other->count; i++) {
        uint32_t high = other->parts[i].high;
        uint32_t place = find_part(target, high);
        if (has_part(target, place, high))
            combine_part(target->parts[place].low, other->parts[i].low, op);
        else if (adds)
            insert_part(target, place, high, roaring_bitmap_copy(other->parts[i].low));
    }
    for (uint32_t i = target->count; i > 0; i--) {
        uint32_t high = target->parts[i - 1].high;
        bool is_missing = op == BITMAP_OP_AND && !has_part(other, find_part(other, high), high);
        if (is_missing || roaring_bitmap_is_empty(target->parts[i - 1].low))
            remove_part(target, i - 1);
    }
}

typedef struct EachContext {
    bool (*visit)(void *context, uint64_t value);
    void *context;
    uint64_t high;
} EachContext;
static bool visit_low(uint32_t value, void *context)
{
    const EachContext *each = context;
    return each->visit(each->context, each->high | value);
}
void bitmap_each(const BitmapValue *bitmap, bool (*visit)(void *context, uint64_t value), void *context)
{
    EachContext each = {visit, context, 0};
    for (uint32_t i = 0; i < bitmap->count; i++) {
        each.high = (uint64_t)bitmap->parts[i].high << 32;
        if (!roaring_iterate(bitmap->parts[i].low, visit_low, &each))
            return;
    }
}

static bool put_value(void *context, uint64_t value)
{
    bytebuf_put_u64(context, value);
    return true;
}

static void put_roaring(const roaring_bitmap_t *low, ByteBuf *out)
{
    size_t bytes = roaring_bitmap_portable_size_in_bytes(low);
    bytebuf_reserve(out, bytes);
    out->length += roaring_bitmap_portable_serialize(low, out->data + out->length);
}

void bitmap_encode(BitmapValue *bitmap, ByteBuf *out)
{
    uint64_t cardinality = bitmap_cardinality(bitmap);
    if (cardinality == 0) {
        bytebuf_put_u8(out, STORED_EMPTY);
        return;
    }
    if (cardinality == 1) {
        uint32_t low = roaring_bitmap_minimum(bitmap->parts[0].low);
        bool is_wide = bitmap->parts[0].high != 0;
        bytebuf_put_u8(out, is_wide ? STORED_SINGLE64 : STORED_SINGLE32);
        bytebuf_put_u32(out, low);
        if (is_wide)
            bytebuf_put_u32(out, bitmap->parts[0].high);
        return;
    }
    if (cardinality <= STORED_SET_MOST) {
        bytebuf_put_u8(out, STORED_SET);
        bytebuf_put_u32(out, (uint32_t)cardinality);
        bitmap_each(bitmap, put_value, out);
        return;
    }
    for (uint32_t i = 0; i < bitmap->count; i++)
        (void)roaring_bitmap_run_optimize(bitmap->parts[i].low);
    bool is_wide = bitmap->count > 1 || bitmap->parts[0].high != 0;
    bytebuf_put_u8(out, is_wide ? STORED_BITMAP64 : STORED_BITMAP32);
    if (is_wide)
        bytebuf_put_varint(out, bitmap->count);
    for (uint32_t i = 0; i < bitmap->count; i++) {
        if (is_wide)
            bytebuf_put_u32(out, bitmap->parts[i].high);
        put_roaring(bitmap->parts[i].low, out);
    }
}

static bool take_roaring(BitmapValue *bitmap, uint32_t high, ByteReader *reader)
{
    size_t left = byte_reader_left(reader);
    size_t bytes = roaring_bitmap_portable_deserialize_size((const char *)reader->cursor, left);
    roaring_bitmap_t *low = bytes == 0 || bytes > left ? NULL : roaring_bitmap_portable_deserialize_safe((const char *)reader->cursor, left);
    if (low == NULL)
        return false;
    uint32_t place = find_part(bitmap, high);
    bool is_new = !has_part(bitmap, place, high) && !roaring_bitmap_is_empty(low);
    if (is_new)
        insert_part(bitmap, place, high, low);
    else
        roaring_bitmap_free(low);
    (void)byte_reader_bytes(reader, bytes);
    return is_new;
}

static bool decode_into(BitmapValue *bitmap, ByteReader *reader)
{
    uint8_t kind = byte_reader_u8(reader);
    if (kind == STORED_SINGLE32)
        bitmap_add(bitmap, byte_reader_u32(reader));
    else if (kind == STORED_SINGLE64)
        bitmap_add(bitmap, byte_reader_u64(reader));
    else if (kind == STORED_BITMAP32)
        return !reader->failed && take_roaring(bitmap, 0, reader);
    else if (kind == STORED_SET) {
        uint32_t count = byte_reader_u32(reader);
        for (uint32_t i = 0; i < count && !reader->failed; i++)
            bitmap_add(bitmap, byte_reader_u64(reader));
    } else if (kind == STORED_BITMAP64) {
        uint64_t count = byte_reader_varint(reader);
        for (uint64_t i = 0; i < count; i++) {
            uint32_t high = byte_reader_u32(reader);
            if (reader->failed || !take_roaring(bitmap, high, reader))
                return false;
        }
    } else {
        return kind == STORED_EMPTY && !reader->failed;
    }
    return !reader->failed;
}

BitmapValue *bitmap_decode(StrView stored)
{
    BitmapValue *bitmap = bitmap_new();
    if (stored.length == 0) /* DEFAULT '' */
        return bitmap;
    ByteReader reader = byte_reader(stored.data == NULL ? "" : stored.data, stored.length);
    if (decode_into(bitmap, &reader) && byte_reader_left(&reader) == 0)
        return bitmap;
    bitmap_free(bitmap);
    return NULL;
}
