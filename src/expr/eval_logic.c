#include "expr/eval_int.h"

/* AND, OR and CASE: each term sees only the rows that still need it, so that a later term may fail
 * on values that an earlier one excludes. Results are written at the rows' own positions. */

/* What comes out is not foreseeable: no loop over rows branches on it. */

static inline bool is_plain(const VectorView *view)
{
    return view->codes == NULL && !view->is_constant && view->nulls == NULL && view->row_nulls == NULL;
}

/* A byte by row: is the condition TRUE? */
static const uint8_t *bytes_of(const VectorView *view, Rows rows, uint8_t *buffer)
{
    const uint8_t *values = view->data;
    if (is_plain(view))
        return values;
    for (FOR_ROWS(rows, i, row))
        buffer[row] = values[view_index(view, row)] != 0 && !view_is_null(view, row);
    return buffer;
}

/* out_others may be where the rows come from: the write position never passes the read one. */
static uint32_t split_rows(const uint8_t *holds, Rows rows, uint16_t *out_true, uint16_t *out_others)
{
    uint32_t taken = 0;
    if (rows.sel == NULL) {
        for (uint32_t row = 0; row < rows.count; row++) {
            out_true[taken] = (uint16_t)row;
            out_others[row - taken] = (uint16_t)row;
            taken += holds[row] != 0;
        }
        return taken;
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint16_t row = rows.sel[i];
        out_true[taken] = row;
        out_others[i - taken] = row;
        taken += holds[row] != 0;
    }
    return taken;
}

static uint32_t take_rows(const uint8_t *holds, Rows rows, uint16_t *out_true)
{
    uint32_t taken = 0;
    for (FOR_ROWS(rows, i, row)) {
        out_true[taken] = (uint16_t)row;
        taken += holds[row] != 0;
    }
    return taken;
}

uint32_t eval_split(const Vector *condition, Rows rows, uint16_t *out_true, uint16_t *out_others,
                    uint32_t *out_other_count)
{
    uint8_t buffer[CHUNK_ROWS];
    VectorView view = vector_view(condition);
    const uint8_t *holds = bytes_of(&view, rows, buffer);
    uint32_t taken = out_others == NULL ? take_rows(holds, rows, out_true) : split_rows(holds, rows, out_true, out_others);
    if (out_other_count != NULL)
        *out_other_count = rows.count - taken;
    return taken;
}

/* Takes one term into the three-valued result; rows that are decided leave rest. For AND decided
 * is FALSE, for OR it is TRUE. Rows that are not have the other value until then, so that deciding turns it round. */
static uint32_t take_term(const Vector *term, Rows rows, bool decided, uint8_t *values,
                          uint8_t *nulls, uint16_t *rest)
{
    VectorView view = vector_view(term);
    const uint8_t *in = view.data;
    uint32_t left = 0;
    bool plain = is_plain(&view);
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = !plain && view_is_null(&view, row);
        bool is_true = in[plain ? row : view_index(&view, row)] != 0;
        uint8_t decides = (uint8_t)(!is_null && is_true == decided);
        values[row] ^= decides;
        nulls[row] = (uint8_t)((nulls[row] & (decides ^ 1)) | is_null);
        rest[left] = (uint16_t)row;
        left += !decides;
    }
    return left;
}

Status eval_and_or(Evaluator *ev, EvalNode *node, Rows rows)
{
    bool decided = node->expr->kind == EXPR_OR;
    Vector *out = &node->out;
    vector_reset(out);
    uint8_t *values = out->data;
    uint8_t *nulls = vector_nulls(out);
    for (FOR_ROWS(rows, i, row)) {
        values[row] = !decided;
        nulls[row] = 0;
    }
    Rows left = rows;
    for (uint32_t t = 0; t < node->argument_count && left.count > 0; t++) {
        const Vector *term;
        TRY(eval_narrower(ev, node->arguments[t], left, &term));
        /* rest may be read and written in place: the write position never passes the read one. */
        left.count = take_term(term, left, decided, values, nulls, node->sel_rest);
        left.sel = node->sel_rest;
    }
    return OK;
}

#define COPY_VALUES(T)                                             \
    for (FOR_ROWS(rows, i, row)) {                                 \
        T value;                                                   \
        memcpy(&value, in + view_index(view, row) * sizeof(T), sizeof(T)); \
        memcpy(out + row * sizeof(T), &value, sizeof(T));          \
    }

static void copy_values(const VectorView *view, uint32_t width, Rows rows, void *target)
{
    const char *in = view->data;
    char *out = target;
    switch (width) {
    case 1:
        COPY_VALUES(uint8_t)
        break;
    case 2:
        COPY_VALUES(uint16_t)
        break;
    case 4:
        COPY_VALUES(uint32_t)
        break;
    case 8:
        COPY_VALUES(uint64_t)
        break;
    case 16:
        COPY_VALUES(UInt128)
        break;
    default:
        UNREACHABLE();
    }
}

static void copy_branch(const Vector *from, Rows rows, Arena *arena, Vector *out)
{
    VectorView view = vector_view(from);
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    uint8_t *nulls = has_nulls || out->nulls != NULL ? vector_nulls(out) : NULL;
    if (out->child_count > 0) {
        for (FOR_ROWS(rows, i, row)) {
            Datum value = vector_get(from, row, arena);
            vector_put(out, arena, row, &value);
        }
        return;
    }
    copy_values(&view, phys_width(out->type.phys), rows, out->data);
    for (FOR_ROWS(rows, i, row)) {
        if (nulls == NULL)
            break;
        nulls[row] = has_nulls && view_is_null(&view, row);
    }
}

static void null_branch(Rows rows, Vector *out)
{
    for (FOR_ROWS(rows, i, row))
        vector_set_null(out, row);
}

Status eval_case(Evaluator *ev, EvalNode *node, Rows rows)
{
    Vector *out = &node->out;
    eval_reset_out(ev, node);
    Rows left = rows;
    uint32_t i = 0;
    for (; i + 1 < node->argument_count && left.count > 0; i += 2) {
        const Vector *condition;
        TRY(eval_narrower(ev, node->arguments[i], left, &condition));
        uint32_t others;
        uint32_t taken = eval_split(condition, left, node->sel_true, node->sel_rest, &others);
        left = (Rows){node->sel_rest, others};
        if (taken == 0)
            continue;
        Rows branch = {node->sel_true, taken};
        const Vector *value;
        TRY(eval_narrower(ev, node->arguments[i + 1], branch, &value));
        copy_branch(value, branch, &ev->results, out);
    }
    if (left.count == 0)
        return OK;
    if (node->argument_count % 2 == 0) {
        null_branch(left, out);
        return OK;
    }
    const Vector *value;
    TRY(eval_narrower(ev, node->arguments[node->argument_count - 1], left, &value));
    copy_branch(value, left, &ev->results, out);
    return OK;
}
