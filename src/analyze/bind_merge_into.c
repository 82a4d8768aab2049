#include "analyze/analyze_int.h"

/* MERGE INTO becomes a query over the source joined with the target: LEFT JOIN, or FULL JOIN when a clause speaks of
 * rows that the source does not match. The first clause that fits a row says what the row becomes: a CASE over the
 * clauses for each column, and one that says whether the row is put or taken away. The syntax tree of that query is
 * made here and bound like any other. Columns of the result: the table's, then 0 or 1: the row is taken away. */

#include "sql/ast_command.h"

#define SOURCE_MARK "__merge_source"

typedef struct Merge {
    AnalyzeContext *context;
    const AstStatement *statement;
    const AstMerge *ast;
    const TableSchema *schema;
    StrView target, source; /* names that qualify their columns; source empty: it has none */
    bool is_full;           /* FULL JOIN */
} Merge;

static AstExpr *new_expr(const Merge *merge, AstExprKind kind)
{
    AstExpr *expr = ARENA_NEW(merge->context->arena, AstExpr);
    expr->kind = (uint8_t)kind;
    expr->begin = expr->end = merge->statement->begin;
    return expr;
}

static AstExpr *name_of(const Merge *merge, StrView qualifier, StrView name)
{
    AstExpr *expr = new_expr(merge, AST_NAME);
    expr->name.parts[0] = qualifier;
    expr->name.parts[1] = name;
    expr->name.count = 2;
    return expr;
}

static AstExpr *integer(const Merge *merge, const char *digits)
{
    AstExpr *expr = new_expr(merge, AST_INTEGER);
    expr->text = strview(digits);
    return expr;
}

static AstExpr *both(const Merge *merge, AstExpr *left, AstExpr *right)
{
    if (left == NULL || right == NULL)
        return left == NULL ? right : left;
    AstExpr *expr = new_expr(merge, AST_BINARY_OP);
    expr->op = STR_VIEW("AND");
    AST_PUSH(merge->context->arena, &expr->arguments, left);
    AST_PUSH(merge->context->arena, &expr->arguments, right);
    return expr;
}

static AstExpr *is_there(const Merge *merge, bool in_target, bool is_negated)
{
    AstExpr *expr = new_expr(merge, AST_IS_NULL);
    expr->is_negated = is_negated;
    expr->left = in_target ? name_of(merge, merge->target, merge->schema->columns[0].name)
                           : name_of(merge, merge->source, STR_VIEW(SOURCE_MARK));
    return expr;
}

/* Which rows of the join the clause is for. */
static AstExpr *clause_condition(const Merge *merge, const AstMergeAction *action)
{
    AstExpr *has_target = is_there(merge, true, action->is_matched || action->by_source);
    AstExpr *has_source = merge->is_full ? is_there(merge, false, !action->by_source) : NULL;
    AstExpr *given = NULL;
    if (action->condition != NULL)
        memcpy(&given, &action->condition, sizeof(given));
    return both(merge, both(merge, has_source, has_target), given);
}

static int find_name(const AstStrList *names, StrView name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strview_equal_ci(names->items[i], name))
            return (int)i;
    }
    return -1;
}

/* INSERT: its value, or the default. columns empty: all in order, without generated ones. */
static Status inserted_value(const Merge *merge, const AstMergeAction *action, uint32_t column, AstExpr **out)
{
    const TableColumn *target = &merge->schema->columns[column];
    int at = find_name(&action->columns, target->name);
    if (action->is_star) {
        *out = name_of(merge, merge->source, target->name);
        return OK;
    }
    if (action->columns.count == 0) {
        at = 0;
        for (uint32_t c = 0; c < column; c++)
            at += merge->schema->columns[c].generated.length == 0;
    }
    if (at >= 0 && at < (int)action->values.count) {
        *out = action->values.items[at];
        return OK;
    }
    return bind_default_value(merge->context, target, out);
}

static Status clause_value(const Merge *merge, const AstMergeAction *action, uint32_t column, AstExpr **out)
{
    const TableColumn *target = &merge->schema->columns[column];
    int at = find_name(&action->columns, target->name);
    if (strview_is(action->action, "INSERT"))
        return inserted_value(merge, action, column, out);
    *out = name_of(merge, merge->target, target->name);
    if (!strview_is(action->action, "UPDATE") || target->is_key)
        return OK;
    if (action->is_star)
        *out = name_of(merge, merge->source, target->name);
    else if (at >= 0)
        *out = action->values.items[at];
    return OK;
}

static Status column_value(const Merge *merge, uint32_t column, AstExpr **out)
{
    *out = new_expr(merge, AST_CASE);
    for (uint32_t i = 0; i < merge->ast->actions.count; i++) {
        const AstMergeAction *action = &merge->ast->actions.items[i];
        AstExpr *value;
        TRY(clause_value(merge, action, column, &value));
        AST_PUSH(merge->context->arena, &(*out)->arguments, clause_condition(merge, action));
        AST_PUSH(merge->context->arena, &(*out)->arguments, value);
    }
    return OK;
}

/* 0: put, 1: take away, NULL: nothing. */
static AstExpr *operation(const Merge *merge)
{
    AstExpr *expr = new_expr(merge, AST_CASE);
    for (uint32_t i = 0; i < merge->ast->actions.count; i++) {
        const AstMergeAction *action = &merge->ast->actions.items[i];
        bool is_nothing = strview_is(action->action, "DO NOTHING");
        AST_PUSH(merge->context->arena, &expr->arguments, clause_condition(merge, action));
        AST_PUSH(merge->context->arena, &expr->arguments,
                 is_nothing ? new_expr(merge, AST_NULL) : integer(merge, strview_is(action->action, "DELETE") ? "1" : "0"));
    }
    return expr;
}

/* ---- checks ---- */

static Status check_columns(const Merge *merge, const AstMergeAction *action)
{
    bool is_update = strview_is(action->action, "UPDATE");
    for (uint32_t i = 0; i < action->columns.count; i++) {
        int column = table_column_index(merge->schema, action->columns.items[i]);
        if (column < 0)
            return RAISE(merge->context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in '%.*s'", SV_ARGS(action->columns.items[i]), SV_ARGS(merge->target));
        if (is_update && merge->schema->columns[column].is_key)
            return RAISE(merge->context->diag, ANALYSIS, "Getting analyzing error. Detail message: primary key column cannot be updated: %.*s.",
                         SV_ARGS(merge->schema->columns[column].name));
        if (merge->schema->columns[column].generated.length > 0)
            return RAISE(merge->context->diag, ANALYSIS, "Getting analyzing error. Detail message: generated column '%.*s' can not be specified.",
                         SV_ARGS(merge->schema->columns[column].name));
    }
    return OK;
}

static Status check_insert(const Merge *merge, const AstMergeAction *action)
{
    uint32_t wanted = action->columns.count;
    for (uint32_t c = 0; c < merge->schema->column_count && action->columns.count == 0; c++)
        wanted += merge->schema->columns[c].generated.length == 0;
    if (!action->is_star && action->values.count != wanted)
        return RAISE(merge->context->diag, WRONG_COLUMN_COUNT, "Inserted target column count: %u doesn't match select/value column count: %u", wanted,
                     action->values.count);
    return OK;
}

static Status check_clause(const Merge *merge, const AstMergeAction *action)
{
    Diag *diag = merge->context->diag;
    bool is_insert = strview_is(action->action, "INSERT");
    bool has_target = action->is_matched || action->by_source;
    if (is_insert && has_target)
        return RAISE(diag, SYNTAX, "MERGE: only WHEN NOT MATCHED THEN may INSERT");
    if (!is_insert && !has_target && !strview_is(action->action, "DO NOTHING"))
        return RAISE(diag, SYNTAX, "MERGE: WHEN NOT MATCHED can only INSERT or DO NOTHING");
    if (action->is_star && (action->by_source || merge->source.length == 0))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: MERGE with * needs a source with a name.");
    TRY(check_columns(merge, action));
    return is_insert ? check_insert(merge, action) : OK;
}

static Status check_target(AnalyzeContext *context, const BoundInsert *target)
{
    static const PrivilegeSet needed[] = {PRIVILEGE_BIT(UPDATE), PRIVILEGE_BIT(DELETE), PRIVILEGE_BIT(INSERT)};
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        TRY(authorize_table(context, needed[i], target->database, target->table));
    if (target->table->schema->keys_kind != KEYS_PRIMARY || target->table->schema->kind != TABLE_BASE)
        return RAISE(context->diag, NOT_SUPPORTED, "Getting analyzing error. Detail message: table %.*s does not support MERGE: only PRIMARY KEY tables do.",
                     SV_ARGS(target->table->name));
    return OK;
}

/* ---- the join ---- */

/* (SELECT *, 1 AS mark FROM source) AS its name */
static AstRelation *marked_source(const Merge *merge)
{
    AnalyzeContext *context = merge->context;
    AstRelation *marked = ARENA_NEW(context->arena, AstRelation);
    AstQuery *query = ARENA_NEW(context->arena, AstQuery);
    AstSelectItem all = {.expr = new_expr(merge, AST_STAR)};
    AstSelectItem mark = {.expr = integer(merge, "1"), .alias = STR_VIEW(SOURCE_MARK)};
    query->kind = AST_QUERY_SELECT;
    query->begin = query->end = merge->statement->begin;
    query->select.from = merge->ast->source;
    AST_PUSH(context->arena, &query->select.items, all);
    AST_PUSH(context->arena, &query->select.items, mark);
    marked->kind = AST_DERIVED;
    marked->alias = merge->source;
    marked->query = query;
    return marked;
}

static AstRelation *joined(const Merge *merge)
{
    AstRelation *target = ARENA_NEW(merge->context->arena, AstRelation);
    AstRelation *join = ARENA_NEW(merge->context->arena, AstRelation);
    target->kind = AST_TABLE;
    merge->context->permitted = target;
    target->name = merge->ast->table;
    target->alias = merge->ast->alias;
    join->kind = AST_JOIN;
    join->join_kind = merge->is_full ? AST_JOIN_FULL : AST_JOIN_LEFT;
    join->left = merge->is_full ? marked_source(merge) : merge->ast->source;
    join->right = target;
    join->on = merge->ast->on;
    target->begin = target->end = join->begin = join->end = merge->statement->begin;
    return join;
}

static Status bind_merge(Merge *merge, BoundInsert *out)
{
    AnalyzeContext *context = merge->context;
    AstQuery *query = ARENA_NEW(context->arena, AstQuery);
    AstInsert insert = {.table = merge->ast->table, .query = query, .has_columns = true};
    query->kind = AST_QUERY_SELECT;
    query->begin = query->end = merge->statement->begin;
    query->select.from = joined(merge);
    for (uint32_t c = 0; c < merge->schema->column_count; c++) {
        AstSelectItem item = {.alias = merge->schema->columns[c].name};
        if (merge->schema->columns[c].generated.length > 0)
            continue;
        TRY(column_value(merge, c, &item.expr));
        AST_PUSH(context->arena, &query->select.items, item);
        AST_PUSH(context->arena, &insert.columns, item.alias);
    }
    AstExpr *does_something = new_expr(merge, AST_IS_NULL);
    does_something->is_negated = true;
    does_something->left = operation(merge);
    query->select.where = does_something;
    AstSelectItem what = {.expr = operation(merge), .alias = STR_VIEW("__op")};
    AST_PUSH(context->arena, &query->select.items, what);
    out->has_op = true;
    return bind_insert_rows(context, &insert, merge->statement->source, out);
}

Status analyze_merge(AnalyzeContext *context, const AstStatement *ast, BoundInsert *out)
{
    const AstMerge *tree = ast->merge;
    Merge merge = {.context = context, .statement = ast, .ast = tree};
    TRY(analyze_find_table(context, &tree->table, &out->database, &out->table));
    TRY(check_target(context, out));
    merge.schema = out->table->schema;
    merge.target = tree->alias.length > 0 ? tree->alias : out->table->name;
    merge.source = tree->source->alias;
    if (merge.source.length == 0 && tree->source->kind == AST_TABLE)
        merge.source = tree->source->name.parts[tree->source->name.count - 1];
    for (uint32_t i = 0; i < tree->actions.count; i++) {
        merge.is_full |= tree->actions.items[i].by_source;
        TRY(check_clause(&merge, &tree->actions.items[i]));
    }
    if (merge.is_full && merge.source.length == 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: MERGE with NOT MATCHED BY SOURCE needs a source with a name.");
    return bind_merge(&merge, out);
}
