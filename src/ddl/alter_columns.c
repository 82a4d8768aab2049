#include "ddl/ddl_int.h"

/* ALTER TABLE ADD, DROP, MODIFY, RENAME COLUMN, ORDER BY. Most are metadata alone: segments keep what they were written
 * with; scans fill columns that a segment lacks with their default, and widen what it has. Where that is not enough
 * (values that are computed, other types, another order of rows), the effect says that rows are written again. */

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

static void rewrite(const DdlContext *context, bool changes_rows)
{
    context->effect->rewrites = true;
    context->effect->changes_rows |= changes_rows;
}

static Status check_new_column(DdlContext *context, const TableSchema *schema, const TableColumn *column)
{
    if (column->is_key && schema->keys_kind == KEYS_PRIMARY)
        return DDL_ERROR(context, "Can not add key column '%.*s' to a PRIMARY KEY table.", SV_ARGS(column->name));
    if (column->generated.length > 0 && (column->is_key || schema->keys_kind == KEYS_AGGREGATE))
        return DDL_ERROR(context, "Generated Column can not be KEY, and AGG tables have none: %.*s.", SV_ARGS(column->name));
    if (table_column_index(schema, column->name) >= 0)
        return DDL_ERROR(context, "Repeatedly add column: %.*s.", SV_ARGS(column->name));
    if (column->is_auto_increment)
        return DDL_ERROR(context, "Can not add AUTO_INCREMENT column '%.*s' to a table that exists.", SV_ARGS(column->name));
    bool has_value = column->default_kind == DEFAULT_LITERAL || column->default_kind == DEFAULT_NOW || column->default_kind == DEFAULT_EXPRESSION;
    if (!column->is_nullable && !has_value)
        return DDL_ERROR(context, "The new column '%.*s' is NOT NULL and needs a default value.", SV_ARGS(column->name));
    if (schema->keys_kind == KEYS_AGGREGATE && column->aggregate.length == 0 && !column->is_key)
        return DDL_ERROR(context, "No aggregate function specified for '%.*s'.", SV_ARGS(column->name));
    if (schema->keys_kind != KEYS_AGGREGATE && column->aggregate.length > 0 && !type_is_state(column->type))
        return DDL_ERROR(context, "Can not assign aggregation method on column of this table: %.*s.", SV_ARGS(column->name));
    return OK;
}

/* A new key column is the same in all rows that are there: behind the other keys it leaves their order. */
static void note_added(const DdlContext *context, const TableSchema *schema, const TableColumn *column, uint32_t at)
{
    bool is_computed = column->generated.length > 0 || column->default_kind == DEFAULT_EXPRESSION;
    bool reorders = column->is_key && (schema->keys_kind != KEYS_DUPLICATE || at < schema->key_count);
    if (is_computed || reorders)
        rewrite(context, false);
}

/* The column at that place is a key column now, and rows are sorted by it where they were by all keys. */
static void add_key(TableSchema *schema, uint32_t at)
{
    bool sorts_by_keys = schema->sort_count == schema->key_count;
    for (uint32_t i = 0; i < schema->sort_count; i++)
        sorts_by_keys &= schema->sort_columns[i] == i + (i >= at);
    schema->key_count++;
    if (!sorts_by_keys)
        return;
    schema->sort_columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, schema->key_count);
    schema->sort_count = schema->key_count;
    for (uint32_t i = 0; i < schema->key_count; i++)
        schema->sort_columns[i] = i;
}

static Status add_column(DdlContext *context, const AstAlterAction *action, uint32_t number, TableSchema *schema)
{
    TableColumn column;
    uint32_t at = 0;
    TRY(ddl_fill_column(context, &action->columns.items[number], &schema->arena, &column));
    column.is_key |= schema->keys_kind == KEYS_AGGREGATE && column.aggregate.length == 0;
    TRY(check_new_column(context, schema, &column));
    TRY(added_position(context, action, schema, column.is_key, &at));
    note_added(context, schema, &column, at);
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
    if (column.is_key)
        add_key(schema, at);
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

/* Rows of the same other keys become rows of one key, which needs an aggregate that can say what they are then. */
static Status drop_key(DdlContext *context, TableSchema *schema, uint32_t at)
{
    const TableColumn *column = &schema->columns[at];
    if (schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE || schema->key_count == 1)
        return DDL_ERROR(context, "Can not drop key column[%.*s].", SV_ARGS(column->name));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (strview_starts_with_ci(schema->columns[i].aggregate, STR_VIEW("REPLACE")))
            return DDL_ERROR(context, "Can not drop key column[%.*s] when there are columns with REPLACE aggregation.", SV_ARGS(column->name));
    }
    uint32_t *sort = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->sort_count, 1u));
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->sort_count; i++) {
        if (schema->sort_columns[i] != at)
            sort[count++] = schema->sort_columns[i];
    }
    schema->sort_columns = sort;
    schema->sort_count = count;
    schema->key_count--;
    rewrite(context, false);
    return OK;
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
        TRY(drop_key(context, schema, at));
    if (is_listed(schema->sort_columns, schema->sort_count, at))
        return DDL_ERROR(context, "Can not drop sort column[%.*s].", SV_ARGS(column->name));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (strview_find(schema->columns[i].generated, column->name) != SIZE_MAX && schema->columns[i].generated.length > 0)
            return DDL_ERROR(context, "Column: %.*s can not be dropped, because it is used by generated column %.*s.", SV_ARGS(column->name),
                             SV_ARGS(schema->columns[i].name));
    }
    ddl_drop_indexes_of(schema, column->unique_id);
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

/* Can values of one type become values of the other? What can't be converted then stops the change. */
static bool can_convert(Type from, Type to)
{
    bool from_number = type_is_numeric(from), to_number = type_is_numeric(to);
    if (type_is_nested(from) || type_is_nested(to) || from.kind >= TYPE_BITMAP || to.kind >= TYPE_BITMAP)
        return false;
    if (integer_rank(from) > 0 && integer_rank(to) > 0)
        return integer_rank(to) >= integer_rank(from);
    if (type_is_string(to))
        return !type_is_string(from) || to.length >= from.length;
    if (type_is_string(from))
        return to_number || type_is_date(to) || to.kind == TYPE_JSON || to.kind == TYPE_BOOLEAN;
    if (from.kind == TYPE_DECIMAL && to.kind == TYPE_DECIMAL)
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    if (from_number && to_number)
        return !type_is_float(from) || to.kind == TYPE_DOUBLE;
    return type_is_date(from) && type_is_date(to);
}

static Status check_modified(DdlContext *context, const AstColumn *ast, const TableSchema *schema, uint32_t at, const TableColumn *fresh)
{
    const TableColumn *column = &schema->columns[at];
    AUTO_BYTEBUF from = {0};
    AUTO_BYTEBUF to = {0};
    type_print_sql(column->type, &from);
    type_print_sql(fresh->type, &to);
    bool has_type = !type_equal(column->type, fresh->type);
    if (has_type && (table_partitions_use(schema, at) || is_listed(schema->bucket_columns, schema->bucket_column_count, at)))
        return DDL_ERROR(context, "Can not modify the type of partition or distribution column[%.*s].", SV_ARGS(column->name));
    if (has_type && schema->keys_kind == KEYS_PRIMARY && (column->is_key || is_listed(schema->sort_columns, schema->sort_count, at)))
        return DDL_ERROR(context, "Can not modify %s column in primary data model table: %.*s.", column->is_key ? "key" : "sort", SV_ARGS(column->name));
    if (!type_same_state(column->type, fresh->type))
        return DDL_ERROR(context, "Can not change aggregation type: %.*s.", SV_ARGS(column->name));
    if (!can_widen(column->type, fresh->type) && !can_convert(column->type, fresh->type) && column->generated.length == 0)
        return DDL_ERROR(context, "Can not change %s to %s: column %.*s.", from.data, to.data, SV_ARGS(column->name));
    if (column->is_nullable && !fresh->is_nullable)
        return DDL_ERROR(context, "Can not change from nullable to non-nullable: %.*s.", SV_ARGS(column->name));
    bool same_default = !ast->default_kind || (fresh->default_kind == column->default_kind && strview_equal(fresh->default_text, column->default_text));
    if (!same_default)
        return DDL_ERROR(context, "Can not change default value of column: %.*s.", SV_ARGS(column->name));
    if (fresh->aggregate.length > 0 && !strview_equal_ci(fresh->aggregate, column->aggregate))
        return DDL_ERROR(context, "Can not change aggregation type: %.*s.", SV_ARGS(column->name));
    if ((column->generated.length > 0) != (fresh->generated.length > 0))
        return DDL_ERROR(context, "Can not modify a generated column to non-generated column, or the other way round: %.*s.", SV_ARGS(column->name));
    if (column->is_auto_increment && (has_type || !fresh->is_auto_increment))
        return DDL_ERROR(context, "Can't not modify a AUTO_INCREMENT column: %.*s.", SV_ARGS(column->name));
    return OK;
}

static uint32_t *moved_positions(TableSchema *schema, const uint32_t *positions, uint32_t count, const uint32_t *new_of_old)
{
    uint32_t *moved = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        moved[i] = new_of_old[positions[i]];
    return moved;
}

/* old_of_new: a permutation of the columns. Keys stay before values. */
static void permute(DdlContext *context, TableSchema *schema, const uint32_t *old_of_new)
{
    uint32_t *new_of_old = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->column_count, 1u));
    TableColumn *columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(schema->column_count, 1u));
    bool sorts_by_keys = schema->sort_count == schema->key_count, moves_keys = false;
    for (uint32_t i = 0; i < schema->sort_count; i++)
        sorts_by_keys &= schema->sort_columns[i] == i;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i] = schema->columns[old_of_new[i]];
        new_of_old[old_of_new[i]] = i;
        moves_keys |= i < schema->key_count && old_of_new[i] != i;
    }
    schema->columns = columns;
    schema->bucket_columns = moved_positions(schema, schema->bucket_columns, schema->bucket_column_count, new_of_old);
    if (!sorts_by_keys)
        schema->sort_columns = moved_positions(schema, schema->sort_columns, schema->sort_count, new_of_old);
    else if (moves_keys)
        rewrite(context, false);
}

/* FIRST or AFTER. */
static Status move_column(DdlContext *context, const AstAlterAction *action, TableSchema *schema, uint32_t at)
{
    uint32_t *order = ARENA_NEW_ARRAY(&schema->arena, uint32_t, schema->column_count);
    uint32_t to = 0, count = 0;
    if (!action->is_first && action->after.length == 0)
        return OK;
    if (!action->is_first) {
        TRY(need_column(context, schema, action->after, &to));
        to += to < at;
    }
    if (schema->columns[at].is_key != (to < schema->key_count))
        return DDL_ERROR(context, "Key columns must stay before value columns: %.*s.", SV_ARGS(schema->columns[at].name));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (i != at)
            order[count++] = i;
    }
    memmove(order + to + 1, order + to, (schema->column_count - to - 1) * sizeof(*order));
    order[to] = at;
    permute(context, schema, order);
    return OK;
}

static Status modify_column(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    uint32_t at = 0;
    TableColumn fresh;
    TRY(need_column(context, schema, action->columns.items[0].name, &at));
    TRY(ddl_fill_column(context, &action->columns.items[0], &schema->arena, &fresh));
    TableColumn *column = &schema->columns[at];
    if (column->is_key && !column->is_nullable && schema->keys_kind == KEYS_PRIMARY)
        fresh.is_nullable = false;
    TRY(check_modified(context, &action->columns.items[0], schema, at, &fresh));
    if (!can_widen(column->type, fresh.type) || !strview_equal(column->generated, fresh.generated))
        rewrite(context, true);
    column->type = fresh.type;
    column->is_nullable = fresh.is_nullable;
    column->generated = fresh.generated;
    if (fresh.comment.length > 0)
        column->comment = fresh.comment;
    return move_column(context, action, schema, at);
}

/* ORDER BY with all columns: their new order. With some: what rows are sorted by. */
static Status order_by(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    uint32_t count = action->names.count;
    uint32_t *columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(count, 1u));
    bool is_reorder = count == schema->column_count && schema->keys_kind != KEYS_PRIMARY;
    for (uint32_t i = 0; i < count; i++) {
        TRY(need_column(context, schema, action->names.items[i], &columns[i]));
        if (is_listed(columns, i, columns[i]))
            return DDL_ERROR(context, "Duplicated column[%.*s].", SV_ARGS(action->names.items[i]));
        Type type = schema->columns[columns[i]].type;
        if (!is_reorder && (type_is_nested(type) || type.kind >= TYPE_JSON))
            return DDL_ERROR(context, "Sort key column[%.*s] type not support.", SV_ARGS(action->names.items[i]));
        if (is_reorder && schema->columns[columns[i]].is_key != (i < schema->key_count))
            return DDL_ERROR(context, "Key columns must stay before value columns: %.*s.", SV_ARGS(action->names.items[i]));
    }
    if (is_reorder) {
        permute(context, schema, columns);
        return OK;
    }
    bool has_values = schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_DUPLICATE;
    for (uint32_t i = 0; i < count && !has_values; i++) {
        if (count != schema->key_count || !schema->columns[columns[i]].is_key)
            return DDL_ERROR(context, "ORDER BY must name all columns, or all key columns, of a table of this kind.");
    }
    bool is_same = count == schema->sort_count && memcmp(columns, schema->sort_columns, count * sizeof(*columns)) == 0;
    schema->sort_columns = columns;
    schema->sort_count = count;
    if (!is_same)
        rewrite(context, false);
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
    if (strview_is(action->kind, "ADD FIELD") || strview_is(action->kind, "DROP FIELD"))
        return ddl_alter_fields(context, action, schema);
    if (strview_is(action->kind, "ADD INDEX")) {
        rewrite(context, false); /* what is there already gets it, too */
        return ddl_add_index(context, &action->index, schema);
    }
    if (strview_is(action->kind, "DROP INDEX"))
        return ddl_drop_index(context, action->name, action->if_exists, schema);
    if (strview_is(action->kind, "ORDER BY"))
        return order_by(context, action, schema);
    if (strview_is(action->kind, "RENAME COLUMN"))
        return rename_column(context, action, schema);
    if (strview_is(action->kind, "COLUMN COMMENT")) {
        TRY(need_column(context, schema, action->name, &at));
        schema->columns[at].comment = ddl_keep(&schema->arena, action->text);
        return OK;
    }
    return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE %.*s is not supported", SV_ARGS(action->kind));
}
