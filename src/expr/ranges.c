#include "expr/eval.h"

/* What AND-ed predicates say about single columns: comparisons with constants, IN lists, IS [NOT] NULL,
 * LIKE with a literal prefix. Casts that keep order and widen (INT to BIGINT, DATE to DATETIME) are
 * seen through only when the constant can be brought back exactly. */

static ColumnRange *range_of(ColumnRange *ranges, uint32_t capacity, uint32_t *count, const Expr *column)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (ranges[i].slot == column->column.slot)
            return &ranges[i];
    }
    if (*count == capacity)
        return NULL;
    ColumnRange *range = &ranges[(*count)++];
    *range = (ColumnRange){.slot = column->column.slot, .type = column->type};
    return range;
}

static void raise_low(ColumnRange *range, Datum value, bool inclusive)
{
    int order = range->has_low ? datum_compare(range->type, &value, &range->low) : 1;
    if (order > 0 || (order == 0 && !inclusive)) {
        range->low = value;
        range->low_inclusive = inclusive;
        range->has_low = true;
    }
}

static void lower_high(ColumnRange *range, Datum value, bool inclusive)
{
    int order = range->has_high ? datum_compare(range->type, &value, &range->high) : -1;
    if (order < 0 || (order == 0 && !inclusive)) {
        range->high = value;
        range->high_inclusive = inclusive;
        range->has_high = true;
    }
}

/* A column, possibly below a cast between integer-like types that keeps values as they are. */
static const Expr *plain_column(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast) {
        const Expr *inside = expr->arguments[0];
        bool same_values = inside->type.kind == expr->type.kind &&
                           (inside->type.kind != TYPE_DECIMAL || inside->type.scale == expr->type.scale);
        bool widens = type_is_integer(inside->type) && type_is_integer(expr->type);
        bool both_text = type_is_string(inside->type) && type_is_string(expr->type);
        if (!same_values && !widens && !both_text)
            return NULL;
        expr = inside;
    }
    return expr->kind == EXPR_COLUMN ? expr : NULL;
}

static const Expr *constant_side(const Expr *expr)
{
    return expr->kind == EXPR_CONSTANT && !expr->constant.value.is_null ? expr : NULL;
}

static void apply_comparison(ColumnRange *range, const char *op, const Datum *value, bool is_flipped)
{
    bool is_lower = (op[0] == 'g') != is_flipped;
    bool inclusive = op[1] == 'e';
    range->excludes_null = true;
    if (strcmp(op, "eq") == 0) {
        raise_low(range, *value, true);
        lower_high(range, *value, true);
    } else if (is_lower) {
        raise_low(range, *value, inclusive);
    } else {
        lower_high(range, *value, inclusive);
    }
}

static bool is_order_comparison(const char *name)
{
    return strcmp(name, "eq") == 0 || strcmp(name, "lt") == 0 || strcmp(name, "le") == 0 || strcmp(name, "gt") == 0 ||
           strcmp(name, "ge") == 0;
}

/* The smallest string above all that start with the prefix; false when there is none. */
static bool next_prefix(Arena *arena, StrView prefix, Datum *out)
{
    char *bytes = arena_strndup(arena, prefix.data, prefix.length);
    size_t n = prefix.length;
    while (n > 0 && (unsigned char)bytes[n - 1] == 0xFF)
        n--;
    if (n == 0)
        return false;
    bytes[n - 1] = (char)((unsigned char)bytes[n - 1] + 1);
    *out = (Datum){.str = str_make(bytes, n)};
    return true;
}

static void apply_like(Arena *arena, ColumnRange *range, StrView pattern)
{
    size_t n = 0;
    while (n < pattern.length && pattern.data[n] != '%' && pattern.data[n] != '_' && pattern.data[n] != '\\')
        n++;
    range->excludes_null = true;
    if (n == 0)
        return;
    Datum high;
    range->prefix = strview_n(pattern.data, n);
    raise_low(range, (Datum){.str = str_make(pattern.data, n)}, true);
    if (next_prefix(arena, range->prefix, &high))
        lower_high(range, high, false);
}

static void take_in(Arena *arena, const Expr *in, ColumnRange *ranges, uint32_t capacity, uint32_t *count)
{
    const Expr *column = plain_column(in->arguments[0]);
    if (column == NULL || in->is_negated)
        return;
    Datum low = datum_null();
    Datum high = datum_null();
    for (uint32_t i = 1; i < in->argument_count; i++) {
        const Datum *value = &in->arguments[i]->constant.value;
        if (value->is_null)
            continue;
        if (low.is_null || datum_compare(column->type, value, &low) < 0)
            low = *value;
        if (high.is_null || datum_compare(column->type, value, &high) > 0)
            high = *value;
    }
    ColumnRange *range = low.is_null ? NULL : range_of(ranges, capacity, count, column);
    if (range == NULL)
        return;
    (void)arena;
    range->excludes_null = true;
    raise_low(range, low, true);
    lower_high(range, high, true);
}

static void take_call(Arena *arena, const Expr *call, ColumnRange *ranges, uint32_t capacity, uint32_t *count)
{
    const char *name = call->call.binding->def->name;
    bool is_like = strcmp(name, "like") == 0;
    bool is_null_test = strcmp(name, "is_null") == 0 || strcmp(name, "is_not_null") == 0;
    if (call->argument_count == 1 && is_null_test) {
        const Expr *column = plain_column(call->arguments[0]);
        ColumnRange *range = column == NULL ? NULL : range_of(ranges, capacity, count, column);
        if (range != NULL && name[3] == 'n' && name[4] == 'o')
            range->excludes_null = true;
        else if (range != NULL)
            range->only_null = true;
        return;
    }
    if (call->argument_count != 2 || (!is_like && !is_order_comparison(name)))
        return;
    for (int side = 0; side < (is_like ? 1 : 2); side++) {
        const Expr *column = plain_column(call->arguments[side]);
        const Expr *constant = constant_side(call->arguments[1 - side]);
        if (column == NULL || constant == NULL)
            continue;
        ColumnRange *range = range_of(ranges, capacity, count, column);
        if (range == NULL)
            return;
        if (is_like)
            apply_like(arena, range, str_view(&constant->constant.value.str));
        else
            apply_comparison(range, name, &constant->constant.value, side == 1);
        return;
    }
}

void expr_ranges(Arena *arena, const Expr *const *conjuncts, uint32_t count, ColumnRange *out_ranges, uint32_t *in_out_count)
{
    uint32_t capacity = *in_out_count;
    *in_out_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (conjuncts[i]->kind == EXPR_CALL)
            take_call(arena, conjuncts[i], out_ranges, capacity, in_out_count);
        else if (conjuncts[i]->kind == EXPR_IN)
            take_in(arena, conjuncts[i], out_ranges, capacity, in_out_count);
        else if (conjuncts[i]->kind == EXPR_AND)
            for (uint32_t a = 0; a < conjuncts[i]->argument_count; a++)
                if (conjuncts[i]->arguments[a]->kind == EXPR_CALL)
                    take_call(arena, conjuncts[i]->arguments[a], out_ranges, capacity, in_out_count);
    }
}

bool range_may_match(const ColumnRange *range, const Datum *min, const Datum *max, uint64_t null_count, uint64_t row_count)
{
    if (range->only_null && null_count == 0)
        return false;
    if (range->excludes_null && null_count == row_count)
        return false;
    if (min == NULL || max == NULL)
        return true;
    if (range->has_low) {
        int order = datum_compare(range->type, max, &range->low);
        if (order < 0 || (order == 0 && !range->low_inclusive))
            return false;
    }
    if (range->has_high) {
        int order = datum_compare(range->type, min, &range->high);
        if (order > 0 || (order == 0 && !range->high_inclusive))
            return false;
    }
    return true;
}
