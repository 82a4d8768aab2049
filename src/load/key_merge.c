#include "load/key_merge.h"

/* One row a key wins: the last, or the last of those with the greatest condition value. The winners' old rows
 * are looked up in the tablet's index and read in the order of their places, a page at a time. */

#include <stdlib.h>

#include "storage/delete_vector.h"
#include "storage/key_probe.h"

typedef struct Merge {
    const KeyMergeInput *input;
    Diag *diag;
    Arena arena;
    KeyHash *hashes;
    uint8_t *skipped;
    ARRAY_OF(OldRow) old;
} Merge;

static bool reads_column(const KeyMergeInput *input, uint32_t column)
{
    return (input->rules->given != NULL && !input->rules->given[column]) || (int)column == input->rules->condition_column;
}

/* NULL is below every value. */
static int compare_values(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row, Arena *arena)
{
    Datum x = vector_get(a, a_row, arena);
    Datum y = vector_get(b, b_row, arena);
    if (x.is_null || y.is_null)
        return (int)y.is_null - (int)x.is_null;
    return datum_compare(a->type, &x, &y);
}

static bool beats(const Merge *m, uint32_t row, uint32_t earlier, Arena *arena)
{
    const KeyMergeInput *input = m->input;
    int condition = input->rules->condition_column;
    return condition < 0 || compare_values(&input->columns[condition], row, &input->columns[condition], earlier, arena) >= 0;
}

/* Open addressing over row numbers + 1. */
static void choose_winners(Merge *m)
{
    uint32_t rows = m->input->rows;
    uint64_t capacity = 64;
    while (capacity < (uint64_t)rows * 2)
        capacity *= 2;
    uint32_t *slots = mem_alloc_zero(capacity * sizeof(*slots));
    for (uint32_t row = 0; row < rows; row++) {
        const KeyHash *key = &m->hashes[row];
        uint64_t at = key->low & (capacity - 1);
        while (slots[at] != 0 && (m->hashes[slots[at] - 1].low != key->low || m->hashes[slots[at] - 1].high != key->high))
            at = (at + 1) & (capacity - 1);
        uint32_t earlier = slots[at];
        bool wins = earlier == 0 || beats(m, row, earlier - 1, &m->arena);
        if (earlier != 0)
            m->skipped[wins ? earlier - 1 : row] = 1;
        if (wins)
            slots[at] = row + 1;
    }
    mem_free(slots);
}

static void note_old(Merge *m, uint32_t segment, uint32_t old_row, uint32_t row)
{
    OldRow old = {segment, old_row, row};
    ARRAY_PUSH(&m->arena, &m->old, old);
}

static void find_by_index(Merge *m, const PrimaryIndex *index)
{
    const TabletVersion *tablet = m->input->tablet;
    uint32_t count = primary_index_segment_count(index);
    uint32_t *places = ARENA_NEW_ARRAY(&m->arena, uint32_t, count);
    memset(places, 0xff, count * sizeof(uint32_t));
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t s = 0; s < tablet->segment_count; s++)
            places[i] = primary_index_segment_id(index, i) == tablet->segments[s].id ? s : places[i];
    }
    for (uint32_t row = 0; row < m->input->rows; row++) {
        RowPlace place = m->skipped[row] ? (RowPlace){0, 0} : primary_index_look_up(index, m->hashes[row]);
        if (place.segment != 0 && places[place.segment] != UINT32_MAX)
            note_old(m, places[place.segment], place.row, row);
    }
}

typedef struct OldProbe {
    Merge *merge;
    const PrimaryIndex *batch;
} OldProbe;

static void note_probed(void *context, uint32_t segment, uint32_t row, KeyHash key)
{
    const OldProbe *probe = context;
    note_old(probe->merge, segment, row, primary_index_look_up(probe->batch, key).row);
}

/* Without an index: the winners' keys are one, with their rows, for the tablet's to be looked up in. */
static Status find_by_probe(Merge *m, const PrimaryIndexInput *wanted)
{
    PrimaryIndex *batch = primary_index_new(m->input->indexes, wanted->tablet_id);
    OldProbe probe = {m, batch};
    uint32_t number = primary_index_segment(batch, UINT64_MAX);
    primary_index_reserve(batch, m->input->rows);
    for (uint32_t row = 0; row < m->input->rows; row++) {
        if (!m->skipped[row])
            (void)primary_index_put(batch, m->hashes[row], (RowPlace){number, row});
    }
    Status status = key_probe(wanted, batch, m->hashes, m->input->rows, note_probed, &probe, m->diag);
    primary_index_drop(batch);
    return status;
}

static Status find_old_rows(Merge *m)
{
    const KeyMergeInput *input = m->input;
    const TableSchema *schema = input->schema;
    SegmentColumn *keys = ARENA_NEW_ARRAY(&m->arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    const TabletVersion *tablet = input->tablet;
    PrimaryIndexInput wanted = {input->volume, tablet->id, tablet->segments, tablet->segment_count, keys, schema->key_count};
    PrimaryIndex *index;
    TRY(primary_index_get_for(input->indexes, &wanted, input->rows, m->diag, &index));
    if (index == NULL)
        return find_by_probe(m, &wanted);
    find_by_index(m, index);
    primary_index_put_back(input->indexes, index, tablet->segments, tablet->segment_count);
    return OK;
}

static int compare_old(const void *a, const void *b)
{
    const OldRow *x = a;
    const OldRow *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return (x->old_row > y->old_row) - (x->old_row < y->old_row);
}

typedef struct OldPage {
    uint32_t first_row;
    Vector *columns; /* those that reads_column() */
} OldPage;

static void take_row(Merge *m, const OldPage *page, const OldRow *old)
{
    const KeyMergeInput *input = m->input;
    const KeyMergeRules *rules = input->rules;
    uint32_t at = old->old_row - page->first_row;
    int condition = rules->condition_column;
    if (condition >= 0 && compare_values(&input->columns[condition], old->row, &page->columns[condition], at, &m->arena) < 0) {
        m->skipped[old->row] = 1;
        return;
    }
    for (uint32_t c = 0; c < input->schema->column_count; c++) {
        if (rules->given == NULL || rules->given[c])
            continue;
        Datum value = vector_get(&page->columns[c], at, &m->arena);
        Datum kept = datum_copy(input->arena, input->columns[c].type, &value);
        vector_put(&input->columns[c], input->arena, old->row, &kept);
    }
}

static Status read_page(Merge *m, Segment *segment, uint32_t number, Arena *arena, OldPage *page)
{
    const TableSchema *schema = m->input->schema;
    page->columns = ARENA_NEW_ARRAY(arena, Vector, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const TableColumn *column = &schema->columns[c];
        if (!reads_column(m->input, c))
            continue;
        int position = segment_find_column(segment, column->unique_id);
        if (position >= 0) {
            TRY(segment_read(segment, number, position, column->type, arena, m->diag, &page->columns[c]));
            continue;
        }
        Datum missing = table_column_missing(column, arena); /* the segment is older than the column */
        vector_set_constant(&page->columns[c], arena, column->type, &missing);
    }
    return OK;
}

/* old: of one segment, by row. */
static Status take_segment(Merge *m, Segment *segment, const SegmentRef *ref, const OldRow *old, uint32_t count)
{
    AUTO_ARENA arena, kept;
    arena_init(&arena, NULL);
    arena_init(&kept, NULL);
    DeleteVector deletes;
    OldPage page = {0};
    uint32_t at = 0;
    TRY(delete_vector_load(m->input->volume, ref, &kept, m->diag, &deletes));
    for (uint32_t number = 0; number < segment_page_count(segment) && at < count; number++) {
        uint32_t end = page.first_row + segment_page_rows(segment, number);
        bool is_read = false;
        for (; at < count && old[at].old_row < end; at++) {
            if (delete_vector_has(&deletes, old[at].old_row))
                continue;
            if (!is_read)
                TRY(read_page(m, segment, number, &arena, &page));
            is_read = true;
            take_row(m, &page, &old[at]);
        }
        arena_reset(&arena);
        page.first_row = end;
    }
    return OK;
}

static Status update_columns(Merge *m)
{
    const KeyMergeInput *input = m->input;
    if (input->updater == NULL || input->rules->condition_column >= 0 || !column_update_is_possible(input->schema, input->rules->given))
        return OK;
    ColumnUpdateRows rows = {input->schema, input->rules->given, input->columns, input->tablet, m->old.items, m->old.count, m->skipped};
    Status status = column_update(input->updater, &rows, m->diag);
    m->old.count = rows.count;
    return status;
}

static Status take_old_rows(Merge *m)
{
    if (m->old.count > 1)
        qsort(m->old.items, m->old.count, sizeof(OldRow), compare_old);
    TRY(update_columns(m));
    for (uint32_t first = 0, end; first < m->old.count; first = end) {
        const SegmentRef *ref = &m->input->tablet->segments[m->old.items[first].segment];
        for (end = first; end < m->old.count && m->old.items[end].segment == m->old.items[first].segment;)
            end++;
        Segment *segment;
        TRY(segment_open(m->input->volume, ref, m->diag, &segment));
        Status status = take_segment(m, segment, ref, m->old.items + first, end - first);
        segment_close(segment);
        TRY(status);
    }
    return OK;
}

/* What is still NULL has a new key; rows that lose need no value. */
static Status fill_increments(const KeyMergeInput *input, const uint8_t *skipped, Diag *diag)
{
    const KeyMergeRules *rules = input->rules;
    for (uint32_t c = 0; c < input->schema->column_count && rules->given != NULL && rules->increments != NULL; c++) {
        if (!input->schema->columns[c].is_auto_increment || rules->given[c])
            continue;
        Datum unused = datum_i64(0);
        for (uint32_t row = 0; row < input->rows; row++) {
            if (skipped[row])
                vector_put(&input->columns[c], input->arena, row, &unused);
        }
        TRY(auto_increment_fill(rules->increments, rules->table_id, &input->columns[c], input->rows, diag));
    }
    return OK;
}

Status key_merge(const KeyMergeInput *input, Diag *diag, uint8_t *out_skipped)
{
    Merge m = {.input = input, .diag = diag, .skipped = out_skipped};
    arena_init(&m.arena, NULL);
    memset(out_skipped, 0, input->rows);
    m.hashes = ARENA_NEW_ARRAY(&m.arena, KeyHash, MAX(input->rows, 1u));
    const Vector **keys = ARENA_NEW_ARRAY(&m.arena, const Vector *, MAX(input->schema->key_count, 1u));
    for (uint32_t k = 0; k < input->schema->key_count; k++)
        keys[k] = &input->columns[k];
    key_hashes(keys, input->schema->key_count, input->rows, m.hashes);
    choose_winners(&m);
    Status status = find_old_rows(&m);
    if (status == OK)
        status = take_old_rows(&m);
    arena_deinit(&m.arena);
    if (status == OK)
        status = fill_increments(input, out_skipped, diag);
    if (status == OK && input->rules->given != NULL)
        status = generated_columns_fill(input->rules->generated, input->schema, input->columns, input->rows, input->arena, diag);
    return status;
}

Status key_merge_condition(const CatalogTable *table, StrView name, const uint8_t *given, Diag *diag, int *out_column)
{
    const TableSchema *schema = table->schema;
    int at = table_column_index(schema, name);
    if (schema->keys_kind != KEYS_PRIMARY)
        return RAISE(diag, INVALID_ARGUMENT, "Conditional update only support primary key table %.*s", SV_ARGS(table->name));
    if (at < 0 || (given != NULL && !given[at]))
        return RAISE(diag, NO_SUCH_COLUMN,
                     "Merge condition column %.*s does not exist. If you are doing partial update with condition update, please "
                     "check condition column is in the given update columns. Otherwise please check condition column is in table %.*s",
                     SV_ARGS(name), SV_ARGS(table->name));
    const TableColumn *column = &schema->columns[at];
    if (column->is_key)
        return RAISE(diag, INVALID_ARGUMENT, "Merge condition column %.*s should not be primary key!", SV_ARGS(name));
    if (!type_is_numeric(column->type) && column->type.kind != TYPE_DATE && column->type.kind != TYPE_DATETIME)
        return RAISE(diag, INVALID_ARGUMENT, "Merge condition column %.*s has a type that values can't be compared by", SV_ARGS(name));
    *out_column = at;
    return OK;
}
