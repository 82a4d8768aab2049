#include "ddl/ddl.h"

/* ALTER TABLE ADD, DROP, MODIFY, RENAME COLUMN: metadata alone. Segments keep what they were written with;
 * scans fill columns that a segment lacks with their default, and widen what it has. */

#include "types/datetime.h"

static Status need_column(DdlContext *context, const TableSchema *schema, StrView name, uint32_t *out)
{
    int column = table_column_index(schema, name);
    if (column < 0)
        return DDL_ERROR(context, "Column[%.*s] does not exist.", SV_ARGS(name));
    *out = (uint32_t)column;
    return OK;
}

/* Other lists name columns by position: positions from at on move by one. */
static void shift_positions(TableSchema *schema, uint32_t at, int by)
{
    uint32_t *sort = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->sort_count, 1u));
    uint32_t *buckets = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->bucket_column_count, 1u));
    for (uint32_t i = 0; i < schema->sort_count; i++)
        sort[i] = schema->sort_columns[i] >= at ? (uint32_t)((int)schema->sort_columns[i] + by) : schema->sort_columns[i];
    for (uint32_t i = 0; i < schema->bucket_column_count; i++)
        buckets[i] = schema->bucket_columns[i] >= at ? (uint32_t)((int)schema->bucket_columns[i] + by) : schema->bucket_columns[i];
    schema->sort_columns = sort;
    schema->bucket_columns = buckets;
}

static Status added_position(DdlContext *context, const AstAlterAction *action, const TableSchema *schema, bool is_key, uint32_t *out)
{
    *out = is_key ? schema->key_count : schema->column_count;
    if (action->is_first)
        *out = 0;
    if (action->after.length > 0) {
        TRY(need_column(context, schema, action->after, out));
        (*out)++;
    }
    if (is_key && *out > schema->key_count)
        return DDL_ERROR(context, "Key column '%.*s' must be before value columns.", SV_ARGS(action->columns.items[0].name));
    if (!is_key && *out < schema->key_count)
        return DDL_ERROR(context, "Value column '%.*s' must be after key columns.", SV_ARGS(action->columns.items[0].name));
    return OK;
}

static Status check_new_column(DdlContext *context, const TableSchema *schema, const TableColumn *column)
{
    if (table_column_index(schema, column->name) >= 0)
        return DDL_ERROR(context, "Repeatedly add column: %.*s.", SV_ARGS(column->name));
    if (column->is_key)
        return RAISE(context->diag, NOT_SUPPORTED, "adding the key column '%.*s' is not supported", SV_ARGS(column->name));
    if (column->is_auto_increment || column->generated.length > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "adding the %s column '%.*s' is not supported",
                     column->is_auto_increment ? "AUTO_INCREMENT" : "generated", SV_ARGS(column->name));
    if (column->default_kind == DEFAULT_EXPRESSION)
        return RAISE(context->diag, NOT_SUPPORTED, "adding column '%.*s' with a default that is computed is not supported",
                     SV_ARGS(column->name));
    if (!column->is_nullable && column->default_kind != DEFAULT_LITERAL && column->default_kind != DEFAULT_NOW)
        return DDL_ERROR(context, "The new column '%.*s' is NOT NULL and needs a default value.", SV_ARGS(column->name));
    if (schema->keys_kind == KEYS_AGGREGATE && column->aggregate.length == 0)
        return DDL_ERROR(context, "No aggregate function specified for '%.*s'.", SV_ARGS(column->name));
    if (schema->keys_kind != KEYS_AGGREGATE && column->aggregate.length > 0)
        return DDL_ERROR(context, "Can not assign aggregation method on column of this table: %.*s.", SV_ARGS(column->name));
    return OK;
}

static Status add_column(DdlContext *context, const AstAlterAction *action, uint32_t number, TableSchema *schema)
{
    TableColumn column;
    uint32_t at = 0;
    TRY(ddl_fill_column(context, &action->columns.items[number], &schema->arena, &column));
    TRY(check_new_column(context, schema, &column));
    TRY(added_position(context, action, schema, column.is_key, &at));
    column.unique_id = schema->next_unique_id++;
    if (column.default_kind == DEFAULT_NOW) { /* what the rows have that are there already */
        char text[32];
        size_t length = datetime_print((context->now_us + context->zone_offset_us) / US_PER_SECOND * US_PER_SECOND, text);
        column.default_text = ddl_keep(&schema->arena, strview_n(text, column.type.kind == TYPE_DATE ? 10 : length));
    }
    TableColumn *grown = ARENA_NEW_ARRAY(&schema->arena, TableColumn, schema->column_count + 1);
    memcpy(grown, schema->columns, at * sizeof(*grown));
    grown[at] = column;
    memcpy(grown + at + 1, schema->columns + at, (schema->column_count - at) * sizeof(*grown));
    schema->columns = grown;
    schema->column_count++;
    shift_positions(schema, at, 1);
    return OK;
}

static bool is_listed(const uint32_t *list, uint32_t count, uint32_t column)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == column)
            return true;
    }
    return false;
}

static Status drop_column(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    uint32_t at = 0;
    if (action->if_exists && table_column_index(schema, action->name) < 0)
        return OK;
    TRY(need_column(context, schema, action->name, &at));
    const TableColumn *column = &schema->columns[at];
    if (table_partitions_use(schema, at))
        return DDL_ERROR(context, "Partition column[%.*s] cannot be dropped.", SV_ARGS(column->name));
    if (is_listed(schema->bucket_columns, schema->bucket_column_count, at))
        return DDL_ERROR(context, "Distribution column[%.*s] cannot be dropped.", SV_ARGS(column->name));
    if (column->is_key)
        return DDL_ERROR(context, "Can not drop key column[%.*s].", SV_ARGS(column->name));
    if (is_listed(schema->sort_columns, schema->sort_count, at))
        return DDL_ERROR(context, "Can not drop sort column[%.*s].", SV_ARGS(column->name));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (strview_find(schema->columns[i].generated, column->name) != SIZE_MAX && schema->columns[i].generated.length > 0)
            return DDL_ERROR(context, "Column: %.*s can not be dropped, because it is used by generated column %.*s.", SV_ARGS(column->name),
                             SV_ARGS(schema->columns[i].name));
    }
    memmove(schema->columns + at, schema->columns + at + 1, (schema->column_count - at - 1) * sizeof(TableColumn));
    schema->column_count--;
    shift_positions(schema, at + 1, -1);
    return OK;
}

static int integer_rank(Type type)
{
    return type.kind >= TYPE_TINYINT && type.kind <= TYPE_LARGEINT ? (int)type.kind : 0;
}

static bool can_widen(Type from, Type to)
{
    if (integer_rank(from) > 0 && integer_rank(to) > 0)
        return integer_rank(to) >= integer_rank(from) && to.kind <= TYPE_BIGINT;
    if (type_is_string(from) && (to.kind == TYPE_VARCHAR || to.kind == from.kind))
        return to.length >= from.length;
    return type_equal(from, to);
}

static Status modify_column(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    uint32_t at = 0;
    TableColumn fresh;
    TRY(need_column(context, schema, action->columns.items[0].name, &at));
    TRY(ddl_fill_column(context, &action->columns.items[0], &schema->arena, &fresh));
    TableColumn *column = &schema->columns[at];
    AUTO_BYTEBUF from = {0};
    AUTO_BYTEBUF to = {0};
    type_print_sql(column->type, &from);
    type_print_sql(fresh.type, &to);
    if (action->is_first || action->after.length > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "moving column '%.*s' is not supported", SV_ARGS(column->name));
    if (!type_equal(column->type, fresh.type) && (table_partitions_use(schema, at) || is_listed(schema->bucket_columns, schema->bucket_column_count, at)))
        return DDL_ERROR(context, "Can not modify the type of partition or distribution column[%.*s].", SV_ARGS(column->name));
    if (!can_widen(column->type, fresh.type))
        return RAISE(context->diag, NOT_SUPPORTED, "changing column '%.*s' from %s to %s is not supported: only wider integers and longer strings are",
                     SV_ARGS(column->name), from.data, to.data);
    if (column->is_nullable && !fresh.is_nullable)
        return DDL_ERROR(context, "Can not change from nullable to non-nullable: %.*s.", SV_ARGS(column->name));
    if (column->is_key && !column->is_nullable && schema->keys_kind == KEYS_PRIMARY)
        fresh.is_nullable = false;
    bool same_default = !action->columns.items[0].default_kind || (fresh.default_kind == column->default_kind && strview_equal(fresh.default_text, column->default_text));
    if (!same_default)
        return DDL_ERROR(context, "Can not change default value of column: %.*s.", SV_ARGS(column->name));
    if (fresh.aggregate.length > 0 && !strview_equal_ci(fresh.aggregate, column->aggregate))
        return DDL_ERROR(context, "Can not change aggregation type: %.*s.", SV_ARGS(column->name));
    if (column->generated.length > 0 || column->is_auto_increment)
        return RAISE(context->diag, NOT_SUPPORTED, "changing column '%.*s', which is generated or AUTO_INCREMENT, is not supported",
                     SV_ARGS(column->name));
    column->type = fresh.type;
    column->is_nullable = fresh.is_nullable;
    if (fresh.comment.length > 0)
        column->comment = fresh.comment;
    return OK;
}

static Status rename_column(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    uint32_t at = 0;
    TRY(need_column(context, schema, action->name, &at));
    TRY(ddl_check_name(action->new_name, context->diag));
    int taken = table_column_index(schema, action->new_name);
    if (taken >= 0)
        return DDL_ERROR(context, "Column name[%.*s] is already used.", SV_ARGS(action->new_name));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].generated.length > 0)
            return RAISE(context->diag, NOT_SUPPORTED, "renaming columns of a table with generated columns is not supported");
    }
    StrView fresh = ddl_keep(&schema->arena, action->new_name);
    StrView *exprs = ARENA_NEW_ARRAY(&schema->arena, StrView, MAX(schema->partition_column_count, 1u));
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_plain;
        bool is_it = table_partition_column(schema, i, &is_plain) == (int)at && is_plain;
        if (!is_it && !is_plain && table_partitions_use(schema, at))
            return RAISE(context->diag, NOT_SUPPORTED, "renaming column '%.*s', which a partition expression uses, is not supported",
                         SV_ARGS(action->name));
        exprs[i] = is_it ? fresh : schema->partition_exprs[i];
    }
    schema->partition_exprs = exprs;
    schema->columns[at].name = fresh;
    return OK;
}

Status ddl_alter_columns(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, TableSchema *schema)
{
    uint32_t at = 0;
    (void)table;
    if (action->rollup.length > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "roll-ups are not supported");
    if (strview_is(action->kind, "ADD COLUMN")) {
        for (uint32_t i = 0; i < action->columns.count; i++)
            TRY(add_column(context, action, i, schema));
        return OK;
    }
    if (strview_is(action->kind, "DROP COLUMN"))
        return drop_column(context, action, schema);
    if (strview_is(action->kind, "MODIFY COLUMN"))
        return modify_column(context, action, schema);
    if (strview_is(action->kind, "RENAME COLUMN"))
        return rename_column(context, action, schema);
    if (strview_is(action->kind, "COLUMN COMMENT")) {
        TRY(need_column(context, schema, action->name, &at));
        schema->columns[at].comment = ddl_keep(&schema->arena, action->text);
        return OK;
    }
    return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported", SV_ARGS(action->kind));
}
