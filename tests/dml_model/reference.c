#include "dml_model/reference.h"

/* Everything is a loop over all rows: slow, and plain enough to be right. */

#include <string.h>

enum { LONG_TEXT = 7 }; /* every so many texts don't fit into a string's 12 inline bytes */

RefTable *ref_copy(const RefTable *table)
{
    RefTable *copy = mem_alloc(sizeof(*copy));
    *copy = *table;
    copy->rows = mem_alloc((table->row_count + 1) * sizeof(Row));
    copy->row_room = table->row_count;
    if (table->row_count > 0)
        memcpy(copy->rows, table->rows, table->row_count * sizeof(Row));
    return copy;
}

void ref_free(RefTable *table)
{
    if (table == NULL)
        return;
    mem_free(table->rows);
    mem_free(table);
}

/* ---- values ---- */

/* Days since 2026-01-01, proleptic; the algorithm counts from March so that the leap day comes last. */
static void print_date(ByteBuf *out, int64_t days)
{
    int64_t z = days + 20454 + 719468; /* 2026-01-01 since 1970, and 1970 since 0000-03-01 */
    int64_t era = z / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    bytebuf_printf(out, "%04lld-%02lld-%02lld", (long long)year, (long long)month, (long long)day);
}

static void print_decimal(ByteBuf *out, int64_t cents)
{
    uint64_t size = cents < 0 ? (uint64_t)-cents : (uint64_t)cents;
    bytebuf_printf(out, "%s%llu.%02llu", cents < 0 ? "-" : "", (unsigned long long)(size / 100), (unsigned long long)(size % 100));
}

void cell_print(ByteBuf *out, CellKind kind, Cell cell)
{
    if (cell.is_null)
        bytebuf_append_text(out, "NULL");
    else if (kind == CELL_DATE)
        print_date(out, cell.value);
    else if (kind == CELL_DECIMAL)
        print_decimal(out, cell.value);
    else if (kind == CELL_TEXT)
        bytebuf_printf(out, "s%04lld%s", (long long)cell.value, cell.value % LONG_TEXT == 0 ? " and so on and so forth" : "");
    else
        bytebuf_printf(out, "%lld", (long long)cell.value);
}

void cell_literal(ByteBuf *out, CellKind kind, Cell cell)
{
    bool is_quoted = !cell.is_null && (kind == CELL_DATE || kind == CELL_TEXT);
    if (is_quoted)
        bytebuf_append_char(out, '\'');
    cell_print(out, kind, cell);
    if (is_quoted)
        bytebuf_append_char(out, '\'');
}

/* ---- conditions ---- */

static void print_term(ByteBuf *out, const RefColumn *column, const Term *term)
{
    static const char *const operators[] = {" < ", " > ", " = "};
    if (term->kind == TERM_NOT_NULL || term->kind == TERM_IS_NULL) {
        bytebuf_printf(out, "%s IS %sNULL", column->name, term->kind == TERM_NOT_NULL ? "NOT " : "");
    } else if (term->kind == TERM_MODULO) {
        bytebuf_printf(out, "%s %% %lld = %lld", column->name, (long long)term->values[0], (long long)term->values[1]);
    } else if (term->kind == TERM_IN) {
        bytebuf_printf(out, "%s IN (", column->name);
        for (uint32_t i = 0; i < COUNT_OF(term->values); i++) {
            bytebuf_append_text(out, i == 0 ? "" : ", ");
            cell_literal(out, column->kind, (Cell){term->values[i], false});
        }
        bytebuf_append_char(out, ')');
    } else {
        bytebuf_append_text(out, column->name);
        bytebuf_append_text(out, operators[term->kind]);
        cell_literal(out, column->kind, (Cell){term->values[0], false});
    }
}

void where_print(ByteBuf *out, const RefTable *table, const Where *where)
{
    for (uint32_t i = 0; i < where->count; i++) {
        bytebuf_append_text(out, i == 0 ? "" : " AND ");
        print_term(out, &table->columns[where->terms[i].column], &where->terms[i]);
    }
}

static bool term_holds(const Term *term, Cell cell)
{
    if (term->kind == TERM_IS_NULL || term->kind == TERM_NOT_NULL)
        return cell.is_null == (term->kind == TERM_IS_NULL);
    if (cell.is_null)
        return false;
    switch (term->kind) {
    case TERM_LESS:
        return cell.value < term->values[0];
    case TERM_GREATER:
        return cell.value > term->values[0];
    case TERM_EQUAL:
        return cell.value == term->values[0];
    case TERM_MODULO:
        return cell.value % term->values[0] == term->values[1];
    default:
        return cell.value == term->values[0] || cell.value == term->values[1] || cell.value == term->values[2];
    }
}

bool where_holds(const Where *where, const Row *row)
{
    for (uint32_t i = 0; i < where->count; i++) {
        if (!term_holds(&where->terms[i], row->cells[where->terms[i].column]))
            return false;
    }
    return true;
}

/* ---- rows ---- */

static bool same_key(const RefTable *table, const Row *a, const Row *b)
{
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (a->cells[k].is_null != b->cells[k].is_null || (!a->cells[k].is_null && a->cells[k].value != b->cells[k].value))
            return false;
    }
    return true;
}

Row *ref_find(RefTable *table, const Row *row)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (same_key(table, &table->rows[i], row))
            return &table->rows[i];
    }
    return NULL;
}

static Cell merge_cells(Merging merging, Cell old, Cell new)
{
    switch (merging) {
    case MERGE_SUM:
        return old.is_null ? new : new.is_null ? old : (Cell){old.value + new.value, false};
    case MERGE_MIN:
        return old.is_null || (!new.is_null && new.value < old.value) ? new : old;
    case MERGE_MAX:
        return old.is_null || (!new.is_null && new.value > old.value) ? new : old;
    case MERGE_REPLACE_IF_NOT_NULL:
        return new.is_null ? old : new;
    default:
        return new;
    }
}

void ref_put(RefTable *table, const Row *row)
{
    Row *old = table->keys == TABLE_DUPLICATE ? NULL : ref_find(table, row);
    for (uint32_t c = table->key_count; old != NULL && c < table->column_count; c++)
        old->cells[c] = merge_cells(table->columns[c].merging, old->cells[c], row->cells[c]);
    if (old != NULL)
        return;
    if (table->row_count == table->row_room) {
        table->row_room = table->row_room * 2 + 16;
        table->rows = mem_realloc(table->rows, table->row_room * sizeof(Row));
    }
    table->rows[table->row_count++] = *row;
}

void ref_delete(RefTable *table, const Where *where)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (!where_holds(where, &table->rows[i]))
            table->rows[kept++] = table->rows[i];
    }
    table->row_count = kept;
}

void ref_delete_key(RefTable *table, const Row *row)
{
    Row *old = ref_find(table, row);
    if (old != NULL)
        *old = table->rows[--table->row_count];
}

void ref_clear(RefTable *table)
{
    table->row_count = 0;
}

void ref_add(RefTable *table, const Where *where, uint32_t column, int64_t delta)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        Cell *cell = &table->rows[i].cells[column];
        if (where_holds(where, &table->rows[i]) && !cell->is_null)
            cell->value += delta;
    }
}

void ref_set(RefTable *table, const Where *where, uint32_t column, Cell value)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (where_holds(where, &table->rows[i]))
            table->rows[i].cells[column] = value;
    }
}

/* ---- definitions ---- */

void ref_add_column(RefTable *table, uint32_t at, const RefColumn *column)
{
    uint32_t behind = table->column_count - at;
    memmove(&table->columns[at + 1], &table->columns[at], behind * sizeof(RefColumn));
    table->columns[at] = *column;
    for (uint32_t i = 0; i < table->row_count; i++) {
        Cell *cells = table->rows[i].cells;
        memmove(&cells[at + 1], &cells[at], behind * sizeof(Cell));
        cells[at] = column->missing;
    }
    table->column_count++;
}

void ref_drop_column(RefTable *table, uint32_t at)
{
    uint32_t behind = table->column_count - at - 1;
    memmove(&table->columns[at], &table->columns[at + 1], behind * sizeof(RefColumn));
    for (uint32_t i = 0; i < table->row_count; i++)
        memmove(&table->rows[i].cells[at], &table->rows[i].cells[at + 1], behind * sizeof(Cell));
    table->column_count--;
}

int64_t ref_part_of(const RefTable *table, const Row *row)
{
    int64_t value = row->cells[0].value;
    AUTO_BYTEBUF text = {0};
    int64_t part = 0;
    switch (table->parts) {
    case PARTS_RANGE:
        while (part < (int64_t)table->bound_count && value >= table->bounds[part])
            part++;
        return part;
    case PARTS_MONTH: /* "2026-01-.." to 202601 */
        print_date(&text, value);
        for (const char *at = text.data; at < text.data + 7; at++)
            part = *at == '-' ? part : part * 10 + (*at - '0');
        return part;
    case PARTS_LIST:
        return value;
    default:
        return 0;
    }
}

void ref_drop_part(RefTable *table, int64_t part)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->row_count; i++) {
        if (ref_part_of(table, &table->rows[i]) != part)
            table->rows[kept++] = table->rows[i];
    }
    table->row_count = kept;
}
