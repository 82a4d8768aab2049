#include "expr/eval_int.h"

/* IN over constants. A few integers are compared one after the other with a whole dense vector; those of a small span become a
 * bitmap, others an open-addressing table of 64- or 128-bit keys; doubles go by their bits, strings by a table of references.
 * NULL among the constants makes a miss NULL. */

#include "base/hash.h"

enum { BITMAP_SPAN = 1 << 20, FEW_KEYS = 12 };

struct InSet {
    bool has_null;
    bool is_string;
    uint64_t *bitmap; /* NULL: table */
    int64_t low;
    uint64_t span;
    uint32_t few_count; /* of integers of up to 64 bits; 0: they are more than FEW_KEYS */
    int64_t few[FEW_KEYS];
    uint32_t mask; /* table slots - 1 */
    int64_t *narrow; /* integers of up to 64 bits */
    int64_t no_key;  /* what an empty slot of narrow holds */
    uint8_t *used;   /* of the slots of keys or strings */
    Int128 *keys;
    Str *strings;
};

static Int128 key_of(PhysKind phys, const Datum *value)
{
    if (phys != PHYS_F32 && phys != PHYS_F64)
        return value->i128;
    double number = value->f64 == 0 ? 0 : value->f64; /* -0 equals 0 */
    int64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static uint64_t hash_key(Int128 key)
{
    return hash_u64((uint64_t)key ^ (uint64_t)(key >> 64) * 0x9E3779B97F4A7C15u);
}

static void add_key(InSet *set, Int128 key)
{
    uint32_t slot = (uint32_t)hash_key(key) & set->mask;
    while (set->used[slot] && set->keys[slot] != key)
        slot = (slot + 1) & set->mask;
    set->used[slot] = 1;
    set->keys[slot] = key;
}

static bool has_key(const InSet *set, Int128 key)
{
    uint32_t slot = (uint32_t)hash_key(key) & set->mask;
    while (set->used[slot]) {
        if (set->keys[slot] == key)
            return true;
        slot = (slot + 1) & set->mask;
    }
    return false;
}

static void add_narrow(InSet *set, int64_t key)
{
    uint32_t slot = (uint32_t)hash_u64((uint64_t)key) & set->mask;
    while (set->narrow[slot] != set->no_key && set->narrow[slot] != key)
        slot = (slot + 1) & set->mask;
    set->narrow[slot] = key;
}

static inline bool has_narrow(const InSet *set, int64_t key)
{
    uint32_t slot = (uint32_t)hash_u64((uint64_t)key) & set->mask;
    while (set->narrow[slot] != set->no_key) {
        if (set->narrow[slot] == key)
            return true;
        slot = (slot + 1) & set->mask;
    }
    return false;
}

static uint64_t hash_str(const Str *value)
{
    return hash_bytes(str_data(value), value->length);
}

static void add_string(InSet *set, const Str *value)
{
    uint32_t slot = (uint32_t)hash_str(value) & set->mask;
    while (set->used[slot] && !str_equal(&set->strings[slot], value))
        slot = (slot + 1) & set->mask;
    set->used[slot] = 1;
    set->strings[slot] = *value;
}

static bool has_string(const InSet *set, const Str *value)
{
    uint32_t slot = (uint32_t)hash_str(value) & set->mask;
    while (set->used[slot]) {
        if (str_equal(&set->strings[slot], value))
            return true;
        slot = (slot + 1) & set->mask;
    }
    return false;
}

static bool fits_bitmap(const Expr *in, int64_t *out_low, uint64_t *out_span)
{
    PhysKind phys = in->arguments[0]->type.phys;
    if (phys > PHYS_I64)
        return false;
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t i = 1; i < in->argument_count; i++) {
        const Datum *value = &in->arguments[i]->constant.value;
        if (value->is_null)
            continue;
        low = MIN(low, value->i64);
        high = MAX(high, value->i64);
    }
    if (low > high || (uint64_t)high - (uint64_t)low >= BITMAP_SPAN)
        return false;
    *out_low = low;
    *out_span = (uint64_t)(high - low) + 1;
    return true;
}

/* A value that none of the constants has; there are fewer constants than that are tried. */
static int64_t unused_key(const Expr *in)
{
    for (int64_t tried = INT64_MIN;; tried++) {
        uint32_t i = 1;
        while (i < in->argument_count && (in->arguments[i]->constant.value.is_null || in->arguments[i]->constant.value.i64 != tried))
            i++;
        if (i == in->argument_count)
            return tried;
    }
}

static void prepare_table(InSet *set, Arena *arena, const Expr *in)
{
    uint32_t slots = 4;
    while (slots < in->argument_count * 2)
        slots *= 2;
    set->mask = slots - 1;
    if (in->arguments[0]->type.phys <= PHYS_I64) {
        set->no_key = unused_key(in);
        set->narrow = ARENA_NEW_ARRAY(arena, int64_t, slots);
        for (uint32_t i = 0; i < slots; i++)
            set->narrow[i] = set->no_key;
        return;
    }
    set->used = ARENA_NEW_ARRAY(arena, uint8_t, slots);
    if (set->is_string)
        set->strings = ARENA_NEW_ARRAY(arena, Str, slots);
    else
        set->keys = ARENA_NEW_ARRAY(arena, Int128, slots);
}

static void add_constant(InSet *set, PhysKind phys, const Datum *value)
{
    if (value->is_null) {
        set->has_null = true;
    } else if (set->is_string) {
        add_string(set, &value->str);
    } else if (set->bitmap != NULL) {
        uint64_t bit = (uint64_t)(value->i64 - set->low);
        set->bitmap[bit / 64] |= (uint64_t)1 << (bit % 64);
    } else if (set->narrow != NULL) {
        add_narrow(set, value->i64);
    } else {
        add_key(set, key_of(phys, value));
    }
}

static void keep_few(InSet *set, const Expr *in)
{
    if (in->arguments[0]->type.phys > PHYS_I64 || in->argument_count - 1 > FEW_KEYS)
        return;
    for (uint32_t i = 1; i < in->argument_count; i++) {
        if (!in->arguments[i]->constant.value.is_null)
            set->few[set->few_count++] = in->arguments[i]->constant.value.i64;
    }
}

const InSet *in_set_build(Arena *arena, const Expr *in)
{
    InSet *set = ARENA_NEW(arena, InSet);
    PhysKind phys = in->arguments[0]->type.phys;
    set->is_string = phys == PHYS_STR;
    if (!set->is_string && fits_bitmap(in, &set->low, &set->span))
        set->bitmap = ARENA_NEW_ARRAY(arena, uint64_t, set->span / 64 + 1);
    else
        prepare_table(set, arena, in);
    for (uint32_t i = 1; i < in->argument_count; i++)
        add_constant(set, phys, &in->arguments[i]->constant.value);
    keep_few(set, in);
    return set;
}

static bool in_bitmap(const InSet *set, int64_t value)
{
    uint64_t bit = (uint64_t)value - (uint64_t)set->low;
    return bit < set->span && ((set->bitmap[bit / 64] >> (bit % 64)) & 1) != 0;
}

#define FIND_FEW(NAME, T)                                                                                 \
    KERNEL_CLONES static void NAME(const InSet *set, const T *a, uint32_t count, uint8_t *restrict found) \
    {                                                                                                     \
        memset(found, 0, count);                                                                          \
        for (uint32_t k = 0; k < set->few_count; k++) {                                                   \
            T key = (T)set->few[k];                                                                       \
            if (key != set->few[k]) /* no value of this width is that */                                  \
                continue;                                                                                 \
            for (uint32_t i = 0; i < count; i++)                                                          \
                found[i] |= a[i] == key;                                                                  \
        }                                                                                                 \
    }
FIND_FEW(find_few_u8, uint8_t)
FIND_FEW(find_few_i8, int8_t)
FIND_FEW(find_few_i16, int16_t)
FIND_FEW(find_few_i32, int32_t)
FIND_FEW(find_few_i64, int64_t)

#define PROBE_INTEGERS(T, FIND_FEW_OF)                                                         \
    if (set->few_count > 0 && rows.sel == NULL && view->codes == NULL && !view->is_constant) { \
        FIND_FEW_OF(set, view->data, rows.count, found);                                       \
        return;                                                                                \
    }                                                                                          \
    for (FOR_ROWS(rows, i, row)) {                                                             \
        int64_t value = (int64_t)((const T *)view->data)[view_index(view, row)];               \
        found[row] = set->bitmap != NULL ? in_bitmap(set, value) : has_narrow(set, value);     \
    }

static void probe(const InSet *set, PhysKind phys, const VectorView *view, Rows rows,
                  uint8_t *restrict found)
{
    switch (phys) {
    case PHYS_BOOL:
        PROBE_INTEGERS(uint8_t, find_few_u8)
        return;
    case PHYS_I8:
        PROBE_INTEGERS(int8_t, find_few_i8)
        return;
    case PHYS_I16:
        PROBE_INTEGERS(int16_t, find_few_i16)
        return;
    case PHYS_I32:
        PROBE_INTEGERS(int32_t, find_few_i32)
        return;
    case PHYS_I64:
        PROBE_INTEGERS(int64_t, find_few_i64)
        return;
    case PHYS_I128:
        for (FOR_ROWS(rows, i, row))
            found[row] = has_key(set, ((const Int128 *)view->data)[view_index(view, row)]);
        return;
    case PHYS_F32:
        for (FOR_ROWS(rows, i, row)) {
            Datum value = datum_f64((double)((const float *)view->data)[view_index(view, row)]);
            found[row] = has_key(set, key_of(phys, &value));
        }
        return;
    case PHYS_F64:
        for (FOR_ROWS(rows, i, row)) {
            Datum value = datum_f64(((const double *)view->data)[view_index(view, row)]);
            found[row] = has_key(set, key_of(phys, &value));
        }
        return;
    case PHYS_STR:
        for (FOR_ROWS(rows, i, row))
            found[row] = has_string(set, &((const Str *)view->data)[view_index(view, row)]);
        return;
    case PHYS_LIST:
    case PHYS_MAP:
    case PHYS_STRUCT:
    case PHYS_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

void eval_in(EvalNode *node, const Vector *value, Rows rows, Vector *out)
{
    const InSet *set = node->in_set;
    bool is_negated = node->expr->is_negated;
    VectorView view = vector_view(value);
    uint8_t *found = out->data;
    probe(set, value->type.phys, &view, rows, found);
    bool value_nulls = view.nulls != NULL || view.row_nulls != NULL;
    if (!value_nulls && !set->has_null) {
        if (is_negated) {
            for (FOR_ROWS(rows, i, row))
                found[row] = !found[row];
        }
        return;
    }
    uint8_t *nulls = vector_nulls(out);
    for (FOR_ROWS(rows, i, row)) {
        nulls[row] = view_is_null(&view, row) || (set->has_null && !found[row]);
        found[row] = found[row] != is_negated;
    }
}
