#include "exec/scan_index.h"

#include "format/segment_filter.h"

enum { MOST_POINTS = 64, MOST_GRAMS = 256 };

static bool is_hashable(Type type)
{
    return type_is_string(type) || type_default_phys(type) <= PHYS_I128;
}

static void add_points(Arena *arena, uint32_t slot, Type type, const Datum *points, uint32_t count, ScanProbes *out)
{
    ScanProbe probe = {.slot = slot, .type = type, .points = points, .point_count = count};
    if (count == 0 || count > MOST_POINTS || !is_hashable(type))
        return;
    probe.hashes = ARENA_NEW_ARRAY(arena, uint64_t, count);
    for (uint32_t i = 0; i < count; i++)
        probe.hashes[i] = type_is_string(type) ? segment_filter_hash_text(str_view(&points[i].str)) : segment_filter_hash_number(points[i].i128);
    ARRAY_PUSH(arena, out, probe);
}

/* column = value */
static void add_range(Arena *arena, const ColumnRange *range, ScanProbes *out)
{
    bool is_point = range->has_low && range->has_high && range->low_inclusive && range->high_inclusive &&
                    datum_compare(range->type, &range->low, &range->high) == 0;
    if (is_point)
        add_points(arena, range->slot, range->type, &range->low, 1, out);
}

/* column IN (values) */
static void add_list(Arena *arena, const Expr *expr, ScanProbes *out)
{
    Datum *points = ARENA_NEW_ARRAY(arena, Datum, expr->argument_count);
    uint32_t count = 0;
    if (expr->is_negated || expr->arguments[0]->kind != EXPR_COLUMN)
        return;
    for (uint32_t i = 1; i < expr->argument_count; i++) {
        if (!expr_is_constant(expr->arguments[i], &points[count]))
            return;
        count += !points[count].is_null;
    }
    add_points(arena, expr->arguments[0]->column.slot, expr->arguments[0]->type, points, count, out);
}

/* The texts between the wildcards of a pattern. */
static void add_pattern(Arena *arena, const Expr *column, StrView pattern, ScanProbes *out)
{
    ScanProbe probe = {.slot = column->column.slot, .type = column->type};
    StrView *pieces = ARENA_NEW_ARRAY(arena, StrView, pattern.length + 1);
    char *text = ARENA_NEW_ARRAY(arena, char, pattern.length + 1);
    size_t length = 0, begin = 0;
    for (size_t i = 0; i <= pattern.length; i++) {
        bool is_escaped = i + 1 < pattern.length && pattern.data[i] == '\\';
        bool is_wild = i == pattern.length || pattern.data[i] == '%' || pattern.data[i] == '_';
        if (!is_wild) {
            text[length++] = pattern.data[i + is_escaped];
            i += is_escaped;
            continue;
        }
        if (length > begin)
            pieces[probe.piece_count++] = strview_n(text + begin, length - begin);
        begin = length;
    }
    probe.pieces = pieces;
    if (probe.piece_count > 0)
        ARRAY_PUSH(arena, out, probe);
}

/* A column of text, perhaps below a cast to text, or NULL. */
static const Expr *text_column(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->call.is_cast && type_is_string(expr->type) && type_is_string(expr->arguments[0]->type))
        expr = expr->arguments[0];
    return expr->kind == EXPR_COLUMN && type_is_string(expr->type) ? expr : NULL;
}

static void add_like(Arena *arena, const Expr *expr, ScanProbes *out)
{
    Datum pattern;
    bool is_like = expr->argument_count == 2 && strcmp(expr->call.binding->def->name, "like") == 0;
    const Expr *column = is_like ? text_column(expr->arguments[0]) : NULL;
    if (column != NULL && expr_is_constant(expr->arguments[1], &pattern) && !pattern.is_null)
        add_pattern(arena, column, str_view(&pattern.str), out);
}

void scan_probes_make(Arena *arena, const ColumnRange *ranges, uint32_t range_count, const Expr *const *conjuncts, uint32_t conjunct_count,
                      ScanProbes *out)
{
    for (uint32_t i = 0; i < range_count; i++)
        add_range(arena, &ranges[i], out);
    for (uint32_t i = 0; i < conjunct_count; i++) {
        if (conjuncts[i]->kind == EXPR_IN)
            add_list(arena, conjuncts[i], out);
        if (conjuncts[i]->kind == EXPR_CALL)
            add_like(arena, conjuncts[i], out);
    }
}

static bool fits(Type asked, Type stored)
{
    if (type_is_string(asked) || type_is_string(stored))
        return type_is_string(asked) && type_is_string(stored);
    if (asked.kind == TYPE_DECIMAL || stored.kind == TYPE_DECIMAL)
        return asked.kind == stored.kind && asked.scale == stored.scale;
    bool are_integers = asked.kind >= TYPE_TINYINT && asked.kind <= TYPE_LARGEINT && stored.kind >= TYPE_TINYINT && stored.kind <= TYPE_LARGEINT;
    return are_integers || asked.kind == stored.kind;
}

static bool may_hold_text(Segment *segment, uint32_t page, int position, StrView text)
{
    uint64_t grams[MOST_GRAMS];
    const SegmentFilterSpec *filter = segment_filter(segment, position);
    text.length = MIN(text.length, (size_t)MOST_GRAMS); /* the rest is not asked for */
    uint32_t count = segment_filter_grams(filter, text, grams);
    return count == 0 || segment_page_may_hold(segment, page, position, grams, count, true);
}

static bool may_match(const ScanProbe *probe, Segment *segment, uint32_t page, int position)
{
    const SegmentFilterSpec *filter = position < 0 ? NULL : segment_filter(segment, position);
    if (filter == NULL || !fits(probe->type, segment_column_type(segment, position)))
        return true;
    bool is_grams = filter->kind == SEGMENT_FILTER_GRAMS;
    if (probe->points != NULL && !is_grams)
        return segment_page_may_hold(segment, page, position, probe->hashes, probe->point_count, false);
    bool any = probe->points == NULL;
    for (uint32_t i = 0; is_grams && i < probe->point_count && !any; i++)
        any = may_hold_text(segment, page, position, str_view(&probe->points[i].str));
    for (uint32_t i = 0; is_grams && i < probe->piece_count && any; i++)
        any = may_hold_text(segment, page, position, probe->pieces[i]);
    return any;
}

bool scan_probes_may_match(const ScanProbes *probes, Segment *segment, uint32_t page, const int *positions)
{
    for (uint32_t i = 0; i < probes->count; i++) {
        if (!may_match(&probes->items[i], segment, page, positions[probes->items[i].slot]))
            return false;
    }
    return true;
}
