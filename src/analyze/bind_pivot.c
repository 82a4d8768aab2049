#include "analyze/analyze_int.h"

/* PIVOT: an aggregate of its own over what stands left of it. Each pair of a value and an aggregate is a call with the
 * filter `column = value`; the columns that neither FOR nor the aggregates name are what is grouped by.
 *
 * Names: that of the value (its alias or its text), and behind it that of the aggregate when there are several. */

#include "sql/parser.h"

enum { MAX_PIVOT_COLUMNS = 4096 };

typedef struct PivotColumns {
    Expr **exprs;
    StrView *names;
    uint32_t count;
} PivotColumns;

static AstExpr *binary(AnalyzeContext *context, const char *op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr = ARENA_NEW(context->arena, AstExpr);
    expr->kind = AST_BINARY_OP;
    expr->op = strview(op);
    expr->begin = right->begin;
    expr->end = right->end;
    expr->arguments.items = ARENA_NEW_ARRAY(context->arena, AstExpr *, 2);
    expr->arguments.items[0] = left;
    expr->arguments.items[1] = right;
    expr->arguments.count = expr->arguments.capacity = 2;
    return expr;
}

/* The condition for one value: column = value, or the same of each part. */
static Status value_condition(AnalyzeContext *context, const Scope *scope, const AstPivot *pivot, AstExpr *value, AstExpr **out)
{
    bool is_list = pivot->columns.count > 1;
    if (is_list != (value->kind == AST_ROW) || (is_list && value->arguments.count != pivot->columns.count))
        return analyze_error(context, scope->source, value->begin, "PIVOT has %u columns, but this value has %u",
                             pivot->columns.count, value->kind == AST_ROW ? value->arguments.count : 1);
    AstExpr *condition = NULL;
    for (uint32_t i = 0; i < pivot->columns.count; i++) {
        AstExpr *part = binary(context, "=", pivot->columns.items[i], is_list ? value->arguments.items[i] : value);
        condition = condition == NULL ? part : binary(context, "AND", condition, part);
    }
    *out = condition;
    return OK;
}

/* A literal gives its value as a name, anything else its text. */
static void append_value_name(const Scope *scope, const AstExpr *value, ByteBuf *out)
{
    if (value->kind == AST_STRING || value->kind == AST_TYPED)
        bytebuf_append(out, value->text.data, value->text.length);
    else
        bytebuf_append(out, scope->source.data + value->begin, value->end - value->begin);
}

static StrView column_name(AnalyzeContext *context, const Scope *scope, const AstPivot *pivot, const AstSelectItem *value,
                           const AstSelectItem *aggregate)
{
    AUTO_BYTEBUF name = {0};
    if (value->alias.length > 0) {
        bytebuf_append(&name, value->alias.data, value->alias.length);
    } else if (value->expr->kind == AST_ROW) {
        for (uint32_t i = 0; i < value->expr->arguments.count; i++) {
            bytebuf_append(&name, i > 0 ? "_" : "", i > 0);
            append_value_name(scope, value->expr->arguments.items[i], &name);
        }
    } else {
        append_value_name(scope, value->expr, &name);
    }
    if (pivot->aggregates.count > 1) {
        StrView text = aggregate->alias;
        if (text.length == 0)
            text = strview_n(scope->source.data + aggregate->expr->begin, aggregate->expr->end - aggregate->expr->begin);
        bytebuf_printf(&name, "_%.*s", SV_ARGS(text));
    }
    return strview_n(arena_strndup(context->arena, name.data, name.length), name.length);
}

static Status bind_one(AnalyzeContext *context, Scope *scope, const AstPivot *pivot, const AstSelectItem *value,
                       const AstSelectItem *aggregate, PivotColumns *columns)
{
    AstExpr *condition = NULL;
    TRY(value_condition(context, scope, pivot, value->expr, &condition));
    AstExpr *call = ARENA_NEW(context->arena, AstExpr);
    *call = *aggregate->expr;
    call->else_value = call->else_value == NULL ? condition : binary(context, "AND", call->else_value, condition);
    Expr *expr;
    TRY(bind_expr(context, scope, call, &expr));
    bool is_call = false;
    for (uint32_t i = 0; i < scope->select->calls.count; i++)
        is_call |= expr->kind == EXPR_COLUMN && scope->select->calls.items[i].id == expr->column.id;
    if (!is_call)
        return analyze_error(context, scope->source, aggregate->expr->begin, "PIVOT takes aggregate functions");
    columns->exprs[columns->count] = expr;
    columns->names[columns->count++] = column_name(context, scope, pivot, value, aggregate);
    return OK;
}

static void mark_used(const Scope *scope, const Expr *expr, bool *used)
{
    for (uint32_t i = 0; expr->kind == EXPR_COLUMN && i < scope->columns.count; i++)
        used[i] |= scope->columns.items[i].column.id == expr->column.id;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        mark_used(scope, expr->arguments[i], used);
}

/* The columns that no call uses, in order. */
static void group_by_rest(AnalyzeContext *context, const Scope *scope, PivotColumns *columns, ScopeColumn *out_groups)
{
    SelectState *select = scope->select;
    bool *used = ARENA_NEW_ARRAY(context->arena, bool, scope->columns.count + 1);
    for (uint32_t c = 0; c < select->calls.count; c++) {
        const AggCall *call = &select->calls.items[c];
        for (uint32_t a = 0; a < call->argument_count; a++)
            mark_used(scope, call->arguments[a], used);
        if (call->filter != NULL)
            mark_used(scope, call->filter, used);
    }
    select->groups = ARENA_NEW_ARRAY(context->arena, Expr *, scope->columns.count + 1);
    select->group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, scope->columns.count + 1);
    for (uint32_t i = 0; i < scope->columns.count; i++) {
        const LogicalColumn *column = &scope->columns.items[i].column;
        if (used[i] || scope->columns.items[i].is_hidden)
            continue;
        Expr *expr = expr_column(context->arena, column->id, column->type, column->is_nullable, column->name);
        select->groups[select->group_count] = expr;
        select->group_ids[select->group_count] = column->id;
        out_groups[select->group_count++] = scope->columns.items[i];
        columns->exprs[columns->count] = expr;
        columns->names[columns->count++] = column->name;
    }
}

Status bind_pivot(AnalyzeContext *context, Scope *outer, const AstRelation *ast, LogicalNode **out)
{
    const AstPivot *pivot = ast->pivot;
    SelectState select = {.allows_aggregates = true, .alias_limit = UINT32_MAX};
    Scope scope = {.outer = outer->outer, .ctes = outer->ctes, .source = outer->source};
    LogicalNode *input;
    TRY(bind_relation(context, &scope, ast->left, &input));
    scope.select = &select;
    uint64_t pairs = (uint64_t)pivot->values.count * pivot->aggregates.count;
    if (pairs > MAX_PIVOT_COLUMNS)
        return RAISE(context->diag, LIMIT_EXCEEDED, "PIVOT makes more than %d columns", MAX_PIVOT_COLUMNS);
    PivotColumns calls = {.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, pairs + 1), .names = ARENA_NEW_ARRAY(context->arena, StrView, pairs + 1)};
    for (uint32_t v = 0; v < pivot->values.count; v++) {
        for (uint32_t a = 0; a < pivot->aggregates.count; a++) {
            if (pivot->aggregates.items[a].expr->kind != AST_CALL)
                return analyze_error(context, scope.source, pivot->aggregates.items[a].expr->begin, "PIVOT takes aggregate functions");
            TRY(bind_one(context, &scope, pivot, &pivot->values.items[v], &pivot->aggregates.items[a], &calls));
        }
    }
    uint32_t room = scope.columns.count + calls.count + 1;
    PivotColumns columns = {.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, room), .names = ARENA_NEW_ARRAY(context->arena, StrView, room)};
    ScopeColumn *groups = ARENA_NEW_ARRAY(context->arena, ScopeColumn, room);
    group_by_rest(context, &scope, &columns, groups);
    memcpy(columns.exprs + columns.count, calls.exprs, calls.count * sizeof(*calls.exprs));
    memcpy(columns.names + columns.count, calls.names, calls.count * sizeof(*calls.names));
    columns.count += calls.count;
    LogicalNode *node = project_node(context, aggregate_node(context, &scope, input), columns.exprs, columns.names, columns.count);
    TRY(rename_columns(context, ast, node));
    for (uint32_t i = 0; i < node->column_count; i++) {
        bool keeps_table = ast->alias.length == 0 && i < select.group_count;
        node->columns[i].table_name = keeps_table ? groups[i].qualifier : ast->alias;
        scope_add(context, outer, &node->columns[i], node->columns[i].table_name, keeps_table ? groups[i].database : STR_VIEW(""));
    }
    *out = node;
    return OK;
}
