#include "analyze/analyze_int.h"

/* AGGREGATE KEY tables store rows as they were loaded; who reads one groups them by the keys. The scan is bound
 * as a query of its own: SELECT keys, CAST(sum(v) AS type), ... FROM table GROUP BY keys. REPLACE takes the value
 * whose row lies last: segments are kept in the order of their transactions. */

static AstExpr *new_expr(AnalyzeContext *context, const AstRelation *ast, AstExprKind kind)
{
    AstExpr *expr = ARENA_NEW(context->arena, AstExpr);
    expr->kind = (uint8_t)kind;
    expr->begin = expr->end = ast->begin;
    return expr;
}

static AstExpr *name_of(AnalyzeContext *context, const AstRelation *ast, StrView name)
{
    AstExpr *expr = new_expr(context, ast, AST_NAME);
    expr->name.parts[0] = name;
    expr->name.count = 1;
    return expr;
}

static AstExpr *call_of(AnalyzeContext *context, const AstRelation *ast, const char *function, StrView column)
{
    AstExpr *expr = new_expr(context, ast, AST_CALL);
    expr->name.parts[0] = strview(function);
    expr->name.count = 1;
    expr->call = ARENA_NEW(context->arena, AstCall);
    AST_PUSH(context->arena, &expr->arguments, name_of(context, ast, column));
    return expr;
}

static Status merged_value(AnalyzeContext *context, const AstRelation *ast, const TableColumn *column, AstExpr **out)
{
    static const struct {
        const char *aggregate, *function;
    } known[] = {{"SUM", "sum"}, {"MIN", "min"}, {"MAX", "max"}, {"REPLACE", "max_by"}, {"REPLACE_IF_NOT_NULL", "max_by"},
                 {"BITMAP_UNION", "bitmap_union"}, {"HLL_UNION", "hll_union"}, {"PERCENTILE_UNION", "percentile_union"}};
    const char *function = NULL;
    if (type_is_state(column->type)) {
        *out = call_of(context, ast, arena_printf(context->arena, "%.*s_union", SV_ARGS(type_state_function(column->type))), column->name);
        return OK;
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strview_equal_ci(column->aggregate, strview(known[i].aggregate)))
            function = known[i].function;
    }
    if (function == NULL || func_find(strview(function)) == NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "column '%.*s' with aggregate %.*s can't be read", SV_ARGS(column->name),
                     SV_ARGS(column->aggregate));
    AstExpr *call = call_of(context, ast, function, column->name);
    if (strview_is(strview(function), "max_by"))
        AST_PUSH(context->arena, &call->arguments, name_of(context, ast, STR_VIEW(ROW_LOCATION_NAME)));
    if (strview_equal_ci(column->aggregate, STR_VIEW("REPLACE_IF_NOT_NULL"))) {
        call->else_value = new_expr(context, ast, AST_IS_NULL);
        call->else_value->is_negated = true;
        call->else_value->left = name_of(context, ast, column->name);
    }
    *out = call;
    if (!type_is_numeric(column->type))
        return OK;
    *out = new_expr(context, ast, AST_CAST);
    (*out)->left = call;
    (*out)->type = column->type;
    (*out)->has_type = true;
    return OK;
}

Status bind_merged_table(AnalyzeContext *context, const AstRelation *ast, const CatalogTable *table, StrView source, LogicalNode **out)
{
    const TableSchema *schema = table->schema;
    AstRelation *raw = ARENA_NEW(context->arena, AstRelation);
    AstQuery *query = ARENA_NEW(context->arena, AstQuery);
    BoundQuery *bound;
    memcpy(raw, ast, sizeof(*raw));
    raw->column_aliases = (AstStrList){0};
    query->kind = AST_QUERY_SELECT;
    query->begin = query->end = ast->begin;
    query->select.from = raw;
    query->select.has_group = true;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        AstSelectItem item = {.expr = name_of(context, ast, schema->columns[i].name), .alias = schema->columns[i].name};
        if (schema->columns[i].is_key)
            AST_PUSH(context->arena, &query->select.group, name_of(context, ast, schema->columns[i].name));
        else
            TRY(merged_value(context, ast, &schema->columns[i], &item.expr));
        AST_PUSH(context->arena, &query->select.items, item);
    }
    const AstRelation *outer = context->raw;
    context->raw = raw;
    Status status = bind_query(context, NULL, query, source, &bound);
    context->raw = outer;
    TRY(status);
    *out = bound->root;
    for (uint32_t i = 0; i < MIN(bound->root->column_count, schema->column_count); i++) {
        bound->root->columns[i].name = schema->columns[i].name;
        bound->root->columns[i].origin_table = table->name;
        bound->root->columns[i].origin_column = schema->columns[i].name;
    }
    return OK;
}
