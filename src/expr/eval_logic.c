#include "expr/eval_int.h"

/* AND, OR and CASE: each term sees only the rows that still need it, so that a later term may fail
 * on values that an earlier one excludes. Results are written at the rows' own positions. */

uint32_t eval_split(const Vector *condition, Rows rows, uint16_t *out_true, uint16_t *out_others,
                    uint32_t *out_other_count)
{
    VectorView view = vector_view(condition);
    const uint8_t *values = view.data;
    uint32_t num_true = 0;
    uint32_t num_others = 0;
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    for (FOR_ROWS(rows, i, row)) {
        bool holds = values[view_index(&view, row)] != 0 && !(has_nulls && view_is_null(&view, row));
        out_true[num_true] = (uint16_t)row;
        num_true += holds;
        if (out_others != NULL) {
            out_others[num_others] = (uint16_t)row;
            num_others += !holds;
        }
    }
    if (out_other_count != NULL)
        *out_other_count = num_others;
    return num_true;
}

/* Takes one term into the three-valued result; rows that are decided leave rest. For AND decided
 * is FALSE, for OR it is TRUE. */
static uint32_t take_term(const Vector *term, Rows rows, bool decided, uint8_t *values,
                          uint8_t *nulls, uint16_t *rest)
{
    VectorView view = vector_view(term);
    const uint8_t *in = view.data;
    uint32_t left = 0;
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row)) {
            nulls[row] = 1;
            rest[left++] = (uint16_t)row;
            continue;
        }
        if ((in[view_index(&view, row)] != 0) == decided) {
            values[row] = decided;
            nulls[row] = 0;
            continue;
        }
        rest[left++] = (uint16_t)row;
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

static void copy_branch(const Vector *from, Rows rows, Arena *arena, Vector *out)
{
    VectorView view = vector_view(from);
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    uint8_t *nulls = has_nulls || out->nulls != NULL ? vector_nulls(out) : NULL;
    uint32_t width = phys_width(out->type.phys);
    if (out->child_count > 0) {
        for (FOR_ROWS(rows, i, row)) {
            Datum value = vector_get(from, row, arena);
            vector_put(out, arena, row, &value);
        }
        return;
    }
    const char *in = view.data;
    char *target = out->data;
    for (FOR_ROWS(rows, i, row)) {
        size_t index = view_index(&view, row);
        memcpy(target + (size_t)row * width, in + index * width, width);
        if (nulls != NULL)
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
