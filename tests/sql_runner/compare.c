#include "sql_runner/compare.h"

/* Expected lines become cells of the same shape as the answer, both are sorted where that was asked for, and then
 * they are compared cell by cell. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdlib.h>

enum { LONG_NUMBER_DIGITS = 12 };

static uint32_t count_tabs(StrView line)
{
    uint32_t count = 0;
    for (size_t i = 0; i < line.length; i++)
        count += line.data[i] == '\t';
    return count;
}

static StrView expected_cell(StrView text)
{
    return strview_is(text, "(empty)") ? STR_VIEW("") : text;
}

static bool lines_have_tabs(const Lines *lines, uint32_t tabs)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        if (count_tabs(lines->items[i]) != tabs)
            return false;
    }
    return true;
}

static void split_tabs(StrView line, uint32_t columns, StrView *out)
{
    for (uint32_t c = 0; c < columns; c++) {
        const char *tab = memchr(line.data, '\t', line.length);
        size_t length = tab == NULL ? line.length : (size_t)(tab - line.data);
        out[c] = expected_cell(strview_n(line.data, length));
        size_t used = tab == NULL ? length : length + 1;
        line = strview_n(line.data + used, line.length - used);
    }
}

/* False when the lines have another shape than columns says. */
static bool split_expected(const Lines *expected, uint32_t columns, Arena *arena, Cells *out)
{
    *out = (Cells){.columns = columns};
    out->values = ARENA_NEW_ARRAY(arena, StrView, (size_t)expected->count * columns + 1);
    if (lines_have_tabs(expected, columns - 1)) {
        out->rows = expected->count;
        for (uint32_t i = 0; i < expected->count; i++)
            split_tabs(expected->items[i], columns, out->values + (size_t)i * columns);
        return true;
    }
    if (expected->count % columns != 0)
        return false;
    out->rows = expected->count / columns;
    for (uint32_t i = 0; i < expected->count; i++)
        out->values[i] = expected_cell(expected->items[i]);
    return true;
}

static int compare_rows(const void *a, const void *b, void *argument)
{
    const StrView *left = a, *right = b;
    const uint32_t *width = argument;
    for (uint32_t c = 0; c < *width; c++) {
        int order = strview_compare(left[c], right[c]);
        if (order != 0)
            return order;
    }
    return 0;
}

static void sort_cells(Cells *cells, SortMode sort)
{
    if (sort == SORT_NONE)
        return;
    uint32_t width = sort == SORT_ROWS ? cells->columns : 1;
    size_t count = (size_t)cells->rows * cells->columns / width;
    qsort_r(cells->values, count, sizeof(StrView) * width, compare_rows, &width);
}

/* Sums of doubles depend on the order of their terms. */
static bool numbers_are_near(StrView a, StrView b)
{
    char left[64], right[64], *left_end, *right_end;
    if (a.length >= sizeof(left) || b.length >= sizeof(right) || MAX(a.length, b.length) < LONG_NUMBER_DIGITS)
        return false;
    memcpy(left, a.data, a.length);
    memcpy(right, b.data, b.length);
    left[a.length] = right[b.length] = '\0';
    double x = strtod(left, &left_end), y = strtod(right, &right_end);
    return *left_end == '\0' && *right_end == '\0' && fabs(x - y) <= 1e-11 * fabs(x);
}

/* Rows of cells that one blank divides: short rows are easier to read so. Cells with blanks don't matter, as the
 * answer's cells are joined rather than the lines split. */
static Cells join_with_blanks(const Cells *cells, Arena *arena)
{
    Cells joined = {.columns = 1, .rows = cells->rows, .values = ARENA_NEW_ARRAY(arena, StrView, cells->rows + 1)};
    for (uint32_t row = 0; row < cells->rows; row++) {
        AUTO_BYTEBUF text = {0};
        for (uint32_t c = 0; c < cells->columns; c++) {
            if (c > 0)
                bytebuf_append_char(&text, ' ');
            bytebuf_append_view(&text, cells->values[(size_t)row * cells->columns + c]);
        }
        joined.values[row] = strview_n(arena_strndup(arena, text.data, text.length), text.length);
    }
    return joined;
}

bool cells_match(const Cells *cells, const Lines *expected, const char *types, SortMode sort, Arena *arena)
{
    Cells wanted, joined;
    if (cells->columns == 0)
        return expected->count == 0;
    if (cells->columns > 1 && expected->count == cells->rows && lines_have_tabs(expected, 0)) {
        joined = join_with_blanks(cells, arena);
        cells = &joined;
    }
    if (!split_expected(expected, cells->columns, arena, &wanted) || wanted.rows != cells->rows)
        return false;
    Cells got = *cells;
    size_t count = (size_t)got.rows * got.columns;
    got.values = ARENA_NEW_ARRAY(arena, StrView, count + 1);
    memcpy(got.values, cells->values, count * sizeof(StrView));
    sort_cells(&got, sort);
    sort_cells(&wanted, sort);
    for (size_t i = 0; i < count; i++) {
        bool is_real = sort != SORT_VALUES && types[i % got.columns] == 'R';
        if (!strview_equal(got.values[i], wanted.values[i]) && !(is_real && numbers_are_near(got.values[i], wanted.values[i])))
            return false;
    }
    return true;
}

bool pattern_matches(const char *pattern, StrView text)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_DOTALL, &code, &offset, NULL);
    if (compiled == NULL)
        return false;
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(compiled, NULL);
    int found = pcre2_match(compiled, (PCRE2_SPTR)text.data, text.length, 0, 0, match, NULL);
    pcre2_match_data_free(match);
    pcre2_code_free(compiled);
    return found >= 0;
}
