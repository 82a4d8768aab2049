#include "expr/eval_int.h"

/* Lambda arguments. The body is compiled as an evaluator of its own whose input chunk holds the
 * parameters first and the captures after. A capture is any part of the body that uses no parameter: a
 * column, or an expression that is worked out once a row of the call instead of once an element. It is
 * spread out by the parent row of each element. More elements than CHUNK_ROWS are worked off in pieces.
 * A lambda inside the body is compiled with the body: by then the outer parameters are columns, which
 * it captures like any other. */

typedef struct BoundLambda {
    const struct BoundLambda *outer;
    const Expr *lambda;
} BoundLambda;

static int parameter_index(const Expr *lambda, ColumnId id)
{
    for (uint32_t i = 0; i < lambda->lambda.parameter_count; i++) {
        if (lambda->lambda.parameters[i] == id)
            return (int)i;
    }
    return -1;
}

/* Does the part use no parameter but those of lambdas inside itself? */
static bool is_closed(const Expr *expr, const BoundLambda *inside)
{
    if (expr->kind == EXPR_ARGUMENT) {
        for (; inside != NULL; inside = inside->outer) {
            if (parameter_index(inside->lambda, expr->column.id) >= 0)
                return true;
        }
        return false;
    }
    BoundLambda bound = {inside, expr};
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (!is_closed(expr->arguments[i], expr->kind == EXPR_LAMBDA ? &bound : inside))
            return false;
    }
    return true;
}

typedef struct CaptureContext {
    Evaluator *ev;
    const Expr *lambda;
    EvalLambda *out;
    uint32_t capacity;
} CaptureContext;

static Status capture(CaptureContext *context, Expr *expr, Expr **out)
{
    EvalLambda *lambda = context->out;
    Arena *arena = &context->ev->arena;
    EvalNode *node;
    TRY(eval_compile(context->ev, expr, &node));
    uint32_t place = 0;
    while (place < lambda->capture_count && lambda->captures[place] != node)
        place++;
    if (place == lambda->capture_count) {
        if (lambda->capture_count == context->capacity)
            lambda->captures = arena_grow(arena, lambda->captures, sizeof(EvalNode *), lambda->capture_count,
                                          &context->capacity);
        lambda->captures[lambda->capture_count++] = node;
    }
    *out = expr_column(arena, 0, expr->type, expr->is_nullable, STR_VIEW("capture"));
    (*out)->column.slot = lambda->parameter_count + place;
    return OK;
}

static Status rewrite_body(CaptureContext *context, Expr *expr, Expr **out)
{
    *out = expr;
    if (expr->kind == EXPR_CONSTANT)
        return OK;
    if (expr->kind == EXPR_ARGUMENT) {
        int parameter = parameter_index(context->lambda, expr->column.id);
        if (parameter < 0) /* those of lambdas inside this one wait for their own turn */
            return OK;
        *out = expr_column(&context->ev->arena, 0, expr->type, expr->is_nullable, expr->column.name);
        (*out)->column.slot = (uint32_t)parameter;
        return OK;
    }
    if (expr->kind != EXPR_LAMBDA && expr_is_deterministic(expr) && is_closed(expr, NULL))
        return capture(context, expr, out);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        bool is_in_constant = expr->kind == EXPR_IN && i > 0;
        if (!is_in_constant)
            TRY(rewrite_body(context, expr->arguments[i], &expr->arguments[i]));
    }
    return OK;
}

Status eval_lambda_open(Evaluator *ev, const Expr *lambda, EvalLambda **out)
{
    EvalLambda *compiled = ARENA_NEW(&ev->arena, EvalLambda);
    compiled->parameter_count = lambda->lambda.parameter_count;
    CaptureContext context = {.ev = ev, .lambda = lambda, .out = compiled};
    Expr *body;
    *out = compiled;
    TRY(rewrite_body(&context, expr_clone(&ev->arena, lambda->arguments[0]), &body));
    compiled->capture_values = ARENA_NEW_ARRAY(&ev->arena, const Vector *, MAX(compiled->capture_count, 1u));
    const Expr *roots[] = {body};
    return evaluator_open(roots, 1, ev->session, ev->arena.tracker, ev->diag, &compiled->body);
}

Status eval_lambda_captures(Evaluator *ev, EvalNode *node, Rows rows)
{
    for (uint32_t a = 0; a < node->argument_count; a++) {
        EvalLambda *lambda = node->lambdas[a];
        for (uint32_t c = 0; lambda != NULL && c < lambda->capture_count; c++)
            TRY(eval_node(ev, lambda->captures[c], rows, &lambda->capture_values[c]));
    }
    return OK;
}

/* Nested values are not copied: the column refers to the rows of the source as to a dictionary, which
 * is too large to be worth evaluating entry by entry (rows that are not selected hold garbage). */
static void refer_to_rows(const Vector *source, const uint32_t *parent_rows, uint32_t count, Arena *arena, Vector *column)
{
    VectorView view = vector_view(source);
    uint32_t *codes = ARENA_NEW_ARRAY(arena, uint32_t, CHUNK_ROWS);
    uint8_t *nulls = view.row_nulls == NULL ? NULL : ARENA_NEW_ARRAY(arena, uint8_t, CHUNK_ROWS);
    for (uint32_t i = 0; i < count; i++) {
        codes[i] = view_index(&view, parent_rows[i]);
        if (nulls != NULL)
            nulls[i] = view.row_nulls[parent_rows[i]];
    }
    *column = (Vector){.type = source->type, .form = VECTOR_DICTIONARY, .codes = codes, .nulls = nulls,
                       .dictionary = view.values, .dict_size = UINT32_MAX};
}

static void spread_captures(const EvalLambda *lambda, const uint32_t *parent_rows, uint32_t count, Arena *arena, Chunk *piece)
{
    for (uint32_t c = 0; c < lambda->capture_count; c++) {
        Vector *column = &piece->columns[lambda->parameter_count + c];
        const Vector *source = lambda->capture_values[c];
        if (source->form == VECTOR_CONSTANT) {
            *column = *source;
            continue;
        }
        if (type_is_nested(source->type)) {
            refer_to_rows(source, parent_rows, count, arena, column);
            continue;
        }
        vector_init(column, arena, source->type, CHUNK_ROWS);
        for (uint32_t i = 0; i < count; i++) {
            Datum value = vector_get(source, parent_rows[i], arena);
            vector_put(column, arena, i, &value);
        }
    }
}

Status eval_call_lambda(FuncContext *context, uint32_t argument, const Vector *const *inputs,
                        uint32_t input_count, const uint32_t *parent_rows, uint32_t row_count,
                        Vector *out)
{
    EvalNode *node = context->lambda_context;
    const EvalLambda *lambda = node->lambdas[argument];
    Evaluator *body = lambda->body;
    Arena *arena = context->arena;
    ENSURE(input_count == lambda->parameter_count, context->diag);
    vector_init(out, arena, body->roots[0]->expr->type, MAX(row_count, 1u));
    Chunk piece = {.column_count = lambda->parameter_count + lambda->capture_count};
    piece.columns = ARENA_NEW_ARRAY(arena, Vector, MAX(piece.column_count, 1u));
    for (uint32_t first = 0; first < row_count; first += CHUNK_ROWS) {
        uint32_t count = MIN(row_count - first, (uint32_t)CHUNK_ROWS);
        for (uint32_t i = 0; i < input_count; i++) {
            piece.columns[i] = *inputs[i];
            vector_advance(&piece.columns[i], first);
        }
        spread_captures(lambda, parent_rows + first, count, arena, &piece);
        piece.row_count = count;
        const Vector *result;
        TRY(evaluator_run(body, &piece, &result));
        vector_gather(result, (Rows){NULL, count}, arena, first, out);
    }
    return OK;
}
