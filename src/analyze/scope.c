#include "analyze/analyze_int.h"

/* Names to columns, databases and tables. */

#include <stdio.h>

#include "sql/parser.h"

Status analyze_error(AnalyzeContext *context, StrView source, uint32_t offset, const char *format, ...)
{
    char text[600];
    uint32_t line = 0, column = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (source.length == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %s.", text);
    sql_position(source, offset, &line, &column);
    Status status = RAISE(context->diag, ANALYSIS, "Getting analyzing error at line %u, column %u. Detail message: %s.",
                          line, column, text);
    if (context->diag != NULL) {
        context->diag->line = (int)line;
        context->diag->column = (int)column + 1;
    }
    return status;
}

LogicalColumn column_of(ColumnId id, const Expr *expr, StrView name)
{
    return (LogicalColumn){.id = id, .type = expr->type, .is_nullable = expr->is_nullable, .name = name};
}

LogicalNode *new_node(AnalyzeContext *context, LogicalKind kind, LogicalNode *child)
{
    LogicalNode *node = ARENA_NEW(context->arena, LogicalNode);
    node->kind = (uint8_t)kind;
    node->estimated_rows = -1;
    if (child != NULL) {
        node->children = ARENA_NEW_ARRAY(context->arena, LogicalNode *, 2);
        node->children[0] = child;
        node->child_count = 1;
    }
    return node;
}

void node_columns_like(AnalyzeContext *context, LogicalNode *node, const LogicalNode *child)
{
    node->column_count = child->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, child->column_count);
    memcpy(node->columns, child->columns, child->column_count * sizeof(LogicalColumn));
}

LogicalNode *filter_node(AnalyzeContext *context, LogicalNode *child, Expr *condition)
{
    LogicalNode *node = new_node(context, LOGICAL_FILTER, child);
    node_columns_like(context, node, child);
    bool is_and = condition->kind == EXPR_AND;
    node->filter.count = is_and ? condition->argument_count : 1;
    node->filter.conjuncts = ARENA_NEW_ARRAY(context->arena, Expr *, node->filter.count);
    for (uint32_t i = 0; i < node->filter.count; i++)
        node->filter.conjuncts[i] = is_and ? condition->arguments[i] : condition;
    return node;
}

void scope_add(AnalyzeContext *context, Scope *scope, const LogicalColumn *column, StrView qualifier, StrView database)
{
    ScopeColumn entry = {*column, qualifier, database, false};
    ARRAY_PUSH(context->arena, &scope->columns, entry);
}

static bool matches(const ScopeColumn *column, const AstName *name)
{
    uint32_t n = name->count;
    if (!strview_equal_ci(column->column.name, name->parts[n - 1]))
        return false;
    if (n >= 2 && !strview_equal(column->qualifier, name->parts[n - 2]))
        return false;
    if (n >= 3 && !strview_equal(column->database, name->parts[n - 3]))
        return false;
    return n >= 2 || !column->is_hidden;
}

/* 0 not found, 1 found, 2 ambiguous */
static int find_column(const Scope *scope, const AstName *name, const ScopeColumn **out)
{
    int found = 0;
    for (uint32_t i = 0; i < scope->columns.count; i++) {
        if (!matches(&scope->columns.items[i], name))
            continue;
        if (found > 0 && scope->columns.items[i].column.id == (*out)->column.id)
            continue;
        *out = &scope->columns.items[i];
        found++;
    }
    return MIN(found, 2);
}

static Status resolve_alias(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    SelectState *select = scope->select;
    *out_expr = NULL;
    if (select == NULL || select->items == NULL || ast->name.count != 1)
        return OK;
    for (uint32_t i = 0; i < MIN(select->items->count, select->alias_limit); i++) {
        const AstSelectItem *item = &select->items->items[i];
        if (item->alias.length == 0 || !strview_equal_ci(item->alias, ast->name.parts[0]))
            continue;
        uint32_t limit = select->alias_limit;
        select->alias_limit = i;
        Status status = bind_expr(context, scope, item->expr, out_expr);
        select->alias_limit = limit;
        return status;
    }
    return OK;
}

static void print_name(const AstName *name, ByteBuf *out)
{
    for (uint32_t i = 0; i < name->count; i++)
        bytebuf_printf(out, "%s%.*s", i > 0 ? "." : "", SV_ARGS(name->parts[i]));
}

/* column.field, table.column.field, column.field.field: the longest column name that is one. */
static Status resolve_field(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    *out_expr = NULL;
    for (uint32_t taken = ast->name.count - 1; taken > 0; taken--) {
        AstName name = ast->name;
        name.count = taken;
        const ScopeColumn *found = NULL;
        if (find_column(scope, &name, &found) != 1 || found->column.type.kind != TYPE_STRUCT)
            continue;
        Expr *value = expr_column(context->arena, found->column.id, found->column.type, found->column.is_nullable, found->column.name);
        if (scope->is_lambda)
            value->kind = EXPR_ARGUMENT;
        for (uint32_t i = taken; i < ast->name.count; i++)
            TRY(bind_field(context, scope, value, ast, ast->name.parts[i], &value));
        *out_expr = value;
        return OK;
    }
    return OK;
}

Status scope_resolve(AnalyzeContext *context, Scope *scope, const AstExpr *ast, Expr **out_expr)
{
    AUTO_BYTEBUF text = {0};
    bool is_outer = false; /* of a query around the one that the name is in */
    for (Scope *s = scope; s != NULL; is_outer |= !s->is_lambda, s = s->outer) {
        const ScopeColumn *found = NULL;
        int count = find_column(s, &ast->name, &found);
        if (count == 2) {
            print_name(&ast->name, &text);
            return analyze_error(context, scope->source, ast->begin, "Column '%s' is ambiguous", text.data);
        }
        if (count == 1) {
            *out_expr = expr_column(context->arena, found->column.id, found->column.type, found->column.is_nullable,
                                    found->column.name);
            if (s->is_lambda)
                (*out_expr)->kind = EXPR_ARGUMENT;
            if (is_outer && s->select != NULL && s->select->allows_aggregates && !s->select->in_aggregate)
                ARRAY_PUSH(context->arena, &s->select->outer_uses, *out_expr);
            return OK;
        }
        TRY(resolve_field(context, s, ast, out_expr));
        if (*out_expr != NULL)
            return OK;
        TRY(resolve_alias(context, s, ast, out_expr));
        if (*out_expr != NULL)
            return OK;
    }
    print_name(&ast->name, &text);
    return analyze_error(context, scope->source, ast->begin, "Column '%s' cannot be resolved", text.data);
}

Status analyze_find_database(AnalyzeContext *context, StrView name, const CatalogDatabase **out_database)
{
    if (name.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    *out_database = catalog_database(context->catalog, name);
    if (*out_database == NULL)
        return RAISE(context->diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(name));
    return OK;
}

Status analyze_find_table(AnalyzeContext *context, const AstName *name, const CatalogDatabase **out_database,
                          const CatalogTable **out_table)
{
    if (name->count == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: the name of a table is missing.");
    StrView database = name->count >= 2 ? name->parts[name->count - 2] : context->database;
    StrView table = name->parts[name->count - 1];
    bool is_system = strview_equal_ci(database, STR_VIEW("information_schema")) || strview_equal_ci(database, STR_VIEW("sys"));
    *out_table = NULL;
    if (is_system) /* what there is of it was found before */
        return RAISE(context->diag, NO_SUCH_TABLE, "Getting analyzing error. Detail message: Unknown table '%.*s.%.*s'.", SV_ARGS(database),
                     SV_ARGS(table));
    TRY(analyze_find_database(context, database, out_database));
    *out_table = catalog_temporary_table(context->catalog, context->temporary_owner, (*out_database)->id, table);
    if (*out_table == NULL)
        *out_table = catalog_table(*out_database, table);
    if (*out_table == NULL)
        return RAISE(context->diag, NO_SUCH_TABLE, "Getting analyzing error. Detail message: Unknown table '%.*s.%.*s'.",
                     SV_ARGS(database), SV_ARGS(table));
    return OK;
}
