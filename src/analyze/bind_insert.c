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
    if (!column->is_nullable)
        return RAISE(context->diag, COLUMN_NOT_NULL, "Column '%.*s' has no default value and cannot be null", SV_ARGS(column->name));
    *out = expr_null(context->arena, column->type);
    return OK;
}

static Status source_positions(AnalyzeContext *context, const AstInsert *ast, const CatalogTable *table, uint32_t given,
                               int *out_positions)
{
    const TableSchema *schema = table->schema;
    for (uint32_t i = 0; i < schema->column_count; i++)
        out_positions[i] = ast->has_columns ? -1 : (int)i;
    uint32_t wanted = ast->has_columns ? ast->columns.count : schema->column_count;
    for (uint32_t i = 0; ast->has_columns && i < ast->columns.count; i++) {
        int column = table_column_index(schema, ast->columns.items[i]);
        if (column < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in '%.*s'", SV_ARGS(ast->columns.items[i]),
                         SV_ARGS(table->name));
        if (out_positions[column] >= 0)
            return RAISE(context->diag, DUPLICATE_COLUMN, "Column '%.*s' specified twice", SV_ARGS(ast->columns.items[i]));
        out_positions[column] = (int)i;
    }
    if (given != wanted)
        return RAISE(context->diag, WRONG_COLUMN_COUNT, "Inserted target column count: %u doesn't match select/value column count: %u",
                     wanted, given);
    return OK;
}

Status analyze_insert(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out)
{
    if (ast->is_blackhole)
        return RAISE(context->diag, NOT_SUPPORTED, "BLACKHOLE() has no table");
    if (ast->is_files)
        return RAISE(context->diag, NOT_SUPPORTED, "INSERT INTO FILES() is not supported yet");
    TRY(analyze_find_table(context, &ast->table, &out->database, &out->table));
    if (context->authorizer != NULL)
        TRY(context->authorizer->check(context->authorizer->context, AUTHORIZE_INSERT, out->database->name, out->table->name,
                                       context->diag));
    if (out->table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: can't insert into view '%.*s'.",
                     SV_ARGS(out->table->name));
    TRY(analyze_query(context, ast->query, source, &out->query));
    const TableSchema *schema = out->table->schema;
    LogicalNode *child = out->query->root;
    int *positions = ARENA_NEW_ARRAY(context->arena, int, schema->column_count);
    TRY(source_positions(context, ast, out->table, child->column_count, positions));
    LogicalNode *project = new_node(context, LOGICAL_PROJECT, child);
    project->column_count = schema->column_count;
    project->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, schema->column_count);
    project->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        Expr *expr;
        if (positions[i] < 0) {
            TRY(default_expr(context, column, &expr));
        } else {
            const LogicalColumn *from = &child->columns[positions[i]];
            expr = expr_column(context->arena, from->id, from->type, from->is_nullable, from->name);
            TRY(expr_cast(context->arena, expr, column->type, true, context->diag, &expr));
        }
        project->project.exprs[i] = expr;
        project->columns[i] = column_of(column_ids_next(&context->ids), expr, column->name);
    }
    out->query->root = project;
    out->query->columns = project->columns;
    out->query->column_count = project->column_count;
    return OK;
}
