#include "storage/key_match.h"

/* Ways to compare a page with the keys between its bounds: few keys are searched in the page; keys that are dense become a map of bits
 * that stays in the cache, and the rows are looked up there; other keys are merged with the rows. Rows that are not sorted by the key are
 * each searched among the keys. */

enum {
    MAP_BITS = 1 << 20, /* of keys between the bounds of a page */
    SEARCH_SHARE = 24,  /* a search in a page costs as much as looking up so many rows in the map */
    PAGE_WORDS = SEGMENT_PAGE_ROWS / 64 + 1,
};

typedef struct Match {
    const PrimaryIndexInput *input;
    uint32_t segment;
    Segment *opened;
    int column;
    const KeyList *lists;
    uint32_t list_count;
    uint32_t *map; /* MAP_BITS and a word, zero between pages */
    uint8_t hits[SEGMENT_PAGE_ROWS + 64];
    uint64_t bits[PAGE_WORDS];
    Arena arena; /* of a page */
    Diag *diag;
} Match;

/* The first place from which on keys are at least key. */
static uint32_t lower_bound(const int64_t *keys, uint32_t count, int64_t key)
{
    const int64_t *first = keys;
    while (count > 1) {
        uint32_t half = count / 2;
        first += first[half - 1] < key ? half : 0;
        count -= half;
    }
    return (uint32_t)(first - keys) + (count == 1 && *first < key);
}

/* The keys of the list from low to high. */
static KeyList keys_between(const KeyList *list, int64_t low, int64_t high)
{
    uint32_t first = lower_bound(list->values, list->count, low);
    uint32_t end = first;
    if (first < list->count && list->values[first] <= high)
        end = high == INT64_MAX ? list->count : first + lower_bound(list->values + first, list->count - first, high + 1);
    return (KeyList){list->values + first, end - first};
}

KERNEL_CLONES static bool is_ascending(const int64_t *keys, uint32_t count)
{
    uint32_t falls = 0;
    for (uint32_t i = 1; i < count; i++)
        falls += keys[i] < keys[i - 1];
    return falls == 0;
}

static void search_page(Match *m, const int64_t *rows, uint32_t count, const KeyList *keys)
{
    for (uint32_t k = 0; k < keys->count; k++) {
        uint32_t row = lower_bound(rows, count, keys->values[k]);
        for (; row < count && rows[row] == keys->values[k]; row++) /* of rows with one key, all but one are deleted */
            m->bits[row / 64] |= 1ull << (row % 64);
    }
}

static void merge_page(Match *m, const int64_t *rows, uint32_t count, const KeyList *keys)
{
    uint32_t k = 0;
    for (uint32_t row = 0; row < count && k < keys->count;) {
        bool is_met = rows[row] == keys->values[k];
        bool is_behind = rows[row] > keys->values[k];
        m->bits[row / 64] |= (uint64_t)is_met << (row % 64);
        row += !is_behind;
        k += is_behind;
    }
}

/* A byte a row: is its bit of the map set? Rows outside of the bounds meet the bit behind the map, which is never set. */
KERNEL_CLONES static void look_up_rows(const int64_t *rows, uint32_t count, uint64_t low, uint64_t span, const uint32_t *map, uint8_t *hits)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)rows[i] - low;
        at = at < span ? at : span;
        hits[i] = (uint8_t)(map[at / 32] >> (at % 32) & 1);
    }
}

/* Eight bytes of 0 or 1 to eight bits. */
static uint64_t pack_bytes(const uint8_t *bytes)
{
    return load_u64(bytes) * UINT64_C(0x0102040810204080) >> 56;
}

static void map_page(Match *m, const int64_t *rows, uint32_t count, const KeyList *keys)
{
    uint64_t low = (uint64_t)keys->values[0];
    uint64_t span = (uint64_t)keys->values[keys->count - 1] - low + 1;
    for (uint32_t k = 0; k < keys->count; k++) {
        uint64_t at = (uint64_t)keys->values[k] - low;
        m->map[at / 32] |= 1u << (at % 32);
    }
    look_up_rows(rows, count, low, span, m->map, m->hits);
    memset(m->hits + count, 0, 64);
    for (uint32_t first = 0; first < count; first += 8)
        m->bits[first / 64] |= pack_bytes(m->hits + first) << (first % 64);
    memset(m->map, 0, (span / 32 + 1) * sizeof(*m->map));
}

static void search_keys(Match *m, const int64_t *rows, uint32_t count, const KeyList *keys)
{
    for (uint32_t row = 0; row < count; row++) {
        uint32_t at = lower_bound(keys->values, keys->count, rows[row]);
        m->bits[row / 64] |= (uint64_t)(at < keys->count && keys->values[at] == rows[row]) << (row % 64);
    }
}

static void match_page(Match *m, const int64_t *rows, uint32_t count, const KeyList *keys)
{
    uint64_t span = (uint64_t)keys->values[keys->count - 1] - (uint64_t)keys->values[0];
    bool is_dense = span < MAP_BITS;
    bool is_few = (uint64_t)keys->count * SEARCH_SHARE < count;
    bool is_sorted = (is_few || !is_dense) && is_ascending(rows, count);
    if (is_few && is_sorted)
        search_page(m, rows, count, keys);
    else if (is_dense)
        map_page(m, rows, count, keys);
    else if (is_sorted)
        merge_page(m, rows, count, keys);
    else
        search_keys(m, rows, count, keys);
}

/* Bounds of pages of the column's own type, or of another whole number. */
static void page_bounds(const Match *m, uint32_t page, int64_t *out_low, int64_t *out_high)
{
    PageStats stats;
    Type target = m->input->keys[0].type;
    Type stored = segment_column_type(m->opened, m->column);
    segment_page_stats(m->opened, page, m->column, &stats);
    bool is_known =
        stats.has_bounds && stored.phys <= PHYS_I64 && (stored.kind == target.kind || (type_is_integer(stored) && type_is_integer(target)));
    *out_low = is_known ? stats.min.i64 : INT64_MIN;
    *out_high = is_known ? stats.max.i64 : INT64_MAX;
}

static Status read_rows(Match *m, uint32_t page, Vector *keys, const int64_t **out_rows)
{
    Type type = m->input->keys[0].type;
    uint32_t count = segment_page_rows(m->opened, page);
    arena_reset(&m->arena);
    TRY(segment_read(m->opened, page, m->column, type, &m->arena, m->diag, keys));
    if (keys->form == VECTOR_FLAT && keys->type.phys == PHYS_I64) {
        *out_rows = keys->data;
        return OK;
    }
    int64_t *rows = arena_alloc(&m->arena, ((size_t)count + 1) * sizeof(*rows));
    VectorView view = vector_view(keys);
    for (uint32_t row = 0; row < count; row++) {
        uint32_t at = view_index(&view, row);
        rows[row] = keys->type.phys == PHYS_I64 ? ((const int64_t *)view.data)[at] : ((const int32_t *)view.data)[at];
    }
    *out_rows = rows;
    return OK;
}

/* What stands under NULLs is no key. */
static void leave_nulls(Match *m, const Vector *keys, uint32_t count)
{
    VectorView view = vector_view(keys);
    for (uint32_t row = 0; row < count && (view.nulls != NULL || view.row_nulls != NULL); row++) {
        if (view_is_null(&view, row))
            m->bits[row / 64] &= ~(1ull << (row % 64));
    }
}

/* *out_found: whether any of the keys may be in the page. */
static Status match_lists(Match *m, uint32_t page, bool *out_found)
{
    uint32_t count = segment_page_rows(m->opened, page);
    int64_t low, high;
    const int64_t *rows = NULL;
    Vector keys;
    page_bounds(m, page, &low, &high);
    *out_found = false;
    for (uint32_t l = 0; l < m->list_count; l++) {
        KeyList list = keys_between(&m->lists[l], low, high);
        if (list.count == 0)
            continue;
        if (!*out_found) {
            memset(m->bits, 0, sizeof(m->bits));
            TRY(read_rows(m, page, &keys, &rows));
        }
        *out_found = true;
        match_page(m, rows, count, &list);
    }
    if (*out_found)
        leave_nulls(m, &keys, count);
    return OK;
}

static Status match_pages(Match *m, KeyMatchVisit visit, void *context)
{
    const SegmentRef *ref = &m->input->segments[m->segment];
    uint32_t first_row = 0;
    if (segment_row_count(m->opened) != ref->row_count)
        return RAISE(m->diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path));
    for (uint32_t page = 0; page < segment_page_count(m->opened); page++) {
        bool is_found;
        uint32_t count = segment_page_rows(m->opened, page);
        TRY(match_lists(m, page, &is_found));
        if (is_found)
            TRY(visit(context, m->segment, first_row, m->bits, count, m->diag));
        first_row += count;
    }
    return OK;
}

Status key_match(const PrimaryIndexInput *input, uint32_t segment, const KeyList *lists, uint32_t list_count, KeyMatchVisit visit,
                 void *context, Diag *diag)
{
    Match m = {.input = input, .segment = segment, .lists = lists, .list_count = list_count, .diag = diag};
    TRY(segment_open(input->volume, &input->segments[segment], diag, &m.opened));
    m.column = segment_find_column(m.opened, input->keys[0].unique_id);
    arena_init(&m.arena, NULL);
    m.map = mem_alloc_zero((MAP_BITS / 32 + 1) * sizeof(*m.map));
    Status status = m.column < 0 ? RAISE(diag, CORRUPT, "segment in object \"%.*s\" lacks a key column", SV_ARGS(segment_path(m.opened)))
                                 : match_pages(&m, visit, context);
    mem_free(m.map);
    arena_deinit(&m.arena);
    segment_close(m.opened);
    return status;
}

uint32_t key_lists_meet(const KeyList *list, const KeyList *other, uint64_t *bits)
{
    uint32_t met = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < list->count && at < other->count; i++) {
        while (at < other->count && other->values[at] < list->values[i])
            at++;
        if (at < other->count && other->values[at] == list->values[i]) {
            bits[i / 64] |= 1ull << (i % 64);
            met++;
        }
    }
    return met;
}
