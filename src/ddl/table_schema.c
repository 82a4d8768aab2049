#include "ddl/ddl_int.h"
#include "ddl/partition_schedule.h"

/* CREATE TABLE: columns, keys, distribution, partition columns, properties. */

#include "expr/expr.h"
#include "func/function.h"
#include "load/partition_step.h"
#include "sql/parser.h"
#include "sql/unparse.h"

TableSchema *ddl_schema_new(void)
{
    TableSchema *schema = mem_alloc_zero(sizeof(*schema));
    atomic_init(&schema->references, 1);
    arena_init(&schema->arena, NULL);
    return schema;
}

TableSchema *ddl_schema_copy(const TableSchema *from)
{
    TableSchema *copy = ddl_schema_new();
    Arena arena = copy->arena;
    memcpy(copy, from, sizeof(*copy));
    atomic_init(&copy->references, 1);
    copy->arena = arena;
    copy->columns = ARENA_NEW_ARRAY(&copy->arena, TableColumn, MAX(from->column_count, 1u));
    memcpy(copy->columns, from->columns, from->column_count * sizeof(TableColumn));
    copy->properties = ARENA_NEW_ARRAY(&copy->arena, Property, MAX(from->property_count, 1u));
    memcpy(copy->properties, from->properties, from->property_count * sizeof(Property));
    return copy;
}

void ddl_schema_free(TableSchema *schema)
{
    if (schema == NULL)
        return;
    arena_deinit(&schema->arena);
    mem_free(schema);
}

StrView ddl_keep(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

Status ddl_check_name(StrView name, Diag *diag)
{
    bool bad = name.length == 0 || name.length > 1024;
    for (size_t i = 0; i < name.length; i++)
        bad |= (unsigned char)name.data[i] < 0x20 || name.data[i] == '`' || name.data[i] == '/';
    return bad ? RAISE(diag, BAD_NAME, "Incorrect name '%.*s'", SV_ARGS(name)) : OK;
}

/* ---- columns ---- */

static Status check_default(DdlContext *context, const TableColumn *column)
{
    Datum value;
    AstExpr *ast;
    Expr *expr;
    bool is_sketch = column->type.kind == TYPE_BITMAP || column->type.kind == TYPE_HLL || column->type.kind == TYPE_VARBINARY;
    if (column->default_kind == DEFAULT_LITERAL && is_sketch && column->default_text.length > 0) {
        AUTO_BYTEBUF type = {0};
        type_print_sql(column->type, &type);
        return DDL_ERROR(context, "Invalid default value for '%.*s': Type '%s' only supports empty string \"\" as default value.",
                         SV_ARGS(column->name), type.data);
    }
    if (column->default_kind == DEFAULT_LITERAL &&
        datum_parse(column->type, column->default_text, context->arena, NULL, &value) != OK)
        return DDL_ERROR(context, "Invalid default value for '%.*s'.", SV_ARGS(column->name));
    if (column->default_kind == DEFAULT_NOW && !type_is_date(column->type))
        return DDL_ERROR(context, "Default function CURRENT_TIMESTAMP is not valid for column '%.*s'.", SV_ARGS(column->name));
    if (column->default_kind != DEFAULT_EXPRESSION)
        return OK;
    TRY(sql_parse_expression(column->default_text, context->arena, context->diag, &ast));
    TRY(analyze_scalar(context->analyze, ast, column->default_text, NULL, 0, &expr));
    return expr_cast(context->arena, expr, column->type, true, context->diag, &expr);
}

static Status check_increment(DdlContext *context, TableColumn *column)
{
    if (column->type.kind != TYPE_BIGINT)
        return DDL_ERROR(context, "The AUTO_INCREMENT column must be BIGINT.");
    column->is_nullable = false;
    return OK;
}

/* BITMAP, HLL and VARBINARY have the empty value alone as default. */
static Status settle_opaque_default(DdlContext *context, TableColumn *column)
{
    const char *empty = column->type.kind == TYPE_BITMAP       ? "bitmap_empty()"
                        : column->type.kind == TYPE_HLL        ? "hll_empty()"
                        : column->type.kind == TYPE_PERCENTILE ? "percentile_empty()"
                                                               : NULL;
    bool is_opaque = empty != NULL || column->type.kind == TYPE_VARBINARY;
    if (!is_opaque || column->default_kind == DEFAULT_NONE || column->default_kind == DEFAULT_NULL)
        return OK;
    if (empty != NULL && column->default_kind == DEFAULT_EXPRESSION && strview_equal_ci(column->default_text, strview(empty)))
        return OK;
    if (column->default_kind != DEFAULT_LITERAL || column->default_text.length > 0) {
        AUTO_BYTEBUF type = {0};
        type_print_sql(type_of((TypeKind)column->type.kind), &type);
        return DDL_ERROR(context, "Invalid default value for '%.*s': Type '%s' only supports empty string \"\" as default value.",
                         SV_ARGS(column->name), type.data);
    }
    if (empty != NULL) {
        column->default_kind = DEFAULT_EXPRESSION;
        column->default_text = strview(empty);
    }
    return OK;
}

/* The text of a state's type stands in the place of the aggregate's name. */
static void keep_state(Arena *arena, TableColumn *column)
{
    AUTO_BYTEBUF text = {0};
    type_state_print(column->type, &text);
    column->aggregate = ddl_keep(arena, bytebuf_view(&text));
}

static Status fill_state(DdlContext *context, const AstColumn *ast, Arena *arena, TableColumn *out)
{
    const FuncDef *function = func_find(ast->aggregate);
    if (function == NULL || function->kind != FUNC_AGGREGATE)
        return DDL_ERROR(context, "AggStateDesc: %.*s is no aggregate function.", SV_ARGS(ast->aggregate));
    if (ast->default_kind != DEFAULT_NONE || ast->generated != NULL || ast->is_key)
        return DDL_ERROR(context, "Column '%.*s' of aggregate states can be no key and has no default.", SV_ARGS(ast->name));
    out->type = type_state(arena, strview(function->name), ast->state_types, ast->state_count);
    Expr *state = expr_null(context->arena, out->type);
    TRY(expr_call_by_name(context->arena, context->analyze->session, arena_printf(context->arena, "%s_state_merge", function->name),
                          &state, 1, context->diag, &state));
    keep_state(arena, out);
    return OK;
}

Status ddl_fill_column(DdlContext *context, const AstColumn *ast, Arena *arena, TableColumn *out)
{
    *out = (TableColumn){.name = ddl_keep(arena, ast->name), .type = type_copy(arena, ast->type), .is_nullable = ast->is_nullable,
                         .is_key = ast->is_key, .is_auto_increment = ast->is_auto_increment, .default_kind = ast->default_kind,
                         .default_text = ddl_keep(arena, ast->default_text), .aggregate = ddl_keep(arena, ast->aggregate),
                         .comment = ddl_keep(arena, ast->comment)};
    if (ast->state_count > 0)
        return fill_state(context, ast, arena, out);
    if (!ast->has_type)
        return RAISE(context->diag, SYNTAX, "column '%.*s' has no type", SV_ARGS(ast->name));
    if (ast->generated != NULL) {
        AUTO_BYTEBUF text = {0};
        sql_print_expr(ast->generated, &text);
        out->generated = ddl_keep(arena, bytebuf_view(&text));
        out->is_nullable = true;
    }
    if (out->is_auto_increment)
        TRY(check_increment(context, out));
    TRY(settle_opaque_default(context, out));
    return check_default(context, out);
}

typedef struct PlainCheck {
    const TableSchema *schema;
    uint64_t first_id;
    const TableColumn *bad;
} PlainCheck;

static Expr *find_bad(void *context, Expr *node)
{
    PlainCheck *check = context;
    if (node->kind != EXPR_COLUMN)
        return node;
    const TableColumn *column = &check->schema->columns[node->column.id - check->first_id];
    if (column->generated.length > 0 || column->is_auto_increment)
        check->bad = column;
    return node;
}

/* Generated columns may use the plain ones. */
Status ddl_check_generated(DdlContext *context, const TableSchema *schema)
{
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(schema->column_count, 1u));
    for (uint32_t i = 0; i < schema->column_count; i++)
        columns[i] = (LogicalColumn){.id = column_ids_next(&context->analyze->ids), .type = schema->columns[i].type,
                                     .is_nullable = schema->columns[i].is_nullable, .name = schema->columns[i].name};
    for (uint32_t i = 0; i < schema->column_count; i++) {
        AstExpr *ast;
        Expr *expr;
        const TableColumn *column = &schema->columns[i];
        if (column->generated.length == 0)
            continue;
        if (schema->keys_kind == KEYS_AGGREGATE)
            return DDL_ERROR(context, "Generated Column does not support AGG table.");
        TRY(sql_parse_expression(column->generated, context->arena, context->diag, &ast));
        TRY(analyze_scalar(context->analyze, ast, column->generated, columns, schema->column_count, &expr));
        PlainCheck check = {schema, columns[0].id, NULL};
        (void)expr_rewrite(expr, find_bad, &check);
        if (check.bad != NULL)
            return DDL_ERROR(context, "Expression can not refers to %s columns: %.*s.",
                             check.bad->is_auto_increment ? "AUTO_INCREMENT" : "other generated", SV_ARGS(check.bad->name));
        TRY(expr_cast(context->arena, expr, column->type, true, context->diag, &expr));
    }
    return OK;
}

static Status fill_columns(DdlContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    schema->column_count = ast->columns.count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(ast->columns.count, 1u));
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        TRY(ddl_fill_column(context, &ast->columns.items[i], &schema->arena, &schema->columns[i]));
        schema->columns[i].unique_id = i + 1;
        for (uint32_t j = 0; j < i; j++) {
            if (strview_equal_ci(schema->columns[i].name, schema->columns[j].name))
                return RAISE(context->diag, DUPLICATE_COLUMN, "Duplicate column name '%.*s'", SV_ARGS(schema->columns[i].name));
            if (schema->columns[i].is_auto_increment && schema->columns[j].is_auto_increment)
                return DDL_ERROR(context, "More than one AUTO_INCREMENT column defined.");
        }
    }
    schema->next_unique_id = ast->columns.count + 1;
    return OK;
}

static void query_columns(const AstCreateTable *ast, const BoundQuery *query, TableSchema *schema)
{
    schema->column_count = query->column_count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        StrView name = i < ast->as_columns.count ? ast->as_columns.items[i] : query->columns[i].name;
        Type type = query->columns[i].type;
        if (type.kind == TYPE_NULL)
            type = type_of(TYPE_BOOLEAN);
        if (type_is_string(type))
            type = type_varchar(type.length == 0 ? VARCHAR_MAX_BYTES : type.length);
        type.phys = (uint8_t)type_default_phys(type);
        schema->columns[i] = (TableColumn){.unique_id = i + 1, .name = ddl_keep(&schema->arena, name),
                                           .type = type_copy(&schema->arena, type), .is_nullable = query->columns[i].is_nullable};
        if (type_is_state(type))
            keep_state(&schema->arena, &schema->columns[i]);
    }
    schema->next_unique_id = query->column_count + 1;
}

/* ---- keys ---- */

static KeysKind keys_kind_of(StrView name)
{
    return strview_equal_ci(name, STR_VIEW("AGGREGATE")) ? KEYS_AGGREGATE
           : strview_equal_ci(name, STR_VIEW("UNIQUE"))  ? KEYS_UNIQUE
           : strview_equal_ci(name, STR_VIEW("PRIMARY")) ? KEYS_PRIMARY
                                                         : KEYS_DUPLICATE;
}

/* Without a clause of keys, columns with aggregates are values, and those before the first of them are the keys. */
static uint32_t implied_keys(const AstCreateTable *ast, const TableSchema *schema)
{
    uint32_t count = 0;
    if (ast->key_kind.length > 0 || ast->keys.count > 0 || ast->as_query != NULL)
        return 0;
    while (count < schema->column_count && schema->columns[count].aggregate.length == 0)
        count++;
    return count < schema->column_count ? count : 0;
}

static Status fill_keys(DdlContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    Arena *arena = &schema->arena;
    schema->keys_kind = (uint8_t)keys_kind_of(ast->key_kind);
    schema->key_count = ast->keys.count;
    for (uint32_t i = 0; i < ast->keys.count; i++) {
        int column = table_column_index(schema, ast->keys.items[i]);
        if (column < 0)
            return DDL_ERROR(context, "Key column(%.*s) doesn't exist.", SV_ARGS(ast->keys.items[i]));
        if (column != (int)i)
            return DDL_ERROR(context, "Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema.");
        schema->columns[i].is_key = true;
        if (schema->keys_kind == KEYS_PRIMARY)
            schema->columns[i].is_nullable = false;
    }
    uint32_t implied = implied_keys(ast, schema);
    for (uint32_t i = 0; i < implied; i++)
        schema->columns[i].is_key = true;
    if (implied > 0) {
        schema->keys_kind = KEYS_AGGREGATE;
        schema->key_count = implied;
    }
    if (ast->keys.count == 0 && implied == 0 && schema->column_count > 0 && ast->sort_columns.count == 0) {
        /* The first columns that fit 36 bytes, of tables at most three, are the key. */
        uint32_t bytes = 0, most = context->is_view ? schema->column_count : MIN(schema->column_count, 3u);
        for (uint32_t i = 0; i < most; i++) {
            Type type = schema->columns[i].type;
            if (type_is_float(type) || type_is_nested(type) || type_is_state(type) || type.kind >= TYPE_JSON)
                break;
            bytes += type_is_string(type) ? 20 : phys_width((PhysKind)type.phys);
            if (bytes > 36 && i > 0)
                break;
            schema->columns[i].is_key = true;
            schema->key_count = i + 1;
            if (type_is_string(type))
                break;
        }
    }
    const AstStrList *sort = ast->sort_columns.count > 0 ? &ast->sort_columns : NULL;
    schema->sort_count = sort != NULL ? sort->count : schema->key_count;
    schema->sort_columns = ARENA_NEW_ARRAY(arena, uint32_t, MAX(schema->sort_count, 1u));
    for (uint32_t i = 0; i < schema->sort_count; i++) {
        int column = sort != NULL ? table_column_index(schema, sort->items[i]) : (int)i;
        if (column < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in ORDER BY", SV_ARGS(sort->items[i]));
        schema->sort_columns[i] = (uint32_t)column;
    }
    return OK;
}

/* Which columns need an aggregate, and which ones there are. */
static Status check_aggregates(DdlContext *context, TableSchema *schema)
{
    static const char *const known[] = {"SUM", "MIN", "MAX", "REPLACE", "REPLACE_IF_NOT_NULL", "HLL_UNION", "BITMAP_UNION", "PERCENTILE_UNION"};
    bool has_any = false;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        TableColumn *column = &schema->columns[i];
        if (schema->keys_kind == KEYS_UNIQUE && !column->is_key && strview_equal_ci(column->aggregate, STR_VIEW("REPLACE")))
            column->aggregate = STR_VIEW(""); /* what such a table does anyway */
        has_any |= column->aggregate.length > 0 && !type_is_state(column->type);
    }
    if (has_any && schema->keys_kind != KEYS_AGGREGATE)
        return DDL_ERROR(context, "Cannot specify aggregate function for value columns of a table whose key type is not AGGREGATE KEY.");
    for (uint32_t i = 0; schema->keys_kind == KEYS_AGGREGATE && i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        if (column->is_key && column->aggregate.length > 0)
            return DDL_ERROR(context, "Cannot specify aggregate function for key column %.*s.", SV_ARGS(column->name));
        if (column->is_key || type_is_state(column->type))
            continue;
        if (column->aggregate.length == 0)
            return DDL_ERROR(context, "No aggregate function specified for '%.*s'.", SV_ARGS(column->name));
        bool is_known = false;
        for (size_t k = 0; k < COUNT_OF(known); k++)
            is_known |= strview_equal_ci(column->aggregate, strview(known[k]));
        if (!is_known)
            return RAISE(context->diag, NOT_SUPPORTED, "aggregate %.*s of column '%.*s' is not supported", SV_ARGS(column->aggregate),
                         SV_ARGS(column->name));
    }
    return OK;
}

static Status check_key_types(DdlContext *context, const TableSchema *schema)
{
    for (uint32_t i = 0; i < schema->key_count; i++) {
        Type type = schema->columns[i].type;
        bool is_bad = type_is_nested(type) || type_is_state(type) || type.kind == TYPE_JSON || type.kind >= TYPE_BITMAP;
        bool is_float = type_is_float(type) && schema->keys_kind != KEYS_DUPLICATE;
        if (is_bad || is_float)
            return DDL_ERROR(context, "%s column[%.*s]'s type not support.", schema->keys_kind == KEYS_PRIMARY ? "primary key" : "key",
                             SV_ARGS(schema->columns[i].name));
    }
    return OK;
}

/* ---- distribution and partitions ---- */

static Status fill_distribution(DdlContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    bool is_keyed = schema->keys_kind != KEYS_DUPLICATE; /* rows of one key must meet in one tablet */
    if (is_keyed && ast->has_distribution && ast->is_random)
        return DDL_ERROR(context, "%s must use hash distribution.",
                     schema->keys_kind == KEYS_PRIMARY ? "PRIMARY KEY table" : "AGGREGATE KEY and UNIQUE KEY tables");
    schema->is_random = !is_keyed && (!ast->has_distribution || ast->is_random);
    schema->buckets = ast->buckets > 0 ? MIN(ast->buckets, 1024u) : 1;
    schema->bucket_column_count = ast->bucket_columns.count;
    schema->bucket_columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(ast->bucket_columns.count, 1u));
    for (uint32_t i = 0; i < ast->bucket_columns.count; i++) {
        int column = table_column_index(schema, ast->bucket_columns.items[i]);
        if (column < 0)
            return DDL_ERROR(context, "Distribution column(%.*s) doesn't exist.",
                         SV_ARGS(ast->bucket_columns.items[i]));
        schema->bucket_columns[i] = (uint32_t)column;
        if (is_keyed && !schema->columns[column].is_key)
            return DDL_ERROR(context, "Distribution column[%.*s] is not key column.",
                         SV_ARGS(schema->columns[column].name));
    }
    if (is_keyed && !ast->has_distribution) {
        schema->bucket_column_count = schema->key_count;
        schema->bucket_columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(schema->key_count, 1u));
        for (uint32_t i = 0; i < schema->key_count; i++)
            schema->bucket_columns[i] = i;
    }
    return OK;
}

/* Type of an expression over the table's columns. */
static Status expr_type(DdlContext *context, const AstExpr *ast, StrView text, const TableSchema *schema, Type *out)
{
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(schema->column_count, 1u));
    AstExpr *again;
    Expr *expr;
    (void)ast;
    for (uint32_t i = 0; i < schema->column_count; i++)
        columns[i] = (LogicalColumn){.id = column_ids_next(&context->analyze->ids), .type = schema->columns[i].type,
                                     .is_nullable = schema->columns[i].is_nullable, .name = schema->columns[i].name};
    TRY(sql_parse_expression(text, context->arena, context->diag, &again));
    TRY(analyze_scalar(context->analyze, again, text, columns, schema->column_count, &expr));
    if (!expr_is_deterministic(expr))
        return DDL_ERROR(context, "The partition expression %.*s is not deterministic.", SV_ARGS(text));
    *out = expr->type;
    out->phys = (uint8_t)type_default_phys(*out);
    return OK;
}

static Status check_partition_type(DdlContext *context, Type type, StrView name)
{
    if (type_is_float(type) || type_is_nested(type) || type.kind >= TYPE_JSON || type.kind == TYPE_NULL)
        return DDL_ERROR(context, "Invalid partition column '%.*s': invalid data type.", SV_ARGS(name));
    return OK;
}

/* Ranges of what from_unixtime() says are ranges of time. */
static bool is_moment(const AstExpr *ast)
{
    return ast->kind == AST_CALL && (strview_equal_ci(ast->name.parts[0], STR_VIEW("from_unixtime")) ||
                                     strview_equal_ci(ast->name.parts[0], STR_VIEW("from_unixtime_ms")));
}

static Status fill_partition_column(DdlContext *context, const AstExpr *ast, uint32_t i, TableSchema *schema)
{
    PartitionStep step;
    StrView name;
    AUTO_BYTEBUF text = {0};
    TRY(partition_expr_parse(ast, context->diag, &step, &name));
    sql_print_expr(ast, &text);
    schema->partition_exprs[i] = ddl_keep(&schema->arena, bytebuf_view(&text));
    if (name.length == 0) {
        TRY(expr_type(context, ast, schema->partition_exprs[i], schema, &schema->partition_types[i]));
        schema->partition_types[i] = type_copy(&schema->arena, schema->partition_types[i]);
        if (schema->scheme == PARTITION_RANGE && is_moment(ast))
            schema->partition_types[i] = type_of(TYPE_DATETIME);
        return check_partition_type(context, schema->partition_types[i], schema->partition_exprs[i]);
    }
    int column = table_column_index(schema, name);
    if (column < 0)
        return DDL_ERROR(context, "Partition column[%.*s] does not exist in column list.", SV_ARGS(name));
    schema->partition_types[i] = schema->columns[column].type;
    TRY(check_partition_type(context, schema->partition_types[i], name));
    if (step.unit == STEP_NONE) {
        schema->partition_exprs[i] = ddl_keep(&schema->arena, schema->columns[column].name);
        return OK;
    }
    if (!type_is_date(schema->columns[column].type))
        return DDL_ERROR(context, "partition function date_trunc does not support type of column '%.*s'.", SV_ARGS(name));
    if (schema->scheme == PARTITION_RANGE)
        schema->scheme = PARTITION_EXPRESSION; /* RANGE(date_trunc(..)) makes partitions as well */
    return OK;
}

static Status fill_scheme(DdlContext *context, const AstCreateTable *ast, TableSchema *schema)
{
    Arena *arena = &schema->arena;
    uint32_t count = ast->partition_exprs.count;
    schema->scheme = ast->partition_scheme;
    schema->partition_column_count = schema->scheme == PARTITION_NONE ? 0 : count;
    schema->partition_types = ARENA_NEW_ARRAY(arena, Type, MAX(count, 1u));
    schema->partition_exprs = ARENA_NEW_ARRAY(arena, StrView, MAX(count, 1u));
    for (uint32_t i = 0; i < schema->partition_column_count; i++)
        TRY(fill_partition_column(context, ast->partition_exprs.items[i], i, schema));
    for (uint32_t c = 0; c < schema->column_count && schema->keys_kind != KEYS_DUPLICATE; c++) {
        if (!schema->columns[c].is_key && table_partitions_use(schema, c))
            return DDL_ERROR(context, "The partition column could not be aggregated column.");
    }
    return OK;
}

/* ---- all ---- */

static bool is_known_property(StrView key)
{
    static const char *const exact[] = {
        "replication_num", "storage_medium", "storage_cooldown_time", "storage_cooldown_ttl", "bloom_filter_columns",
        "bloom_filter_fpp", "colocate_with", "compression", "write_quorum", "replicated_storage", "bucket_size",
        "mutable_bucket_num", "enable_persistent_index", "persistent_index_type", "primary_index_cache_expire_sec",
        "fast_schema_evolution", "cloud_native_fast_schema_evolution_v2", "unique_constraints", "foreign_key_constraints",
        "storage_volume", "partition_live_number", "partition_ttl", "partition_ttl_number", "partition_retention_condition",
        "partition_refresh_number", "auto_refresh_partitions_limit", "partition_drop_policy", "partition_storage_retention_condition",
        "time_drift_constraint", "base_compaction_forbidden_time_ranges", "lake_compaction_max_parallel", "file_bundling",
        "labels.location", "in_memory", "storage_format", "storage_type", "light_schema_change", "enable_load_profile",
        "enable_async_write_back", "version_info", "tablet_type", "short_key", "load_dop", "auto_refresh_partitions_limit", "schema_version",
        "flat_json.enable", "flat_json.null.factor", "flat_json.sparsity.factor", "flat_json.column.max", "enable_statistic_collect_on_first_load",
        "table_query_timeout", "enable_dynamic_tablet_split", "tablet_reshard_target_size"};
    static const char *const prefixes[] = {"dynamic_partition.", "datacache.", "binlog_", "default."};
    for (size_t i = 0; i < COUNT_OF(exact); i++) {
        if (strview_equal_ci(key, strview(exact[i])))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        if (strview_starts_with_ci(key, strview(prefixes[i])))
            return true;
    }
    return false;
}

static Status put_property(DdlContext *context, TableSchema *schema, StrView key, StrView value)
{
    if (!is_known_property(key))
        return DDL_ERROR(context, "Unknown properties: {%.*s=%.*s}.", SV_ARGS(key), SV_ARGS(value));
    Property fresh = {ddl_keep(&schema->arena, key), ddl_keep(&schema->arena, value)};
    for (uint32_t i = 0; i < schema->property_count; i++) {
        if (strview_equal(schema->properties[i].key, key)) {
            schema->properties[i] = fresh;
            return OK;
        }
    }
    Property *grown = ARENA_NEW_ARRAY(&schema->arena, Property, schema->property_count + 1);
    if (schema->property_count > 0)
        memcpy(grown, schema->properties, schema->property_count * sizeof(*grown));
    grown[schema->property_count++] = fresh;
    schema->properties = grown;
    return OK;
}

Status ddl_fill_properties(DdlContext *context, const AstProperties *ast, TableSchema *schema)
{
    for (uint32_t i = 0; i < ast->keys.count; i++)
        TRY(put_property(context, schema, ast->keys.items[i], ast->values.items[i]));
    return partition_schedule_check(context, schema);
}

Status ddl_fill_schema(DdlContext *context, const AstCreateTable *ast, const BoundQuery *query, TableSchema *schema)
{
    if (query != NULL)
        query_columns(ast, query, schema);
    else
        TRY(fill_columns(context, ast, schema));
    if (schema->column_count == 0)
        return DDL_ERROR(context, "A table must have at least 1 column.");
    TRY(fill_keys(context, ast, schema));
    TRY(check_key_types(context, schema));
    TRY(check_aggregates(context, schema));
    TRY(ddl_check_generated(context, schema));
    TRY(fill_distribution(context, ast, schema));
    TRY(fill_scheme(context, ast, schema));
    TRY(ddl_fill_properties(context, &ast->properties, schema));
    for (uint32_t i = 0; i < ast->indexes.count; i++)
        TRY(ddl_add_index(context, &ast->indexes.items[i], schema));
    schema->comment = ddl_keep(&schema->arena, ast->comment);
    return OK;
}
