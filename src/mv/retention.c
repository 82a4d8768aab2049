#include "mv/retention.h"

#include "sql/parser.h"
#include "types/datetime.h"

/* The condition is bound over the partition columns, and folded for values of them: the first and the last one of a range, each of a list. */

struct MvRetention {
    Arena *arena;
    FuncSession *session;
    Expr *condition;
    ColumnId *ids; /* a partition column */
    const Type *types;
    uint32_t count;
};

Status mv_retention_bind(const CatalogSnapshot *snapshot, const TableSchema *schema, StrView text, Arena *arena, FuncSession *session, Diag *diag,
                         MvRetention **out)
{
    AnalyzeContext analyze = {.arena = arena, .diag = diag, .catalog = snapshot, .session = session, .ids = {1}};
    MvRetention *retention = ARENA_NEW(arena, MvRetention);
    uint32_t count = schema->partition_column_count;
    LogicalColumn *columns = ARENA_NEW_ARRAY(arena, LogicalColumn, count + 1);
    AstExpr *ast;
    *retention = (MvRetention){.arena = arena, .session = session, .types = schema->partition_types, .count = count};
    retention->ids = ARENA_NEW_ARRAY(arena, ColumnId, count + 1);
    if (count == 0)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: partition_retention_condition is only supported for partitioned "
                     "materialized view.");
    for (uint32_t i = 0; i < count; i++) {
        retention->ids[i] = column_ids_next(&analyze.ids);
        columns[i] = (LogicalColumn){.id = retention->ids[i], .type = schema->partition_types[i], .is_nullable = true,
                                     .name = schema->partition_exprs[i]};
    }
    TRY(sql_parse_expression(text, arena, diag, &ast));
    TRY(analyze_scalar(&analyze, ast, text, columns, count, &retention->condition));
    if (retention->condition->type.kind != TYPE_BOOLEAN)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: the partition retention condition '%.*s' is no predicate.", SV_ARGS(text));
    *out = retention;
    return OK;
}

typedef struct Filling {
    const MvRetention *retention;
    const Datum *values;
} Filling;

static Expr *fill_value(void *context, Expr *node)
{
    const Filling *filling = context;
    const MvRetention *retention = filling->retention;
    for (uint32_t i = 0; i < retention->count && node->kind == EXPR_COLUMN; i++) {
        if (retention->ids[i] == node->column.id)
            return expr_constant(retention->arena, retention->types[i], filling->values[i]);
    }
    return node;
}

static Status meets(const MvRetention *retention, const Datum *values, Diag *diag, bool *in_out_keeps)
{
    Filling filling = {retention, values};
    Datum value;
    if (*in_out_keeps)
        return OK;
    Expr *filled = expr_rewrite(expr_clone(retention->arena, retention->condition), fill_value, &filling);
    TRY(expr_fold(retention->arena, retention->session, filled, diag, &filled));
    /* What can't be told is kept. */
    *in_out_keeps = !expr_is_constant(filled, &value) || (!value.is_null && value.i64 != 0);
    return OK;
}

Status mv_retention_keeps(const MvRetention *retention, const MvCell *cell, Diag *diag, bool *out_keeps)
{
    *out_keeps = false;
    for (uint32_t row = 0; row < cell->value_rows; row++)
        TRY(meets(retention, &cell->values[row * retention->count], diag, out_keeps));
    if (cell->value_rows > 0)
        return OK;
    if (!cell->has_low || !cell->has_high) {
        *out_keeps = true; /* without an end */
        return OK;
    }
    Datum last = {.i128 = (Int128)cell->high.i128 - 1};
    if (type_is_date(retention->types[0]))
        last = datum_i64(cell->high.i64 - 1);
    TRY(meets(retention, &cell->low, diag, out_keeps));
    return meets(retention, &last, diag, out_keeps);
}
