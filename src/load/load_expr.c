#include "load/load_plan.h"

/* Column mappings and where of a load, as bound expressions. A field whose name is a column of the table
 * has that column's type in expressions unless the mapping computes the column anew; others are strings. */

#include "analyze/analyze.h"
#include "sql/parser.h"

static AnalyzeContext analyze_context(LoadPlan *plan, Diag *diag)
{
    return (AnalyzeContext){.arena = &plan->arena,
                            .diag = diag,
                            .catalog = plan->catalog,
                            .session = &plan->session,
                            .database = plan->database->name};
}

/* What analyze_scalar() sees: ids 1 .. n, in the order of the slots. */
static LogicalColumn logical_column(ColumnId id, StrView name, Type type, bool is_nullable)
{
    return (LogicalColumn){.id = id, .name = name, .type = type, .is_nullable = is_nullable};
}

static Expr *set_slot(void *context, Expr *node)
{
    LoadPlan *plan = context;
    if (node->kind != EXPR_COLUMN)
        return node;
    node->column.slot = node->column.id - 1;
    if (plan != NULL) {
        LoadSource *source = &plan->sources[node->column.slot];
        if (source->type.kind == TYPE_NULL)
            source->type = type_varchar(VARCHAR_MAX_BYTES);
    }
    return node;
}

static Status bind_value(LoadPlan *plan, AnalyzeContext *context, StrView source, const AstExpr *ast,
                         const LogicalColumn *columns, Type type, Expr **out)
{
    Expr *expr;
    TRY(analyze_scalar(context, ast, source, columns, plan->source_count, &expr));
    TRY(expr_cast(&plan->arena, expr, type, true, context->diag, &expr));
    *out = expr_rewrite(expr, set_slot, plan);
    return OK;
}

Status load_plan_bind(LoadPlan *plan, StrView mapping, const AstStrList *names, const AstExprList *values, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    AnalyzeContext context = analyze_context(plan, diag);
    for (uint32_t i = 0; i < names->count; i++) {
        int column = values->items[i] == NULL ? -1 : table_column_index(schema, names->items[i]);
        for (uint32_t k = 0; k < plan->source_count && column >= 0; k++) {
            if (plan->sources[k].table_column == column)
                plan->sources[k] = (LoadSource){.name = plan->sources[k].name, .table_column = -1};
        }
    }
    LogicalColumn *columns = ARENA_NEW_ARRAY(&plan->arena, LogicalColumn, plan->source_count);
    for (uint32_t i = 0; i < plan->source_count; i++) {
        Type type = plan->sources[i].type.kind == TYPE_NULL || type_is_state(plan->sources[i].type) ? type_varchar(VARCHAR_MAX_BYTES) : plan->sources[i].type;
        columns[i] = logical_column(i + 1, plan->sources[i].name, type, true);
    }
    for (uint32_t i = 0; i < names->count; i++) {
        if (values->items[i] == NULL)
            continue;
        int column = table_column_index(schema, names->items[i]);
        if (column < 0 && strview_is(names->items[i], OP_COLUMN) && schema->keys_kind == KEYS_PRIMARY) {
            TRY(bind_value(plan, &context, mapping, values->items[i], columns, type_varchar(OP_BYTES), &plan->exprs[plan->expr_count]));
            plan->op = (LoadTarget){.kind = LOAD_FROM_EXPR, .index = plan->expr_count++};
            plan->has_op = true;
            continue;
        }
        if (column < 0)
            return RAISE(diag, NO_SUCH_COLUMN, "Column '%.*s' in the mapping is no column of table '%.*s'",
                         SV_ARGS(names->items[i]), SV_ARGS(plan->table->name));
        if (schema->columns[column].generated.length > 0)
            return RAISE(diag, INVALID_ARGUMENT, "generated column '%.*s' can not be specified.", SV_ARGS(names->items[i]));
        TRY(bind_value(plan, &context, mapping, values->items[i], columns, schema->columns[column].type,
                       &plan->exprs[plan->expr_count]));
        plan->targets[column] = (LoadTarget){.kind = LOAD_FROM_EXPR, .index = plan->expr_count++};
    }
    return OK;
}

Status load_plan_bind_default(LoadPlan *plan, const TableColumn *column, LoadTarget *target, Diag *diag)
{
    AnalyzeContext context = analyze_context(plan, diag);
    AstExpr *ast;
    Expr *expr;
    TRY(sql_parse_expression(column->default_text, &plan->arena, diag, &ast));
    TRY(analyze_scalar(&context, ast, column->default_text, NULL, 0, &expr));
    TRY(expr_cast(&plan->arena, expr, column->type, true, diag, &plan->exprs[plan->expr_count]));
    *target = (LoadTarget){.kind = LOAD_FROM_EXPR, .index = plan->expr_count++};
    return OK;
}

/* All columns of the table, as slots. */
static LogicalColumn *table_columns(LoadPlan *plan)
{
    const TableSchema *schema = plan->table->schema;
    LogicalColumn *columns = ARENA_NEW_ARRAY(&plan->arena, LogicalColumn, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++)
        columns[i] = logical_column(i + 1, schema->columns[i].name, schema->columns[i].type, schema->columns[i].is_nullable);
    return columns;
}

Status load_plan_bind_generated(LoadPlan *plan, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    AnalyzeContext context = analyze_context(plan, diag);
    LogicalColumn *columns = table_columns(plan);
    GeneratedColumns *generated = &plan->generated;
    generated->session = &plan->session;
    generated->exprs = ARENA_NEW_ARRAY(&plan->arena, Expr *, schema->column_count);
    generated->columns = ARENA_NEW_ARRAY(&plan->arena, uint32_t, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        AstExpr *ast;
        Expr *expr;
        if (column->generated.length == 0)
            continue;
        TRY(sql_parse_expression(column->generated, &plan->arena, diag, &ast));
        TRY(analyze_scalar(&context, ast, column->generated, columns, schema->column_count, &expr));
        TRY(expr_cast(&plan->arena, expr, column->type, true, diag, &expr));
        generated->exprs[generated->count] = expr_rewrite(expr, set_slot, NULL);
        generated->columns[generated->count++] = i;
    }
    return OK;
}

Status load_plan_bind_where(LoadPlan *plan, StrView text, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    AnalyzeContext context = analyze_context(plan, diag);
    AstExpr *ast;
    TRY(sql_parse_expression(text, &plan->arena, diag, &ast));
    Expr *expr;
    TRY(analyze_scalar(&context, ast, text, table_columns(plan), schema->column_count, &expr));
    TRY(expr_cast(&plan->arena, expr, type_of(TYPE_BOOLEAN), true, diag, &expr));
    plan->where = expr_rewrite(expr, set_slot, NULL);
    return OK;
}
