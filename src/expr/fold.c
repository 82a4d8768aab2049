#include "expr/eval.h"

/* Constant folding: calls whose arguments are all constant are run once; AND, OR and CASE lose
 * branches that constants decide. A call that raises stays, so that the error comes when (and only if)
 * the row that needs it is reached. */

static bool all_constant(const Expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (expr->arguments[i]->kind != EXPR_CONSTANT)
            return false;
    }
    return true;
}

/* Runs the expression over one row without columns; NULL when it fails. */
static Expr *run_once(Arena *arena, const FuncSession *session, Expr *expr)
{
    Diag diag = {0};
    Evaluator *evaluator;
    const Expr *roots[] = {expr};
    if (evaluator_open(roots, 1, session, NULL, &diag, &evaluator) != OK)
        return NULL;
    Chunk row = {.row_count = 1};
    const Vector *value;
    Expr *folded = NULL;
    if (evaluator_run(evaluator, &row, &value) == OK) {
        AUTO_ARENA scratch;
        arena_init(&scratch, NULL);
        Datum datum = vector_get(value, 0, &scratch);
        folded = expr_constant(arena, expr->type, datum_copy(arena, expr->type, &datum));
    }
    evaluator_close(evaluator);
    return folded;
}

static Expr *fold_junction(Arena *arena, Expr *expr)
{
    bool is_and = expr->kind == EXPR_AND;
    Expr **kept = ARENA_NEW_ARRAY(arena, Expr *, MAX(expr->argument_count, 1u));
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        Expr *term = expr->arguments[i];
        if (term->kind == EXPR_CONSTANT && !term->constant.value.is_null) {
            if ((term->constant.value.i64 != 0) == is_and)
                continue;
            return expr_bool(arena, !is_and);
        }
        kept[count++] = term;
    }
    if (count == expr->argument_count)
        return expr;
    return is_and ? expr_and(arena, kept, count) : expr_or(arena, kept, count);
}

static Expr *fold_case(Arena *arena, Expr *expr)
{
    Expr **kept = ARENA_NEW_ARRAY(arena, Expr *, MAX(expr->argument_count, 1u));
    uint32_t count = 0;
    uint32_t i = 0;
    for (; i + 1 < expr->argument_count; i += 2) {
        const Expr *when = expr->arguments[i];
        bool is_decided = when->kind == EXPR_CONSTANT;
        bool holds = is_decided && !when->constant.value.is_null && when->constant.value.i64 != 0;
        if (is_decided && !holds)
            continue;
        if (holds && count == 0)
            return expr->arguments[i + 1];
        if (holds) {
            kept[count++] = expr->arguments[i + 1];
            break;
        }
        kept[count++] = expr->arguments[i];
        kept[count++] = expr->arguments[i + 1];
    }
    if (count % 2 == 0 && i < expr->argument_count && i % 2 == 0 && expr->argument_count % 2 == 1)
        kept[count++] = expr->arguments[expr->argument_count - 1];
    if (count == expr->argument_count)
        return expr;
    if (count <= 1)
        return count == 1 ? kept[0] : expr_null(arena, expr->type);
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->arguments = kept;
    copy->argument_count = count;
    return copy;
}

static Expr *fold_node(Arena *arena, const FuncSession *session, Expr *expr)
{
    switch ((ExprKind)expr->kind) {
    case EXPR_AND:
    case EXPR_OR:
        return fold_junction(arena, expr);
    case EXPR_CASE:
        return fold_case(arena, expr);
    case EXPR_IN:
        return all_constant(expr) ? run_once(arena, session, expr) : expr;
    case EXPR_CALL:
        if (!all_constant(expr) || (expr->call.binding->flags & FUNC_VOLATILE) != 0 ||
            expr->call.binding->kernel == NULL)
            return expr;
        return run_once(arena, session, expr);
    case EXPR_CONSTANT:
    case EXPR_COLUMN:
    case EXPR_LAMBDA:
    case EXPR_ARGUMENT:
    case EXPR_PARAMETER:
    case EXPR_SUBQUERY:
        return expr;
    }
    UNREACHABLE();
}

static Expr *fold_tree(Arena *arena, const FuncSession *session, Expr *expr)
{
    if (expr->kind == EXPR_CONSTANT || expr->kind == EXPR_COLUMN)
        return expr;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        expr->arguments[i] = fold_tree(arena, session, expr->arguments[i]);
    Expr *folded = fold_node(arena, session, expr);
    return folded == NULL ? expr : folded;
}

Status expr_fold(Arena *arena, const FuncSession *session, Expr *expr, Diag *diag, Expr **out_expr)
{
    (void)diag;
    *out_expr = fold_tree(arena, session, expr);
    return OK;
}
