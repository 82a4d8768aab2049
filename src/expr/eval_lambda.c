#include "expr/eval_int.h"

/* Lambda arguments. The body is compiled as an evaluator of its own whose input chunk holds the
 * parameters first and the captured columns after, the latter spread out by the parent row of each
 * element. More elements than CHUNK_ROWS are worked off in pieces. A lambda inside the body is compiled
 * with the body: by then the outer parameters are columns, which it captures like any other. */

typedef struct CaptureContext {
    Arena *arena;
    const Expr *lambda;
    EvalLambda *out;
    uint32_t capacity;
} CaptureContext;

static int parameter_index(const Expr *lambda, ColumnId id)
{
    for (uint32_t i = 0; i < lambda->lambda.parameter_count; i++) {
        if (lambda->lambda.parameters[i] == id)
            return (int)i;
    }
    return -1;
}

static uint32_t capture_slot(CaptureContext *capture, const Expr *column)
{
    EvalLambda *out = capture->out;
    for (uint32_t i = 0; i < out->capture_count; i++) {
        if (out->capture_slots[i] == column->column.slot)
            return out->parameter_count + i;
    }
    if (out->capture_count == capture->capacity) {
        uint32_t capacity = capture->capacity;
        out->capture_slots = arena_grow(capture->arena, out->capture_slots, sizeof(uint32_t),
                                        out->capture_count, &capacity);
        out->capture_types = arena_grow(capture->arena, out->capture_types, sizeof(Type),
                                        out->capture_count, &capture->capacity);
    }
    out->capture_slots[out->capture_count] = column->column.slot;
    out->capture_types[out->capture_count] = column->type;
    return out->parameter_count + out->capture_count++;
}

static Expr *map_column(void *context, Expr *node)
{
    CaptureContext *capture = context;
    if (node->kind == EXPR_COLUMN) {
        node->column.slot = capture_slot(capture, node);
        return node;
    }
    int parameter = node->kind == EXPR_ARGUMENT ? parameter_index(capture->lambda, node->column.id) : -1;
    if (parameter >= 0) { /* those of lambdas inside this one wait for their own turn */
        node->kind = EXPR_COLUMN;
        node->column.slot = (uint32_t)parameter;
    }
    return node;
}

Status eval_lambda_open(Evaluator *ev, const Expr *lambda, EvalLambda **out)
{
    EvalLambda *compiled = ARENA_NEW(&ev->arena, EvalLambda);
    compiled->parameter_count = lambda->lambda.parameter_count;
    CaptureContext capture = {.arena = &ev->arena, .lambda = lambda, .out = compiled};
    Expr *body = expr_rewrite(expr_clone(&ev->arena, lambda->arguments[0]), map_column, &capture);
    const Expr *roots[] = {body};
    *out = compiled;
    return evaluator_open(roots, 1, ev->session, ev->arena.tracker, ev->diag, &compiled->body);
}

/* The evaluator that runs the call is found through the input it was given for this chunk. */
static void spread_captures(const EvalLambda *lambda, const Chunk *outer, const uint32_t *parent_rows,
                            uint32_t first, uint32_t count, Arena *arena, Chunk *piece)
{
    for (uint32_t c = 0; c < lambda->capture_count; c++) {
        Vector *column = &piece->columns[lambda->parameter_count + c];
        const Vector *source = &outer->columns[lambda->capture_slots[c]];
        if (source->form == VECTOR_CONSTANT) {
            vector_reference(column, source);
            continue;
        }
        vector_init(column, arena, source->type, CHUNK_ROWS);
        for (uint32_t i = 0; i < count; i++) {
            Datum value = vector_get(source, parent_rows[first + i], arena);
            vector_put(column, arena, i, &value);
        }
    }
}

static Vector slice_of(const Vector *input, uint32_t first, Arena *arena)
{
    Vector slice = *input;
    if (input->type.phys == PHYS_STRUCT) {
        slice.children = ARENA_NEW_ARRAY(arena, Vector, input->child_count);
        for (uint32_t c = 0; c < input->child_count; c++)
            slice.children[c] = slice_of(&input->children[c], first, arena);
    }
    uint32_t width = phys_width(input->type.phys);
    slice.data = input->data == NULL ? NULL : (char *)input->data + (size_t)first * width;
    slice.nulls = input->nulls == NULL ? NULL : input->nulls + first;
    return slice;
}

Status eval_call_lambda(FuncContext *context, uint32_t argument, const Vector *const *inputs,
                        uint32_t input_count, const uint32_t *parent_rows, uint32_t row_count,
                        Vector *out)
{
    EvalNode *node = context->lambda_context;
    const EvalLambda *lambda = node->lambdas[argument];
    Evaluator *body = lambda->body;
    Arena *arena = context->arena;
    const Chunk *outer = *(const Chunk *const *)context->lambda_input;
    ENSURE(input_count == lambda->parameter_count, context->diag);
    vector_init(out, arena, body->roots[0]->expr->type, MAX(row_count, 1u));
    Chunk piece = {.column_count = lambda->parameter_count + lambda->capture_count};
    piece.columns = ARENA_NEW_ARRAY(arena, Vector, MAX(piece.column_count, 1u));
    for (uint32_t first = 0; first < row_count; first += CHUNK_ROWS) {
        uint32_t count = MIN(row_count - first, (uint32_t)CHUNK_ROWS);
        for (uint32_t i = 0; i < input_count; i++)
            piece.columns[i] = slice_of(inputs[i], first, arena);
        spread_captures(lambda, outer, parent_rows, first, count, arena, &piece);
        piece.row_count = count;
        const Vector *result;
        TRY(evaluator_run(body, &piece, &result));
        vector_gather(result, (Rows){NULL, count}, arena, first, out);
    }
    return OK;
}
