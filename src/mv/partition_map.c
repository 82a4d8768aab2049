#include "mv/partition_map.h"

#include <stdlib.h>

#include "base/strmap.h"
#include "load/partition_router.h"
#include "sql/parser.h"
#include "types/datetime.h"

/* Of a base partition among the values of the view's partition columns. */
typedef struct Image {
    const CatalogPartition *partition;
    bool has_low, has_high;
    Datum low, high;
    Datum *values; /* value_rows rows */
    uint32_t value_rows;
    bool is_whole; /* all columns of the base's partition */
} Image;

static int64_t least_time(Type type)
{
    return type.kind == TYPE_DATE ? (int64_t)MIN_DATE : MIN_DATE * US_PER_DAY;
}

static bool is_time(Type type)
{
    return type_is_date(type);
}

/* ---- images ---- */

/* All values up to and with last, of which the first is first. */
static Status image_range(const MvBoundView *view, const MvScan *scan, Type base_type, Type type, const Datum *first, const Datum *last, Image *out)
{
    const PartitionStep *step = &view->steps[0];
    Datum low = datum_null(), high = datum_null();
    if (first != NULL)
        TRY(mv_value(view, scan->exprs[0], base_type, first, &low));
    if (last != NULL)
        TRY(mv_value(view, scan->exprs[0], base_type, last, &high));
    out->has_low = first != NULL && !low.is_null;
    out->has_high = last != NULL;
    out->low = low;
    if (last == NULL)
        return OK;
    if (high.is_null) /* NULL alone */
        out->high = datum_i64(least_time(type));
    else
        out->high = step_next(step->unit == STEP_NONE ? &(PartitionStep){.unit = STEP_NUMBER, .count = 1} : step, type, high);
    return OK;
}

/* The value before it, of a type whose values are integers. */
static Datum before(Datum value)
{
    return (Datum){.i128 = (Int128)value.i128 - 1};
}

static Status image_of_range(const MvBoundView *view, const MvScan *scan, const CatalogPartition *p, Type type, Image *out)
{
    const TableSchema *schema = scan->table->schema;
    Type base_type = schema->partition_types[0];
    bool is_first = p->has_low && schema->scheme == PARTITION_EXPRESSION && is_time(base_type) && p->low[0].i64 <= least_time(base_type);
    bool has_low = p->has_low && !is_first; /* NULLs lie in the first one */
    if (scan->exprs[0]->kind == EXPR_COLUMN) {
        out->has_low = has_low;
        out->has_high = p->has_high;
        out->low = p->low[0];
        out->high = p->high[0];
        return OK;
    }
    Datum last = p->has_high ? before(p->high[0]) : datum_null();
    if (is_first) { /* functions may refuse its dates: then there are only NULLs in it */
        Diag unheard = {0};
        MvBoundView quiet = *view;
        quiet.diag = &unheard;
        if (image_range(&quiet, scan, base_type, type, NULL, p->has_high ? &last : NULL, out) == OK)
            return OK;
        out->has_low = false;
        out->has_high = true;
        out->high = datum_i64(least_time(type));
        return OK;
    }
    return image_range(view, scan, base_type, type, has_low ? &p->low[0] : NULL, p->has_high ? &last : NULL, out);
}

/* Lists whose values stand for ranges, or are made into values that do. */
static Status image_of_values(const MvBoundView *view, const MvScan *scan, const CatalogPartition *p, Type type, Image *out)
{
    const TableSchema *schema = scan->table->schema;
    uint32_t column = scan->base_columns[0];
    Type base_type = schema->partition_types[column];
    PartitionStep step = {.unit = STEP_NONE};
    bool is_plain;
    if (table_partition_column(schema, column, &is_plain) >= 0 && !is_plain) {
        AstExpr *ast;
        StrView name;
        TRY(sql_parse_expression(schema->partition_exprs[column], view->arena, view->diag, &ast));
        TRY(partition_expr_parse(ast, view->diag, &step, &name));
    }
    for (uint32_t v = 0; v < p->value_rows; v++) {
        Datum first = p->values[v * schema->partition_column_count + column], last = first;
        Image one = {0};
        if (step.unit != STEP_NONE && !first.is_null)
            last = before(step_next(&step, base_type, first));
        TRY(image_range(view, scan, base_type, type, &first, &last, &one));
        if (v == 0) {
            out->has_low = one.has_low;
            out->has_high = one.has_high;
            out->low = one.low;
            out->high = one.high;
        } else { /* the span of all */
            out->has_low &= one.has_low;
            if (out->has_low && datum_compare(type, &one.low, &out->low) < 0)
                out->low = one.low;
            if (datum_compare(type, &one.high, &out->high) > 0)
                out->high = one.high;
        }
    }
    return OK;
}

static Status image_of_list(const MvBoundView *view, const MvScan *scan, const CatalogPartition *p, Image *out)
{
    const TableSchema *schema = scan->table->schema;
    uint32_t columns = view->partition_count;
    out->value_rows = p->value_rows;
    out->is_whole = columns == schema->partition_column_count;
    out->values = ARENA_NEW_ARRAY(view->arena, Datum, MAX(p->value_rows * columns, 1u));
    for (uint32_t v = 0; v < p->value_rows; v++) {
        for (uint32_t d = 0; d < columns; d++) {
            uint32_t column = scan->base_columns[d];
            TRY(mv_value(view, scan->exprs[d], schema->partition_types[column], &p->values[v * schema->partition_column_count + column],
                         &out->values[v * columns + d]));
        }
    }
    return OK;
}

static Status make_image(const MvBoundView *view, const MvScan *scan, const CatalogPartition *p, const TableSchema *view_schema, Image *out)
{
    *out = (Image){.partition = p};
    if (!view->is_range)
        return image_of_list(view, scan, p, out);
    if (table_has_ranges(scan->table->schema))
        return image_of_range(view, scan, p, view_schema->partition_types[0], out);
    return image_of_values(view, scan, p, view_schema->partition_types[0], out);
}

/* ---- cells of ranges ---- */

typedef struct Images {
    Image *items;
    uint32_t count;
} Images;

/* Those of all partitions of a reference scan. */
static Status make_images(const MvBoundView *view, const MvScan *scan, const TableSchema *view_schema, Images *out)
{
    out->count = scan->table->partition_count;
    out->items = ARENA_NEW_ARRAY(view->arena, Image, out->count + 1);
    for (uint32_t p = 0; p < out->count; p++)
        TRY(make_image(view, scan, scan->table->partitions[p], view_schema, &out->items[p]));
    return OK;
}

/* NULL bound: without end. low: -1 side. */
static int compare_low(Type type, bool a_has, const Datum *a, bool b_has, const Datum *b)
{
    return a_has && b_has ? datum_compare(type, a, b) : (int)a_has - (int)b_has;
}

static int compare_high(Type type, bool a_has, const Datum *a, bool b_has, const Datum *b)
{
    return a_has && b_has ? datum_compare(type, a, b) : (int)b_has - (int)a_has;
}

static int compare_images(const void *a, const void *b, void *type)
{
    const Image *x = a, *y = b;
    Type t = *(const Type *)type;
    int order = compare_low(t, x->has_low, &x->low, y->has_low, &y->low);
    return order != 0 ? order : compare_high(t, x->has_high, &x->high, y->has_high, &y->high);
}

static void push_cell(const MvBoundView *view, MvCells *out, uint32_t *in_out_room, const MvCell *cell)
{
    if (out->count == *in_out_room)
        out->items = arena_grow(view->arena, out->items, sizeof(*out->items), out->count, in_out_room);
    out->items[out->count++] = *cell;
}

typedef struct Bound {
    bool is_end; /* without end: before all as a low one, behind all as a high one */
    bool is_high;
    Datum value;
} Bound;

static int compare_bounds(const void *a, const void *b, void *type)
{
    const Bound *x = a, *y = b;
    if (x->is_end || y->is_end) {
        int px = x->is_end ? (x->is_high ? 1 : -1) : 0, py = y->is_end ? (y->is_high ? 1 : -1) : 0;
        return px - py;
    }
    return datum_compare(*(const Type *)type, &x->value, &y->value);
}

static bool image_contains(Type type, const Image *image, const MvCell *cell)
{
    return compare_low(type, image->has_low, &image->low, cell->has_low, &cell->low) <= 0 &&
           compare_high(type, image->has_high, &image->high, cell->has_high, &cell->high) >= 0;
}

/* A group of ranges that overlap: cut at every bound. */
static void cut_group(const MvBoundView *view, Type type, const Image *images, uint32_t count, MvCells *out, uint32_t *room)
{
    Bound *bounds = ARENA_NEW_ARRAY(view->arena, Bound, count * 2);
    for (uint32_t i = 0; i < count; i++) {
        bounds[i * 2] = (Bound){!images[i].has_low, false, images[i].low};
        bounds[i * 2 + 1] = (Bound){!images[i].has_high, true, images[i].high};
    }
    qsort_r(bounds, count * 2, sizeof(*bounds), compare_bounds, &type);
    for (uint32_t b = 0; b + 1 < count * 2; b++) {
        if (compare_bounds(&bounds[b], &bounds[b + 1], &type) == 0)
            continue;
        MvCell cell = {.has_low = !bounds[b].is_end, .has_high = !bounds[b + 1].is_end, .low = bounds[b].value, .high = bounds[b + 1].value};
        bool is_covered = false;
        for (uint32_t i = 0; i < count && !is_covered; i++) {
            is_covered = image_contains(type, &images[i], &cell);
            if (is_covered && compare_images(&images[i], &(Image){.has_low = cell.has_low, .has_high = cell.has_high, .low = cell.low, .high = cell.high},
                                             &type) == 0)
                cell.name = images[i].partition->name;
        }
        if (is_covered)
            push_cell(view, out, room, &cell);
    }
}

static void range_cells(const MvBoundView *view, Type type, Images *images, MvCells *out)
{
    uint32_t room = 0;
    qsort_r(images->items, images->count, sizeof(Image), compare_images, &type);
    for (uint32_t first = 0; first < images->count;) {
        const Image *image = &images->items[first];
        bool has_high = image->has_high, all_equal = true;
        Datum high = image->high;
        uint32_t end = first + 1;
        while (end < images->count && (!has_high || !images->items[end].has_low || datum_compare(type, &images->items[end].low, &high) < 0)) {
            const Image *next = &images->items[end++];
            all_equal &= compare_images(image, next, &type) == 0;
            if (compare_high(type, next->has_high, &next->high, has_high, &high) > 0) {
                has_high = next->has_high;
                high = next->high;
            }
        }
        MvCell cell = {.has_low = image->has_low, .has_high = image->has_high, .low = image->low, .high = image->high, .name = image->partition->name};
        if (all_equal)
            push_cell(view, out, &room, &cell);
        else
            cut_group(view, type, image, end - first, out, &room);
        first = end;
    }
}

/* ---- cells of lists ---- */

static int compare_rows(const TableSchema *schema, const Datum *a, const Datum *b)
{
    int order = 0;
    for (uint32_t i = 0; i < schema->partition_column_count && order == 0; i++)
        order = datum_compare(schema->partition_types[i], &a[i], &b[i]);
    return order;
}

static bool lists_row(const TableSchema *schema, const Datum *values, uint32_t rows, const Datum *row)
{
    for (uint32_t v = 0; v < rows; v++) {
        if (compare_rows(schema, &values[v * schema->partition_column_count], row) == 0)
            return true;
    }
    return false;
}

static bool same_list(const TableSchema *schema, const Datum *a, uint32_t a_rows, const Datum *b, uint32_t b_rows)
{
    uint32_t columns = schema->partition_column_count;
    for (uint32_t v = 0; v < a_rows; v++) {
        if (!lists_row(schema, b, b_rows, &a[v * columns]))
            return false;
    }
    for (uint32_t v = 0; v < b_rows; v++) {
        if (!lists_row(schema, a, a_rows, &b[v * columns]))
            return false;
    }
    return true;
}

static bool lists_meet(const TableSchema *schema, const Datum *a, uint32_t a_rows, const Datum *b, uint32_t b_rows)
{
    for (uint32_t v = 0; v < a_rows; v++) {
        if (lists_row(schema, b, b_rows, &a[v * schema->partition_column_count]))
            return true;
    }
    return false;
}

/* Of all value rows in their order, one cell each. */
static void single_cells(const MvBoundView *view, const TableSchema *schema, const Images *images, MvCells *out)
{
    uint32_t columns = schema->partition_column_count, room = 0;
    out->count = 0;
    for (uint32_t i = 0; i < images->count; i++) {
        for (uint32_t v = 0; v < images->items[i].value_rows; v++) {
            const Datum *row = &images->items[i].values[v * columns];
            bool is_known = false;
            for (uint32_t c = 0; c < out->count && !is_known; c++)
                is_known = compare_rows(schema, out->items[c].values, row) == 0;
            MvCell cell = {.values = (Datum *)(uintptr_t)row, .value_rows = 1};
            if (!is_known)
                push_cell(view, out, &room, &cell);
        }
    }
}

static void list_cells(const MvBoundView *view, const TableSchema *schema, const Images *images, MvCells *out)
{
    uint32_t room = 0;
    bool overlap = false;
    for (uint32_t i = 0; i < images->count && !overlap; i++) {
        const Image *image = &images->items[i];
        bool is_known = false;
        for (uint32_t c = 0; c < out->count && !is_known && !overlap; c++) {
            const MvCell *other = &out->items[c];
            is_known = same_list(schema, image->values, image->value_rows, other->values, other->value_rows);
            overlap = !is_known && lists_meet(schema, image->values, image->value_rows, other->values, other->value_rows);
        }
        MvCell cell = {.values = image->values, .value_rows = image->value_rows};
        if (image->is_whole)
            cell.name = image->partition->name;
        if (!is_known && !overlap && image->value_rows > 0)
            push_cell(view, out, &room, &cell);
    }
    if (overlap)
        single_cells(view, schema, images, out);
}

/* ---- names ---- */

static void put_time(Type type, const PartitionStep *step, const Datum *value, ByteBuf *out)
{
    int64_t us = type.kind == TYPE_DATE ? value->i64 * US_PER_DAY : value->i64;
    int32_t year, month, day;
    date_to_civil(datetime_date(us), &year, &month, &day);
    int64_t time = us - (int64_t)datetime_date(us) * US_PER_DAY;
    int hour = (int)(time / (3600 * US_PER_SECOND)), minute = (int)(time / (60 * US_PER_SECOND) % 60), second = (int)(time / US_PER_SECOND % 60);
    if (step->unit == STEP_YEAR)
        bytebuf_printf(out, "%04d", year);
    else if (step->unit == STEP_MONTH || step->unit == STEP_QUARTER)
        bytebuf_printf(out, "%04d%02d", year, month);
    else
        bytebuf_printf(out, "%04d%02d%02d", year, month, day);
    if (step->unit == STEP_HOUR)
        bytebuf_printf(out, "%02d", hour);
    else if (step->unit == STEP_MINUTE)
        bytebuf_printf(out, "%02d%02d", hour, minute);
    else if (step->unit == STEP_SECOND || (step->unit == STEP_NONE && time != 0))
        bytebuf_printf(out, "%02d%02d%02d", hour, minute, second);
}

static void put_bound(Type type, const PartitionStep *step, bool has, const Datum *value, const char *missing, ByteBuf *out)
{
    if (!has) {
        bytebuf_append_text(out, missing);
    } else if (is_time(type)) {
        put_time(type, step, value, out);
    } else {
        AUTO_BYTEBUF text = {0};
        datum_print(type, value, &text);
        for (size_t i = 0; i < text.length; i++)
            bytebuf_append_char(out, text.data[i] == '-' ? '_' : text.data[i]);
    }
}

/* A cell that is a base partition, by its plain column, has its name; others are named for what they hold. */
static void name_cell(const MvBoundView *view, const CatalogTable *table, StrMap *names, MvCell *cell)
{
    bool is_plain = cell->name.length > 0;
    for (uint32_t d = 0; d < view->partition_count; d++)
        is_plain &= view->is_plain[d];
    AUTO_BYTEBUF name = {0};
    if (is_plain) {
        bytebuf_append_view(&name, cell->name);
    } else if (view->is_range) {
        bytebuf_append_char(&name, 'p');
        put_bound(table->schema->partition_types[0], &view->steps[0], cell->has_low, &cell->low, "0000", &name);
        bytebuf_append_char(&name, '_');
        put_bound(table->schema->partition_types[0], &view->steps[0], cell->has_high, &cell->high, "9999", &name);
    } else {
        list_partition_name(table->schema, cell->values, &name);
        name.length = MIN(name.length, (size_t)50);
    }
    size_t length = name.length;
    for (uint32_t suffix = 1; strmap_get(names, bytebuf_view(&name)) != NULL; suffix++) {
        name.length = length;
        bytebuf_printf(&name, "_%u", suffix);
    }
    cell->name = strview_n(arena_strndup(view->arena, name.data, name.length), name.length);
    strmap_set(names, cell->name, cell);
}

/* ---- what there is ---- */

static bool is_cell(const TableSchema *schema, const CatalogPartition *p, const MvCell *cell)
{
    if (schema->scheme == PARTITION_NONE)
        return true;
    if (schema->scheme == PARTITION_LIST)
        return same_list(schema, p->values, p->value_rows, cell->values, cell->value_rows);
    Type type = schema->partition_types[0];
    return compare_low(type, p->has_low, p->low, cell->has_low, &cell->low) == 0 &&
           compare_high(type, p->has_high, p->high, cell->has_high, &cell->high) == 0;
}

/* Where in the cells, which are in order, the range's lower bound is. */
static uint32_t first_cell_above(Type type, const MvCells *cells, bool has_low, const Datum *low)
{
    uint32_t begin = 0, end = cells->count;
    while (begin < end) {
        uint32_t middle = (begin + end) / 2;
        if (compare_low(type, cells->items[middle].has_low, &cells->items[middle].low, has_low, low) <= 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static MvCell *find_cell(const TableSchema *schema, MvCells *cells, const CatalogPartition *p)
{
    if (schema->scheme == PARTITION_RANGE) {
        uint32_t at = first_cell_above(schema->partition_types[0], cells, p->has_low, p->low);
        return at > 0 && is_cell(schema, p, &cells->items[at - 1]) ? &cells->items[at - 1] : NULL;
    }
    for (uint32_t c = 0; c < cells->count; c++) {
        if (is_cell(schema, p, &cells->items[c]))
            return &cells->items[c];
    }
    return NULL;
}

static void match_existing(const MvBoundView *view, const CatalogTable *table, MvCells *cells)
{
    cells->vanished = ARENA_NEW_ARRAY(view->arena, const CatalogPartition *, table->partition_count + 1);
    for (uint32_t p = 0; p < table->partition_count; p++) {
        MvCell *cell = find_cell(table->schema, cells, table->partitions[p]);
        if (cell != NULL && cell->existing == NULL)
            cell->existing = table->partitions[p];
        else
            cells->vanished[cells->vanished_count++] = table->partitions[p];
    }
    StrMap names;
    strmap_init(&names, view->arena, true);
    for (uint32_t c = 0; c < cells->count; c++) {
        if (cells->items[c].existing == NULL)
            continue;
        cells->items[c].name = cells->items[c].existing->name;
        strmap_set(&names, cells->items[c].name, &cells->items[c]);
    }
    for (uint32_t c = 0; c < cells->count; c++) {
        if (cells->items[c].existing == NULL)
            name_cell(view, table, &names, &cells->items[c]);
    }
}

/* ---- inputs ---- */

static void list_tables(const MvBoundView *view, MvCells *out)
{
    out->tables = ARENA_NEW_ARRAY(view->arena, MvTable, MAX(view->scan_count, 1u));
    for (uint32_t s = 0; s < view->scan_count; s++) {
        const MvScan *scan = &view->scans[s];
        uint32_t t = 0;
        while (t < out->table_count && out->tables[t].table != scan->table)
            t++;
        if (t == out->table_count)
            out->tables[out->table_count++] = (MvTable){scan->node->scan.database, scan->table, true};
        out->tables[t].is_ref &= scan->is_ref;
    }
}

static bool image_meets(const MvBoundView *view, const TableSchema *schema, const Image *image, const MvCell *cell)
{
    if (!view->is_range)
        return lists_meet(schema, image->values, image->value_rows, cell->values, cell->value_rows);
    Type type = schema->partition_types[0];
    return (!image->has_high || !cell->has_low || datum_compare(type, &cell->low, &image->high) < 0) &&
           (!cell->has_high || !image->has_low || datum_compare(type, &image->low, &cell->high) < 0);
}

static void add_input(const MvBoundView *view, MvCell *cell, uint32_t table, const CatalogPartition *p)
{
    MvInput input = {table, p};
    for (uint32_t i = cell->inputs.count; i > 0; i--) { /* of another scan of the table */
        if (cell->inputs.items[i - 1].table == table && cell->inputs.items[i - 1].partition == p)
            return;
    }
    ARRAY_PUSH(view->arena, &cell->inputs, input);
}

static void feed_cells(const MvBoundView *view, const TableSchema *schema, const Image *image, uint32_t table, MvCells *cells)
{
    uint32_t first = 0;
    if (view->is_range) {
        first = first_cell_above(schema->partition_types[0], cells, image->has_low, &image->low);
        first = first > 0 ? first - 1 : 0;
    }
    for (uint32_t c = first; c < cells->count; c++) {
        if (image_meets(view, schema, image, &cells->items[c]))
            add_input(view, &cells->items[c], table, image->partition);
        else if (view->is_range && c > first)
            break;
    }
}

static int compare_inputs(const void *a, const void *b)
{
    const MvInput *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return x->partition->id < y->partition->id ? -1 : x->partition->id > y->partition->id;
}

static void add_inputs(const MvBoundView *view, const TableSchema *schema, const Images *images, MvCells *cells)
{
    for (uint32_t s = 0; s < view->scan_count; s++) {
        uint32_t t = 0;
        while (cells->tables[t].table != view->scans[s].table)
            t++;
        for (uint32_t p = 0; cells->tables[t].is_ref && p < images[s].count; p++)
            feed_cells(view, schema, &images[s].items[p], t, cells);
    }
    for (uint32_t c = 0; c < cells->count; c++) {
        if (cells->items[c].inputs.count > 1)
            qsort(cells->items[c].inputs.items, cells->items[c].inputs.count, sizeof(MvInput), compare_inputs);
    }
}

uint64_t mv_live_rows(const CatalogPartition *p)
{
    uint64_t rows = 0;
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &p->tablets[t].segments[s];
            rows += segment->row_count - (segment->deletes == NULL ? 0 : MIN(segment->deletes->count, segment->row_count));
        }
    }
    return rows;
}

static void mark_rows(const MvBoundView *view, const TableSchema *schema, const Images *images, MvCells *cells)
{
    for (uint32_t i = 0; i < images->count; i++) {
        const Image *image = &images->items[i];
        uint32_t first = 0;
        if (mv_live_rows(image->partition) == 0)
            continue;
        if (view->is_range) {
            first = first_cell_above(schema->partition_types[0], cells, image->has_low, &image->low);
            first = first > 0 ? first - 1 : 0;
        }
        for (uint32_t c = first; c < cells->count; c++) {
            bool meets = image_meets(view, schema, image, &cells->items[c]);
            if (!meets && view->is_range && c > first)
                break;
            cells->items[c].has_rows |= meets;
        }
    }
}

Status mv_make_cells(const MvBoundView *view, const CatalogTable *table, MvCells *out)
{
    Images images = {0};
    *out = (MvCells){0};
    list_tables(view, out);
    if (view->partition_count == 0) {
        uint32_t room = 0;
        MvCell cell = {.name = table->name};
        push_cell(view, out, &room, &cell);
        for (uint32_t t = 0; t < out->table_count; t++)
            out->tables[t].is_ref = false;
        match_existing(view, table, out);
        return OK;
    }
    Images *by_scan = ARENA_NEW_ARRAY(view->arena, Images, view->scan_count + 1);
    uint32_t count = 0;
    for (uint32_t s = 0; s < view->scan_count; s++) {
        if (view->scans[s].is_ref)
            TRY(make_images(view, &view->scans[s], table->schema, &by_scan[s]));
        count += view->scans[s].is_main ? by_scan[s].count : 0;
    }
    images.items = ARENA_NEW_ARRAY(view->arena, Image, count + 1);
    for (uint32_t s = 0; s < view->scan_count; s++) {
        if (!view->scans[s].is_main)
            continue;
        memcpy(images.items + images.count, by_scan[s].items, by_scan[s].count * sizeof(Image));
        images.count += by_scan[s].count;
    }
    if (view->is_range)
        range_cells(view, table->schema->partition_types[0], &images, out);
    else
        list_cells(view, table->schema, &images, out);
    match_existing(view, table, out);
    mark_rows(view, table->schema, &images, out);
    add_inputs(view, table->schema, by_scan, out);
    return OK;
}

static bool select_image(const MvBoundView *view, const TableSchema *schema, const Image *image, const MvCells *cells, const uint8_t *chosen,
                         bool *in_out_all_inside)
{
    bool is_chosen = false;
    uint32_t first = 0;
    if (view->is_range) {
        first = first_cell_above(schema->partition_types[0], cells, image->has_low, &image->low);
        first = first > 0 ? first - 1 : 0;
    }
    for (uint32_t c = first; c < cells->count; c++) {
        bool meets = image_meets(view, schema, image, &cells->items[c]);
        if (!meets && view->is_range && c > first)
            break;
        is_chosen |= meets && chosen[c] != 0;
    }
    for (uint32_t c = first; c < cells->count && is_chosen; c++) {
        bool meets = image_meets(view, schema, image, &cells->items[c]);
        if (!meets && view->is_range && c > first)
            break;
        *in_out_all_inside &= !meets || chosen[c] != 0;
    }
    return is_chosen;
}

Status mv_select_partitions(const MvBoundView *view, const MvScan *scan, const MvCells *cells, const uint8_t *chosen, const TableSchema *schema,
                            uint64_t **out_ids, uint32_t *out_count, bool *out_all_inside)
{
    *out_ids = ARENA_NEW_ARRAY(view->arena, uint64_t, MAX(scan->table->partition_count, 1u));
    *out_count = 0;
    *out_all_inside = true;
    for (uint32_t p = 0; p < scan->table->partition_count; p++) {
        Image image;
        TRY(make_image(view, scan, scan->table->partitions[p], schema, &image));
        if (select_image(view, schema, &image, cells, chosen, out_all_inside))
            (*out_ids)[(*out_count)++] = scan->table->partitions[p]->id;
    }
    return OK;
}
