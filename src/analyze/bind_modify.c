#include "analyze/analyze_int.h"

/* DELETE and UPDATE become queries over the table: DELETE reads where the rows lie, UPDATE computes the new
 * rows. The syntax tree of that query is made here and bound like any other. */

static Status find_target(AnalyzeContext *context, const AstStatement *ast, PrivilegeSet any_of, BoundInsert *out)
{
    TRY(analyze_find_table(context, &ast->name, &out->database, &out->table));
    TRY(authorize_table(context, any_of, out->database, out->table));
    if (out->table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: The data of '%.*s' cannot be inserted, updated or deleted "
                     "because it is a materialized view, and the data of materialized view must be consistent with the base table.",
                     SV_ARGS(out->table->name));
    if (out->table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: the data of view '%.*s' cannot be modified.",
                     SV_ARGS(out->table->name));
    return ast->flag ? analyze_find_temporary(context, out->table, &out->table) : OK;
}

static AstRelation *target_relation(AnalyzeContext *context, const AstStatement *ast)
{
    AstRelation *relation = ARENA_NEW(context->arena, AstRelation);
    relation->kind = AST_TABLE;
    relation->begin = ast->begin;
    relation->end = ast->end;
    relation->name = ast->name;
    relation->alias = ast->alias;
    relation->partitions = ast->names;
    relation->is_temporary_partition = ast->flag;
    return relation;
}

static AstQuery *query_over(AnalyzeContext *context, const AstStatement *ast, AstRelation *target)
{
    AstQuery *query = ARENA_NEW(context->arena, AstQuery);
    query->kind = AST_QUERY_SELECT;
    query->begin = ast->begin;
    query->end = ast->end;
    query->ctes = ast->ctes;
    query->select.where = ast->where;
    query->select.from = target;
    if (ast->from != NULL) {
        AstRelation *join = ARENA_NEW(context->arena, AstRelation);
        join->kind = AST_JOIN;
        join->join_kind = AST_JOIN_CROSS;
        join->begin = ast->begin;
        join->end = ast->end;
        join->left = target;
        join->right = ast->from;
        query->select.from = join;
    }
    return query;
}

static AstExpr *name_expr(AnalyzeContext *context, const AstStatement *ast, StrView qualifier, StrView name)
{
    AstExpr *expr = ARENA_NEW(context->arena, AstExpr);
    expr->kind = AST_NAME;
    expr->begin = ast->begin;
    expr->end = ast->begin;
    expr->name.parts[0] = qualifier;
    expr->name.parts[1] = name;
    expr->name.count = 2;
    return expr;
}

static StrView target_name(const AstStatement *ast)
{
    return ast->alias.length > 0 ? ast->alias : ast->name.parts[ast->name.count - 1];
}

Status analyze_delete(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out)
{
    TRY(find_target(context, ast, PRIVILEGE_BIT(DELETE), out));
    if (ast->where == NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Delete must specify where clause to prevent full table delete.");
    AstRelation *target = target_relation(context, ast);
    AstQuery *query = query_over(context, ast, target);
    AstSelectItem item = {.expr = name_expr(context, ast, target_name(ast), STR_VIEW(ROW_LOCATION_NAME))};
    AST_PUSH(context->arena, &query->select.items, item);
    context->located = target;
    Status status = analyze_query(context, query, ast->source, &out->query);
    context->located = NULL;
    return status;
}

static Status check_assignments(AnalyzeContext *context, const AstStatement *ast, const TableSchema *schema, const AstExpr **values)
{
    for (uint32_t i = 0; i < ast->set_columns.count; i++) {
        StrView name = ast->set_columns.items[i];
        int column = table_column_index(schema, name);
        if (column < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in '%.*s'", SV_ARGS(name),
                         SV_ARGS(ast->name.parts[ast->name.count - 1]));
        if (schema->columns[column].is_key)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: primary key column cannot be updated: %.*s.",
                         SV_ARGS(schema->columns[column].name));
        if (schema->columns[column].generated.length > 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: generated column '%.*s' can not be updated.",
                         SV_ARGS(schema->columns[column].name));
        if (schema->columns[column].is_auto_increment && ast->values.items[i]->kind == AST_NULL)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: AUTO_INCREMENT column: %.*s must not be NULL.",
                         SV_ARGS(schema->columns[column].name));
        values[column] = ast->values.items[i];
    }
    return OK;
}

Status analyze_update(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out)
{
    TRY(find_target(context, ast, PRIVILEGE_BIT(UPDATE), out));
    const TableSchema *schema = out->table->schema;
    if (schema->keys_kind != KEYS_PRIMARY)
        return RAISE(context->diag, NOT_SUPPORTED, "Getting analyzing error. Detail message: table %.*s does not support update.",
                     SV_ARGS(out->table->name));
    const AstExpr **values = ARENA_NEW_ARRAY(context->arena, const AstExpr *, schema->column_count);
    TRY(check_assignments(context, ast, schema, values));
    AstRelation *target = target_relation(context, ast);
    AstQuery *query = query_over(context, ast, target);
    context->permitted = target;
    AstInsert insert = {.table = ast->name, .query = query, .has_columns = true};
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (schema->columns[c].generated.length > 0 || (values[c] != NULL && values[c]->kind == AST_DEFAULT))
            continue; /* INSERT fills it */
        AstExpr *kept = name_expr(context, ast, target_name(ast), schema->columns[c].name);
        AstSelectItem item = {.expr = kept};
        if (values[c] != NULL)
            memcpy(&item.expr, &values[c], sizeof(item.expr));
        AST_PUSH(context->arena, &query->select.items, item);
        AST_PUSH(context->arena, &insert.columns, schema->columns[c].name);
    }
    return bind_insert_rows(context, &insert, ast->source, out);
}
