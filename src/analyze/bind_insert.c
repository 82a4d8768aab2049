#include "analyze/analyze_int.h"

/* INSERT: the query's columns become the table's columns in order; columns that are not named take their
 * default. */

#include "sql/parser.h"

static Status default_expr(AnalyzeContext *context, const TableColumn *column, Expr **out)
{
    Datum value;
    switch ((DefaultKind)column->default_kind) {
    case DEFAULT_LITERAL:
        if (column->type.kind == TYPE_JSON) /* as CAST reads text */
            return expr_cast(context->arena, expr_constant(context->arena, type_varchar(0), datum_str(column->default_text)),
                             column->type, true, context->diag, out);
        TRY(datum_parse(column->type, column->default_text, context->arena, context->diag, &value));
        *out = expr_constant(context->arena, column->type, value);
        return OK;
    case DEFAULT_NOW:
    case DEFAULT_EXPRESSION: {
        AstExpr *ast;
        StrView text = column->default_kind == DEFAULT_NOW ? STR_VIEW("now()") : column->default_text;
        TRY(sql_parse_expression(text, context->arena, context->diag, &ast));
        TRY(analyze_scalar(context, ast, text, NULL, 0, out));
        return expr_cast(context->arena, *out, column->type, true, context->diag, out);
    }
    case DEFAULT_NONE:
    case DEFAULT_NULL:
        break;
    }
    if (!column->is_nullable && !column->is_auto_increment)
        return RAISE(context->diag, COLUMN_NOT_NULL, "Column '%.*s' has no default value and cannot be null", SV_ARGS(column->name));
    *out = expr_null(context->arena, column->type);
    return OK;
}

static Status named_positions(AnalyzeContext *context, const AstStrList *names, const CatalogTable *table, int *out_positions)
{
    for (uint32_t i = 0; i < names->count; i++) {
        int column = table_column_index(table->schema, names->items[i]);
        if (column < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in '%.*s'", SV_ARGS(names->items[i]), SV_ARGS(table->name));
        if (out_positions[column] >= 0)
            return RAISE(context->diag, DUPLICATE_COLUMN, "Column '%.*s' specified twice", SV_ARGS(names->items[i]));
        if (table->schema->columns[column].generated.length > 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: generated column '%.*s' can not be specified.",
                         SV_ARGS(names->items[i]));
        out_positions[column] = (int)i;
    }
    return OK;
}

static Status source_positions(AnalyzeContext *context, const AstInsert *ast, const CatalogTable *table, const LogicalNode *child,
                               bool has_op, int *out_positions)
{
    const TableSchema *schema = table->schema;
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        bool takes = !ast->has_columns && !ast->by_name && schema->columns[i].generated.length == 0;
        out_positions[i] = takes ? (int)wanted++ : -1;
    }
    if (ast->by_name) {
        AstStrList names = {0};
        for (uint32_t i = 0; i < child->column_count; i++)
            AST_PUSH(context->arena, &names, child->columns[i].name);
        return named_positions(context, &names, table, out_positions);
    }
    if (ast->has_columns) {
        TRY(named_positions(context, &ast->columns, table, out_positions));
        wanted = ast->columns.count;
    }
    wanted += has_op;
    if (child->column_count != wanted)
        return RAISE(context->diag, WRONG_COLUMN_COUNT, "Inserted target column count: %u doesn't match select/value column count: %u",
                     wanted, child->column_count);
    return OK;
}

Status analyze_find_temporary(AnalyzeContext *context, const CatalogTable *table, const CatalogTable **out)
{
    *out = catalog_temporary_partitions(context->catalog, table);
    return *out != NULL ? OK : RAISE(context->diag, NO_SUCH_PARTITION, "table '%.*s' has no temporary partitions", SV_ARGS(table->name));
}

static Status target_partitions(AnalyzeContext *context, const AstInsert *ast, BoundInsert *out)
{
    if (ast->is_temporary_partition)
        TRY(analyze_find_temporary(context, out->table, &out->table));
    if (ast->partition_values.count > 0) {
        out->partition_values = &ast->partition_values;
        out->partition_names = &ast->partitions;
        return OK;
    }
    if (ast->partitions.count == 0)
        return OK;
    out->partition_ids = ARENA_NEW_ARRAY(context->arena, uint64_t, ast->partitions.count);
    for (uint32_t i = 0; i < ast->partitions.count; i++) {
        const CatalogPartition *partition = catalog_partition(out->table, ast->partitions.items[i]);
        if (partition == NULL)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown partition '%.*s' in table '%.*s'.",
                         SV_ARGS(ast->partitions.items[i]), SV_ARGS(out->table->name));
        out->partition_ids[out->partition_count++] = partition->id;
    }
    return OK;
}

Status analyze_insert(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out)
{
    if (ast->is_blackhole)
        return RAISE(context->diag, NOT_SUPPORTED, "BLACKHOLE() has no table");
    if (ast->by_name && ast->has_columns)
        return RAISE(context->diag, SYNTAX, "Getting syntax error. Detail message: Cannot use COLUMN LIST and BY NAME clause together in insert.");
    if (ast->is_files)
        return RAISE(context->diag, NOT_SUPPORTED, "INSERT INTO FILES() is no table");
    TRY(analyze_find_table(context, &ast->table, &out->database, &out->table));
    TRY(authorize_table(context, PRIVILEGE_BIT(INSERT), out->database, out->table));
    if (out->table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: The data of '%.*s' cannot be inserted, updated or deleted "
                     "because it is a materialized view, and the data of materialized view must be consistent with the base table.",
                     SV_ARGS(out->table->name));
    if (out->table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: can't insert into view '%.*s'.",
                     SV_ARGS(out->table->name));
    TRY(target_partitions(context, ast, out));
    if (!context->fills_missing && insert_is_partial(ast, out->table->schema))
        return bind_partial_insert(context, ast, source, out);
    return bind_insert_rows(context, ast, source, out);
}

/* The last column goes on as TINYINT. */
static Status pass_op(AnalyzeContext *context, const LogicalColumn *from, LogicalNode *project)
{
    uint32_t last = project->column_count - 1;
    Expr *expr = expr_column(context->arena, from->id, from->type, from->is_nullable, from->name);
    TRY(expr_cast(context->arena, expr, type_of(TYPE_TINYINT), true, context->diag, &expr));
    project->project.exprs[last] = expr;
    project->columns[last] = column_of(column_ids_next(&context->ids), expr, from->name);
    return OK;
}

/* A second projection computes generated columns from the others. */
static Status add_generated(AnalyzeContext *context, const TableSchema *schema, BoundInsert *out)
{
    LogicalNode *child = out->query->root;
    bool has_any = false;
    for (uint32_t i = 0; i < schema->column_count; i++)
        has_any |= schema->columns[i].generated.length > 0;
    if (!has_any)
        return OK;
    LogicalNode *project = new_node(context, LOGICAL_PROJECT, child);
    project->column_count = schema->column_count + out->has_op;
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, project->column_count);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, project->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        const LogicalColumn *from = &child->columns[i];
        Expr *expr = expr_column(context->arena, from->id, from->type, from->is_nullable, from->name);
        if (column->generated.length > 0) {
            AstExpr *ast;
            TRY(sql_parse_expression(column->generated, context->arena, context->diag, &ast));
            TRY(analyze_scalar(context, ast, column->generated, child->columns, child->column_count, &expr));
            TRY(expr_cast(context->arena, expr, column->type, true, context->diag, &expr));
        }
        project->project.exprs[i] = expr;
        project->columns[i] = column_of(column_ids_next(&context->ids), expr, column->name);
    }
    if (out->has_op)
        TRY(pass_op(context, &child->columns[child->column_count - 1], project));
    out->query->root = project;
    out->query->columns = project->columns;
    return OK;
}

Status bind_insert_rows(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out)
{
    const AstQuery *query;
    TRY(bind_default_words(context, ast, out->table->schema, &query));
    const TableSchema *schema = out->table->schema;
    FileTargets targets;
    bind_file_targets(ast, query, schema, &targets);
    context->file_targets = &targets;
    Status status = analyze_query(context, query, source, &out->query);
    context->file_targets = NULL;
    TRY(status);
    LogicalNode *child = out->query->root;
    int *positions = ARENA_NEW_ARRAY(context->arena, int, schema->column_count);
    TRY(source_positions(context, ast, out->table, child, out->has_op, positions));
    LogicalNode *project = new_node(context, LOGICAL_PROJECT, child);
    project->column_count = schema->column_count + out->has_op;
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, project->column_count);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, project->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        Expr *expr;
        if (column->generated.length > 0) {
            expr = expr_null(context->arena, column->type);
        } else if (positions[i] < 0) {
            TRY(default_expr(context, column, &expr));
        } else {
            const LogicalColumn *from = &child->columns[positions[i]];
            expr = expr_column(context->arena, from->id, from->type, from->is_nullable, from->name);
            TRY(expr_cast(context->arena, expr, column->type, true, context->diag, &expr));
        }
        project->project.exprs[i] = expr;
        project->columns[i] = column_of(column_ids_next(&context->ids), expr, column->name);
    }
    if (out->has_op)
        TRY(pass_op(context, &child->columns[child->column_count - 1], project));
    out->query->root = project;
    out->query->columns = project->columns;
    out->query->column_count = project->column_count;
    return add_generated(context, schema, out);
}

Status analyze_rows_for(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out)
{
    return bind_insert_rows(context, ast, source, out);
}
