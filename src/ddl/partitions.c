#include "ddl/ddl.h"

/* Partitions as CREATE TABLE and ALTER TABLE write them: LESS THAN, [a, b), VALUES IN, START END EVERY. */

#include "base/strmap.h"
#include "load/partition_router.h"
#include "types/datetime.h"
#include "types/number_text.h"

enum { MOST_PARTITIONS = 100000, MOST_AT_ONCE = 4096 };

/* Partitions that one statement adds to those in list. */
typedef struct PartitionAdding {
    PartitionList *list;
    uint32_t before;              /* that were there */
    const CatalogPartition *last; /* whose end is the greatest */
    uint32_t known;               /* of list, that last comes from and whose names are in names */
    StrMap names;
} PartitionAdding;

Status ddl_bound(DdlContext *context, const AstExpr *ast, Type type, Datum *out, bool *out_is_max)
{
    *out_is_max = ast->kind == AST_NAME && strview_equal_ci(ast->name.parts[0], STR_VIEW("MAXVALUE"));
    if (*out_is_max)
        return OK;
    if (ast->kind == AST_NULL) {
        *out = datum_null();
        return OK;
    }
    AUTO_BYTEBUF text = {0};
    if (ast->kind == AST_UNARY && ast->left != NULL)
        bytebuf_printf(&text, "-%.*s", SV_ARGS(ast->left->text));
    else
        bytebuf_append_view(&text, ast->text);
    if (datum_parse(type, bytebuf_view(&text), context->arena, NULL, out) != OK)
        return DDL_ERROR(context, "Invalid partition value: %s.", text.data == NULL ? "" : text.data);
    *out = datum_copy(context->arena, type, out);
    return OK;
}

static Status fill_bounds(DdlContext *context, const TableSchema *schema, const AstExprList *items, Datum *out, bool *out_has)
{
    bool is_max = items->count == 0;
    if (items->count > schema->partition_column_count)
        return DDL_ERROR(context, "Partition column size and value size mismatched.");
    for (uint32_t i = 0; i < items->count && !is_max; i++)
        TRY(ddl_bound(context, items->items[i], schema->partition_types[i], &out[i], &is_max));
    /* Columns that are not written begin at their least value. */
    for (uint32_t i = items->count; i < schema->partition_column_count; i++)
        out[i] = datum_null();
    *out_has = !is_max;
    return OK;
}

static int compare_bounds(const TableSchema *schema, const Datum *a, const Datum *b)
{
    int order = 0;
    for (uint32_t i = 0; i < schema->partition_column_count && order == 0; i++)
        order = datum_compare(schema->partition_types[i], &a[i], &b[i]);
    return order;
}

/* The end of the partition that lies nearest below. */
static const CatalogPartition *partition_below(const TableSchema *schema, const PartitionList *list, const CatalogPartition *fresh)
{
    const CatalogPartition *nearest = NULL;
    for (uint32_t i = 0; i < list->count; i++) {
        const CatalogPartition *p = list->items[i];
        if (!p->has_high || (fresh->has_high && compare_bounds(schema, p->high, fresh->high) >= 0))
            continue;
        if (nearest == NULL || compare_bounds(schema, p->high, nearest->high) > 0)
            nearest = p;
    }
    return nearest;
}

static Status fill_range(DdlContext *context, const TableSchema *schema, const AstPartition *ast, const PartitionList *list,
                         CatalogPartition *partition)
{
    TRY(fill_bounds(context, schema, &ast->high, partition->high, &partition->has_high));
    if (ast->kind == AST_PARTITION_FIXED) {
        TRY(fill_bounds(context, schema, &ast->low, partition->low, &partition->has_low));
    } else {
        const CatalogPartition *below = partition_below(schema, list, partition);
        partition->has_low = below != NULL;
        for (uint32_t i = 0; below != NULL && i < schema->partition_column_count; i++)
            partition->low[i] = below->high[i];
    }
    if (partition->has_low && partition->has_high && compare_bounds(schema, partition->low, partition->high) >= 0)
        return DDL_ERROR(context, "Range of partition %.*s is empty: its lower bound is not below its upper bound.", SV_ARGS(partition->name));
    return OK;
}

static Status fill_list(DdlContext *context, const TableSchema *schema, const AstPartition *ast, CatalogPartition *partition)
{
    uint32_t columns = schema->partition_column_count;
    bool is_max;
    partition->value_rows = ast->rows.count;
    partition->values = ARENA_NEW_ARRAY(context->arena, Datum, MAX(ast->rows.count * columns, 1u));
    for (uint32_t r = 0; r < ast->rows.count; r++) {
        if (ast->rows.items[r].count != columns)
            return DDL_ERROR(context, "(%u values) does not match the %u partition columns.", ast->rows.items[r].count, columns);
        for (uint32_t c = 0; c < columns; c++)
            TRY(ddl_bound(context, ast->rows.items[r].items[c], schema->partition_types[c], &partition->values[r * columns + c], &is_max));
    }
    return OK;
}

static void take_note(const TableSchema *schema, PartitionAdding *adding)
{
    for (; adding->known < adding->list->count; adding->known++) {
        CatalogPartition *p = adding->list->items[adding->known];
        const CatalogPartition *last = adding->last;
        if (table_has_ranges(schema) && (last == NULL || (last->has_high && (!p->has_high || compare_bounds(schema, p->high, last->high) > 0))))
            adding->last = p;
        (void)strmap_put_if_absent(&adding->names, p->name, p);
    }
}

/* Ranges that are added behind all that are there overlap none of them. */
static bool lies_behind(const TableSchema *schema, const PartitionAdding *adding, const CatalogPartition *fresh)
{
    const CatalogPartition *last = adding->last;
    return last != NULL && last->has_high && fresh->has_low && compare_bounds(schema, last->high, fresh->low) <= 0;
}

static Status add_partition(DdlContext *context, const TableSchema *schema, PartitionAdding *adding, CatalogPartition *fresh, bool if_not_exists)
{
    PartitionList *list = adding->list;
    take_note(schema, adding);
    if (list->count >= MOST_PARTITIONS)
        return DDL_ERROR(context, "The number of partitions exceeds the limit of %d.", MOST_PARTITIONS);
    if (list->count - adding->before >= MOST_AT_ONCE)
        return DDL_ERROR(context, "The number of partitions exceeds the limit of %d.", MOST_AT_ONCE);
    bool is_same = strmap_get(&adding->names, fresh->name) != NULL;
    if (is_same && if_not_exists)
        return OK;
    if (is_same)
        return RAISE(context->diag, PARTITION_EXISTS, "Duplicate partition name %.*s", SV_ARGS(fresh->name));
    for (uint32_t i = 0; i < list->count && !lies_behind(schema, adding, fresh); i++) {
        if (partitions_overlap(schema, list->items[i], fresh))
            return DDL_ERROR(context, "%s of partition %.*s intersects with that of partition %.*s.",
                             table_has_ranges(schema) ? "Range" : "Value list", SV_ARGS(fresh->name), SV_ARGS(list->items[i]->name));
    }
    AST_PUSH(context->arena, list, fresh);
    return OK;
}

/* ---- START END EVERY ---- */

static Status every_step(DdlContext *context, const TableSchema *schema, const AstExpr *every, PartitionStep *out)
{
    *out = (PartitionStep){.unit = STEP_NUMBER};
    bool is_interval = every->kind == AST_INTERVAL && every->left != NULL;
    StrView count = is_interval ? every->left->text : every->text;
    bool is_number = int64_parse(count, &out->count) && out->count > 0;
    if (!is_number)
        return DDL_ERROR(context, "Batch partition EVERY clause needs a positive number, not '%.*s'.", SV_ARGS(count));
    if (is_interval != type_is_date(schema->partition_types[0]))
        return DDL_ERROR(context, "Batch partition EVERY clause does not fit the type of the partition column.");
    if (is_interval && !step_unit_parse(every->text, &out->unit))
        return DDL_ERROR(context, "Batch partition EVERY clause does not support the unit %.*s.", SV_ARGS(every->text));
    if (!is_interval && !type_is_integer(schema->partition_types[0]))
        return DDL_ERROR(context, "Batch partition needs a partition column of an integer or date type.");
    return OK;
}

static Status add_batch(DdlContext *context, const TableSchema *schema, const AstPartition *ast, PartitionAdding *adding)
{
    PartitionStep step;
    Datum start, stop;
    bool is_max;
    if (schema->partition_column_count != 1 || !table_has_ranges(schema))
        return DDL_ERROR(context, "Batch build partition only supports a single range column.");
    Type type = schema->partition_types[0];
    TRY(every_step(context, schema, ast->every, &step));
    TRY(ddl_bound(context, ast->start, type, &start, &is_max));
    TRY(ddl_bound(context, ast->stop, type, &stop, &is_max));
    if (start.is_null || stop.is_null || datum_compare(type, &start, &stop) >= 0)
        return DDL_ERROR(context, "Batch build partition start date should less than end date.");
    while (datum_compare(type, &start, &stop) < 0) {
        AUTO_BYTEBUF name = {0};
        Datum floor = step.unit == STEP_NUMBER ? start : step_floor(&step, type, start);
        Datum next = step_next(&step, type, floor);
        if (datum_compare(type, &next, &start) <= 0)
            return DDL_ERROR(context, "Batch build partition leaves the range of dates.");
        step_name(&step, type, start, &name);
        CatalogPartition *partition = partition_new(context->store, schema, bytebuf_view(&name), context->now_us, context->arena);
        partition->has_low = partition->has_high = true;
        partition->low[0] = start;
        partition->high[0] = next;
        TRY(add_partition(context, schema, adding, partition, ast->if_not_exists));
        start = next;
    }
    return OK;
}

Status ddl_add_partitions(DdlContext *context, const TableSchema *schema, const AstPartitions *items, PartitionList *list)
{
    PartitionAdding adding = {.list = list, .before = list->count};
    strmap_init(&adding.names, context->arena, true);
    for (uint32_t i = 0; i < items->count; i++) {
        const AstPartition *item = &items->items[i];
        bool is_list = item->kind == AST_PARTITION_LIST;
        if (is_list == table_has_ranges(schema))
            return DDL_ERROR(context, "Partition %.*s is not of the kind of the table's partitions.", SV_ARGS(item->name));
        if (item->kind == AST_PARTITION_RANGE) {
            TRY(add_batch(context, schema, item, &adding));
            continue;
        }
        TRY(ddl_check_name(item->name, context->diag));
        CatalogPartition *partition = partition_new(context->store, schema, item->name, context->now_us, context->arena);
        TRY(is_list ? fill_list(context, schema, item, partition) : fill_range(context, schema, item, list, partition));
        TRY(add_partition(context, schema, &adding, partition, item->if_not_exists));
    }
    return OK;
}
