#include "ddl/ddl_int.h"

/* DROP PARTITIONS WHERE condition: a partition goes when every row that it can hold fulfils the condition. The
 * condition names partition columns and expressions only; they are replaced by the values of a partition, and what
 * is left is a constant.
 *
 * Lists: all their values. Ranges: their bounds, and for dates everything between; other ranges have too many
 * values to try, so their condition must be made of comparisons, which hold in between when they hold at both ends. */

#include "expr/eval.h"
#include "sql/parser.h"
#include "sql/unparse.h"
#include "types/datetime.h"

enum { MOST_DAYS = 4000 };

typedef struct DropCondition {
    DdlContext *context;
    const AstExpr *expr;
    const CatalogTable *table;
    StrView *texts; /* of the partition expressions, printed */
} DropCondition;

static StrView print(const DropCondition *condition, const AstExpr *expr)
{
    AUTO_BYTEBUF text = {0};
    sql_print_expr(expr, &text);
    char *kept = arena_strndup(condition->context->arena, text.data, text.length);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (kept[i] != '`' && kept[i] != ' ')
            kept[length++] = kept[i] == '"' ? '\'' : kept[i];
    }
    return strview_n(kept, length);
}

static Status print_exprs(DropCondition *condition)
{
    const TableSchema *schema = condition->table->schema;
    condition->texts = ARENA_NEW_ARRAY(condition->context->arena, StrView, schema->partition_column_count + 1);
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        AstExpr *expr;
        TRY(sql_parse_expression(schema->partition_exprs[i], condition->context->arena, condition->context->diag, &expr));
        condition->texts[i] = print(condition, expr);
    }
    return OK;
}

/* CAST('value' AS type) */
static AstExpr *literal(const DropCondition *condition, Type type, const Datum *value)
{
    AUTO_BYTEBUF text = {0};
    AstExpr *inner = ARENA_NEW(condition->context->arena, AstExpr);
    AstExpr *cast = ARENA_NEW(condition->context->arena, AstExpr);
    inner->kind = value->is_null ? AST_NULL : AST_STRING;
    datum_print(type, value, &text);
    inner->text = ddl_keep(condition->context->arena, bytebuf_view(&text));
    cast->kind = AST_CAST;
    cast->left = inner;
    cast->type = type;
    cast->has_type = true;
    return cast;
}

static int partition_expr(const DropCondition *condition, const AstExpr *expr)
{
    const TableSchema *schema = condition->table->schema;
    StrView text = print(condition, expr);
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        if (strview_equal_ci(text, condition->texts[i]))
            return (int)i;
    }
    if (expr->kind != AST_NAME)
        return -1;
    /* The column of date_trunc(unit, column) stands for what it is cut to. */
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_plain;
        int column = table_partition_column(schema, i, &is_plain);
        if (column >= 0 && table_has_ranges(schema) && strview_equal_ci(expr->name.parts[expr->name.count - 1], schema->columns[column].name))
            return (int)i;
    }
    return -1;
}

static Status substitute(const DropCondition *condition, const AstExpr *expr, const Datum *values, AstExpr **out)
{
    const TableSchema *schema = condition->table->schema;
    int at = expr->kind == AST_NAME || expr->kind == AST_CALL ? partition_expr(condition, expr) : -1;
    if (at >= 0) {
        *out = literal(condition, schema->partition_types[at], &values[at]);
        return OK;
    }
    if (expr->kind == AST_NAME)
        return DDL_ERROR(condition->context,
                         "Column `%.*s` in the partition condition is not a table's partition expression, please use table's partition "
                         "expressions: `%.*s`.",
                         SV_ARGS(expr->name.parts[expr->name.count - 1]), SV_ARGS(schema->partition_exprs[0]));
    AstExpr *copy = ARENA_NEW(condition->context->arena, AstExpr);
    memcpy(copy, expr, sizeof(*copy));
    if (expr->left != NULL)
        TRY(substitute(condition, expr->left, values, &copy->left));
    if (expr->else_value != NULL)
        TRY(substitute(condition, expr->else_value, values, &copy->else_value));
    copy->arguments.items = ARENA_NEW_ARRAY(condition->context->arena, AstExpr *, expr->arguments.count + 1);
    for (uint32_t i = 0; i < expr->arguments.count; i++)
        TRY(substitute(condition, expr->arguments.items[i], values, &copy->arguments.items[i]));
    *out = copy;
    return OK;
}

/* Of no columns, but not always one that folds: of a value that can't be computed, it is an error only when it is evaluated. */
static Status evaluate(DdlContext *context, const Expr *expr, bool *out)
{
    Evaluator *evaluator;
    const Vector *result;
    Chunk one_row = {.row_count = 1};
    TRY(evaluator_open(&expr, 1, context->analyze->session, NULL, context->diag, &evaluator));
    Status status = evaluator_run(evaluator, &one_row, &result);
    Datum value = status == OK ? vector_get(result, 0, context->arena) : datum_null();
    *out = !value.is_null && value.i64 != 0;
    evaluator_close(evaluator);
    return status;
}

static Status holds_for(const DropCondition *condition, const Datum *values, bool *out)
{
    DdlContext *context = condition->context;
    AstExpr *ast;
    Expr *expr;
    AUTO_BYTEBUF text = {0};
    TRY(substitute(condition, condition->expr, values, &ast));
    sql_print_expr(ast, &text);
    TRY(analyze_scalar(context->analyze, ast, ddl_keep(context->arena, bytebuf_view(&text)), NULL, 0, &expr));
    TRY(expr_cast(context->arena, expr, type_of(TYPE_BOOLEAN), true, context->diag, &expr));
    return evaluate(context, expr, out);
}

static bool is_comparison_tree(const AstExpr *expr)
{
    static const char *const operators[] = {"<", "<=", ">", ">=", "="};
    if (expr->kind == AST_IS_NULL)
        return !expr->is_negated;
    if (expr->kind != AST_BINARY_OP)
        return expr->kind == AST_BETWEEN && !expr->is_negated;
    if (strview_equal_ci(expr->op, STR_VIEW("AND")))
        return is_comparison_tree(expr->arguments.items[0]) && is_comparison_tree(expr->arguments.items[1]);
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (strview_is(expr->op, operators[i]))
            return true;
    }
    return false;
}

static Status days_match(const DropCondition *condition, const CatalogPartition *partition, bool *out)
{
    bool is_date = condition->table->schema->partition_types[0].kind == TYPE_DATE;
    int64_t step = is_date ? 1 : US_PER_DAY;
    for (int64_t day = partition->low[0].i64; day <= partition->high[0].i64 && *out; day += step) {
        Datum value = datum_i64(day);
        TRY(holds_for(condition, &value, out));
    }
    return OK;
}

static Status range_matches(const DropCondition *condition, const CatalogPartition *partition, bool *out)
{
    const TableSchema *schema = condition->table->schema;
    *out = false;
    if (!partition->has_low || !partition->has_high)
        return OK;
    TRY(holds_for(condition, partition->low, out));
    if (*out)
        TRY(holds_for(condition, partition->high, out));
    if (!*out || is_comparison_tree(condition->expr))
        return OK;
    bool is_date = schema->partition_column_count == 1 && type_is_date(schema->partition_types[0]);
    int64_t days = is_date ? (partition->high[0].i64 - partition->low[0].i64) / (schema->partition_types[0].kind == TYPE_DATE ? 1 : US_PER_DAY) : 0;
    if (!is_date || days > MOST_DAYS)
        return DDL_ERROR(condition->context, "The condition of DROP PARTITIONS on ranges must be made of comparisons and AND.");
    return days_match(condition, partition, out);
}

Status ddl_partition_matches(DdlContext *context, const AstExpr *expr, const CatalogTable *table, const CatalogPartition *partition, bool *out)
{
    DropCondition condition = {.context = context, .expr = expr, .table = table};
    TRY(print_exprs(&condition));
    if (table_has_ranges(table->schema))
        return range_matches(&condition, partition, out);
    *out = partition->value_rows > 0;
    for (uint32_t v = 0; v < partition->value_rows && *out; v++)
        TRY(holds_for(&condition, &partition->values[v * table->schema->partition_column_count], out));
    return OK;
}
