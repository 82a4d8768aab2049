#include "analyze/analyze_int.h"

/* Defaults as syntax: the word DEFAULT in VALUES, and INSERT of some columns into a PRIMARY KEY table, which
 * keeps the others of a row that is there already: the source is joined with the table by its key. */

#include "sql/parser.h"

static AstExpr *new_expr(AnalyzeContext *context, AstExprKind kind)
{
    AstExpr *expr = ARENA_NEW(context->arena, AstExpr);
    expr->kind = (uint8_t)kind;
    return expr;
}

Status bind_default_value(AnalyzeContext *context, const TableColumn *column, AstExpr **out)
{
    AstExpr *expr = new_expr(context, AST_NULL);
    switch ((DefaultKind)column->default_kind) {
    case DEFAULT_LITERAL:
        expr->kind = AST_STRING;
        expr->text = column->default_text;
        break;
    case DEFAULT_NOW:
        TRY(sql_parse_expression(STR_VIEW("now()"), context->arena, context->diag, &expr));
        break;
    case DEFAULT_EXPRESSION:
        TRY(sql_parse_expression(column->default_text, context->arena, context->diag, &expr));
        break;
    case DEFAULT_NONE:
    case DEFAULT_NULL:
        if (!column->is_nullable && !column->is_auto_increment && column->generated.length == 0)
            return RAISE(context->diag, COLUMN_NOT_NULL, "Column has no default value, column=%.*s", SV_ARGS(column->name));
        break;
    }
    *out = new_expr(context, AST_CAST);
    (*out)->left = expr;
    (*out)->type = column->type;
    (*out)->has_type = true;
    return OK;
}

static const TableColumn *target_column(const AstInsert *ast, const TableSchema *schema, uint32_t place)
{
    if (ast->has_columns) {
        int column = place < ast->columns.count ? table_column_index(schema, ast->columns.items[place]) : -1;
        return column < 0 ? NULL : &schema->columns[column];
    }
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].generated.length == 0 && place-- == 0)
            return &schema->columns[i];
    }
    return NULL;
}

static Status default_item(AnalyzeContext *context, const AstInsert *ast, const TableSchema *schema, uint32_t place, AstExpr **item)
{
    const TableColumn *column = target_column(ast, schema, place);
    if (column == NULL)
        return OK; /* too many values: told later */
    if ((*item)->kind == AST_NULL && column->is_auto_increment)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message:  `NULL` value is not supported for an AUTO_INCREMENT column: %.*s You can use `default` for an AUTO INCREMENT column.",
                     SV_ARGS(column->name));
    return (*item)->kind == AST_DEFAULT ? bind_default_value(context, column, item) : OK;
}

Status bind_default_words(AnalyzeContext *context, const AstInsert *ast, const TableSchema *schema, const AstQuery **out)
{
    *out = ast->query;
    if (ast->query->kind != AST_QUERY_VALUES)
        return OK;
    AstQuery *copy = ARENA_NEW(context->arena, AstQuery);
    memcpy(copy, ast->query, sizeof(*copy));
    copy->rows.items = ARENA_NEW_ARRAY(context->arena, AstExprList, MAX(copy->rows.count, 1u));
    for (uint32_t r = 0; r < copy->rows.count; r++) {
        AstExprList *row = &copy->rows.items[r];
        *row = ast->query->rows.items[r];
        row->items = ARENA_NEW_ARRAY(context->arena, AstExpr *, MAX(row->count, 1u));
        memcpy(row->items, ast->query->rows.items[r].items, row->count * sizeof(AstExpr *));
        for (uint32_t i = 0; i < row->count; i++)
            TRY(default_item(context, ast, schema, i, &row->items[i]));
    }
    *out = copy;
    return OK;
}

/* ---- partial updates ---- */

static bool is_given(const AstInsert *ast, StrView name)
{
    for (uint32_t i = 0; i < ast->columns.count; i++) {
        if (strview_equal_ci(ast->columns.items[i], name))
            return true;
    }
    return false;
}

bool insert_is_partial(const AstInsert *ast, const TableSchema *schema)
{
    bool is_partial = false;
    if (schema->keys_kind != KEYS_PRIMARY || !ast->has_columns || ast->is_overwrite)
        return false;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        bool given = is_given(ast, schema->columns[i].name);
        if (schema->columns[i].is_key && !given)
            return false; /* then the key is new: its default */
        is_partial |= !given && schema->columns[i].generated.length == 0;
    }
    return is_partial;
}

static AstExpr *qualified(AnalyzeContext *context, const char *qualifier, StrView name)
{
    AstExpr *expr = new_expr(context, AST_NAME);
    expr->name.parts[0] = strview(qualifier);
    expr->name.parts[1] = name;
    expr->name.count = 2;
    return expr;
}

#define SOURCE_ALIAS "__source"
#define TARGET_ALIAS "__target"

/* A column that needs a value and has no default is empty or 0 in the rows of new keys. */
static bool is_zero_where_new(const TableColumn *column)
{
    bool has_zero = type_is_string(column->type) || type_is_numeric(column->type);
    return column->default_kind == DEFAULT_NONE && !column->is_nullable && !column->is_auto_increment && has_zero;
}

static AstExpr *zero_value(AnalyzeContext *context, const TableColumn *column)
{
    AstExpr *zero = new_expr(context, type_is_string(column->type) ? AST_STRING : AST_INTEGER);
    AstExpr *cast = new_expr(context, AST_CAST);
    zero->text = type_is_string(column->type) ? STR_VIEW("") : STR_VIEW("0");
    cast->left = zero;
    cast->type = column->type;
    cast->has_type = true;
    return cast;
}

/* CASE WHEN __target.key IS NULL THEN default ELSE __target.column END */
static Status kept_value(AnalyzeContext *context, const TableSchema *schema, const TableColumn *column, AstExpr **out)
{
    AstExpr *is_new = new_expr(context, AST_IS_NULL);
    AstExpr *fresh;
    is_new->left = qualified(context, TARGET_ALIAS, schema->columns[0].name);
    if (is_zero_where_new(column))
        fresh = zero_value(context, column);
    else
        TRY(bind_default_value(context, column, &fresh));
    *out = new_expr(context, AST_CASE);
    AST_PUSH(context->arena, &(*out)->arguments, is_new);
    AST_PUSH(context->arena, &(*out)->arguments, fresh);
    (*out)->else_value = qualified(context, TARGET_ALIAS, column->name);
    return OK;
}

static AstExpr *join_condition(AnalyzeContext *context, const TableSchema *schema)
{
    AstExpr *all = NULL;
    for (uint32_t k = 0; k < schema->key_count; k++) {
        AstExpr *one = new_expr(context, AST_BINARY_OP);
        one->op = STR_VIEW("=");
        AST_PUSH(context->arena, &one->arguments, qualified(context, SOURCE_ALIAS, schema->columns[k].name));
        AST_PUSH(context->arena, &one->arguments, qualified(context, TARGET_ALIAS, schema->columns[k].name));
        if (all == NULL) {
            all = one;
            continue;
        }
        AstExpr *both = new_expr(context, AST_BINARY_OP);
        both->op = STR_VIEW("AND");
        AST_PUSH(context->arena, &both->arguments, all);
        AST_PUSH(context->arena, &both->arguments, one);
        all = both;
    }
    return all;
}

static AstRelation *joined_source(AnalyzeContext *context, const AstInsert *ast, const AstQuery *query, const TableSchema *schema)
{
    AstRelation *source = ARENA_NEW(context->arena, AstRelation);
    AstRelation *target = ARENA_NEW(context->arena, AstRelation);
    AstRelation *join = ARENA_NEW(context->arena, AstRelation);
    source->kind = AST_DERIVED;
    source->alias = STR_VIEW(SOURCE_ALIAS);
    source->column_aliases = ast->columns;
    source->query = ARENA_NEW(context->arena, AstQuery);
    memcpy(source->query, query, sizeof(*query));
    target->kind = AST_TABLE;
    target->name = ast->table;
    target->alias = STR_VIEW(TARGET_ALIAS);
    context->permitted = target;
    join->kind = AST_JOIN;
    join->join_kind = AST_JOIN_LEFT;
    join->left = source;
    join->right = target;
    join->on = join_condition(context, schema);
    return join;
}

Status bind_partial_insert(AnalyzeContext *context, const AstInsert *ast, StrView source, BoundInsert *out)
{
    const TableSchema *schema = out->table->schema;
    const AstQuery *query;
    TRY(bind_default_words(context, ast, schema, &query));
    AstQuery *whole = ARENA_NEW(context->arena, AstQuery);
    AstInsert insert;
    memcpy(&insert, ast, sizeof(insert));
    insert.columns = (AstStrList){0};
    insert.query = whole;
    whole->kind = AST_QUERY_SELECT;
    whole->select.from = joined_source(context, ast, query, schema);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const TableColumn *column = &schema->columns[i];
        AstSelectItem item = {.alias = column->name};
        if (column->generated.length > 0)
            continue;
        if (is_given(ast, column->name))
            item.expr = qualified(context, SOURCE_ALIAS, column->name);
        else
            TRY(kept_value(context, schema, column, &item.expr));
        AST_PUSH(context->arena, &whole->select.items, item);
        AST_PUSH(context->arena, &insert.columns, column->name);
    }
    return bind_insert_rows(context, &insert, source, out);
}
